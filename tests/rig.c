/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include "gst/register.h"
#include "sidestream/dummy.h"

GstBus *watch(GstElement *element)
{
    GstBus *bus = gst_bus_new();

    gst_element_set_bus(element, bus);
    return bus;
}

Rig rig_caps(const char *launch, const char *caps)
{
    g_autoptr(GError) error = NULL;
    GstElement *element = gst_parse_bin_from_description_full(launch, TRUE, NULL,
                                                              GST_PARSE_FLAG_NO_SINGLE_ELEMENT_BINS, &error);
    Rig rig;

    fail_unless(element != NULL, "%s", error ? error->message : "");
    gst_object_ref_sink(element);
    rig.bus = watch(element);
    rig.h = gst_harness_new_with_element(element, "sink", "src");
    rig.infer = gst_harness_find_element(rig.h, "ssinfer");
    gst_object_unref(rig.infer); /* the harness keeps it */
    gst_object_unref(element);
    gst_harness_set_src_caps_str(rig.h, caps);
    return rig;
}

Rig rig_new(const char *launch)
{
    return rig_caps(launch, CAPS);
}

Rig rig_with_result(const char *launch, guint n)
{
    ss_dummy_gate_shut(GATE);
    Rig rig = rig_new(launch);

    pass_frame(&rig, n);
    ss_dummy_gate_wait(GATE, 1);
    pass_frame(&rig, n + 1);
    ss_dummy_gate_pass(GATE, 1);
    ss_dummy_gate_wait(GATE, 2);
    return rig;
}

void rig_free(Rig *rig)
{
    GstElement *element = gst_object_ref(rig->h->element);

    gst_harness_teardown(rig->h);
    gst_element_set_bus(element, NULL);
    gst_object_unref(element);
    gst_object_unref(rig->bus);
}

guint64 counter(const Rig *rig, const char *name)
{
    g_autoptr(GstStructure) stats = NULL;
    guint64 value = 0;
    gint64 signed_value = 0;

    g_object_get(rig->infer, "stats", &stats, NULL);
    if (gst_structure_get_int64(stats, name, &signed_value))
        return (guint64)signed_value;
    fail_unless(gst_structure_get_uint64(stats, name, &value), "no %s", name);
    return value;
}

void assert_every_frame_has_its_fate(const Rig *rig)
{
    assert_equals_uint64(counter(rig, "offered"), counter(rig, "skipped") + counter(rig, "replaced") +
                                                      counter(rig, "inferred") + counter(rig, "late") +
                                                      counter(rig, "failed") + counter(rig, "in-flight"));
}

gboolean is_in_state(const Rig *rig, const char *state)
{
    g_autofree char *now = NULL;

    g_object_get(rig->infer, "state", &now, NULL);
    return strcmp(now, state) == 0;
}

void await_state(const Rig *rig, const char *state)
{
    while (!is_in_state(rig, state))
        g_thread_yield();
}

GstBuffer *make_frame(guint64 pts, guint8 brightness)
{
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, WIDTH * HEIGHT, NULL);

    gst_buffer_memset(buffer, 0, brightness, WIDTH * HEIGHT);
    GST_BUFFER_PTS(buffer) = pts;
    GST_BUFFER_DURATION(buffer) = PERIOD;
    return buffer;
}

GstBuffer *pass(const Rig *rig, GstBuffer *buffer)
{
    fail_unless_equals_int(gst_harness_push(rig->h, buffer), GST_FLOW_OK);
    GstBuffer *out = gst_harness_try_pull(rig->h);
    fail_unless(out != NULL);
    return out;
}

void pass_frame(const Rig *rig, guint n)
{
    gst_buffer_unref(pass(rig, make_frame(n * PERIOD, 100)));
}

guint count_objects(GstBuffer *buffer)
{
    gpointer iterator = NULL;
    guint n = 0;

    while (gst_buffer_iterate_meta_filtered(buffer, &iterator, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE))
        n++;
    return n;
}

