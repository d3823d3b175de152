/* SPDX-License-Identifier: Apache-2.0 */
/**
 * When a free worker had better wait for the next frame than take the one that is there.
 *
 * A result is seen with the first frame shown after it is ready. If one begun now and one
 * begun with the next frame are ready in time for the same frame, the later start shows
 * boxes that are a whole frame younger. The idea is the "shrinking tail" of Li, Wang and
 * Ramanan, Towards Streaming Perception, ECCV 2020; the bounds on the wait are ours: on the
 * average it costs the network at most SS_PATIENCE of its time. No clock, no lock.
 */
#ifndef SS_PATIENCE_H
#define SS_PATIENCE_H

#include <stdint.h>

#include "sidestream/engine.h"

/** As parts of the time a frame keeps a worker busy: what each frame earns, one wait at most, and what may be
 * saved. */
#define SS_PATIENCE       0.15
#define SS_PATIENCE_ONCE  0.25
#define SS_PATIENCE_SAVED 0.5
/** ns; where frames come faster, one frame younger is not worth an inference. */
#define SS_PATIENCE_PERIOD 12000000

/** A worker's; zero at first. */
typedef struct SsPatience {
    int64_t saved; /* ns that it may still wait */
} SsPatience;

/**
 * To be asked once for each frame looked at. Pictures that are held back until their boxes are there (delay)
 * want as many results as can be had, not young ones: for those there is no wait. `period`: from frame to
 * frame; `service`: from taking a frame to being free again; `age`: since the waiting frame was offered. All
 * ns. Returns how long to wait for the next one, which is taken from what was saved; 0: take this one.
 */
int64_t ss_patience(SsPatience *p, SsAlign align, int64_t period, int64_t service, int64_t age);

#endif
