/* SPDX-License-Identifier: Apache-2.0 */
#include "reach.h"

#include "internal.h"

void ss_reach_init(SsReach *r, int least, int most)
{
    *r = (SsReach) { .most = most };
    atomic_init(&r->pictures, least);
}

static void grow(SsReach *r, int64_t pictures)
{
    const int wanted = (int)SS_MIN(pictures, r->most);
    int now = atomic_load(&r->pictures);

    while (now < wanted && !atomic_compare_exchange_weak(&r->pictures, &now, wanted))
        ;
}

void ss_reach_span(SsReach *r, int64_t span, int64_t gap)
{
    grow(r, SS_MIN(span / gap, r->most) + 1);
}

void ss_reach_note(SsReach *r, int needed)
{
    if (needed <= ss_reach_pictures(r)) {
        r->short_of = SS_MAX(r->short_of - 1, 0);
        return;
    }
    r->short_of += SS_REACH_FADE;
    if (r->short_of < SS_REACH_RESULTS * SS_REACH_FADE)
        return;
    r->short_of = 0;
    /* A quarter more: none is as quick as the other. */
    grow(r, needed + needed / 4);
}

int ss_reach_pictures(const SsReach *r)
{
    return atomic_load(&r->pictures);
}