const GstVideoRegionOfInterestMeta *nth_object(GstBuffer *buffer, guint n)
{
    gpointer iterator = NULL;
    GstMeta *meta;

    do
        meta =
            gst_buffer_iterate_meta_filtered(buffer, &iterator, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE);
    while (n-- > 0 && meta);
    fail_unless(meta != NULL);
    return (GstVideoRegionOfInterestMeta *)meta;
}

const GstStructure *param_of(const GstVideoRegionOfInterestMeta *meta, const char *name)
{
    const GstStructure *s =
        gst_video_region_of_interest_meta_get_param((GstVideoRegionOfInterestMeta *)meta, name);

    fail_unless(s != NULL, "no structure %s", name);
    return s;
}

GstBuffer *pass_to_its_end(const Rig *rig, GstBuffer *buffer)
{
    GstMemory *memory = gst_buffer_peek_memory(buffer, 0);
    GstBuffer *out = pass(rig, buffer);

    fail_unless(gst_buffer_peek_memory(out, 0) == memory);
    while (counter(rig, "in-flight") > 0)
        g_thread_yield();
    return out;
}

typedef struct OwnAllocator {
    GstAllocator parent;
    void (*free)(GstMemory *memory);
} OwnAllocator;
typedef GstAllocatorClass OwnAllocatorClass;
GType own_allocator_get_type(void);
G_DEFINE_TYPE(OwnAllocator, own_allocator, GST_TYPE_ALLOCATOR)

static void own_unmap(GstMemory *memory, GstMapInfo *info)
{
    (void)memory, (void)info;
}

static void own_free(GstAllocator *allocator, GstMemory *memory)
{
    ((OwnAllocator *)allocator)->free(memory);
}

static void own_allocator_class_init(OwnAllocatorClass *klass)
{
    klass->free = own_free;
}

static void own_allocator_init(OwnAllocator *own)
{
    own->parent.mem_unmap_full = own_unmap;
    GST_OBJECT_FLAG_SET(own, GST_ALLOCATOR_FLAG_CUSTOM_ALLOC);
}

GstAllocator *allocator_new(const char *type, GstMemoryMapFullFunction map, void (*free)(GstMemory *memory))
{
    OwnAllocator *own = gst_object_ref_sink(g_object_new(own_allocator_get_type(), NULL));

    own->parent.mem_type = type;
    own->parent.mem_map_full = map;
    own->free = free;
    return &own->parent;
}

GstBuffer *frame_in(GstMemory *memory, guint n)
{
    GstBuffer *buffer = gst_buffer_new();

    gst_buffer_append_memory(buffer, memory);
    GST_BUFFER_PTS(buffer) = n * PERIOD;
    GST_BUFFER_DURATION(buffer) = PERIOD;
    return buffer;
}

guint64 source_of(GstBuffer *buffer)
{
    guint64 pts = 0;

    fail_unless(gst_structure_get_uint64(param_of(nth_object(buffer, 0), "sidestream"), "source-pts", &pts));
    return pts;
}

static char *next_state(GstBus *bus)
{
    char *text = NULL;
    GstMessage *message;

    while (!text && (message = gst_bus_pop_filtered(bus, GST_MESSAGE_ELEMENT))) {
        const GstStructure *s = gst_message_get_structure(message);
        if (gst_structure_has_name(s, "sidestream-state")) {
            const char *error = gst_structure_get_string(s, "error");
            gboolean stand_in = FALSE;
            fail_unless(gst_structure_get_boolean(s, "stand-in", &stand_in));
            text = g_strconcat(gst_structure_get_string(s, "state"), stand_in ? ", a stand-in" : "",
                               *error ? ": " : "", error, NULL);
        }
        gst_message_unref(message);
    }
    return text;
}

