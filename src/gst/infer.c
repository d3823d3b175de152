/* SPDX-License-Identifier: Apache-2.0 */
/**
 * SECTION:element-ssinfer
 * @title: ssinfer
 * @see_also: ssoverlay
 *
 * Lets a neural network look at a video from the side. Every frame passes at once, whether the network is
 * loading, busy, broken or stuck; it leaves with the newest objects known, one #GstVideoRegionOfInterestMeta
 * each. The network gets the newest frame whenever it is free; the frames between are not queued for it.
 *
 * The roi_type of a meta is the label ("class 3" without labels), its id the track's. It carries two
 * structures: `detection` (label_id, confidence, x_min, x_max, y_min, y_max from 0 to 1, label; the layout
 * that DL Streamer's elements read) and `sidestream` (source-pts: the running time of the frame that the
 * network saw; age: how long ago that was, in nanoseconds; state: measured where the network saw this very
 * frame, held where the box comes from an older one, tracked and predicted where it was carried here by its
 * pixels or by its velocity: see #SsInfer:align). Beside them each buffer carries a #GstCustomMeta
 * `sidestream-status`: what the network is doing, and how long it has been silent.
 *
 * Pictures in an NVIDIA GPU's memory (memory:CUDAMemory, as of nvh264dec; memory:NVMM) stay there: a network
 * on that GPU takes them without a copy to the processor; for any other a worker fetches them.
 *
 * The model loads after the element has started, on a thread of its own. A message of type
 * #GST_MESSAGE_ELEMENT with the structure `sidestream-state` (state: loading, running or failed; stand-in;
 * error; load-ns) tells each change with the next frame; if the load fails, a warning is posted as well and
 * the video goes on. What can be checked at once (backend, decoder, the files) fails the start.
 *
 * With align=live each picture's brightness is shrunk to 480 pixels a side, and a box walks from the picture
 * that the network saw to the one that is shown by what its own pixels did. Then the box stands where its
 * object is now, not where it was when the network saw it.
 *
 * With align=delay pictures are held back until the network has seen them or one after them, and boxes are
 * exact. For how long is measured, bounded by max-delay, and part of the latency that the element states. A
 * message of type #GST_MESSAGE_ELEMENT with the structure `sidestream-delay` (delay: ns; live: the network is
 * silent or slower than max-delay, so that nothing is held back and boxes are carried) tells each change.
 *
 * The properties take effect when the element starts, `align` with the next frame. Going to READY waits for
 * the load or inference in progress, and for nothing else. `stats` keeps its last values after a stop.
 *
 * ## Boxes around a camera's picture
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! ssinfer model=yolo11n.onnx labels=coco ! ssoverlay ! videoconvert !
 * autovideosink
 * ]|
 * ## No camera, no model: the dummy backend follows the ball, 200 ms late
 * |[
 * gst-launch-1.0 videotestsrc pattern=ball is-live=true ! ssinfer backend=dummy
 * model-options=follow=1,latency=200 ! ssoverlay ! videoconvert ! autovideosink
 * ]|
 * ## Two videos, one network
 * |[
 * gst-launch-1.0 videotestsrc ! ssinfer engine=shared backend=dummy ! fakesink videotestsrc ! ssinfer
 * engine=shared backend=dummy ! fakesink
 * ]|
 */
#include "infer.h"

#include <stdatomic.h>
#include <string.h>

#include "bridge.h"
#include "counters.h"
#include "cudamemory.h"
#include "delayline.h"
#include "engines.h"
#include "loan.h"
#include "names.h"
#include "originals.h"
#include "status.h"
#include "teller.h"
#include "waiting.h"

#define GST_CAT_DEFAULT ss_infer_debug
GST_DEBUG_CATEGORY(ss_infer_debug);

enum { PROP_STATE = SS_SETTING_END, PROP_STATS };

struct _SsInfer {
    GstBaseTransform parent;

    /* --- guarded by the object lock */
    SsSettings settings;

