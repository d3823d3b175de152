/* SPDX-License-Identifier: Apache-2.0 */
/** One hiccup is forgotten; what lasts is followed, up to the most there may be. */
#include "core/reach.h"

#include "test.h"

enum { LEAST = 34, MOST = 128 };

static SsReach reach;

static void note(int needed, int times)
{
    for (int i = 0; i < times; i++)
        ss_reach_note(&reach, needed);
}

int main(void)
{
    ss_reach_init(&reach, LEAST, MOST);
    REQUIRE_CMP(ss_reach_pictures(&reach), ==, LEAST);

    /* A second of 60, of 10, of 1000 pictures; what is there stays. */
    ss_reach_span(&reach, 1000000000, 16666667);
    REQUIRE_CMP(ss_reach_pictures(&reach), ==, 60);
    ss_reach_span(&reach, 1000000000, 100000000);
    REQUIRE_CMP(ss_reach_pictures(&reach), ==, 60);
    ss_reach_span(&reach, 1000000000, 1000000);
    REQUIRE_CMP(ss_reach_pictures(&reach), ==, MOST);
    ss_reach_span(&reach, INT64_MAX, 1);
    REQUIRE_CMP(ss_reach_pictures(&reach), ==, MOST);

    ss_reach_init(&reach, LEAST, MOST);
    /* Late for three results at once, or for two of twelve for ever. */
    note(LEAST, 100);
    note(100, SS_REACH_RESULTS - 1);
    note(20, SS_REACH_FADE * (SS_REACH_RESULTS - 1));
    for (int i = 0; i < 100; i++) {
        note(100, 2);
        note(20, 10);
    }
    REQUIRE_CMP(ss_reach_pictures(&reach), ==, LEAST);

    /* As slow as that each time: as much and a quarter. */
    note(40, SS_REACH_RESULTS);
    REQUIRE_CMP(ss_reach_pictures(&reach), ==, 50);
    note(50, 100);
    REQUIRE_CMP(ss_reach_pictures(&reach), ==, 50);

    /* One in three for long is usual, too. */
    for (int i = 0; i < 8; i++) {
        note(60, 1);
        note(20, 2);
    }
    REQUIRE_CMP(ss_reach_pictures(&reach), ==, 75);
    note(1000, 100);
    REQUIRE_CMP(ss_reach_pictures(&reach), ==, MOST);
    note(1, 100);
    REQUIRE_CMP(ss_reach_pictures(&reach), ==, MOST);
    return 0;
}
