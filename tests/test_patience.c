/* SPDX-License-Identifier: Apache-2.0 */
/** The rule itself, and what it gives over a long time in a simulated run. */
#include "core/patience.h"

#include <stdbool.h>

#include "test.h"

static const int64_t MS = 1000000;

/** By a worker that has saved nothing yet. */
static int64_t at_first(int64_t period, int64_t service, int64_t age)
{
    SsPatience p = { 0 };

    return ss_patience(&p, SS_ALIGN_LIVE, period, service, age);
}

static void the_rule(void)
{
    /* 30 frames/s, 40 ms: two frames are shown meanwhile, 26.7 ms are to spare. */
    REQUIRE_CMP(at_first(33333333, 40 * MS, 20 * MS), ==, 0);
    REQUIRE_CMP(at_first(33333333, 40 * MS, 28 * MS), ==, 5333333);
    REQUIRE_CMP(at_first(33333333, 40 * MS, 27 * MS), ==, 0); /* one frame earns 6 ms, 6.3 are too long */
    REQUIRE_CMP(at_first(33333333, 40 * MS, 34 * MS), ==, 0); /* the next one should be here */
    /* Never for a network that is free for every frame, nor before anything is known. */
    REQUIRE_CMP(at_first(33333333, 33333333, 33 * MS), ==, 0);
    REQUIRE_CMP(at_first(33333333, 0, 33 * MS), ==, 0);
    REQUIRE_CMP(at_first(0, 40 * MS, 0), ==, 0);
    /* Nor where frames come so fast that one does not matter. */
    REQUIRE_CMP(at_first(12 * MS, 17 * MS, 11 * MS), ==, MS);
    REQUIRE_CMP(at_first(12 * MS - 1, 17 * MS, 11 * MS), ==, 0);
    REQUIRE_CMP(at_first(33333333, 40 * MS, -1), ==, 0);
    /* The times meet: the one begun now is ready for the frame before. */
    REQUIRE_CMP(at_first(20 * MS, 40 * MS, 0), ==, 0);
    REQUIRE_CMP(at_first(33333333, 40 * MS, 26666667), ==, 0); /* but for a nanosecond */
    REQUIRE_CMP(at_first(20 * MS, 40 * MS, 19 * MS), ==, MS);
}

static void what_is_saved(void)
{
    SsPatience p = { 0 };

    /* Each frame earns 9 ms: two of them a wait of 14, the 4 left and the next one's not one of 14 again. */
    REQUIRE_CMP(ss_patience(&p, SS_ALIGN_LIVE, 40 * MS, 60 * MS, 0), ==, 0);
    REQUIRE_CMP(ss_patience(&p, SS_ALIGN_LIVE, 40 * MS, 60 * MS, 26 * MS), ==, 14 * MS);
    REQUIRE_CMP(ss_patience(&p, SS_ALIGN_LIVE, 40 * MS, 60 * MS, 26 * MS), ==, 0);
    REQUIRE_CMP(p.saved, ==, 13 * MS);
    /* Half an inference is all that is saved, a quarter of one the longest wait. */
    for (int i = 0; i < 10; i++)
        REQUIRE_CMP(ss_patience(&p, SS_ALIGN_LIVE, 40 * MS, 60 * MS, 0), ==, 0);
    REQUIRE_CMP(p.saved, ==, 30 * MS);
    REQUIRE_CMP(ss_patience(&p, SS_ALIGN_LIVE, 40 * MS, 60 * MS, 24 * MS), ==, 0);
    REQUIRE_CMP(ss_patience(&p, SS_ALIGN_LIVE, 40 * MS, 60 * MS, 25 * MS), ==, 15 * MS);
}

typedef struct Outcome {
    double age_ms, inferences_per_s;
} Outcome;

/** Frames 0, 1, 2 ... arrive at 0, period, 2 period ...; each shows the newest result that is ready. */
static Outcome simulate(int64_t period, int64_t service, bool patient)
{
    enum { FRAMES = 6000 };
    int64_t now = 0, shown_source = -1, ready = 0, source = -1, age = 0;
    int64_t next_shown = 0;
    int inferences = 0, shown = 0;
    SsPatience p = { 0 };

    while (now < FRAMES * period) {
        int64_t newest = now / period * period;
        if (newest == source ||
            (patient && ss_patience(&p, SS_ALIGN_LIVE, period, service, now - newest) > 0))
            now = newest += period;
        source = newest;
        ready = now + service;
        inferences++;
        for (; next_shown < ready; next_shown += period) {
            if (shown_source < 0)
                continue;
            age += next_shown - shown_source;
            shown++;
        }
        shown_source = source;
        now = ready;
    }
    return (Outcome) { (double)age / shown / 1e6, inferences * 1e9 / (double)(FRAMES * period) };
}

static void waiting_pays(void)
{
    static const int64_t periods[] = { 16666667, 33333333, 40000000 };
    double best = 0;

    for (int p = 0; p < 3; p++) {
        for (int64_t service = 5 * MS; service < 300 * MS; service += 700001) {
            Outcome now = simulate(periods[p], service, false), later = simulate(periods[p], service, true);
            REQUIRE_CMP(later.age_ms, <=, now.age_ms + 0.05);
            REQUIRE_CMP(later.inferences_per_s, >=, now.inferences_per_s * (1 - SS_PATIENCE));
            best = fmax(best, 1 - later.age_ms / now.age_ms);
        }
    }
    printf("boxes up to %.0f %% younger\n", 100 * best);
    REQUIRE_CMP(best, >, 0.2);
}

/** 30 frames/s, a network of 40 ms and a little: the slot alone makes 78 ms. */
static void the_tutorials_case(void)
{
    Outcome now = simulate(33333333, 40 * MS + 300000, false),
            later = simulate(33333333, 40 * MS + 300000, true);

    printf("40.3 ms at 30/s: %.1f ms old, with patience %.1f\n", now.age_ms, later.age_ms);
    REQUIRE_NEAR(now.age_ms, 78.2, 0.5);
    REQUIRE_NEAR(later.age_ms, 73.3, 0.5);
}

int main(void)
{
    the_rule();
    what_is_saved();
    waiting_pays();
    the_tutorials_case();
    return 0;
}
