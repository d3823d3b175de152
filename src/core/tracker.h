/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Detections of a frame -> objects with an id that stays. Each track expects its object where a Kalman filter
 * with the real time between frames puts it (A. Bewley and others, Simple Online and Realtime Tracking, ICIP
 * 2016); detections are given to tracks by overlap, the sure ones first, then by nearness, and the faint ones
 * continue what is left (Y. Zhang and others, ByteTrack, ECCV 2022). Within a class and by like size only.
 * Pure: no clock, no thread, no lock; one stream each.
 */
#ifndef SS_TRACKER_H
#define SS_TRACKER_H

#include <stdbool.h>

#include "sidestream/track.h"

typedef struct SsTracker SsTracker;

/** Errors: -ENOMEM. */
int ss_tracker_create(SsTracker **out, const SsTrackerParams *p);
/**
 * `det`: at most SS_MAX_OBJECTS, of the frame at `pts`, later than the last. Writes to `out` (room for
 * SS_MAX_OBJECTS) an object for each detection that is shown, in the same order, state SS_MEASURED, then
 * those that coast, SS_PREDICTED; returns the count.
 */
int ss_tracker_update(SsTracker *t, int64_t pts, const SsDetection *det, int n, SsObject *out);
/**
 * Time passes until `pts`; ss_tracker_update() does it, too. In between, whoever has followed the pictures
 * may say where an object stands now, and its velocity in pixels a second: it is expected there, and its own
 * doubt is that of following, not of guessing. Not `alike`: what stands there does not look like it, and
 * if it is not seen again it has gone behind something, and is expected where it was going.
 */
void ss_tracker_predict(SsTracker *t, int64_t pts);
void ss_tracker_expect(SsTracker *t, uint64_t id, const SsBox *box, float vx, float vy, bool alike);
/** Where the filter has the object, and its velocity in pixels a second; false: there is no such track. */
bool ss_tracker_filtered(const SsTracker *t, uint64_t id, SsBox *box, float *vx, float *vy);
/** Forget the tracks; their ids are not given again. */
void ss_tracker_reset(SsTracker *t);
void ss_tracker_destroy(SsTracker **t);

#endif
