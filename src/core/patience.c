/* SPDX-License-Identifier: Apache-2.0 */
#include "patience.h"

#include "internal.h"

enum { INSTANT = 1000 }; /* ns; a period is rounded, so times as near as this meet */

static int64_t part_of(double part, int64_t service)
{
    return (int64_t)(part * (double)service);
}

int64_t ss_patience(SsPatience *p, SsAlign align, int64_t period, int64_t service, int64_t age)
{
    /* A network faster than the video is free for every frame; one never measured is let go on. */
    if (align == SS_ALIGN_DELAY || period < SS_PATIENCE_PERIOD || service <= period || age < 0)
        return 0;
    p->saved = SS_MIN(p->saved + part_of(SS_PATIENCE, service), part_of(SS_PATIENCE_SAVED, service));
    const int64_t remaining = period - age;
    const int64_t frames = (service + period - 1) / period; /* shown while one is looked at */
    if (remaining <= 0 || remaining > part_of(SS_PATIENCE_ONCE, service) || remaining > p->saved ||
        age + service <= frames * period + INSTANT)
        return 0;
    p->saved -= remaining;
    return remaining;
}
