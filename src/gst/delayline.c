/* SPDX-License-Identifier: Apache-2.0 */
#include "delayline.h"

#include "bridge.h"
#include "core/delay.h"
#include "pool.h"

#define GST_CAT_DEFAULT ss_infer_debug

typedef struct Held {
    GstBuffer *buffer;
    int64_t pts, came;
} Held;

void ss_delay_line_init(SsDelayLine *line)
{
    *line = (SsDelayLine) { .held = G_QUEUE_INIT };
    atomic_init(&line->latency, 0);
}

void ss_delay_line_reset(SsDelayLine *line)
{
    ss_delay_line_drop(line);
    line->delay = line->gap = 0;
    atomic_store(&line->latency, 0);
}

/** A pool that may not grow would run dry while its buffers wait here, and no picture would come any more. */
static GstBuffer *not_of_a_small_pool(GstBuffer *buffer)
{
    GstBuffer *copy = ss_pool_is_bounded(buffer->pool) ? gst_buffer_copy_deep(buffer) : NULL;

    if (!copy)
        return buffer;
    gst_buffer_unref(buffer);
    return copy;
}

void ss_delay_line_push(SsDelayLine *line, GstBuffer *buffer, int64_t pts, int64_t came)
{
    Held *h = g_new(Held, 1);

    *h = (Held) { line->delay > 0 ? not_of_a_small_pool(buffer) : buffer, pts, came };
    g_queue_push_tail(&line->held, h);
    const int64_t gap = pts - line->newest;
    if (gap > 0 && gap < GST_SECOND) /* or it is a jump */
        line->gap = gap;
    line->newest = pts;
}

GstBuffer *ss_delay_line_pop(SsDelayLine *line, int64_t *pts, int64_t *came)
{
    Held *h = g_queue_peek_head(&line->held);

    if (!h || !(line->ends || ss_delay_over(h->pts, line->newest, line->delay)))
        return NULL;
    GstBuffer *buffer = h->buffer;
    *pts = h->pts;
    *came = h->came;
    g_free(g_queue_pop_head(&line->held));
    return buffer;
}

void ss_delay_line_drop(SsDelayLine *line)
{
    for (Held *h; (h = g_queue_pop_head(&line->held));) {
        gst_buffer_unref(h->buffer);
        g_free(h);
    }
}

static void tell(SsDelayLine *line, GstElement *element, gboolean was_live)
{
    const gboolean live = line->delay < 0;
    GstStructure *s = gst_structure_new("sidestream-delay", "delay", G_TYPE_INT64,
                                        (gint64)MAX(line->delay, 0), "live", G_TYPE_BOOLEAN, live, NULL);

    if (live)
        GST_WARNING_OBJECT(element,
                           "the network is silent, or slower than max-delay allows: the picture does not "
                           "wait for it, boxes are carried");
    else if (was_live)
        GST_INFO_OBJECT(element, "the network keeps up again");
    gst_element_post_message(element, gst_message_new_element(GST_OBJECT(element), s));
    gst_element_post_message(element, gst_message_new_latency(GST_OBJECT(element)));
}

void ss_delay_line_set(SsDelayLine *line, int64_t delay, GstClockTime period, GstElement *element)
{
    const gboolean was_live = line->delay < 0;
    const int64_t frame = period > 0 ? (int64_t)period : line->gap;

    if (delay == line->delay)
        return;
    line->delay = delay;
    atomic_store(&line->latency, frame > 0 ? ss_delay_held(delay, frame) : MAX(delay, 0));
    tell(line, element, was_live);
}

void ss_delay_line_add_latency(SsDelayLine *line, GstQuery *query)
{
    const GstClockTime ours = (GstClockTime)atomic_load(&line->latency);
    GstClockTime min, max;
    gboolean live;

    gst_query_parse_latency(query, &live, &min, &max);
    gst_query_set_latency(query, live, min + ours, GST_CLOCK_TIME_IS_VALID(max) ? max + ours : max);
}
