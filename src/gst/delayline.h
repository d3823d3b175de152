/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Buffers that wait for their objects, oldest first (align=delay). There is no timer: a buffer leaves when a
 * younger one comes that is as much later as buffers are to be held back, so it is held for that time and for
 * what is left until the next frame.
 */
#ifndef SS_GST_DELAYLINE_H
#define SS_GST_DELAYLINE_H

#include <gst/gst.h>
#include <stdatomic.h>
#include <stdint.h>

typedef struct SsDelayLine {
    /* --- stream's thread only */
    GQueue held;
    int64_t newest; /* stream time of the last that came */
    int64_t gap;    /* of late between two of them; 0: unknown */
    int64_t delay;  /* as told last; -1: the network is too slow, or silent */
    gboolean ends;  /* all leave */
    /* --- written by it, read by any */
    atomic_int_fast64_t latency;
} SsDelayLine;

void ss_delay_line_init(SsDelayLine *line);
/** Nothing waits, and nothing is told; what has been told is taken back. */
void ss_delay_line_reset(SsDelayLine *line);
/** Takes the buffer; `pts`: its stream time, later than the last; `came`: when it came, by the clock. */
void ss_delay_line_push(SsDelayLine *line, GstBuffer *buffer, int64_t pts, int64_t came);
/** The next that leaves now (transfer full), its stream time, and when it came; NULL: none. */
GstBuffer *ss_delay_line_pop(SsDelayLine *line, int64_t *pts, int64_t *came);
/** All that wait are let go. */
void ss_delay_line_drop(SsDelayLine *line);
/**
 * So long buffers are held back from now on (ss_stream_delay()). Where that is new, `element` asks for the
 * latency to be worked out again and posts the element message "sidestream-delay" (delay: ns; live: the
 * network is too slow or silent, and boxes are carried meanwhile). `period`: of the frames, 0: as the last
 * two that came.
 */
void ss_delay_line_set(SsDelayLine *line, int64_t delay, GstClockTime period, GstElement *element);
/** Adds what we hold back to an answered LATENCY query. Thread: any. */
void ss_delay_line_add_latency(SsDelayLine *line, GstQuery *query);

#endif
