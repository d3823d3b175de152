/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The element that gives a recording the pace of live. It belongs behind a queue, so
 * that decoding goes on aside; its thread waits for the clock and does nothing else.
 *
 * Out of it pts == running time, from 0 up without a gap over a loop. Frames of a live
 * source pass untouched, at once. GST_BUFFER_OFFSET counts the frames.
 */
#ifndef SS_PACE_H
#define SS_PACE_H

#include <gst/gst.h>
#include <stdbool.h>

typedef struct SsPaceParams {
    double rate;      /* frames a second a recording is played at; 0 = its own */
    bool unhurried;   /* a recording's frames go out as fast as they are taken, with the same timestamps */
    bool loop;        /* start again at the end */
    GstClockTime end; /* end before the first frame of this running time (from the first); 0 = never */
} SsPaceParams;

/** A floating element with pads "sink" and "src". */
GstElement *ss_pace_new(const SsPaceParams *p);
/** How far into the recording the newest frame is, by the recording's own time; NONE before the first. Any
 * thread. */
GstClockTime ss_pace_position(GstElement *pace);
/** Makes `decoded` (the pad that feeds the queue before `pace`) start again at its end. */
void ss_pace_loop(GstElement *pace, GstPad *decoded);

#endif
