/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A network that is late, played on a virtual clock: what a stream with one worker would show of each picture
 * if every inference took so long. The schedule is the engine's (the newest picture goes in; a free worker
 * waits where that pays), the carrying is the engine's own code.
 */
#ifndef SS_REPLAY_H
#define SS_REPLAY_H

#include "core/follow.h"

typedef struct SsReplay SsReplay;

typedef struct SsReplayParams {
    int64_t latency; /* ns */
    SsAlign align;
    float threshold;
    int64_t max_age; /* ns */
} SsReplayParams;

/** Detections below are none of a stream's business at this threshold. */
float ss_replay_faintest(float threshold);

/** NULL: out of memory. */
SsReplay *ss_replay_new(const SsReplayParams *p);
/**
 * The picture at `pts`: writes what is shown of it to `out` (room for SS_MAX_OBJECTS), returns the count;
 * then it is offered. `picture`: of that frame; `det`: what the network would see in it, from
 * ss_replay_faintest() up.
 */
int ss_replay_show(SsReplay *r, int64_t pts, SsPicture *picture, const SsDetection *det, int n,
                   SsObject *out);
void ss_replay_free(SsReplay *r);

#endif
