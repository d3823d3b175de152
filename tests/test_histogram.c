/* SPDX-License-Identifier: Apache-2.0 */
#include "core/histogram.h"

#include "test.h"

static SsHistogram h;

static void within_a_percent(int64_t a, int64_t b)
{
    REQUIRE_NEAR(a, b, 0.01 * (double)b);
}

static void empty(void)
{
    SsTimes t;

    ss_histogram_times(&h, &t);
    REQUIRE(t.count == 0 && t.p50 == 0 && t.max == 0);
}

/** 1 .. 100000 in a scrambled order, at every scale from nanoseconds to hours. */
static void percentiles(int64_t scale)
{
    SsTimes t;

    memset(&h, 0, sizeof h);
    for (int64_t i = 0; i < 100000; i++)
        ss_histogram_add(&h, (i * 7919 % 100000 + 1) * scale);
    ss_histogram_times(&h, &t);
    REQUIRE_CMP(t.count, ==, 100000);
    within_a_percent(t.p50, 50000 * scale);
    within_a_percent(t.p95, 95000 * scale);
    within_a_percent(t.p99, 99000 * scale);
    REQUIRE_CMP(t.max, ==, 100000 * scale);
    REQUIRE_NEAR(t.mean, 50000.5 * (double)scale, (double)scale);
}

static void extremes(void)
{
    SsTimes t;

    memset(&h, 0, sizeof h);
    ss_histogram_add(&h, -5);
    ss_histogram_add(&h, INT64_MAX / 4);
    ss_histogram_times(&h, &t);
    REQUIRE_CMP(t.p50, ==, 0);
    REQUIRE_CMP(t.max, ==, INT64_MAX / 4);

    memset(&h, 0, sizeof h);
    for (int i = 0; i < 3; i++)
        ss_histogram_add(&h, 200);
    ss_histogram_times(&h, &t);
    REQUIRE(t.p50 == 200 && t.p99 == 200 && t.max == 200); /* never above the largest */
}

int main(void)
{
    empty();
    for (int64_t scale = 1; scale <= 1000000000; scale *= 1000)
        percentiles(scale);
    extremes();
    return 0;
}
