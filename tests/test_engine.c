/* SPDX-License-Identifier: Apache-2.0 */
/** The engine on the dummy backend: gates and counters, no clock. */
#include <errno.h>
#include <pthread.h>

#include "engine_rig.h"

/** 300 frames while the network hangs: all return, one is with the worker, one in the slot. */
static void stream_never_waits_for_a_hung_network(void)
{
    SsObject objects[SS_MAX_OBJECTS];
    SsStreamStats st;

    ss_dummy_gate_shut(GATE);
    SsEngine *e = engine_with("gate=0", 1);
    SsStream *s = stream_of(e, 1, 0);
    REQUIRE(ss_engine_start(e) == 0);
    REQUIRE(offer(s, 0, objects) == 0);
    ss_dummy_gate_wait(GATE, 1);
    for (int i = 1; i < 300; i++)
        REQUIRE(offer(s, i * PERIOD, objects) == 0);

    ss_stream_stats(s, &st);
    REQUIRE_CMP(st.offered, ==, 300);
    REQUIRE_CMP(st.replaced, ==, 298);
    REQUIRE_CMP(st.in_flight, ==, 2);
    REQUIRE_CMP(atomic_load(&pictures_alive), ==, 1); /* the worker's went back before the inference */
    require_sum(&st);

    ss_dummy_gate_open(GATE);
    st = settle(s, 0);
    REQUIRE_CMP(st.inferred, ==, 2);
    require_sum(&st);
    REQUIRE(offer(s, 300 * PERIOD, objects) == 1);
    REQUIRE(objects[0].source_pts == 299 * PERIOD); /* the newest, not the oldest */
    REQUIRE(objects[0].state == SS_HELD);
    ss_stream_destroy(&s);
    ss_engine_destroy(&e);
    REQUIRE_CMP(atomic_load(&pictures_alive), ==, 0);
}

static void stream_goes_on_without_a_model(void)
{
    static const char *const options[] = { "broken=load", "load_gate=1" };
    SsObject objects[SS_MAX_OBJECTS];
    char text[128];

    for (size_t i = 0; i < 2; i++) {
        ss_dummy_gate_shut(LOAD_GATE);
        SsEngine *e = engine_with(options[i], 1);
        SsStream *s = stream_of(e, 1, 0);
        REQUIRE(ss_engine_state(e) == SS_STOPPED);
        REQUIRE(ss_engine_start(e) == 0);
        if (i == 0)
            REQUIRE(ss_engine_wait_loaded(e) == SS_FAILED);
        else
            ss_dummy_gate_wait(LOAD_GATE, 1);
        for (int k = 0; k < 300; k++)
            REQUIRE(offer(s, k * PERIOD, objects) == 0);
        REQUIRE(ss_engine_state(e) == (i == 0 ? SS_FAILED : SS_LOADING));
        ss_engine_error(e, text, sizeof text);
        REQUIRE((strstr(text, "broken") != NULL) == (i == 0));
        SsModelInfo info;
        REQUIRE(ss_engine_model_info(e, &info) == -EAGAIN);
        ss_dummy_gate_open(LOAD_GATE);
        ss_stream_destroy(&s);
        ss_engine_destroy(&e);
        REQUIRE_CMP(atomic_load(&pictures_alive), ==, 0);
    }
}

/** A model that could not be loaded may be there at the next try. */
static void start_again_after_a_failure(void)
{
    ss_dummy_gate_shut(LOAD_GATE);
    SsEngine *e = engine_with("broken=load,load_gate=1", 1);

    for (int i = 1; i <= 3; i++) {
        REQUIRE(ss_engine_start(e) == 0);
        REQUIRE(ss_engine_start(e) == 0); /* it is loading: nothing more to do */
        ss_dummy_gate_wait(LOAD_GATE, i);
        ss_dummy_gate_pass(LOAD_GATE, 1);
        REQUIRE(ss_engine_wait_loaded(e) == SS_FAILED);
    }
    ss_dummy_gate_open(LOAD_GATE);
    ss_engine_destroy(&e);
}

