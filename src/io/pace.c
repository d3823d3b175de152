/* SPDX-License-Identifier: Apache-2.0 */
#include "pace.h"

#include <gst/base/gstbasetransform.h>

#include "gst/originals.h"

#define LOOP_EVENT "sidestream-loop"

G_DECLARE_FINAL_TYPE(SsPace, pace, SS, PACE, GstBaseTransform)

struct _SsPace {
    GstBaseTransform parent;
    SsPaceParams params;
    GstClock *clock;
    GstClockTime caps_duration; /* of a frame, by the caps; 0 = unknown */

    /* the stream's thread */
    bool live, opened, ended;
    GstSegment in;
    guint64 frames;
    GstClockTime origin;     /* clock time of running time 0 */
    GstClockTime first;      /* running time of the first frame that went out; NONE before */
    GstClockTime last;       /* of the newest one */
    GstClockTime round_in;   /* incoming running time of the first frame of this round of the loop */
    GstClockTime round_base; /* where that frame was put */
    GstClockTime duration;   /* of the newest frame */
    SsOriginals originals;

    gint enough; /* atomic: `ended`, for the decoder's thread */

    /* under the object lock */
    GstClockID wait;
    bool flushing;
    GstClockTime position; /* of the newest frame's end in the recording */
};

G_DEFINE_TYPE(SsPace, pace, GST_TYPE_BASE_TRANSFORM)

static void forget(SsPace *self)
{
    self->live = self->opened = self->ended = false;
    g_atomic_int_set(&self->enough, 0);
    self->frames = 0;
    self->first = self->last = self->round_in = GST_CLOCK_TIME_NONE;
    self->round_base = 0;
    self->duration = 0;
    self->origin = GST_CLOCK_TIME_NONE;
    GST_OBJECT_LOCK(self);
    self->position = GST_CLOCK_TIME_NONE;
    GST_OBJECT_UNLOCK(self);
}

static void set_flushing(SsPace *self, bool flushing)
{
    GST_OBJECT_LOCK(self);
    self->flushing = flushing;
    if (flushing && self->wait)
        gst_clock_id_unschedule(self->wait);
    GST_OBJECT_UNLOCK(self);
}

static GstFlowReturn wait_for(SsPace *self, GstClockTime running_time)
{
    if (!GST_CLOCK_TIME_IS_VALID(self->origin))
        self->origin = gst_clock_get_time(self->clock) - running_time;
    GST_OBJECT_LOCK(self);
    if (self->flushing) {
        GST_OBJECT_UNLOCK(self);
        return GST_FLOW_FLUSHING;
    }
    GstClockID id = gst_clock_new_single_shot_id(self->clock, self->origin + running_time);
    self->wait = id;
    GST_OBJECT_UNLOCK(self);
    GstClockReturn ret = gst_clock_id_wait(id, NULL);
    GST_OBJECT_LOCK(self);
    self->wait = NULL;
    GST_OBJECT_UNLOCK(self);
    gst_clock_id_unref(id);
    return ret == GST_CLOCK_UNSCHEDULED ? GST_FLOW_FLUSHING : GST_FLOW_OK;
}

static GstClockTime frame_duration(const SsPace *self, const GstBuffer *buffer)
{
    if (self->params.rate > 0)
        return (GstClockTime)(GST_SECOND / self->params.rate + 0.5);
    if (GST_BUFFER_DURATION_IS_VALID(buffer) && GST_BUFFER_DURATION(buffer) > 0)
        return GST_BUFFER_DURATION(buffer);
    return self->caps_duration ? self->caps_duration : GST_SECOND / 30;
}

/* Where a recording's frame goes; rises strictly, whatever the file says. */
static GstClockTime placed(SsPace *self, const GstBuffer *buffer)
{
    if (self->params.rate > 0)
        return (GstClockTime)((double)self->frames * GST_SECOND / self->params.rate + 0.5);
    GstClockTime next = GST_CLOCK_TIME_IS_VALID(self->last) ? self->last + self->duration : 0;
    GstClockTime in = GST_BUFFER_PTS_IS_VALID(buffer)
                          ? gst_segment_to_running_time(&self->in, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer))
                          : GST_CLOCK_TIME_NONE;
    if (!GST_CLOCK_TIME_IS_VALID(in))
        return next;
    if (!GST_CLOCK_TIME_IS_VALID(self->round_in)) {
        self->round_in = in;
        self->round_base = next;
    }
    if (in < self->round_in)
        return next;
    GstClockTime out = self->round_base + (in - self->round_in);
    return GST_CLOCK_TIME_IS_VALID(self->last) && out <= self->last ? next : out;
}

