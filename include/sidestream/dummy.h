/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The backend "dummy": scripted boxes, settable latency, and a gate. A peer of the
 * real ones, made for tests and demonstrations.
 *
 * SsModelParams.options, all optional:
 *   latency=MS     every inference takes this long (default 0)
 *   load=MS        model_open takes this long (0)
 *   broken=load    model_open fails        broken=infer   every inference fails
 *   boxes=N        N boxes on a grid, class 1..3 in turn, score 0.9 (default 1)
 *   follow=1       one box around the brightest blob of the input (test://ball) instead of the grid
 *   size=N         the input is [1,N,N,3] u8 (default 64)
 *   gate=G         inferences wait at gate G (0 .. 7) until it lets them pass
 *   load_gate=G    so does model_open
 *   cuda=1         frames in a GPU's memory are taken there, unseen; with stays=1 each is kept until its
 *                  inference has ended
 *   async=1        inferences begin and end apart; with one worker or two, two each may be in flight
 *   stand_in=N     a stand-in answers until model_open is done: N boxes, at once, or as stand_in_gate=G lets
 * it; broken=stand_in: it cannot be loaded
 */
#ifndef SIDESTREAM_DUMMY_H
#define SIDESTREAM_DUMMY_H

#include <stdbool.h>
#include <stdint.h>

#include "log.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SS_DUMMY_GATES = 8 };

/** Gates are open at first. Shutting one also forgets passes and arrivals. Thread: any, for all four. */
SS_API void ss_dummy_gate_shut(int gate);
SS_API void ss_dummy_gate_open(int gate);
/** Let `n` more inferences through a shut gate. */
SS_API void ss_dummy_gate_pass(int gate, int n);
/** Blocks until `n` inferences have arrived at the gate since it was shut. */
SS_API void ss_dummy_gate_wait(int gate, int n);
/** So many were in flight at once, of those with async=1, since it was last asked. */
SS_API int ss_dummy_most_in_flight(void);
/** FNV-1a of the input tensor of the last inference that arrived at the gate. */
SS_API uint32_t ss_dummy_gate_checksum(int gate);

#ifdef __cplusplus
}
#endif
#endif
