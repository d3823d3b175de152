/* SPDX-License-Identifier: Apache-2.0 */
/** A clip played live through `ssinfer`, with a network that takes its time: what is shown of each picture.
 */
#ifndef SS_REALTIME_H
#define SS_REALTIME_H

#include "options.h"

typedef struct SsRealtimeParams {
    const SsOptions *options;
    const char *source;
    SsAlign align;
    guint simulate_latency; /* ms; the network itself; see ssinfer's property */
} SsRealtimeParams;

/** A picture leaves: its stream time and its objects. On a thread of the film's. */
typedef void (*SsShownFunc)(void *cookie, gint64 pts, const SsObject *shown, int n);

/**
 * Loads the model, then plays; blocks until the clip ends. `cost`: of the stream's thread inside of ssinfer,
 * a picture. Errors: SS_EXIT_SOURCE, SS_EXIT_MODEL, SS_EXIT_USAGE.
 */
gboolean ss_realtime_play(const SsRealtimeParams *p, SsShownFunc func, void *cookie, SsTimes *cost,
                          GError **error);

#endif
