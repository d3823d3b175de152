/* SPDX-License-Identifier: Apache-2.0 */
/**
 * When a free worker had better wait for the next frame than take the one that is there.
 *
 * A result is seen with the first frame shown after it is ready. If one begun now and one
 * begun with the next frame are ready in time for the same frame, the later start shows
 * boxes that are a whole frame younger. The idea is the "shrinking tail" of Li, Wang and
 * Ramanan, Towards Streaming Perception, ECCV 2020; the bound on the wait is ours: it costs
 * the network at most SS_PATIENCE of its time. Pure.
 */
#ifndef SS_PATIENCE_H
#define SS_PATIENCE_H

#include <stdint.h>

/** The longest wait, as a part of the time a frame keeps a worker busy. */
#define SS_PATIENCE 0.15
/** ns; where frames come faster, one frame younger is not worth an inference. */
#define SS_PATIENCE_PERIOD 8000000

/**
 * `period`: from frame to frame; `service`: from taking a frame to being free again; `age`:
 * since the waiting frame was offered. All ns. Returns how long to wait for the next one; 0: take this one.
 */
int64_t ss_patience(int64_t period, int64_t service, int64_t age);

#endif
