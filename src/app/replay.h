/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A network that is late, played on a virtual clock: what a stream with one worker would show of each picture
 * if every inference took so long. The schedule is the engine's (the newest picture goes in; a free worker
 * waits where that pays), the carrying is the engine's own code.
 */
#ifndef SS_REPLAY_H
#define SS_REPLAY_H

#include <glib.h>

#include "core/follow.h"

typedef struct SsReplay SsReplay;

typedef struct SsReplayParams {
    int64_t latency; /* ns */
    SsAlign align;
    float threshold;
    int64_t max_age;   /* ns */
    int longest_chain; /* of pictures: so many as pass while the network looks at two, and some more */
} SsReplayParams;

/** Detections below are none of a stream's business at this threshold. */
float ss_replay_faintest(float threshold);

/** NULL: out of memory. */
SsReplay *ss_replay_new(const SsReplayParams *p);
/**
 * A picture comes. `det`: what the network would see in it, from ss_replay_faintest() up. FALSE: out of
 * memory.
 */
gboolean ss_replay_see(SsReplay *r, const SsFrameDesc *frame, const SsDetection *det, int n);
/**
 * The next picture that is shown now, until none is left: writes its time and its objects (room for
 * SS_MAX_OBJECTS), returns their count; -1: none. Pictures are shown in the order in which they came.
 */
int ss_replay_show(SsReplay *r, int64_t *pts, SsObject *out);
/** What the stream's thread would have spent on each picture so far, by the clock; not deterministic. */
void ss_replay_cost(const SsReplay *r, SsTimes *out);
/** No more pictures come: all that wait are shown as they are. */
void ss_replay_end(SsReplay *r);
void ss_replay_free(SsReplay *r);

#endif
