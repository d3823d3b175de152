/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A network that takes as long as it is told to, on the fake clock: the dummy's gate opens when its time has
 * come. Frame n comes at n * PERIOD. No thread is ahead of another: when a call returns, a result is
 * published and the next frame is in the network.
 */
#ifndef SS_TEST_SLOW_H
#define SS_TEST_SLOW_H

#include "rig.h"

/* Another stream (slow_init()) shares the engine: else a free worker might wait for a younger frame, by the
 * real clock. */
#define SLOW_MODEL "engine=slow backend=dummy model-options=gate=0,boxes=1 "
#define SLOW_HANGS G_MAXINT64

enum { SLOW_WAITS = 64 };

/** How long the n-th inference (from 0) takes, in ns. */
typedef gint64 (*SlowTakes)(guint n);

typedef struct Slow {
    SlowTakes takes;
    GstElement *other;
    guint begun;   /* inferences */
    gboolean busy; /* with `looks_at`, until `done` */
    guint looks_at;
    gint64 done;
    gboolean has_next; /* the newest that was offered meanwhile */
    guint next;
    guint results;
    guint answered; /* the last that was looked at, where there are results */
    gint64 wait[SLOW_WAITS];
} Slow;

/** It is time 0, the gate is shut. Before `infer` starts. */
void slow_init(Slow *s, SlowTakes takes);
/** The gate opens. `infer` may be stopped then. */
void slow_clear(Slow *s);
/** Frame n has just been offered. */
void slow_offered(Slow *s, guint n);
/** What happens until then, and it is then. */
void slow_until(Slow *s, GstElement *infer, gint64 now);
/** The inference that hangs is done now. */
void slow_wakes(Slow *s);
/**
 * So long the oldest frame that a result answers had waited for it, in 19 of 20 of the last 64 results: the
 * smallest of those waits that so many do not exceed.
 */
gint64 slow_p95(const Slow *s);

#endif
