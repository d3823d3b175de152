/* SPDX-License-Identifier: Apache-2.0 */
/** A frame never waits, and `frames-waited` would tell. */
#include <unistd.h>

#include "rig.h"
#include "sidestream/dummy.h"

/** 300 frames in, 300 out: in order, pts unchanged, none waited. */
static void assert_frames_flow(const Rig *rig, guint start)
{
    for (guint i = 0; i < 300; i++) {
        GstBuffer *out = pass(rig, make_frame((start + i) * PERIOD, (guint8)i));
        guint8 pixel;
        fail_unless_equals_uint64(GST_BUFFER_PTS(out), (start + i) * PERIOD);
        fail_unless_equals_int(gst_buffer_extract(out, 0, &pixel, 1), 1);
        fail_unless_equals_int(pixel, (guint8)i);
        gst_buffer_unref(out);
    }
    fail_unless_equals_int(gst_harness_buffers_in_queue(rig->h), 0);
    /* The leaks tracer has a lock of its own, for which the threads do wait: not our doing. */
    if (!g_getenv("GST_TRACERS"))
        fail_unless_equals_uint64(counter(rig, "frames-waited"), 0);
}

GST_START_TEST(frames_pass_while_an_inference_hangs)
{
    ss_dummy_gate_shut(GATE);
    Rig rig = rig_new("ssinfer backend=dummy model-options=gate=0");
    pass_frame(&rig, 0);
    ss_dummy_gate_wait(GATE, 1); /* and there it stays */
    assert_frames_flow(&rig, 1);
    fail_unless_equals_uint64(counter(&rig, "offered"), 301);
    fail_unless_equals_uint64(counter(&rig, "inferred"), 0);
    fail_unless_equals_uint64(counter(&rig, "replaced"), 299);
    fail_unless_equals_uint64(counter(&rig, "in-flight"), 2);
    assert_every_frame_has_its_fate(&rig);
    ss_dummy_gate_open(GATE);
    rig_free(&rig);
}
GST_END_TEST;

GST_START_TEST(frames_pass_while_every_inference_fails)
{
    ss_dummy_gate_shut(GATE);
    Rig rig = rig_new("ssinfer backend=dummy model-options=gate=0,broken=infer");
    for (guint i = 0; i < 5; i++) {
        pass_frame(&rig, i);
        ss_dummy_gate_wait(GATE, (int)i + 1);
        fail_unless_equals_uint64(counter(&rig, "failed"), i);
        ss_dummy_gate_pass(GATE, 1);
    }
    ss_dummy_gate_open(GATE);
    assert_frames_flow(&rig, 5);
    while (counter(&rig, "in-flight") > 0)
        g_thread_yield();
    fail_unless_equals_uint64(counter(&rig, "inferred"), 0);
    assert_every_frame_has_its_fate(&rig);
    fail_unless(is_in_state(&rig, "running"));
    rig_free(&rig);
}
GST_END_TEST;

GST_START_TEST(frames_pass_when_the_model_cannot_load)
{
    ss_dummy_gate_shut(LOAD_GATE);
    Rig rig = rig_new("ssinfer backend=dummy model-options=load_gate=1,broken=load");
    assert_next_state(rig.bus, "loading");
    assert_frames_flow(&rig, 0);
    ss_dummy_gate_open(LOAD_GATE);
    await_state(&rig, "failed");
    assert_next_state(rig.bus, NULL); /* told with the next frame */
    assert_frames_flow(&rig, 300);
    assert_next_state(rig.bus, "failed: the dummy model is broken, as asked for (broken=load)");
    assert_next_state(rig.bus, NULL);
    rig_free(&rig);
}
GST_END_TEST;

GST_START_TEST(a_failed_load_is_a_warning)
{
    Rig rig = rig_new("ssinfer backend=dummy model-options=broken=load");
    await_state(&rig, "failed");
    pass_frame(&rig, 0);
    g_autoptr(GstMessage) message = gst_bus_pop_filtered(rig.bus, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR);
    g_autoptr(GError) warning = NULL;
    fail_unless(message && GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING);
    gst_message_parse_warning(message, &warning, NULL);
    fail_unless(strstr(warning->message, "broken=load") != NULL, "%s", warning->message);
    pass_frame(&rig, 1);
    fail_unless(gst_bus_pop_filtered(rig.bus, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR) == NULL);
    rig_free(&rig);
}
GST_END_TEST;

GST_START_TEST(frames_pass_while_the_model_loads)
{
    ss_dummy_gate_shut(LOAD_GATE);
    Rig rig = rig_new("ssinfer backend=dummy model-options=load_gate=1");
    ss_dummy_gate_wait(LOAD_GATE, 1);
    assert_frames_flow(&rig, 0);
    fail_unless(is_in_state(&rig, "loading"));
    fail_unless_equals_uint64(counter(&rig, "inferred"), 0);
    ss_dummy_gate_open(LOAD_GATE);
    rig_free(&rig);
}
GST_END_TEST;

/* --- frames-waited can tell: a memory whose map blocks, or spins --- */

#define TYPE_SLOW_ALLOCATOR (slow_allocator_get_type())
G_DECLARE_FINAL_TYPE(SlowAllocator, slow_allocator, SLOW, ALLOCATOR, GstAllocator)

struct _SlowAllocator {
    GstAllocator parent;
    gboolean spins; /* instead of blocking */
    GMutex lock;
    GCond changed;
    pid_t entered;  /* guarded by lock, as the next: the thread that is in slow_map() */
    guint64 asleep; /* times, when it came */
    gboolean released;
};

