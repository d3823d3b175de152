/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Four numbers at once, by the vectors that gcc and clang have for C. Sums of floats are worked out one after
 * another unless somebody says that any order will do: this does.
 */
#ifndef SS_LANES_H
#define SS_LANES_H

#include <stdint.h>
#include <string.h>

enum { SS_LANES = 4 };

typedef float SsLanes __attribute__((vector_size(4 * SS_LANES)));
typedef int32_t SsIntLanes __attribute__((vector_size(4 * SS_LANES)));

static inline SsLanes ss_lanes_load(const float *from)
{
    SsLanes v;

    memcpy(&v, from, sizeof v);
    return v;
}

static inline void ss_lanes_store(float *to, SsLanes v)
{
    memcpy(to, &v, sizeof v);
}

static inline float ss_lanes_sum(SsLanes v)
{
    return (v[0] + v[1]) + (v[2] + v[3]);
}

static inline SsLanes ss_lanes_max(SsLanes a, SsLanes b)
{
    const SsIntLanes first = a > b;

    return (SsLanes)((first & (SsIntLanes)a) | (~first & (SsIntLanes)b));
}

/** Without their signs. */
static inline SsLanes ss_lanes_abs(SsLanes v)
{
    return (SsLanes)((SsIntLanes)v & INT32_MAX);
}

#endif
