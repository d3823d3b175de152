/* SPDX-License-Identifier: Apache-2.0 */
/** Pictures that wait for a network that answers late: no thread and no clock, then with an engine and a
 * gate. */
#include "core/delay.h"

#include <sched.h>

#include "drawn.h"
#include "internal.h"
#include "sidestream/dummy.h"
#include "test.h"

enum { GATE = 0, FILM = 40, EVERY = 5 };

static const int64_t FRAME = 1000000000 / 30, MS = 1000000, MOST = 2000000000;
static const float THRESHOLD = 0.3f;

typedef struct Film {
    SsAlbum *album;
    SsFollower follower;
    SsDelay delay;
    SsResult *result;
    SsPicture *picture[FILM];
    Drawn truth[FILM];
} Film;

static Film *film_new(int longest)
{
    Film *f = calloc(1, sizeof *f);

    REQUIRE(f && ss_album_create(&f->album, longest) == 0 && ss_delay_init(&f->delay) == 0);
    REQUIRE(ss_follower_init(&f->follower, &(SsTrackerParams) { .start_score = 0.3f }) == 0);
    REQUIRE((f->result = calloc(1, sizeof *f->result)));
    f->follower.delayed = true;
    for (int i = 0; i < FILM; i++) {
        f->truth[i] = middle;
        f->truth[i].x = (float)(60 + 3 * i);
        f->picture[i] = draw(f->album, &f->truth[i], i * FRAME);
        f->picture[i]->came = i * FRAME;
    }
    return f;
}

static void film_free(Film *f)
{
    for (int i = 0; i < FILM; i++)
        ss_picture_unref(&f->picture[i]);
    ss_picture_unref(&f->result->at);
    ss_delay_clear(&f->delay);
    ss_follower_clear(&f->follower);
    ss_album_destroy(&f->album);
    free(f->result);
    free(f);
}

/** The network has seen the i-th picture, where a faint thing is, too; it says so at `now`. */
static void result(Film *f, int i, int64_t now)
{
    const SsDetection d[] = { { box_around(&f->truth[i], 1), 0.9f, 1 }, { { 9, 9, 50, 50 }, 0.15f, 1 } };
    SsPicture *seen = ss_picture_ref(f->picture[i]);

    ss_follower_result(&f->follower, i * FRAME, &seen, d, 2, f->result);
    ss_delay_result(&f->delay, &f->follower, d, 2, THRESHOLD, now);
}

static void every_picture_has_its_answer(void)
{
    Film *f = film_new(100);
    SsObject o[4];

    for (int i = 0; i < FILM; i += EVERY) {
        REQUIRE_CMP(ss_delay_objects(f->picture[i], o, 4), ==, -1);
        result(f, i, i * FRAME + 100 * MS);
        for (int k = SS_MAX(i - EVERY + 1, 0); k <= i; k++) {
            REQUIRE_CMP(ss_delay_objects(f->picture[k], o, 4), ==, 1);
            REQUIRE_CMP(ss_delay_objects(f->picture[k], NULL, 0), ==, 0);
            REQUIRE(o[0].id == 1 && o[0].state == (k == i ? SS_MEASURED : SS_TRACKED));
            REQUIRE_NEAR(o[0].box.x + o[0].box.w / 2, f->truth[k].x, k == i ? 1e-3 : 1);
            REQUIRE(k < i || o[0].source_pts == i * FRAME);
        }
        /* The oldest that it answers is the fifth before it, and has waited for that long. */
        REQUIRE_CMP(ss_delay_now(&f->delay, 0, INT64_MIN, MOST), ==,
                    i == 0 ? 100 * MS : 100 * MS + (EVERY - 1) * FRAME);
    }
    film_free(f);
}

/** Too many pictures to be kept: what was seen is known, what was between is not. */
static void the_chain_was_cut(void)
{
    Film *f = film_new(3);
    SsObject o[4];

    result(f, 0, 0);
    result(f, 10, 0);
    for (int k = 1; k < 10; k++)
        REQUIRE_CMP(ss_delay_objects(f->picture[k], o, 4), ==, -1);
    REQUIRE_CMP(ss_delay_objects(f->picture[10], o, 4), ==, 1);
    film_free(f);
}

/** Rises at once, but not for one in twenty; falls when it was less for as long as is remembered; has a
 * limit. */
static void how_long(void)
{
    Film *f = film_new(100);
    const SsDelay *d = &f->delay;

    for (int i = 0; i < 19; i++)
        result(f, i, i * FRAME + 100 * MS);
    REQUIRE_CMP(ss_delay_now(d, 0, INT64_MIN, MOST), ==, 100 * MS);
    result(f, 19, 19 * FRAME + 900 * MS);
    REQUIRE_CMP(ss_delay_now(d, 0, INT64_MIN, MOST), ==, 100 * MS);
    result(f, 20, 20 * FRAME + 900 * MS);
    REQUIRE_CMP(ss_delay_now(d, 0, INT64_MIN, MOST), ==, 900 * MS);
    REQUIRE_CMP(ss_delay_now(d, 0, INT64_MIN, 800 * MS), ==, -1);
    /* When it might fall for the first time, the two of 900 ms were needed since: they were more than one in
     * twenty until there were 40. */
    for (int i = 0; i < 2 * SS_DELAY_WAITS; i++) {
        REQUIRE_CMP(ss_delay_now(d, 0, INT64_MIN, MOST), ==, 900 * MS);
        result(f, 21 + i % 2, (21 + i % 2) * FRAME + 50 * MS);
    }
    REQUIRE_CMP(ss_delay_now(d, 0, INT64_MIN, MOST), ==, 50 * MS);

    /* A network that has been silent for too long is not waited for. */
    REQUIRE_CMP(ss_delay_now(d, 10 * FRAME + MOST, 10 * FRAME, MOST), ==, 50 * MS);
    REQUIRE_CMP(ss_delay_now(d, 11 * FRAME + MOST, 10 * FRAME, MOST), ==, -1);

    REQUIRE(!ss_delay_over(0, 3 * FRAME, 4 * FRAME) && ss_delay_over(0, 4 * FRAME, 4 * FRAME));
    REQUIRE(ss_delay_over(0, 0, 0) && ss_delay_over(0, 0, -1));

    /* What is said to be held is held: no picture that comes earlier is late enough. */
    for (int64_t delay = -1; delay < 3 * FRAME; delay += 250000) {
        const int64_t held = ss_delay_held(delay, FRAME);
        REQUIRE(held % FRAME == 0 && ss_delay_over(0, held, delay));
        REQUIRE(held == 0 || !ss_delay_over(0, held - FRAME, delay));
    }
    film_free(f);
}