G_DEFINE_TYPE(SlowAllocator, slow_allocator, GST_TYPE_ALLOCATOR)

typedef struct SlowMemory {
    GstMemory parent;
    guint8 data[WIDTH * HEIGHT];
} SlowMemory;

enum { SLOW_US = 2000 };

/** How often the kernel has taken the thread off the processor because it had to wait for something. */
static guint64 times_asleep(pid_t thread)
{
    g_autofree char *path = g_strdup_printf("/proc/self/task/%d/status", (int)thread);
    g_autofree char *text = NULL;
    const char *line;

    fail_unless(g_file_get_contents(path, &text, NULL, NULL));
    line = strstr(text, "\nvoluntary_ctxt_switches:");
    fail_unless(line != NULL);
    return g_ascii_strtoull(strchr(line, ':') + 1, NULL, 10);
}

static gpointer slow_map(GstMemory *memory, gsize size, GstMapFlags flags)
{
    SlowAllocator *a = SLOW_ALLOCATOR(memory->allocator);

    (void)size, (void)flags;
    if (a->spins) {
        const gint64 end = g_get_monotonic_time() + SLOW_US;
        while (g_get_monotonic_time() < end)
            ;
        return ((SlowMemory *)memory)->data;
    }
    g_mutex_lock(&a->lock);
    a->entered = gettid();
    a->asleep = times_asleep(a->entered);
    g_cond_broadcast(&a->changed);
    while (!a->released)
        g_cond_wait(&a->changed, &a->lock);
    g_mutex_unlock(&a->lock);
    return ((SlowMemory *)memory)->data;
}

static void slow_unmap(GstMemory *memory)
{
    (void)memory;
}

static void slow_free(GstAllocator *allocator, GstMemory *memory)
{
    (void)allocator;
    g_free(memory);
}

static void slow_allocator_init(SlowAllocator *a)
{
    GST_ALLOCATOR(a)->mem_type = "slow";
    GST_ALLOCATOR(a)->mem_map = slow_map;
    GST_ALLOCATOR(a)->mem_unmap = slow_unmap;
    g_mutex_init(&a->lock);
    g_cond_init(&a->changed);
}

static void slow_allocator_class_init(SlowAllocatorClass *klass)
{
    GST_ALLOCATOR_CLASS(klass)->free = slow_free;
}

/** The other thread: lets the blocked one go when it has slept for SLOW_US. */
static gpointer release_later(gpointer data)
{
    SlowAllocator *a = data;

    g_mutex_lock(&a->lock);
    while (a->entered == 0)
        g_cond_wait(&a->changed, &a->lock);
    g_mutex_unlock(&a->lock);
    while (times_asleep(a->entered) == a->asleep) /* on its way, perhaps queueing for the processor */
        g_thread_yield();

    g_mutex_lock(&a->lock);
    const gint64 end = g_get_monotonic_time() + SLOW_US;
    while (g_cond_wait_until(&a->changed, &a->lock, end))
        ;
    a->released = TRUE;
    g_cond_broadcast(&a->changed);
    g_mutex_unlock(&a->lock);
    return NULL;
}

static GstBuffer *slow_frame(SlowAllocator *a)
{
    SlowMemory *memory = g_new0(SlowMemory, 1);
    GstBuffer *buffer = gst_buffer_new();

    gst_memory_init(GST_MEMORY_CAST(memory), 0, GST_ALLOCATOR(a), NULL, WIDTH * HEIGHT, 0, 0, WIDTH * HEIGHT);
    gst_buffer_append_memory(buffer, GST_MEMORY_CAST(memory));
    GST_BUFFER_PTS(buffer) = PERIOD;
    return buffer;
}

static guint64 waited_in_map(gboolean spins)
{
    Rig rig = rig_new("ssinfer backend=dummy");
    SlowAllocator *a = g_object_new(TYPE_SLOW_ALLOCATOR, NULL);
    GThread *other = spins ? NULL : g_thread_new("other", release_later, a);

    gst_object_ref_sink(a);
    a->spins = spins;
    gst_buffer_unref(pass(&rig, slow_frame(a)));
    const guint64 waited = counter(&rig, "frames-waited");
    if (other)
        g_thread_join(other);
    rig_free(&rig);
    gst_object_unref(a);
    return waited;
}

GST_START_TEST(a_frame_that_waits_is_counted)
{
    fail_unless_equals_uint64(waited_in_map(FALSE), 1);
}
GST_END_TEST;

GST_START_TEST(a_frame_that_is_slow_has_not_waited)
{
    fail_unless_equals_uint64(waited_in_map(TRUE), 0);
}
GST_END_TEST;

static void add_flow_tests(TCase *tc)
{
    tcase_add_test(tc, frames_pass_while_an_inference_hangs);
    tcase_add_test(tc, frames_pass_while_every_inference_fails);
    tcase_add_test(tc, frames_pass_when_the_model_cannot_load);
    tcase_add_test(tc, a_failed_load_is_a_warning);
    tcase_add_test(tc, frames_pass_while_the_model_loads);
    tcase_add_test(tc, a_frame_that_waits_is_counted);
    tcase_add_test(tc, a_frame_that_is_slow_has_not_waited);
}

int main(int argc, char **argv)
{
    TCase *tc = tcase_create("ssinfer");

    add_flow_tests(tc);
    add_object_tests(tc);
    add_life_tests(tc);
    add_status_tests(tc);
    add_privacy_tests(tc);
    return run_tests(tc, argc, argv);
}
