/* SPDX-License-Identifier: Apache-2.0 */
/** What the stream's thread is told of its network: by gates and counters, with a clock of the test's own. */
#include <sched.h>

#include "picture.h"
#include "sidestream/dummy.h"

enum { GATE = 0 };

static const int64_t PERIOD = 40000000;

/* For a frame that came before every other one: then only its pts says how old it is. */
static const int64_t LONG_AGO = 0;

static SsEngine *engine;
static SsStream *stream;

static void begin(const char *options)
{
    const SsEngineParams p = { .backend = "dummy", .model.options = options };

    ss_dummy_gate_shut(GATE);
    REQUIRE(ss_engine_create(&engine, &p) == 0);
    REQUIRE(ss_stream_create(&stream, engine, &(SsStreamParams) { 0 }) == 0);
    REQUIRE(ss_engine_start(engine) == 0);
}

static void end(void)
{
    ss_dummy_gate_open(GATE);
    ss_stream_destroy(&stream);
    ss_engine_destroy(&engine);
}

static SsStreamStatus status_of(int64_t pts, int64_t came)
{
    SsObject objects[SS_MAX_OBJECTS];
    SsStreamStatus status;

    ss_stream_objects_at(stream, pts, objects, SS_MAX_OBJECTS);
    ss_stream_status(stream, came, &status);
    return status;
}

/** The n-th inference, of the frame of `pts`, is done and published. */
static void look(int64_t pts, int n)
{
    SsStreamStats st;

    ss_stream_offer(stream, picture(pts, 100));
    ss_dummy_gate_wait(GATE, n);
    ss_dummy_gate_pass(GATE, 1);
    do {
        sched_yield();
        ss_stream_stats(stream, &st);
    } while (st.in_flight > 0);
}

/** Nothing is known; then less and less of each younger frame; and nothing again. */
static void silence_grows(void)
{
    begin("gate=0");
    REQUIRE(status_of(0, LONG_AGO).silent == INT64_MAX);
    look(0, 1);
    for (int i = 0; i < 500; i++) {
        const SsStreamStatus s = status_of(i * PERIOD, LONG_AGO);
        REQUIRE_CMP(s.silent, ==, i * PERIOD);
        REQUIRE_CMP(s.age, ==, i * PERIOD);
        REQUIRE_CMP(s.interval, ==, 0);
        REQUIRE_CMP(s.inferred, ==, 1);
    }
    look(500 * PERIOD, 2);
    const SsStreamStatus s = status_of(503 * PERIOD, LONG_AGO);
    REQUIRE_CMP(s.silent, ==, 3 * PERIOD);
    REQUIRE_CMP(s.interval, ==, 500 * PERIOD);
    REQUIRE_CMP(s.inferred, ==, 2);
    REQUIRE_CMP(status_of(499 * PERIOD, LONG_AGO).silent, ==, 0); /* the network saw a younger one */
    ss_stream_flush(stream);
    REQUIRE(status_of(504 * PERIOD, LONG_AGO).silent == INT64_MAX);
    end();
}

/** A stream whose pts hardly rise, or that was stopped for an hour: the clock knows. */
static void the_clock_counts(void)
{
    const int64_t hour = INT64_C(3600000000000);

    begin("gate=0");
    look(0, 1);
    const SsStreamStatus now = status_of(1, LONG_AGO);
    REQUIRE_CMP(now.silent, ==, 1);
    const int64_t a = status_of(1, INT64_MAX / 2).silent, b = status_of(1, INT64_MAX / 2 + hour).silent;
    REQUIRE_CMP(a, >, hour);
    REQUIRE_CMP(b - a, ==, hour);
    end();
}

/** It follows the network, but not at once. */
static void inference_is_smoothed(void)
{
    begin("gate=0");
    REQUIRE_CMP(status_of(0, LONG_AGO).inference, ==, 0);
    look(0, 1);
    int64_t smooth = status_of(0, LONG_AGO).inference;
    REQUIRE_CMP(smooth, >, 0);
    for (int i = 1; i < 20; i++) {
        SsStreamStats st;
        look(i * PERIOD, i + 1);
        smooth = status_of(i * PERIOD, LONG_AGO).inference;
        ss_stream_stats(stream, &st);
        REQUIRE_CMP(smooth, >, 0);
        REQUIRE_CMP(smooth, <=, st.inference.max);
    }
    end();
}

int main(void)
{
    silence_grows();
    the_clock_counts();
    inference_is_smoothed();
    return 0;
}
