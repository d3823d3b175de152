/* SPDX-License-Identifier: Apache-2.0 */
/**
 * How many pictures in a row a stream keeps for a result to come (picture.h).
 *
 * Who carries a box from the frame that the network saw to the newest one needs all the pictures between, as
 * many as come while the network looks at two frames. A machine that stops for a moment makes it more, once
 * or twice; a slow network makes it more each time. Only the latter is worth more memory than what comes
 * while a box is shown: the chain is cut where it outgrows what is usual, and boxes go by their velocity over
 * the cut.
 */
#ifndef SS_REACH_H
#define SS_REACH_H

#include <stdatomic.h>
#include <stdint.h>

/** So many results in a row have to need more, or one in SS_REACH_FADE + 1 for long. */
enum { SS_REACH_RESULTS = 4, SS_REACH_FADE = 4 };

typedef struct SsReach {
    atomic_int pictures; /* in a row at most; grows */
    int most;            /* of those; constant */
    int short_of;        /* how often it did not reach lately; its writer's only */
} SsReach;

/** Thread: before others see it. */
void ss_reach_init(SsReach *r, int least, int most);
/** A result needed so many, there or not. Thread: one at a time. */
void ss_reach_note(SsReach *r, int needed);
/** They come `gap` apart: it reaches as far as `span` from now on, at least; both in ns. Thread: any. */
void ss_reach_span(SsReach *r, int64_t span, int64_t gap);
/** So many may hang together. Thread: any. */
int ss_reach_pictures(const SsReach *r);

#endif
