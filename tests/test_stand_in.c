/* SPDX-License-Identifier: Apache-2.0 */
/** Another device answers until the one asked for is ready: gates and counters, no clock. */
#include "engine_rig.h"

enum { STAND_IN_GATE = 2, INSTEAD = 4, WANTED = 2 /* boxes of either */ };

static SsObject objects[SS_MAX_OBJECTS];

static void wait_running(SsEngine *e)
{
    while (ss_engine_state(e) != SS_RUNNING)
        sched_yield();
}

/** Offers frame `i` alone; returns how many boxes it gets. */
static int answer_to(SsStream *s, int i)
{
    offer(s, i * PERIOD, objects);
    settle(s, 0);
    const int n = ss_stream_objects_at(s, i * PERIOD, objects, SS_MAX_OBJECTS);
    REQUIRE(n == 0 || objects[0].source_pts == i * PERIOD);
    return n;
}

/** Until the one asked for has answered once, either may; then it alone does. Returns the next frame. */
static int require_handed_over(SsStream *s, int i)
{
    while (answer_to(s, i++) != WANTED)
        ;
    for (int end = i + 50; i < end; i++)
        REQUIRE_CMP(answer_to(s, i), ==, WANTED);
    return i;
}

static void every_frame_is_answered_once(void)
{
    ss_dummy_gate_shut(LOAD_GATE);
    SsEngine *e = engine_of_batch("stand_in=4,boxes=2,load_gate=1", 1, 3);
    SsStream *s = stream_of(e, 1, 0);
    SsModelInfo info;

    REQUIRE_CMP(ss_engine_standing_in(e), ==, -1);
    REQUIRE(ss_engine_start(e) == 0);
    wait_running(e);
    REQUIRE(ss_engine_standing_in(e) >= 0);
    REQUIRE(ss_engine_model_info(e, &info) == 0);
    REQUIRE_CMP(info.output[0].dim[2], ==, INSTEAD);
    REQUIRE_CMP(info.input.dim[0], ==, 1); /* a batch is for the device that was asked for */
    for (int i = 0; i < 10; i++)
        REQUIRE_CMP(answer_to(s, i), ==, INSTEAD);

    ss_dummy_gate_open(LOAD_GATE);
    REQUIRE(ss_engine_wait_loaded(e) == SS_RUNNING);
    REQUIRE_CMP(ss_engine_standing_in(e), ==, -1);
    REQUIRE(ss_engine_model_info(e, &info) == 0);
    REQUIRE_CMP(info.output[0].dim[2], ==, WANTED);
    REQUIRE_CMP(info.input.dim[0], ==, 3);
    const int frames = require_handed_over(s, 10);
    const SsStreamStats st = settle(s, 0);
    REQUIRE_CMP(st.offered, ==, frames);
    REQUIRE_CMP(st.inferred, ==, frames);
    ss_stream_destroy(&s);
    ss_engine_destroy(&e);
    REQUIRE_CMP(atomic_load(&pictures_alive), ==, 0);
}

/** What the stand-in still looks at when the other has answered comes too late, and is no second answer. */
static void its_last_answer_may_be_late(void)
{
    ss_dummy_gate_shut(LOAD_GATE);
    ss_dummy_gate_shut(STAND_IN_GATE);
    SsEngine *e = engine_with("stand_in=4,stand_in_gate=2,boxes=2,load_gate=1", 1);
    SsStream *s = stream_of(e, 1, 0);

    REQUIRE(ss_engine_start(e) == 0);
    wait_running(e);
    offer(s, 0, objects);
    ss_dummy_gate_wait(STAND_IN_GATE, 1);
    ss_dummy_gate_open(LOAD_GATE);
    REQUIRE(ss_engine_wait_loaded(e) == SS_RUNNING);
    offer(s, PERIOD, objects);
    SsStreamStats st = settle(s, 1);
    REQUIRE_CMP(st.inferred, ==, 1);
    REQUIRE_CMP(ss_stream_objects_at(s, PERIOD, objects, SS_MAX_OBJECTS), ==, WANTED);

    ss_dummy_gate_open(STAND_IN_GATE);
    st = settle(s, 0);
    REQUIRE_CMP(st.late, ==, 1);
    REQUIRE_CMP(st.inferred, ==, 1);
    REQUIRE_CMP(ss_stream_objects_at(s, PERIOD, objects, SS_MAX_OBJECTS), ==, WANTED);
    REQUIRE_CMP(require_handed_over(s, 2), ==, 53);
    ss_stream_destroy(&s);
    ss_engine_destroy(&e);
}

