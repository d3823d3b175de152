/* SPDX-License-Identifier: Apache-2.0 */
#include "core/background.h"

#include "test.h"

enum { W = 7, H = 3, PIXELS = W * H };

static SsBackground b;
static uint8_t now[2 * PIXELS], off[2 * PIXELS];

static void subtract(int width)
{
    ss_background_subtract(&b, &(SsGrey) { width, H, now }, off);
}

static void first_is_usual(void)
{
    memset(now, 90, sizeof now);
    memset(off, 1, sizeof off);
    subtract(W);
    for (int i = 0; i < PIXELS; i++)
        REQUIRE_CMP(off[i], ==, 0);
}

/** Brighter and darker count alike, from black to white. */
static void what_comes_is_different(void)
{
    now[3] = 255;
    now[4] = 0;
    subtract(W);
    for (int i = 0; i < PIXELS; i++)
        REQUIRE_CMP(off[i], ==, i == 3 ? 165 : i == 4 ? 90 : 0);
}

/** What stays becomes usual by a grey level each second picture, and no more than it. */
static void what_stays_is_usual(void)
{
    for (int i = 0; i < 100; i++)
        subtract(W);
    REQUIRE_CMP(off[3], ==, 165 - 50);
    REQUIRE_CMP(off[4], ==, 90 - 50);
    for (int i = 0; i < 400; i++)
        subtract(W);
    REQUIRE_CMP(off[3], ==, 0);
    REQUIRE_CMP(off[4], ==, 0);
}

/** Somebody passes: usual is what is there most of the time. */
static void the_median_stays(void)
{
    for (int i = 0; i < 300; i++) {
        now[0] = i % 10 < 3 ? 200 : 90;
        subtract(W);
        if (i % 10 < 3)
            REQUIRE_CMP(off[0], >, 100);
        else
            REQUIRE_CMP(off[0], <, 5);
    }
}

static void another_size_starts_over(void)
{
    subtract(2 * W);
    for (int i = 0; i < 2 * PIXELS; i++)
        REQUIRE_CMP(off[i], ==, 0);
    ss_background_clear(&b);
    now[5] = 1;
    subtract(2 * W);
    REQUIRE_CMP(off[5], ==, 0);
}

int main(void)
{
    first_is_usual();
    what_comes_is_different();
    what_stays_is_usual();
    the_median_stays();
    another_size_starts_over();
    ss_background_clear(&b);
    return 0;
}
