/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Percentiles of a stream of times in constant memory: log-linear buckets, 128 to a
 * factor of two, so a percentile is off by less than 0.8 %. Adding is wait-free.
 */
#ifndef SS_HISTOGRAM_H
#define SS_HISTOGRAM_H

#include <stdatomic.h>

#include "sidestream/engine.h"

enum { SS_HISTOGRAM_BUCKETS = 128 * 41 }; /* up to 2^47 ns, 39 hours */

typedef struct SsHistogram {
    atomic_uint bucket[SS_HISTOGRAM_BUCKETS];
    atomic_uint_fast64_t count;
    atomic_int_fast64_t sum, max;
} SsHistogram;

/** Zeroed memory is an empty histogram. `ns` below 0 counts as 0. Thread: any. */
SS_API void ss_histogram_add(SsHistogram *h, int64_t ns);
/** Thread: any; a snapshot taken while others add may miss the newest. */
SS_API void ss_histogram_times(const SsHistogram *h, SsTimes *out);

#endif