static void failures_are_counted(void)
{
    SsObject objects[SS_MAX_OBJECTS];
    SsEngine *e = engine_with("broken=infer", 2);
    SsStream *s = stream_of(e, 1, 0);

    REQUIRE(ss_engine_start(e) == 0);
    for (int i = 0; i < 50; i++) {
        REQUIRE(offer(s, i * PERIOD, objects) == 0);
        settle(s, 0);
    }
    SsStreamStats st = settle(s, 0);
    REQUIRE_CMP(st.failed, ==, 50);
    REQUIRE_CMP(st.inferred, ==, 0);
    REQUIRE(ss_engine_state(e) == SS_RUNNING);
    require_sum(&st);
    ss_stream_destroy(&s);
    ss_engine_destroy(&e);
}

/** The state says whether the network saw this very frame. */
static void measured_or_held(void)
{
    SsObject objects[SS_MAX_OBJECTS];
    SsEngine *e = engine_with("boxes=3", 1);
    SsStream *s = stream_of(e, 1, 0);
    SsModelInfo info;

    REQUIRE(ss_engine_start(e) == 0);
    REQUIRE(ss_engine_wait_loaded(e) == SS_RUNNING);
    REQUIRE(ss_engine_model_info(e, &info) == 0);
    REQUIRE_STR(info.backend, "dummy");
    REQUIRE_STR(info.decoder, "detection-output");
    offer(s, 7, objects);
    settle(s, 0);
    REQUIRE(ss_stream_objects_at(s, 7, objects, SS_MAX_OBJECTS) == 3);
    REQUIRE(objects[0].state == SS_MEASURED && objects[0].source_pts == 7);
    REQUIRE(ss_stream_objects_at(s, 8, objects, 2) == 2);
    REQUIRE(objects[1].state == SS_HELD && objects[1].source_pts == 7);
    /* 3 boxes: a grid of two columns; the first is 60 % of the upper left cell */
    REQUIRE_NEAR(objects[0].box.x, 0.1 * PICTURE_SIDE, 0.01);
    REQUIRE_NEAR(objects[0].box.w, 0.3 * PICTURE_SIDE, 0.01);
    REQUIRE(objects[0].id != objects[1].id);
    ss_stream_destroy(&s);
    ss_engine_destroy(&e);
}

/** The tutorial's queue grows when inference is slower than modulus x period; the slot does not. */
static void delay_does_not_grow(void)
{
    SsObject objects[SS_MAX_OBJECTS];
    int n;

    ss_dummy_gate_shut(GATE);
    SsEngine *e = engine_with("gate=0", 1);
    SsStream *s = stream_of(e, 3, 0);
    REQUIRE(ss_engine_start(e) == 0);
    offer(s, 0, objects);
    ss_dummy_gate_wait(GATE, 1);
    /* Ten frames pass during each inference, three of them offered: the network needs 3 x too long. */
    for (int round = 1; round <= 20; round++) {
        for (int i = 0; i < 10; i++)
            n = offer(s, (10 * (round - 1) + i + 1) * PERIOD, objects);
        if (round > 2) {
            REQUIRE(n == 1);
            /* seen while the inference before was running: at most two rounds ago */
            REQUIRE_CMP(10 * round * PERIOD - objects[0].source_pts, <=, 22 * PERIOD);
        }
        ss_dummy_gate_pass(GATE, 1);
        ss_dummy_gate_wait(GATE, round + 1);
    }
    SsStreamStats st;
    ss_dummy_gate_open(GATE);
    st = settle(s, 0);
    REQUIRE_CMP(st.offered, ==, 201);
    REQUIRE_CMP(st.skipped, ==, 134);
    require_sum(&st);
    ss_stream_destroy(&s);
    ss_engine_destroy(&e);
}

static void max_rate_thins_out(void)
{
    SsObject objects[SS_MAX_OBJECTS];
    SsStreamStats st;
    SsEngine *e = engine_with("", 1); /* never started: what is offered is replaced */
    SsStream *s = stream_of(e, 0, 10);

    for (int i = 0; i < 300; i++)
        offer(s, i * PERIOD, objects);
    ss_stream_stats(s, &st);
    REQUIRE_CMP(st.offered, ==, 300);
    REQUIRE_CMP(st.skipped, ==, 200);
    require_sum(&st);
    /* After a pause it starts anew and does not make up for what it missed. */
    offer(s, 1000 * PERIOD, objects);
    offer(s, 1001 * PERIOD, objects);
    ss_stream_stats(s, &st);
    REQUIRE_CMP(st.skipped, ==, 201);
    ss_stream_destroy(&s);
    ss_engine_destroy(&e);
    REQUIRE_CMP(atomic_load(&pictures_alive), ==, 0);
}

