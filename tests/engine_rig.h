/* SPDX-License-Identifier: Apache-2.0 */
/** An engine on the dummy backend, and streams of it, for tests by gates and counters. */
#ifndef SS_TESTS_ENGINE_RIG_H
#define SS_TESTS_ENGINE_RIG_H

#include <sched.h>

#include "picture.h"
#include "sidestream/dummy.h"

enum { GATE = 0, LOAD_GATE = 1 };

static const int64_t PERIOD = 33333333;

static inline void quiet(void *cookie, SsLogLevel level, const char *msg)
{
    (void)cookie, (void)level, (void)msg;
}

static inline SsEngine *engine_of_batch(const char *options, int workers, int batch)
{
    SsEngine *e;
    SsEngineParams p = {
        .backend = "dummy",
        .model = { .options = options, .batch = batch },
        .workers = workers,
        .log = { SS_LOG_ERROR, quiet, NULL },
    };
    REQUIRE(ss_engine_create(&e, &p) == 0);
    return e;
}

static inline SsEngine *engine_with(const char *options, int workers)
{
    return engine_of_batch(options, workers, 0);
}

static inline SsStream *stream_of(SsEngine *e, int every, double max_rate)
{
    SsStream *s;
    REQUIRE(ss_stream_create(&s, e, &(SsStreamParams) { every, max_rate }) == 0);
    return s;
}

static inline void open_streams(SsEngine *e, SsStream **s, int n)
{
    for (int i = 0; i < n; i++)
        s[i] = stream_of(e, 1, 0);
}

static inline void destroy_all(SsEngine *e, SsStream **s, int n)
{
    for (int i = 0; i < n; i++)
        ss_stream_destroy(&s[i]);
    ss_engine_destroy(&e);
    REQUIRE_CMP(atomic_load(&pictures_alive), ==, 0);
}

static inline void require_sum(const SsStreamStats *st)
{
    REQUIRE_CMP(st->offered, ==,
                st->skipped + st->replaced + st->inferred + st->late + st->failed + st->in_flight);
}

/** The workers finish all but `in_flight` frames. */
static inline SsStreamStats settle(SsStream *s, uint64_t in_flight)
{
    SsStreamStats st;
    do {
        sched_yield();
        ss_stream_stats(s, &st);
    } while (st.in_flight > in_flight);
    return st;
}

static inline int offer(SsStream *s, int64_t pts, SsObject *objects)
{
    int n = ss_stream_objects_at(s, pts, objects, SS_MAX_OBJECTS);
    if (ss_stream_wants(s, pts))
        ss_stream_offer(s, picture(pts, 100));
    return n;
}

#endif