    /* --- set in start() and stop() under `running`, so that others may read the statistics; the
     * stream's thread, which never runs beside start() and stop(), reads them without */
    GMutex running;
    SsSharedEngine *shared; /* NULL: stopped */
    SsStream *stream;
    SsStreamStats last_stats; /* while stopped */

    /* --- constant between start() and stop() */
    SsLender *lender;
    SsLabels *labels[SS_ID_BASES];
    guint held_buffers;

    /* --- stream's thread only */
    GstVideoInfo info;
    SsTeller teller;
    SsNaming naming;               /* by that of `labels` which fits the model */
    guint64 frames;                /* that came in */
    int64_t came;                  /* the last of them, by the clock */
    int64_t came_before;           /* the one before it */
    gboolean any_pts, new_segment; /* new since the last frame */
    int64_t last_pts;              /* running time of the last frame offered */
    int64_t last_duration;         /* so much later the next one is, if it has no pts */
    gboolean map_warned;
    gboolean late, rises; /* frames go through `line`; the last one's pts was above that of the one before */
    SsWaitMeter waiting;
    SsOriginals originals;

    SsDelayLine line; /* stream's thread, but for the latency */

    atomic_int align;                   /* SsAlign; from any thread */
    atomic_uint_fast64_t frames_waited; /* written by the stream's thread */
};

