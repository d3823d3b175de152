/* SPDX-License-Identifier: Apache-2.0 */
#include "core/tracker.h"

#include "test.h"

static const int64_t SECOND = 1000000000;

static SsTracker *tracker_of(SsTrackerParams p)
{
    SsTracker *t;
    REQUIRE(ss_tracker_create(&t, &p) == 0);
    return t;
}

static SsTracker *tracker(void)
{
    return tracker_of((SsTrackerParams) { 0 });
}

static SsDetection det(float x, float y, int class_id)
{
    return (SsDetection) { { x, y, 40, 100 }, 0.8f, class_id };
}

static void id_stays_with_the_object(void)
{
    SsTracker *t = tracker();
    SsObject o[2];
    SsDetection d[2] = { det(0, 0, 1), det(200, 0, 1) };

    REQUIRE(ss_tracker_update(t, 0, d, 2, o) == 2);
    REQUIRE(o[0].id == 1 && o[1].id == 2);
    for (int i = 1; i < 50; i++) {
        /* They walk, and the detector swaps their order every time. */
        d[i % 2] = det(5.f * (float)i, 0, 1);
        d[1 - i % 2] = det(200 + 5.f * (float)i, 0, 1);
        REQUIRE(ss_tracker_update(t, i * SECOND / 10, d, 2, o) == 2);
        REQUIRE_CMP(o[i % 2].id, ==, 1);
        REQUIRE_CMP(o[1 - i % 2].id, ==, 2);
        REQUIRE(o[0].state == SS_MEASURED && o[0].source_pts == i * SECOND / 10);
        REQUIRE_NEAR(o[i % 2].box.x, 5 * i, 0);
    }
    ss_tracker_destroy(&t);
    REQUIRE(t == NULL);
}

static void class_and_overlap_decide(void)
{
    SsTracker *t = tracker();
    SsObject o[2];
    SsDetection d[2] = { det(0, 0, 1), det(0, 0, 2) };

    ss_tracker_update(t, 0, d, 2, o);
    REQUIRE(o[0].id != o[1].id);
    d[0] = det(0, 0, 2);
    REQUIRE(ss_tracker_update(t, 1, d, 1, o) == 1);
    REQUIRE_CMP(o[0].id, ==, 2);
    d[0] = det(35, 0, 1); /* overlap 5/75: another one */
    ss_tracker_update(t, 2, d, 1, o);
    REQUIRE_CMP(o[0].id, ==, 3);
    /* Two on one track: the better overlap keeps the id. */
    d[0] = det(10, 0, 2);
    d[1] = det(2, 0, 2);
    ss_tracker_update(t, 3, d, 2, o);
    REQUIRE_CMP(o[1].id, ==, 2);
    REQUIRE_CMP(o[0].id, ==, 4);
    ss_tracker_destroy(&t);
}

static void lost_for_too_long_is_forgotten(void)
{
    SsTracker *t = tracker_of((SsTrackerParams) { .max_lost = SECOND });
    SsObject o[1];
    SsDetection d[1] = { det(0, 0, 1) };

    ss_tracker_update(t, 0, d, 1, o);
    REQUIRE(ss_tracker_update(t, SECOND / 2, d, 0, o) == 0);
    ss_tracker_update(t, SECOND, d, 1, o);
    REQUIRE_CMP(o[0].id, ==, 1);
    ss_tracker_update(t, 2 * SECOND + 1, d, 1, o);
    REQUIRE_CMP(o[0].id, ==, 2);
    ss_tracker_reset(t);
    ss_tracker_update(t, 0, d, 1, o); /* time may start again */
    REQUIRE_CMP(o[0].id, ==, 3);
    ss_tracker_destroy(&t);
}

/** Two cross, one behind the other and unseen for half a second: each has its own id afterwards. */
static void ids_outlive_an_occlusion(void)
{
    for (int every = 1; every <= 3; every++) { /* 30, 15 and 10 results a second */
        SsTracker *t = tracker();
        SsObject o[2];

        for (int i = 0; i < 90; i += every) {
            const float x = 4 * (float)i;
            const bool hidden = i > 37 && i < 53;
            const SsDetection d[2] = { det(x, 0, 1), det(360 - x, 10, 1) };
            const int n = ss_tracker_update(t, i * SECOND / 30, d, hidden ? 1 : 2, o);

            REQUIRE_CMP(n, ==, hidden ? 1 : 2);
            REQUIRE_CMP(o[0].id, ==, 1);
            REQUIRE(hidden || o[1].id == 2);
        }
        ss_tracker_destroy(&t);
    }
}