static void require_state(const char *state, const char *expected)
{
    if (g_strcmp0(state, expected) != 0)
        fail("state %s, expected %s", state ? state : "(none)", expected ? expected : "(none)");
}

void assert_next_state(GstBus *bus, const char *expected)
{
    g_autofree char *state = next_state(bus);

    require_state(state, expected);
}

void assert_next_state_but_loading(GstBus *bus, const char *expected)
{
    g_autofree char *first = next_state(bus);
    const gboolean loading = g_strcmp0(first, "loading") == 0;
    g_autofree char *second = loading ? next_state(bus) : NULL;

    require_state(loading ? second : first, expected);
}

gboolean delay_told(GstBus *bus, gboolean *live, gint64 *delay)
{
    const GstMessageType types = GST_MESSAGE_ELEMENT | GST_MESSAGE_LATENCY;

    for (GstMessage *m; (m = gst_bus_pop_filtered(bus, types));) {
        const gboolean ours = gst_message_has_name(m, "sidestream-delay");
        if (ours)
            fail_unless(gst_structure_get(gst_message_get_structure(m), "delay", G_TYPE_INT64, delay, "live",
                                          G_TYPE_BOOLEAN, live, NULL));
        gst_message_unref(m);
        if (!ours)
            continue;
        m = gst_bus_pop_filtered(bus, types);
        fail_unless(m != NULL && GST_MESSAGE_TYPE(m) == GST_MESSAGE_LATENCY);
        gst_message_unref(m);
        return TRUE;
    }
    return FALSE;
}

void push_segment(const Rig *rig, guint64 start, guint64 base)
{
    GstSegment segment;

    gst_segment_init(&segment, GST_FORMAT_TIME);
    segment.start = segment.time = start;
    segment.base = base;
    fail_unless(gst_harness_push_event(rig->h, gst_event_new_segment(&segment)));
}

int run_tests(TCase *tc, int argc, char **argv)
{
    Suite *s = suite_create("sidestream");

    gst_check_init(&argc, &argv);
    if (!ss_gst_register(NULL))
        return 1;
    tcase_set_timeout(tc, 0); /* the runner of the tests has one for all */
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    if (g_getenv("GST_TRACERS"))
        srunner_set_fork_status(runner, CK_NOFORK); /* the leaks tracer, at exit, must see what they left */
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}

static void note_end(gpointer data, GstMiniObject *buffer)
{
    (void)buffer;
    *(gboolean *)data = TRUE;
}

static GstBufferPool *pool_of_frames(void)
{
    GstBufferPool *pool = gst_buffer_pool_new();
    GstStructure *config = gst_buffer_pool_get_config(pool);

    gst_buffer_pool_config_set_params(config, NULL, WIDTH * HEIGHT, 0, 0);
    fail_unless(gst_buffer_pool_set_config(pool, config) && gst_buffer_pool_set_active(pool, TRUE));
    return pool;
}

Decoder decoder_new(guint64 pts)
{
    Decoder d = { .pool = pool_of_frames(), .gone = g_new0(gboolean, 1) };

    fail_unless_equals_int(gst_buffer_pool_acquire_buffer(d.pool, &d.decoded, NULL), GST_FLOW_OK);
    gst_mini_object_weak_ref(GST_MINI_OBJECT(d.decoded), note_end, d.gone);
    GST_BUFFER_PTS(d.decoded) = pts;
    return d;
}

void decoder_has_it_back(Decoder *d)
{
    GstBuffer *again;

    fail_if(*d->gone);
    fail_unless_equals_int(gst_buffer_pool_acquire_buffer(d->pool, &again, NULL), GST_FLOW_OK);
    fail_unless(again == d->decoded);
    gst_mini_object_weak_unref(GST_MINI_OBJECT(again), note_end, d->gone);
    gst_buffer_unref(again);
    gst_buffer_pool_set_active(d->pool, FALSE);
    gst_object_unref(d->pool);
    g_free(d->gone);
}
