/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Detections of a frame -> objects with an id that stays. Greedy association by overlap
 * within a class. Pure: no clock, no thread, no lock; one stream each.
 */
#ifndef SS_TRACKER_H
#define SS_TRACKER_H

#include "sidestream/track.h"

typedef struct SsTracker SsTracker;

/** Errors: -ENOMEM. */
int ss_tracker_create(SsTracker **out, const SsTrackerParams *p);
/**
 * `det`: at most SS_MAX_OBJECTS, of the frame at `pts`, later than the last. Writes one
 * object a detection to `out`, in the same order, state SS_MEASURED; returns the count.
 */
int ss_tracker_update(SsTracker *t, int64_t pts, const SsDetection *det, int n, SsObject *out);
/** Forget the tracks; their ids are not given again. */
void ss_tracker_reset(SsTracker *t);
void ss_tracker_destroy(SsTracker **t);

#endif