static void note_position(SsPace *self, const GstBuffer *buffer)
{
    GstClockTime at = gst_segment_to_stream_time(&self->in, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
    GST_OBJECT_LOCK(self);
    if (GST_CLOCK_TIME_IS_VALID(at))
        self->position = at + self->caps_duration;
    GST_OBJECT_UNLOCK(self);
}

GstClockTime ss_pace_position(GstElement *pace)
{
    SsPace *self = SS_PACE(pace);
    GST_OBJECT_LOCK(self);
    GstClockTime position = self->position;
    GST_OBJECT_UNLOCK(self);
    return position;
}

static GstFlowReturn end(SsPace *self)
{
    self->ended = true;
    g_atomic_int_set(&self->enough, 1);
    gst_pad_push_event(GST_BASE_TRANSFORM_SRC_PAD(self), gst_event_new_eos());
    return GST_FLOW_EOS;
}

static GstFlowReturn pace_frame(GstBaseTransform *bt, GstBuffer *buffer)
{
    SsPace *self = SS_PACE(bt);
    if (self->ended)
        return GST_FLOW_EOS;
    GstClockTime out;
    if (self->live) {
        out = gst_segment_to_running_time(&bt->segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
        if (!GST_CLOCK_TIME_IS_VALID(out))
            out = GST_CLOCK_TIME_IS_VALID(self->last) ? self->last : 0;
    } else {
        note_position(self, buffer);
        out = placed(self, buffer);
        GST_BUFFER_DURATION(buffer) = self->duration = frame_duration(self, buffer);
        GST_BUFFER_PTS(buffer) = out;
        GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
    }
    if (!GST_CLOCK_TIME_IS_VALID(self->first))
        self->first = out;
    if (self->params.end && out >= self->first + self->params.end)
        return end(self);
    self->last = out;
    GST_BUFFER_OFFSET(buffer) = self->frames++;
    GST_BUFFER_OFFSET_END(buffer) = self->frames;
    return self->live || self->params.unhurried ? GST_FLOW_OK : wait_for(self, out);
}

static GstFlowReturn prepare_output_buffer(GstBaseTransform *bt, GstBuffer *in, GstBuffer **out)
{
    return ss_originals_writable(&SS_PACE(bt)->originals, in, out);
}

static gboolean stop(GstBaseTransform *bt)
{
    ss_originals_clear(&SS_PACE(bt)->originals);
    return TRUE;
}

static bool upstream_is_live(SsPace *self)
{
    g_autoptr(GstQuery) query = gst_query_new_latency();
    gboolean live = FALSE;
    if (gst_pad_peer_query(GST_BASE_TRANSFORM_SINK_PAD(self), query))
        gst_query_parse_latency(query, &live, NULL, NULL);
    return live;
}

/* A recording's segment is replaced by one that starts at 0 and never changes. */
static GstEvent *replace_segment(SsPace *self, GstEvent *event)
{
    gst_event_copy_segment(event, &self->in);
    self->round_in = GST_CLOCK_TIME_NONE;
    if (!self->opened)
        self->live = upstream_is_live(self);
    if (self->live) {
        self->opened = true;
        return event;
    }
    gst_event_unref(event);
    if (self->opened)
        return NULL;
    self->opened = true;
    GstSegment segment;
    gst_segment_init(&segment, GST_FORMAT_TIME);
    return gst_event_new_segment(&segment);
}

static gboolean sink_event(GstBaseTransform *bt, GstEvent *event)
{
    SsPace *self = SS_PACE(bt);
    switch (GST_EVENT_TYPE(event)) {
    case GST_EVENT_SEGMENT:
        event = replace_segment(self, event);
        break;
    case GST_EVENT_GAP:
        if (!self->live)
            g_clear_pointer(&event, gst_event_unref);
        break;
    case GST_EVENT_EOS:
        if (self->ended)
            g_clear_pointer(&event, gst_event_unref);
        break;
    case GST_EVENT_CUSTOM_DOWNSTREAM:
        if (gst_event_has_name(event, LOOP_EVENT)) {
            self->round_in = GST_CLOCK_TIME_NONE;
            g_clear_pointer(&event, gst_event_unref);
        }
        break;
    case GST_EVENT_FLUSH_START:
        set_flushing(self, true);
        break;
    case GST_EVENT_FLUSH_STOP:
        set_flushing(self, false);
        forget(self);
        break;
    default:
        break;
    }
    return event ? GST_BASE_TRANSFORM_CLASS(pace_parent_class)->sink_event(bt, event) : TRUE;
}

static gboolean set_caps(GstBaseTransform *bt, GstCaps *in, GstCaps *out)
{
    (void)out;
    int num, den;
    const GstStructure *s = gst_caps_get_structure(in, 0);
    bool known = gst_structure_get_fraction(s, "framerate", &num, &den) && num > 0 && den > 0;
    SS_PACE(bt)->caps_duration = known ? gst_util_uint64_scale_int(GST_SECOND, den, num) : 0;
    return TRUE;
}

static GstStateChangeReturn change_state(GstElement *element, GstStateChange transition)
{
    SsPace *self = SS_PACE(element);
    if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
        set_flushing(self, false);
        forget(self);
    } else if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
        set_flushing(self, true);
    }
    return GST_ELEMENT_CLASS(pace_parent_class)->change_state(element, transition);
}