/** It does not stay where the device asked for cannot be had: what was asked for has failed, and says so. */
static void goes_when_the_other_fails(void)
{
    SsEngine *e = engine_with("stand_in=4,broken=load,load_gate=1", 1);
    SsStream *s = stream_of(e, 1, 0);
    char text[128];

    for (int i = 0; i < 3; i++) {
        ss_dummy_gate_shut(LOAD_GATE);
        REQUIRE(ss_engine_start(e) == 0);
        wait_running(e);
        answer_to(s, i);
        ss_dummy_gate_open(LOAD_GATE);
        REQUIRE(ss_engine_wait_loaded(e) == SS_FAILED);
        REQUIRE_CMP(ss_engine_standing_in(e), ==, -1);
        ss_engine_error(e, text, sizeof text);
        REQUIRE(strstr(text, "broken=load"));
    }
    const SsStreamStats st = settle(s, 0);
    REQUIRE_CMP(st.inferred, ==, 3);
    ss_stream_destroy(&s);
    ss_engine_destroy(&e);
}

static void nothing_is_lost_without_one(void)
{
    ss_dummy_gate_shut(LOAD_GATE);
    SsEngine *e = engine_with("stand_in=4,broken=stand_in,boxes=2,load_gate=1", 1);
    SsStream *s = stream_of(e, 1, 0);
    char text[128];

    REQUIRE(ss_engine_start(e) == 0);
    ss_dummy_gate_wait(LOAD_GATE, 1);
    ss_dummy_gate_open(LOAD_GATE);
    REQUIRE(ss_engine_wait_loaded(e) == SS_RUNNING);
    for (int i = 0; i < 10; i++)
        REQUIRE_CMP(answer_to(s, i), ==, WANTED);
    ss_engine_error(e, text, sizeof text);
    REQUIRE_STR(text, "");
    ss_stream_destroy(&s);
    ss_engine_destroy(&e);
}

/** Frames go on coming while all of them change. */
static void many_change_at_once(void)
{
    enum { STREAMS = 4, WORKERS = 3, FRAMES = 400 };
    SsStream *s[STREAMS];

    ss_dummy_gate_shut(LOAD_GATE);
    SsEngine *e = engine_with("stand_in=4,boxes=2,load_gate=1", WORKERS);
    open_streams(e, s, STREAMS);
    REQUIRE(ss_engine_start(e) == 0);
    wait_running(e);
    for (int i = 0; i < FRAMES; i++) {
        if (i == FRAMES / 4)
            ss_dummy_gate_open(LOAD_GATE);
        for (int k = 0; k < STREAMS; k++)
            offer(s[k], i * PERIOD, objects);
        sched_yield();
    }
    REQUIRE(ss_engine_wait_loaded(e) == SS_RUNNING);
    for (int k = 0; k < STREAMS; k++) {
        require_handed_over(s[k], FRAMES);
        const SsStreamStats st = settle(s[k], 0);
        REQUIRE_CMP(st.failed, ==, 0);
        require_sum(&st);
    }
    destroy_all(e, s, STREAMS);
}

int main(void)
{
    every_frame_is_answered_once();
    its_last_answer_may_be_late();
    goes_when_the_other_fails();
    nothing_is_lost_without_one();
    many_change_at_once();
    return 0;
}