/** The rarest rate there is: one frame, and no other in a lifetime. */
static void max_rate_near_zero(void)
{
    SsObject objects[SS_MAX_OBJECTS];
    SsStreamStats st;
    SsEngine *e = engine_with("", 1);
    SsStream *s = stream_of(e, 0, 1e-300);

    for (int i = 0; i < 300; i++)
        offer(s, i * PERIOD, objects);
    ss_stream_stats(s, &st);
    REQUIRE_CMP(st.skipped, ==, 299);
    require_sum(&st);
    ss_stream_destroy(&s);
    ss_engine_destroy(&e);
}

/** A flush while the network looks: its late answer is refused, pts may start again. */
static void flush_refuses_late_results(void)
{
    SsObject objects[SS_MAX_OBJECTS];

    ss_dummy_gate_shut(GATE);
    SsEngine *e = engine_with("gate=0", 1);
    SsStream *s = stream_of(e, 1, 0);
    REQUIRE(ss_engine_start(e) == 0);
    offer(s, 1000 * PERIOD, objects);
    ss_dummy_gate_wait(GATE, 1);
    offer(s, 1001 * PERIOD, objects);
    ss_stream_flush(s);
    ss_dummy_gate_open(GATE);
    SsStreamStats st = settle(s, 0);
    REQUIRE_CMP(st.late, ==, 1);
    REQUIRE_CMP(st.replaced, ==, 1);
    require_sum(&st);
    REQUIRE(offer(s, 0, objects) == 0);
    settle(s, 0);
    REQUIRE(offer(s, PERIOD, objects) == 1);
    REQUIRE(objects[0].source_pts == 0);
    ss_stream_destroy(&s);
    ss_engine_destroy(&e);
}

/** A flush also forgets what was published before it. */
static void flush_forgets_objects(void)
{
    SsObject objects[SS_MAX_OBJECTS];
    SsEngine *e = engine_with("", 1);
    SsStream *s = stream_of(e, 1, 0);

    REQUIRE(ss_engine_start(e) == 0);
    offer(s, 0, objects);
    settle(s, 0);
    REQUIRE(ss_stream_objects_at(s, PERIOD, objects, 1) == 1);
    uint64_t id = objects[0].id;
    ss_stream_flush(s);
    REQUIRE(ss_stream_objects_at(s, PERIOD, objects, 1) == 0);
    offer(s, 0, objects);
    settle(s, 0);
    REQUIRE(ss_stream_objects_at(s, PERIOD, objects, 1) == 1);
    REQUIRE(objects[0].id != id); /* ids are not given twice */
    ss_stream_destroy(&s);
    ss_engine_destroy(&e);
}

/** Two workers finish in the wrong order: the older result is late. */
static void older_result_is_refused(void)
{
    SsObject objects[SS_MAX_OBJECTS];

    ss_dummy_gate_shut(GATE);
    SsEngine *e = engine_with("gate=0", 2);
    SsStream *s = stream_of(e, 1, 0);
    REQUIRE(ss_engine_start(e) == 0);
    for (int i = 0; i < 2; i++) {
        offer(s, i * PERIOD, objects);
        ss_dummy_gate_wait(GATE, i + 1);
    }
    ss_dummy_gate_open(GATE);
    SsStreamStats st = settle(s, 0);
    /* Whichever way it went, nothing is lost, and the newest is what is shown. */
    REQUIRE_CMP(st.inferred + st.late, ==, 2);
    REQUIRE_CMP(st.inferred, >=, 1);
    REQUIRE(ss_stream_objects_at(s, 9 * PERIOD, objects, 1) == 1);
    REQUIRE(objects[0].source_pts == PERIOD);
    ss_stream_destroy(&s);
    ss_engine_destroy(&e);
}