static void finalize(GObject *object)
{
    gst_clear_object(&SS_PACE(object)->clock);
    G_OBJECT_CLASS(pace_parent_class)->finalize(object);
}

static void pace_init(SsPace *self)
{
    self->clock = gst_system_clock_obtain();
    ss_originals_init(&self->originals);
    forget(self);
}

static void pace_class_init(SsPaceClass *klass)
{
    static GstStaticPadTemplate sink =
        GST_STATIC_PAD_TEMPLATE("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-raw"));
    static GstStaticPadTemplate src =
        GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS("video/x-raw"));
    GstElementClass *element = GST_ELEMENT_CLASS(klass);
    GstBaseTransformClass *transform = GST_BASE_TRANSFORM_CLASS(klass);
    G_OBJECT_CLASS(klass)->finalize = finalize;
    element->change_state = change_state;
    gst_element_class_add_static_pad_template(element, &sink);
    gst_element_class_add_static_pad_template(element, &src);
    gst_element_class_set_static_metadata(element, "Pace of live", "Filter/Video",
                                          "Plays recordings at the pace of live", "Sidestream");
    transform->stop = stop;
    transform->prepare_output_buffer = prepare_output_buffer;
    transform->transform_ip = pace_frame;
    transform->sink_event = sink_event;
    transform->set_caps = set_caps;
}

GstElement *ss_pace_new(const SsPaceParams *p)
{
    SsPace *self = g_object_new(pace_get_type(), NULL);
    self->params = *p;
    return GST_ELEMENT(self);
}

/* --- the loop --- */

typedef struct Loop {
    SsPace *pace;
    gint frames; /* in this round, atomic */
} Loop;

static void loop_free(gpointer data)
{
    Loop *loop = data;
    gst_object_unref(loop->pace);
    g_free(loop);
}

static void start_again(GstElement *element, gpointer data)
{
    (void)element;
    GstPad *decoded = data;
    GstEvent *seek = gst_event_new_seek(1.0, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, GST_SEEK_TYPE_SET, 0,
                                        GST_SEEK_TYPE_NONE, 0);
    if (gst_pad_send_event(decoded, seek))
        return;
    g_autoptr(GstPad) queue = gst_pad_get_peer(decoded);
    if (queue)
        gst_pad_send_event(queue, gst_event_new_eos());
}

/* The flushing seek stays on the decoder's side of this pad: the queue behind it still holds
 * the last frames, which are shown while the decoder starts again. */
static GstPadProbeReturn at_decoded(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    Loop *loop = data;
    if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
        g_atomic_int_inc(&loop->frames);
        return GST_PAD_PROBE_OK;
    }
    switch (GST_EVENT_TYPE(GST_PAD_PROBE_INFO_EVENT(info))) {
    case GST_EVENT_FLUSH_START:
    case GST_EVENT_FLUSH_STOP:
        return GST_PAD_PROBE_DROP;
    case GST_EVENT_EOS:
        break;
    default:
        return GST_PAD_PROBE_OK;
    }
    /* The pace has enough (--duration): this is not the clip's end but the answer to that. */
    if (g_atomic_int_get(&loop->pace->enough))
        return GST_PAD_PROBE_OK;
    if (g_atomic_int_get(&loop->frames) == 0) /* an empty round would be followed by another one, for ever */
        return GST_PAD_PROBE_OK;
    g_atomic_int_set(&loop->frames, 0);
    g_autoptr(GstPad) queue = gst_pad_get_peer(pad);
    g_autoptr(GstElement) parent = gst_pad_get_parent_element(pad);
    if (!queue || !parent)
        return GST_PAD_PROBE_OK;
    gst_pad_send_event(
        queue, gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new_empty(LOOP_EVENT)));
    gst_element_call_async(parent, start_again, gst_object_ref(pad), gst_object_unref);
    return GST_PAD_PROBE_DROP;
}

void ss_pace_loop(GstElement *pace, GstPad *decoded)
{
    Loop *loop = g_new0(Loop, 1);
    loop->pace = gst_object_ref(SS_PACE(pace));
    gst_pad_add_probe(decoded,
                      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM |
                          GST_PAD_PROBE_TYPE_EVENT_FLUSH,
                      at_decoded, loop, loop_free);
}
