/* SPDX-License-Identifier: Apache-2.0 */
/** Boxes are carried in frames that are on a GPU as in those that are not; on the driver of fake_cuda.c. */
#include "cuda_rig.h"
#include "drawn.h"
#include "engine_rig.h"
#include "internal.h"

enum {
    STEP = 3,
    SIGHT = 1 /* the first frame that the GPU makes a small picture of */,
    HERE = 0,
    THERE = 1,
    STREAMS
};

static SsStream *stream[STREAMS];
static SsObject object[STREAMS][SS_MAX_OBJECTS];

/** The n-th frame, to both. Returns the box of each. */
static void frame(int n, bool offered)
{
    const Drawn drawn = { .width = 1, .height = 1, .gone = true, .ground = (float)(STEP * n) };
    SsFrameDesc d = draw_frame(&drawn, n * PERIOD);

    for (int i = 0; i < STREAMS; i++) {
        d.memory = i == THERE ? SS_MEMORY_CUDA : SS_MEMORY_HOST;
        ss_stream_see(stream[i], i == HERE && n < SIGHT ? NULL : &d);
        REQUIRE_CMP(ss_stream_objects_at(stream[i], d.pts, object[i], SS_MAX_OBJECTS), ==, n > 0);
        if (offered)
            ss_stream_offer(stream[i], ss_frame_wrap(&d, NULL, NULL));
    }
    for (int i = 0; i < STREAMS; i++)
        settle(stream[i], 0);
}

static uint64_t unseen(void)
{
    SsStreamStats st;

    ss_stream_stats(stream[THERE], &st);
    return st.unseen;
}

static void require_both_carried(int n)
{
    for (int i = 0; i < STREAMS; i++) {
        REQUIRE(object[i][0].state == SS_TRACKED);
        REQUIRE_NEAR(object[i][0].box.x, 0.2f * WIDTH + (float)(STEP * n), 3);
    }
    REQUIRE(memcmp(&object[HERE][0].box, &object[THERE][0].box, sizeof(SsBox)) == 0);
}

int main(void)
{
    SsEngine *e = engine_with("cuda=1,boxes=1", 1);

    find_fake();
    for (int i = 0; i < STREAMS;
         i++) /* the GPU's small picture has time, so that a slow machine shows none late */
        REQUIRE(ss_stream_create(&stream[i], e,
                                 &(SsStreamParams) { .align = SS_ALIGN_LIVE, .budget = 10 * PERIOD }) == 0);
    REQUIRE(ss_engine_start(e) == 0);
    REQUIRE(ss_engine_wait_loaded(e) == SS_RUNNING);

    /* The first frame asks for what it takes; the worker makes it. */
    frame(0, true);
    frame(1, false);
    REQUIRE(object[THERE][0].state == SS_HELD);
    frame(2, true);
    for (int n = 3; n < 10; n++) {
        frame(n, false);
        require_both_carried(n - 2);
    }
    REQUIRE_CMP(unseen(), ==, 0);

    /* A GPU that is busy holds nobody: the box is held in that frame, and carried on in the next. */
    fake->lazy = 1;
    frame(10, false);
    fake->lazy = 0;
    REQUIRE_CMP(unseen(), ==, 1);
    REQUIRE(object[THERE][0].state == SS_HELD);
    frame(11, false);
    REQUIRE(object[THERE][0].state == SS_TRACKED);
    REQUIRE_NEAR(object[THERE][0].box.x, 0.2f * WIDTH + (float)(STEP * 9), 3);

    destroy_all(e, stream, STREAMS);
    require_nothing_left();
    return 0;
}