/** One slow worker, four streams, each always with a new frame: everybody is served in turn. */
static void streams_are_served_in_turn(void)
{
    SsObject objects[SS_MAX_OBJECTS];
    SsStream *s[4];
    enum { ROUNDS = 40 };

    ss_dummy_gate_shut(GATE);
    SsEngine *e = engine_with("gate=0", 1);
    for (int k = 0; k < 4; k++)
        s[k] = stream_of(e, 1, 0);
    REQUIRE(ss_engine_start(e) == 0);
    for (int i = 0; i < ROUNDS; i++) {
        for (int k = 0; k < 4; k++)
            offer(s[k], i * PERIOD, objects);
        ss_dummy_gate_pass(GATE, 1);
        ss_dummy_gate_wait(GATE, i + 2 > ROUNDS ? ROUNDS : i + 1);
    }
    ss_dummy_gate_open(GATE);
    for (int k = 0; k < 4; k++) {
        SsStreamStats st = settle(s[k], 0);
        require_sum(&st);
        REQUIRE_CMP(st.inferred, >=, ROUNDS / 4 - 1);
        REQUIRE_CMP(st.inferred, <=, ROUNDS / 4 + 2);
        ss_stream_destroy(&s[k]);
    }
    ss_engine_destroy(&e);
    REQUIRE_CMP(atomic_load(&pictures_alive), ==, 0);
}

/** A stream may go while the network still looks at its frame. */
static void stream_leaves_during_an_inference(void)
{
    SsObject objects[SS_MAX_OBJECTS];

    ss_dummy_gate_shut(GATE);
    SsEngine *e = engine_with("gate=0", 1);
    SsStream *s = stream_of(e, 1, 0);
    REQUIRE(ss_engine_start(e) == 0);
    offer(s, 0, objects);
    ss_dummy_gate_wait(GATE, 1);
    offer(s, 1, objects);
    ss_stream_destroy(&s);
    REQUIRE(s == NULL);
    ss_dummy_gate_open(GATE);
    ss_engine_destroy(&e);
    REQUIRE_CMP(atomic_load(&pictures_alive), ==, 0);
}

/** Stop, offer in vain, start again: the frame that waited is served. */
static void stop_and_start_again(void)
{
    SsObject objects[SS_MAX_OBJECTS];
    SsEngine *e = engine_with("", 2);
    SsStream *s = stream_of(e, 1, 0);

    for (int i = 0; i < 3; i++) {
        ss_engine_stop(e);
        ss_engine_stop(e);
        REQUIRE(ss_engine_state(e) == SS_STOPPED);
        offer(s, 2 * i * PERIOD, objects);
        offer(s, (2 * i + 1) * PERIOD, objects);
        REQUIRE(ss_engine_start(e) == 0);
        REQUIRE(ss_engine_start(e) == 0);
        SsStreamStats st = settle(s, 0);
        REQUIRE_CMP(st.inferred, ==, i + 1);
        REQUIRE_CMP(st.replaced, ==, i + 1);
    }
    ss_stream_destroy(&s);
    ss_engine_destroy(&e);
    ss_engine_destroy(&e);
    ss_stream_destroy(&s);
}

/** The latency asked for is there, and a stop does not sit it out. */
static void simulated_latency(void)
{
    SsObject objects[SS_MAX_OBJECTS];
    SsEngine *e;
    SsEngineParams p = { .backend = "dummy", .simulate_latency = 5000000 };

    REQUIRE(ss_engine_create(&e, &p) == 0);
    SsStream *s = stream_of(e, 1, 0);
    REQUIRE(ss_engine_start(e) == 0);
    offer(s, 0, objects);
    SsStreamStats st = settle(s, 0);
    REQUIRE_CMP(st.inference.max, >=, 5000000);
    ss_stream_destroy(&s);
    ss_engine_destroy(&e);

    p.simulate_latency = INT64_C(3600000000000); /* the test would hang for an hour */
    p.model.options = "gate=0";
    ss_dummy_gate_shut(GATE);
    REQUIRE(ss_engine_create(&e, &p) == 0);
    s = stream_of(e, 1, 0);
    REQUIRE(ss_engine_start(e) == 0);
    offer(s, 0, objects);
    ss_dummy_gate_wait(GATE, 1);
    ss_dummy_gate_open(GATE);
    ss_engine_stop(e);
    ss_stream_destroy(&s);
    ss_engine_destroy(&e);
}

typedef struct Script {
    SsEngine *engine;
    int first_pts;
} Script;

