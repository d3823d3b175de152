/* SPDX-License-Identifier: Apache-2.0 */
/** The engine carries boxes: a still box of the dummy's, held back by a gate, on a picture that moves. */
#include <sched.h>

#include "drawn.h"
#include "sidestream/dummy.h"
#include "sidestream/engine.h"

enum { GATE = 0, STEP = 3 };

static const int64_t PERIOD = 1000000000 / 30;

static SsStream *stream;
static SsObject object[SS_MAX_OBJECTS];

/** The n-th frame: what is shown of it. It is offered if `offered`. */
static int frame(int n, bool offered)
{
    const Drawn drawn = { .width = 1, .height = 1, .gone = true, .ground = (float)(STEP * n) };
    const SsFrameDesc d = draw_frame(&drawn, n * PERIOD);

    ss_stream_see(stream, &d);
    const int shown = ss_stream_objects_at(stream, d.pts, object, SS_MAX_OBJECTS);
    SsFrame *f = offered ? ss_frame_wrap(&d, NULL, NULL) : NULL;
    if (f)
        ss_stream_offer(stream, f); /* the network that reads it does not care what it shows */
    return shown;
}

static void settle(void)
{
    SsStreamStats st;

    do {
        sched_yield();
        ss_stream_stats(stream, &st);
    } while (st.in_flight > 0);
}

int main(void)
{
    const SsEngineParams p = { .backend = "dummy", .model.options = "gate=0,boxes=1" };
    SsEngine *e;

    ss_dummy_gate_shut(GATE);
    REQUIRE(ss_engine_create(&e, &p) == 0);
    REQUIRE(ss_engine_start(e) == 0);
    REQUIRE(ss_stream_create(&stream, e, &(SsStreamParams) { .align = SS_ALIGN_LIVE }) == 0);

    /* Five frames pass while the network looks at the first. */
    REQUIRE_CMP(frame(0, true), ==, 0);
    ss_dummy_gate_wait(GATE, 1);
    for (int i = 1; i <= 5; i++)
        REQUIRE_CMP(frame(i, false), ==, 0);
    ss_dummy_gate_pass(GATE, 1);
    settle();

    /* The worker carried the box to the fifth, the stream's thread on from there. */
    const float x = 0.2f * WIDTH;
    for (int i = 6; i <= 12; i++) {
        REQUIRE_CMP(frame(i, false), ==, 1);
        REQUIRE(object[0].state == SS_TRACKED && object[0].source_pts == 0);
        REQUIRE_NEAR(object[0].box.x, x + (float)(STEP * i), 2);
    }
    ss_stream_set_align(stream, SS_ALIGN_HOLD);
    REQUIRE_CMP(frame(13, false), ==, 1);
    REQUIRE(object[0].state == SS_HELD);
    REQUIRE_NEAR(object[0].box.x, x, 0.01);

    /* Back again: there were frames without a picture, which only velocity can bridge; then pixels again. */
    ss_stream_set_align(stream, SS_ALIGN_LIVE);
    REQUIRE_CMP(frame(14, false), ==, 1);
    REQUIRE(object[0].state == SS_PREDICTED);
    REQUIRE_NEAR(object[0].box.x, x + STEP * 14, 3);
    REQUIRE_CMP(frame(15, false), ==, 1);
    REQUIRE(object[0].state == SS_TRACKED);
    REQUIRE_NEAR(object[0].box.x, x + STEP * 15, 3);

    /* Without ss_stream_see(), as before. */
    REQUIRE_CMP(ss_stream_objects_at(stream, 16 * PERIOD, object, 1), ==, 1);
    REQUIRE(object[0].state == SS_HELD);

    ss_stream_flush(stream);
    REQUIRE_CMP(frame(17, false), ==, 0);
    ss_stream_destroy(&stream);
    ss_engine_destroy(&e);
    ss_dummy_gate_open(GATE);
    return 0;
}
