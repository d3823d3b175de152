/* SPDX-License-Identifier: Apache-2.0 */
#include "reach.h"

#include "internal.h"

void ss_reach_init(SsReach *r, int least, int most)
{
    *r = (SsReach) { .most = most };
    atomic_init(&r->pictures, least);
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
    atomic_store(&r->pictures, SS_MIN(needed + needed / 4, r->most));
}

int ss_reach_pictures(const SsReach *r)
{
    return atomic_load(&r->pictures);
}