static void faint_ones_go_on_but_do_not_start(void)
{
    SsTracker *t = tracker_of((SsTrackerParams) { .start_score = 0.5f });
    SsObject o[2];
    SsDetection d[2] = { det(0, 0, 1), det(300, 0, 1) };

    d[1].score = 0.4f;
    REQUIRE(ss_tracker_update(t, 0, d, 2, o) == 1);
    d[0].score = 0.2f;
    REQUIRE(ss_tracker_update(t, SECOND / 30, d, 2, o) == 1);
    REQUIRE(o[0].id == 1 && o[0].state == SS_MEASURED);
    REQUIRE_NEAR(o[0].score, 0.2, 1e-6);
    ss_tracker_destroy(&t);
}

static void newcomers_are_confirmed(void)
{
    SsTracker *t = tracker_of((SsTrackerParams) { .confirm = 3 });
    SsObject o[2];
    SsDetection d[2] = { det(0, 0, 1), det(300, 0, 1) };

    REQUIRE(ss_tracker_update(t, 0, d, 1, o) == 1); /* who is there at the start is */
    REQUIRE(ss_tracker_update(t, SECOND / 10, d, 2, o) == 1);
    REQUIRE(ss_tracker_update(t, 2 * SECOND / 10, d, 2, o) == 1);
    REQUIRE(ss_tracker_update(t, 3 * SECOND / 10, d, 2, o) == 2);
    d[1] = det(600, 0, 1); /* seen once, missed once: begins anew */
    ss_tracker_update(t, 4 * SECOND / 10, d, 2, o);
    ss_tracker_update(t, 5 * SECOND / 10, d, 1, o);
    ss_tracker_update(t, 6 * SECOND / 10, d, 2, o);
    REQUIRE(ss_tracker_update(t, 7 * SECOND / 10, d, 2, o) == 1);
    ss_tracker_destroy(&t);
}

static void the_unseen_coast(void)
{
    SsTracker *t = tracker_of((SsTrackerParams) { .coast = SECOND / 2 });
    SsObject o[1];

    for (int i = 0; i <= 10; i++) {
        const SsDetection d[1] = { det(6 * (float)i, 0, 1) };
        REQUIRE(ss_tracker_update(t, i * SECOND / 10, d, 1, o) == 1);
    }
    REQUIRE(ss_tracker_update(t, 13 * SECOND / 10, NULL, 0, o) == 1);
    REQUIRE(o[0].id == 1 && o[0].state == SS_PREDICTED && o[0].source_pts == SECOND);
    REQUIRE_NEAR(o[0].box.x, 78, 3);
    REQUIRE(ss_tracker_update(t, 16 * SECOND / 10, NULL, 0, o) == 0);
    ss_tracker_destroy(&t);
}

/** The detector trembles by three pixels; the filter's boxes by less. */
static void smooth_boxes_are_calmer(void)
{
    SsTracker *t = tracker_of((SsTrackerParams) { .smooth = true });
    SsObject o[1];
    double raw = 0, smooth = 0;

    for (int i = 0; i < 100; i++) {
        const float tremble = i % 2 ? 3 : -3;
        const SsDetection d[1] = { det(2 * (float)i + tremble, 0, 1) };
        REQUIRE(ss_tracker_update(t, i * SECOND / 30, d, 1, o) == 1);
        if (i < 20)
            continue;
        raw += fabs((double)tremble);
        smooth += fabs(o[0].box.x - 2.0 * i);
    }
    REQUIRE_CMP(smooth, <, 0.6 * raw);
    ss_tracker_destroy(&t);
}

/**
 * Followed through pictures from result to result, which are far apart and tremble, lost now and then, and
 * once astray: whatever came before, the filter stays sane.
 */