static void *one_stream(void *arg)
{
    const Script *script = arg;
    SsObject objects[SS_MAX_OBJECTS];
    SsStream *s = stream_of(script->engine, 1, 0);
    SsStreamStats st;

    for (int i = 0; i < 2000; i++) {
        offer(s, script->first_pts + i, objects);
        if (i % 500 == 499)
            ss_stream_flush(s);
        if (i % 100 == 0)
            ss_stream_stats(s, &st);
    }
    st = settle(s, 0);
    REQUIRE_CMP(st.offered, ==, 2000);
    require_sum(&st);
    ss_stream_destroy(&s);
    return NULL;
}

/** For the thread sanitizer: eight streams come, play and go on four workers. */
static void many_streams_many_workers(void)
{
    SsEngine *e = engine_with("boxes=20,size=16", 4);
    pthread_t thread[8];
    Script script[8];

    REQUIRE(ss_engine_start(e) == 0);
    for (int i = 0; i < 8; i++) {
        script[i] = (Script) { e, i * 100000 };
        REQUIRE(pthread_create(&thread[i], NULL, one_stream, &script[i]) == 0);
    }
    for (int i = 0; i < 8; i++)
        pthread_join(thread[i], NULL);
    ss_engine_destroy(&e);
    REQUIRE_CMP(atomic_load(&pictures_alive), ==, 0);
}

static int created_with(SsEngineParams p)
{
    SsEngine *e = NULL;
    p.log = (SsLogger) { SS_LOG_ERROR, quiet, NULL };
    int ret = ss_engine_create(&e, &p);
    ss_engine_destroy(&e);
    return ret;
}

static void typing_errors_fail_at_once(void)
{
    REQUIRE(created_with((SsEngineParams) { .backend = "dumy" }) == -ENOTSUP);
    REQUIRE(created_with((SsEngineParams) { .backend = "dummy", .decoder = "yolow" }) == -EINVAL);
    REQUIRE(created_with((SsEngineParams) { .backend = "dummy", .model.path = "/nowhere/m.xml" }) == -ENOENT);
    REQUIRE(created_with((SsEngineParams) { .backend = "dummy", .decoder = "yolo" }) == 0);
    REQUIRE(created_with((SsEngineParams) { .backend = "dummy", .model.precision = "half" }) == -EINVAL);
    REQUIRE(created_with((SsEngineParams) { .backend = "dummy", .model.batch = SS_MAX_BATCH + 1 }) ==
            -EINVAL);
    REQUIRE(created_with((SsEngineParams) { .backend = "dummy", .model.batch = -1 }) == -EINVAL);

    SsEngine *e = engine_with("latency=soon", 1);
    SsStream *s = NULL;
    REQUIRE(ss_stream_create(&s, e, &(SsStreamParams) { -1, 0 }) == -EINVAL);
    REQUIRE(ss_stream_create(&s, e, &(SsStreamParams) { 0, NAN }) == -EINVAL);
    REQUIRE(ss_engine_start(e) == 0);
    REQUIRE(ss_engine_wait_loaded(e) == SS_FAILED);
    ss_engine_destroy(&e);

    SsEngineParams p = { .backend = "dummy", .decoder = "yolo", .log = { SS_LOG_ERROR, quiet, NULL } };
    char text[256];
    REQUIRE(ss_engine_create(&e, &p) == 0 && ss_engine_start(e) == 0);
    REQUIRE(ss_engine_wait_loaded(e) == SS_FAILED);
    ss_engine_error(e, text, sizeof text);
    REQUIRE(strstr(text, "detections f32 [1,1,1,7]") && strstr(text, "yolo"));
    ss_engine_destroy(&e);
    REQUIRE_STR(ss_state_name(SS_LOADING), "loading");
}

int main(void)
{
    stream_never_waits_for_a_hung_network();
    stream_goes_on_without_a_model();
    start_again_after_a_failure();
    failures_are_counted();
    measured_or_held();
    delay_does_not_grow();
    max_rate_thins_out();
    max_rate_near_zero();
    flush_refuses_late_results();
    flush_forgets_objects();
    older_result_is_refused();
    streams_are_served_in_turn();
    stream_leaves_during_an_inference();
    stop_and_start_again();
    simulated_latency();
    many_streams_many_workers();
    typing_errors_fail_at_once();
    return 0;
}
