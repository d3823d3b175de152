/* SPDX-License-Identifier: Apache-2.0 */
#include "core/kalman.h"

#include "test.h"

/** What moves evenly is expected where it will be, however its time is cut. */
static void even_motion(void)
{
    static const float gap[] = { 0.02f, 0.1f, 0.033f, 0.4f };
    SsKalman k;
    float t = 0;

    ss_kalman_init(&k, 5, 1, 100);
    for (int i = 0; i < 200; i++) {
        t += gap[i % 4];
        ss_kalman_predict(&k, gap[i % 4], 1);
        if (i > 20)
            REQUIRE_NEAR(k.p, 5 + 30 * t, 0.05);
        ss_kalman_correct(&k, 5 + 30 * t, 1);
    }
    REQUIRE_NEAR(k.v, 30, 0.1);
}

/** Two short steps are one long one: the covariance does not depend on how often it is asked. */
static void steps_add_up(void)
{
    SsKalman a, b;

    ss_kalman_init(&a, 0, 2, 3);
    b = a;
    ss_kalman_predict(&a, 0.5f, 4);
    for (int i = 0; i < 50; i++)
        ss_kalman_predict(&b, 0.01f, 4);
    REQUIRE_NEAR(a.pp, b.pp, 1e-3);
    REQUIRE_NEAR(a.pv, b.pv, 1e-3);
    REQUIRE_NEAR(a.vv, b.vv, 1e-3);
}

/** Worked out by hand: seen twice with equal doubt, the truth is half way. */
static void doubt_is_shared(void)
{
    SsKalman k;

    ss_kalman_init(&k, 0, 1, 0);
    ss_kalman_correct(&k, 10, 1);
    REQUIRE_NEAR(k.p, 5, 1e-5);
    REQUIRE_NEAR(k.pp, 0.5, 1e-5);
    REQUIRE_NEAR(k.v, 0, 0);
}

int main(void)
{
    even_motion();
    steps_add_up();
    doubt_is_shared();
    return 0;
}