G_DEFINE_TYPE(SsInfer, ss_infer, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE(ssinfer, "ssinfer", GST_RANK_NONE, SS_TYPE_INFER)

/* --- start and stop --- */

static void drop_labels(SsInfer *self)
{
    ss_naming_init(&self->naming, NULL);
    for (int i = 0; i < SS_ID_BASES; i++)
        ss_labels_destroy(&self->labels[i]);
}

static void poll_state(SsInfer *self);

static gboolean start_with(SsInfer *self, const SsSettings *s, GError **error)
{
    const SsStreamParams params = ss_settings_to_stream(s);
    SsSharedEngine *shared;
    SsStream *stream;
    int ret;

    if (!ss_labels_load_both(self->labels, s->labels, s->model, error))
        return FALSE;
    if (!(shared = ss_shared_engine_acquire(s, error)))
        return FALSE;
    ret = ss_stream_create(&stream, ss_shared_engine_get(shared), &params);
    if (ret < 0) {
        g_set_error_literal(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT, g_strerror(-ret));
        ss_shared_engine_release(&shared);
        return FALSE;
    }
    self->held_buffers = s->workers + 1;
    self->lender = ss_lender_new();
    ss_teller_init(&self->teller);
    self->frames = 0;
    self->new_segment = self->any_pts = self->map_warned = FALSE;
    ss_delay_line_reset(&self->line);
    gst_video_info_init(&self->info);
    atomic_store(&self->frames_waited, 0);

    g_mutex_lock(&self->running);
    self->shared = shared;
    self->stream = stream;
    ss_stream_set_align(stream, (SsAlign)atomic_load(&self->align)); /* set since the settings were copied */
    g_mutex_unlock(&self->running);
    return TRUE;
}

static gboolean infer_start(GstBaseTransform *base)
{
    SsInfer *self = SS_INFER(base);
    SsSettings settings;
    g_autoptr(GError) error = NULL;

    GST_OBJECT_LOCK(self);
    ss_settings_copy(&settings, &self->settings);
    GST_OBJECT_UNLOCK(self);

    if (start_with(self, &settings, &error)) {
        poll_state(self);
    } else {
        g_assert(error);
        drop_labels(self);
        gst_element_message_full(GST_ELEMENT(self), GST_MESSAGE_ERROR, error->domain, error->code,
                                 g_strdup(error->message), NULL, __FILE__, GST_FUNCTION, __LINE__);
    }
    ss_settings_clear(&settings);
    return error == NULL;
}

/** Waits for the load or inference in progress if the engine is ours alone. */
static gboolean infer_stop(GstBaseTransform *base)
{
    SsInfer *self = SS_INFER(base);
    SsSharedEngine *shared;
    SsStream *stream;

    g_mutex_lock(&self->running);
    shared = g_steal_pointer(&self->shared);
    stream = g_steal_pointer(&self->stream);
    if (stream)
        ss_stream_stats(stream, &self->last_stats);
    g_mutex_unlock(&self->running);

    ss_stream_destroy(&stream);
    ss_shared_engine_release(&shared);
    g_clear_pointer(&self->lender, ss_lender_unref);
    drop_labels(self);
    ss_delay_line_reset(&self->line);
    ss_wait_meter_clear(&self->waiting);
    ss_originals_clear(&self->originals);
    return TRUE;
}

/* --- the stream's thread --- */

static void poll_state(SsInfer *self)
{
    SsModelInfo model;

    if (ss_teller_poll(&self->teller, GST_ELEMENT(self), ss_shared_engine_get(self->shared), &model))
        ss_naming_init(&self->naming, self->labels[model.first_class_id > 0 ? 1 : 0]);
}

/**
 * The time of the frame for the core, which wants it to rise strictly. FALSE: it does not, so the
 * network does not get this frame, and `pts` is the last one's.
 */
static gboolean stream_time(SsInfer *self, GstBuffer *buffer, int64_t *pts)
{
    const gboolean jumped = self->new_segment;

    self->new_segment = FALSE;
    if (!ss_bridge_running_time(&GST_BASE_TRANSFORM(self)->segment, buffer, pts))
        *pts = self->any_pts ? self->last_pts + self->last_duration : 0;
    if (self->any_pts && *pts <= self->last_pts) {
        if (!jumped) {
            *pts = self->last_pts;
            return FALSE;
        }
        ss_stream_flush(self->stream); /* a new segment that starts over */
    }
    self->any_pts = TRUE;
    self->last_pts = *pts;
    const GstClockTime lasts = ss_bridge_duration(buffer, &self->info);
    self->last_duration = lasts > 0 ? (int64_t)lasts : MAX(self->came - self->came_before, 1);
    return TRUE;
}

static void warn_of_map(SsInfer *self, GstBuffer *buffer)
{
    if (!self->map_warned)
        GST_WARNING_OBJECT(self, "cannot read %" GST_PTR_FORMAT "; the network does not get it", buffer);
    self->map_warned = TRUE;
}

static void offer(SsInfer *self, GstBuffer *buffer, int64_t pts)
{
    SsFrame *frame = ss_loan_wrap(self->lender, buffer, &self->info, pts);

    if (frame)
        ss_stream_offer(self->stream, frame);
    else
        warn_of_map(self, buffer);
}

/** Boxes are carried by what the pixels do, in every frame. */
static void see(SsInfer *self, GstBuffer *buffer, int64_t pts)
{
    const gboolean follows = atomic_load(&self->align) != SS_ALIGN_HOLD;

    if (follows && ss_bridge_see(self->stream, buffer, &self->info, pts))
        return;
    ss_stream_see(self->stream, NULL);
    if (follows)
        warn_of_map(self, buffer);
}

/** After the objects. `came`: the frame, by the clock. */
static void add_status(SsInfer *self, GstBuffer *buffer, int64_t came, guint objects)
{
    const SsAlign align = (SsAlign)atomic_load(&self->align);
    const int64_t delay = self->line.delay;
    SsStreamStatus now;

    ss_stream_status(self->stream, came, &now);
    ss_status_add(buffer, &(SsStatus) { .state = ss_state_name(self->teller.told),
                                        .error = *self->teller.why ? self->teller.why : NULL,
                                        .align = ss_align_name(align),
                                        .live = align == SS_ALIGN_DELAY && delay < 0,
                                        .delay = (guint64)MAX(delay, 0),
                                        .silent = now.silent < INT64_MAX ? (guint64)now.silent : G_MAXUINT64,
                                        .age = (guint64)now.age,
                                        .objects = objects,
                                        .interval = (guint64)now.interval,
                                        .inference = (guint64)now.inference,
                                        .preparing = (guint64)MAX(self->teller.preparing, 0),
                                        .frames = self->frames,
                                        .inferences = now.inferred });
}

/** The metas of the frame. `buffer` is writable. */
static void add_metas(SsInfer *self, GstBuffer *buffer, int64_t pts, int64_t came)
{
    SsObject objects[SS_MAX_OBJECTS];
    const int n = ss_stream_objects_at(self->stream, pts, objects, SS_MAX_OBJECTS);

    poll_state(self); /* after the objects: who has any knows the labels */
    ss_teller_send_names(&self->teller, GST_BASE_TRANSFORM_SRC_PAD(self), self->naming.labels);
    add_status(self, buffer, came,
               ss_bridge_add_objects(buffer, &self->info, pts, objects, n, &self->naming));
}

static void count_waiting(SsInfer *self)
{
    if (ss_wait_meter_waited(&self->waiting))
        atomic_fetch_add(&self->frames_waited, 1);
}

static GstFlowReturn infer_transform_ip(GstBaseTransform *base, GstBuffer *buffer)
{
    SsInfer *self = SS_INFER(base);
    int64_t pts;

    ss_wait_meter_enter(&self->waiting);
    self->frames++;
    self->came_before = self->came;
    self->came = g_get_monotonic_time() * 1000;
    self->rises = stream_time(self, buffer, &pts);
    if (self->rises)
        see(self, buffer, pts);
    /* The metas before the offer, whose reference makes the buffer one that is not ours to change. */
    self->late = atomic_load(&self->align) == SS_ALIGN_DELAY || !g_queue_is_empty(&self->line.held);
    if (!self->late)
        add_metas(self, buffer, pts, self->came);
    if (self->rises && ss_stream_wants(self->stream, pts))
        offer(self, buffer, pts);

    count_waiting(self);
    return GST_FLOW_OK;
}

/** The next that has waited for long enough, with its objects; NULL: none. */
static GstBuffer *leave(SsInfer *self)
{
    int64_t pts, came;
    GstBuffer *in = ss_delay_line_pop(&self->line, &pts, &came), *out;

    if (!in)
        return NULL;
    ss_wait_meter_enter(&self->waiting);
    if (ss_originals_writable(&self->originals, in, &out) == GST_FLOW_OK)
        add_metas(self, out, pts, came);
    if (out != in)
        gst_buffer_unref(in);
    count_waiting(self);
    return out;
}

/** Called again until it has no more. */
static GstFlowReturn infer_generate_output(GstBaseTransform *base, GstBuffer **out)
{
    SsInfer *self = SS_INFER(base);
    const GstFlowReturn ret = GST_BASE_TRANSFORM_CLASS(ss_infer_parent_class)->generate_output(base, out);

    if (ret != GST_FLOW_OK || !self->late)
        return ret;
    if (*out) {
        ss_delay_line_set(&self->line, ss_stream_delay(self->stream), ss_bridge_period(&self->info),
                          GST_ELEMENT(self));
        ss_delay_line_push(&self->line, *out, self->last_pts, self->came);
    }
    self->line.ends = !self->rises; /* or they would wait until time is where it was */
    *out = leave(self);
    self->line.ends = FALSE;
    return GST_FLOW_OK;
}

/** What follows is no frame, and must not overtake those that wait. */
static void drain(SsInfer *self)
{
    GstPad *src = GST_BASE_TRANSFORM_SRC_PAD(GST_BASE_TRANSFORM(self));

    self->line.ends = TRUE;
    for (GstBuffer *buffer; (buffer = leave(self));)
        gst_pad_push(src, buffer);
    self->line.ends = FALSE;
}

/**
 * We write metas, never pixels: a buffer that somebody else holds too is copied without its
 * memory, where the base class would copy the picture.
 */
static GstFlowReturn infer_prepare_output_buffer(GstBaseTransform *base, GstBuffer *in, GstBuffer **out)
{
    return ss_originals_writable(&SS_INFER(base)->originals, in, out);
}

static gboolean infer_set_caps(GstBaseTransform *base, GstCaps *in, GstCaps *out)
{
    SsInfer *self = SS_INFER(base);
    GstVideoInfo info;

    (void)out;
    if (!ss_bridge_video_info(&info, in))
        return FALSE;
    /* Boxes are in pixels: those found in a picture of another size are none here. */
    if (GST_VIDEO_INFO_FORMAT(&self->info) != GST_VIDEO_FORMAT_UNKNOWN &&
        (info.width != self->info.width || info.height != self->info.height))
        ss_stream_flush(self->stream);
    self->info = info;
    return TRUE;
}

static gboolean infer_sink_event(GstBaseTransform *base, GstEvent *event)
{
    SsInfer *self = SS_INFER(base);
    const GstEventType type = GST_EVENT_TYPE(event);

    if (GST_EVENT_IS_SERIALIZED(event) && type != GST_EVENT_FLUSH_STOP && type != GST_EVENT_TAG)
        drain(self);
    switch (type) {
    case GST_EVENT_FLUSH_STOP: /* serialised with the frames, as are the others */
        ss_delay_line_drop(&self->line);
        ss_stream_flush(self->stream);
        self->any_pts = FALSE;
        break;
    case GST_EVENT_SEGMENT:
        self->new_segment = TRUE;
        break;
    case GST_EVENT_EOS:
        poll_state(self);
        break;
    default:
        break;
    }
    return GST_BASE_TRANSFORM_CLASS(ss_infer_parent_class)->sink_event(base, event);
}

static gboolean infer_query(GstBaseTransform *base, GstPadDirection direction, GstQuery *query)
{
    if (GST_QUERY_TYPE(query) == GST_QUERY_CONTEXT && ss_cuda_memory_answer(GST_ELEMENT(base), query))
        return TRUE; /* a decoder on the GPU asks what to work in, before anything has started */
    const gboolean known = GST_BASE_TRANSFORM_CLASS(ss_infer_parent_class)->query(base, direction, query);
    if (known && direction == GST_PAD_SRC && GST_QUERY_TYPE(query) == GST_QUERY_LATENCY)
        ss_delay_line_add_latency(&SS_INFER(base)->line, query);
    return known;
}

/** The network's side keeps so many buffers: whoever makes the pool must know, or it runs dry. */
static gboolean infer_propose_allocation(GstBaseTransform *base, GstQuery *decide, GstQuery *query)
{
    GstBaseTransformClass *parent = GST_BASE_TRANSFORM_CLASS(ss_infer_parent_class);
    const gboolean known = parent->propose_allocation(base, decide, query);
    const guint in_place = ss_cuda_memory_offer(GST_ELEMENT(base), query);

    if (known || in_place > 0)
        ss_bridge_ask_for_buffers(query, SS_INFER(base)->held_buffers + in_place);
    return known || in_place > 0;
}

/* --- properties --- */

/** Thread: any. */
static SsState read_state(SsInfer *self, SsStreamStats *stats, char *error, size_t size)
{
    SsState state = SS_STOPPED;

    *error = '\0';
    g_mutex_lock(&self->running);
    if (self->shared) {
        SsEngine *engine = ss_shared_engine_get(self->shared);
        state = ss_engine_state(engine);
        ss_engine_error(engine, error, size);
        ss_stream_stats(self->stream, stats);
    } else {
        *stats = self->last_stats;
    }
    g_mutex_unlock(&self->running);
    return state;
}

static GstStructure *make_stats(SsInfer *self)
{
    SsStreamStats st;
    char error[512];
    const SsState state = read_state(self, &st, error, sizeof error);

    return ss_counters_structure(state, error, &st, (guint64)atomic_load(&self->frames_waited));
}

/** Thread: any. */
static void set_align(SsInfer *self, SsAlign align)
{
    g_mutex_lock(&self->running);
    if (self->stream)
        ss_stream_set_align(self->stream, align);
    atomic_store(&self->align, (int)align);
    g_mutex_unlock(&self->running);
}

static void infer_set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
    SsInfer *self = SS_INFER(object);
    gboolean known;

    GST_OBJECT_LOCK(self);
    known = ss_settings_set(&self->settings, id, value);
    const SsAlign align = (SsAlign)self->settings.align;
    GST_OBJECT_UNLOCK(self);
    if (id == SS_SETTING_ALIGN)
        set_align(self, align);
    if (!known)
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static void infer_get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
    SsInfer *self = SS_INFER(object);
    SsStreamStats stats;
    char error[512];
    gboolean known = TRUE;

    switch (id) {
    case PROP_STATE:
        g_value_set_string(value, ss_state_name(read_state(self, &stats, error, sizeof error)));
        break;
    case PROP_STATS:
        g_value_take_boxed(value, make_stats(self));
        break;
    default:
        GST_OBJECT_LOCK(self);
        known = ss_settings_get(&self->settings, id, value);
        GST_OBJECT_UNLOCK(self);
        break;
    }
    if (!known)
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

/* --- the class --- */

static void ss_infer_init(SsInfer *self)
{
    GstBaseTransform *base = GST_BASE_TRANSFORM(self);

    gst_base_transform_set_in_place(base, TRUE);
    gst_base_transform_set_gap_aware(base, TRUE); /* the flag stays as it came */
    g_mutex_init(&self->running);
    atomic_init(&self->frames_waited, 0);
    ss_delay_line_init(&self->line);
    ss_settings_init(&self->settings);
    atomic_init(&self->align, self->settings.align);
    ss_wait_meter_init(&self->waiting);
    ss_originals_init(&self->originals);
}

static void infer_finalize(GObject *object)
{
    SsInfer *self = SS_INFER(object);

    ss_settings_clear(&self->settings);
    g_mutex_clear(&self->running);
    G_OBJECT_CLASS(ss_infer_parent_class)->finalize(object);
}

static void ss_infer_class_init(SsInferClass *klass)
{
    GObjectClass *object = G_OBJECT_CLASS(klass);
    GstElementClass *element = GST_ELEMENT_CLASS(klass);
    GstBaseTransformClass *base = GST_BASE_TRANSFORM_CLASS(klass);
    const GParamFlags read_only = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

    GST_DEBUG_CATEGORY_INIT(ss_infer_debug, "ssinfer", 0, "Sidestream: inference beside the video");
    ss_status_register();
    object->set_property = infer_set_property;
    object->get_property = infer_get_property;
    object->finalize = infer_finalize;
    ss_settings_install(object);
    g_object_class_install_property(
        object, PROP_STATE,
        g_param_spec_string("state", "State", "stopped, loading, running or failed", "stopped", read_only));
    g_object_class_install_property(
        object, PROP_STATS,
        g_param_spec_boxed(
            "stats", "Statistics",
            "What became of the frames: offered = skipped + replaced + inferred + late + failed + "
            "in-flight; frames-waited; inference, take and age in ns",
            GST_TYPE_STRUCTURE, read_only));

    gst_element_class_set_static_metadata(
        element, "Sidestream inference", "Filter/Analyzer/Video",
        "Detects objects with a neural network that never holds up the video", "The Sidestream authors");
    gst_element_class_add_pad_template(element, ss_bridge_pad_template("sink", GST_PAD_SINK));
    gst_element_class_add_pad_template(element, ss_bridge_pad_template("src", GST_PAD_SRC));
    base->start = infer_start;
    base->stop = infer_stop;
    base->set_caps = infer_set_caps;
    base->prepare_output_buffer = infer_prepare_output_buffer;
    base->transform_ip = infer_transform_ip;
    base->generate_output = infer_generate_output;
    base->sink_event = infer_sink_event;
    base->query = infer_query;
    base->propose_allocation = infer_propose_allocation;
}
