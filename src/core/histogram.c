/* SPDX-License-Identifier: Apache-2.0 */
#include "histogram.h"

#include <string.h>

#include "internal.h"

enum { SUB_BITS = 7, SUB = 1 << SUB_BITS };

/** 0 .. 127 each have a bucket; from there on an octave has 128. */
static unsigned bucket_of(uint64_t v)
{
    if (v < SUB)
        return (unsigned)v;
    unsigned octave = 63u - (unsigned)__builtin_clzll(v) - SUB_BITS;
    unsigned bucket = octave * SUB + (unsigned)(v >> octave);
    return SS_MIN(bucket, SS_HISTOGRAM_BUCKETS - 1);
}

/** The middle of a bucket. */
static int64_t value_of(unsigned bucket)
{
    if (bucket < 2 * SUB)
        return bucket;
    unsigned octave = bucket / SUB - 1;
    int64_t low = (int64_t)(bucket % SUB + SUB) << octave;
    return low + (((int64_t)1 << octave) >> 1);
}

void ss_histogram_add(SsHistogram *h, int64_t ns)
{
    if (ns < 0)
        ns = 0;
    atomic_fetch_add_explicit(&h->bucket[bucket_of((uint64_t)ns)], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->sum, ns, memory_order_relaxed);
    int_fast64_t max = atomic_load_explicit(&h->max, memory_order_relaxed);
    while (ns > max && !atomic_compare_exchange_weak_explicit(&h->max, &max, ns, memory_order_relaxed,
                                                              memory_order_relaxed))
        ;
    atomic_fetch_add_explicit(&h->count, 1, memory_order_relaxed);
}

void ss_histogram_times(const SsHistogram *h, SsTimes *out)
{
    static const int percent[3] = { 50, 95, 99 };
    int64_t *const result[3] = { &out->p50, &out->p95, &out->p99 };
    uint64_t total = 0, seen = 0;
    int next = 0;

    memset(out, 0, sizeof *out);
    for (unsigned i = 0; i < SS_HISTOGRAM_BUCKETS; i++)
        total += atomic_load_explicit(&h->bucket[i], memory_order_relaxed);
    if (total == 0)
        return;
    out->count = total;
    out->max = atomic_load_explicit(&h->max, memory_order_relaxed);
    out->mean = atomic_load_explicit(&h->sum, memory_order_relaxed) / (int64_t)total;

    /* The smallest value that at least `percent` of all are not above. */
    for (unsigned i = 0; i < SS_HISTOGRAM_BUCKETS && next < 3; i++) {
        seen += atomic_load_explicit(&h->bucket[i], memory_order_relaxed);
        while (next < 3 && seen * 100 >= total * (uint64_t)percent[next])
            *result[next++] = SS_MIN(value_of(i), out->max);
    }
}