/* --- in an engine --- */

static SsStream *stream;
static SsObject object[SS_MAX_OBJECTS];

static void see(int n, bool offered)
{
    const Drawn drawn = { .width = 1, .height = 1, .gone = true, .ground = (float)(3 * n) };
    const SsFrameDesc d = draw_frame(&drawn, n * FRAME);
    SsFrame *f = offered ? ss_frame_wrap(&d, NULL, NULL) : NULL;

    ss_stream_see(stream, &d);
    if (f)
        ss_stream_offer(stream, f);
}

/** A still box of the dummy's on a ground that moves by 3 pixels a frame. */
static float x_at(int n)
{
    REQUIRE_CMP(ss_stream_objects_at(stream, n * FRAME, object, SS_MAX_OBJECTS), ==, 1);
    return object[0].box.x;
}

static void settle(void)
{
    SsStreamStats st;

    ss_dummy_gate_pass(GATE, 1);
    do {
        sched_yield();
        ss_stream_stats(stream, &st);
    } while (st.in_flight > 0);
}

static void look_at(int n)
{
    static int arrived;

    see(n, true);
    ss_dummy_gate_wait(GATE, ++arrived);
}

static void in_an_engine(void)
{
    const SsEngineParams p = { .backend = "dummy", .model.options = "gate=0,boxes=1" };
    const SsStreamParams late = { .align = SS_ALIGN_DELAY, .max_delay = 60000000000 };
    SsStreamStatus status;
    SsEngine *e;

    ss_dummy_gate_shut(GATE);
    REQUIRE(ss_engine_create(&e, &p) == 0 && ss_engine_start(e) == 0);
    REQUIRE(ss_stream_create(&stream, e, &(SsStreamParams) { .max_delay = -1 }) < 0);
    REQUIRE(ss_stream_create(&stream, e, &late) == 0);
    look_at(0);
    REQUIRE_CMP(ss_stream_delay(stream), ==, 0);
    settle();
    REQUIRE_CMP(ss_stream_delay(stream), >=, 0);
    for (int i = 1; i < 4; i++)
        see(i, false);
    look_at(4);
    settle();

    /* It was seen in 0 and in 4 at the same place, from where it walks with the ground, or came with it. */
    const float x = 0.2f * WIDTH;
    REQUIRE_NEAR(x_at(0), x, 0.01);
    REQUIRE(object[0].state == SS_MEASURED);
    REQUIRE_NEAR(x_at(2), x, 1);
    REQUIRE(object[0].state == SS_TRACKED);
    REQUIRE_NEAR(x_at(4), x, 0.01);
    REQUIRE(object[0].state == SS_MEASURED && object[0].source_pts == 4 * FRAME);

    /* No answer yet: as live, on from the last that was seen. */
    for (int i = 5; i < 8; i++)
        see(i, false);
    REQUIRE_NEAR(x_at(5), x + 3, 2);
    REQUIRE(object[0].state == SS_TRACKED);
    REQUIRE_NEAR(x_at(6), x + 6, 3);

    /* Held and back again; and a network that is silent for a minute is not waited for. */
    ss_stream_set_align(stream, SS_ALIGN_HOLD);
    REQUIRE_CMP(ss_stream_delay(stream), ==, 0);
    REQUIRE_NEAR(x_at(7), x, 0.01);
    ss_stream_set_align(stream, SS_ALIGN_DELAY);
    see(61 * 30, false);
    REQUIRE_CMP(ss_stream_delay(stream), ==, -1);

    ss_stream_flush(stream);
    see(8, false);
    REQUIRE_CMP(ss_stream_objects_at(stream, 8 * FRAME, object, 1), ==, 0);

    /* The network is beyond this one, and no picture leads from there to here: it knows nothing of it. */
    see(9, false);
    ss_stream_see(stream, NULL);
    look_at(10);
    settle();
    REQUIRE_CMP(ss_stream_objects_at(stream, 9 * FRAME, object, 1), ==, 0);
    ss_stream_status(stream, 0, &status);
    REQUIRE(status.silent == INT64_MAX);
    REQUIRE_NEAR(x_at(10), x, 0.01);
    ss_stream_status(stream, 0, &status);
    REQUIRE(status.silent < INT64_MAX);
    ss_stream_destroy(&stream);
    ss_engine_destroy(&e);
    ss_dummy_gate_open(GATE);
}

int main(void)
{
    every_picture_has_its_answer();
    the_chain_was_cut();
    how_long();
    in_an_engine();
    return 0;
}