static void the_carried_stay_sane(void)
{
    SsTracker *t = tracker();
    SsObject o[2];
    float x = 0, vx, vy;
    SsBox filtered;

    for (int i = 0; i < 200; i++, x += 30) {
        const SsDetection d[1] = { det(x + (i % 2 ? 2 : -2), 0, 1) };

        ss_tracker_predict(t, i * SECOND);
        if (i > 0 && i % 5 != 0)
            ss_tracker_expect(t, 1, &(SsBox) { x + (i % 37 == 0 ? 20 : 0), 0, 40, 100 }, 30, 0, true);
        REQUIRE(ss_tracker_update(t, i * SECOND, d, i % 7 != 6, o) == (i % 7 != 6));
        REQUIRE(ss_tracker_filtered(t, 1, &filtered, &vx, &vy));
        if (i < 3 || i % 7 == 6)
            continue;
        REQUIRE_CMP(o[0].id, ==, 1);
        REQUIRE_NEAR(filtered.x, x, 3);
        REQUIRE_NEAR(filtered.w, 40, 1);
        REQUIRE_NEAR(vx, 30, 10);
        REQUIRE_NEAR(vy, 0, 1);
    }
    ss_tracker_destroy(&t);
}

/** What the pictures say of the velocity is where a missed object goes on. */
static void the_carried_coast_with_their_velocity(void)
{
    SsTracker *t = tracker_of((SsTrackerParams) { .coast = SECOND });
    SsObject o[1];
    const SsDetection d[1] = { det(0, 0, 1) };

    ss_tracker_update(t, 0, d, 1, o);
    ss_tracker_predict(t, SECOND / 10);
    ss_tracker_expect(t, 1, &(SsBox) { 0, 0, 40, 100 }, 60, -20, true);
    ss_tracker_update(t, SECOND / 10, d, 1, o);
    REQUIRE(ss_tracker_update(t, 6 * SECOND / 10, NULL, 0, o) == 1);
    REQUIRE_NEAR(o[0].box.x, 30, 1);
    REQUIRE_NEAR(o[0].box.y, -10, 1);
    ss_tracker_destroy(&t);
}

/** It goes behind something, which is followed in its place and stands still, until it has been missed too
 * often to be shown: it comes out where it was going. */
static void the_doubted_go_on_as_before(void)
{
    for (int alike = 0; alike < 2; alike++) {
        SsTracker *t = tracker();
        SsObject o[2];

        for (int i = 0; i <= 18; i++) {
            const float x = 10 * (float)i;
            const SsDetection d[1] = { det(x, 0, 1) };
            const bool hidden = i > 10 && i < 18;

            ss_tracker_predict(t, i * SECOND / 10);
            if (i > 0 && i <= 13)
                ss_tracker_expect(t, 1, &(SsBox) { fminf(x, 100), 0, 40, 100 }, i <= 10 ? 100 : 0, 0,
                                  i <= 10 || alike);
            REQUIRE(ss_tracker_update(t, i * SECOND / 10, d, !hidden, o) == !hidden);
            if (!hidden)
                REQUIRE_CMP(o[0].id, ==, i == 18 && alike ? 2 : 1);
        }
        ss_tracker_destroy(&t);
    }
}

/** More objects than there is room for: the oldest tracks make way, and nothing breaks. */
static void a_flood_of_objects(void)
{
    SsTracker *t = tracker();
    static SsDetection d[SS_MAX_OBJECTS + 10];
    static SsObject o[SS_MAX_OBJECTS];
    uint64_t last = 0;

    for (int frame = 0; frame < 10; frame++) {
        for (int i = 0; i < SS_MAX_OBJECTS + 10; i++)
            d[i] = det((float)(frame * 100000 + i * 50), 0, 1);
        REQUIRE(ss_tracker_update(t, frame, d, SS_MAX_OBJECTS + 10, o) == SS_MAX_OBJECTS);
        for (int i = 0; i < SS_MAX_OBJECTS; i++, last++)
            REQUIRE_CMP(o[i].id, ==, last + 1);
    }
    d[0] = d[5];
    ss_tracker_update(t, 10, d, 1, o);
    REQUIRE_CMP(o[0].id, ==, 9 * SS_MAX_OBJECTS + 6); /* the newest are still known */
    ss_tracker_destroy(&t);
}

int main(void)
{
    id_stays_with_the_object();
    class_and_overlap_decide();
    lost_for_too_long_is_forgotten();
    ids_outlive_an_occlusion();
    faint_ones_go_on_but_do_not_start();
    newcomers_are_confirmed();
    the_unseen_coast();
    smooth_boxes_are_calmer();
    the_carried_stay_sane();
    the_carried_coast_with_their_velocity();
    the_doubted_go_on_as_before();
    a_flood_of_objects();
    REQUIRE_STR(ss_object_state_name(SS_HELD), "held");
    REQUIRE_STR(ss_object_state_name((SsObjectState)99), "unknown");
    return 0;
}
