/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store.h"

#include <pthread.h>
#include <stdatomic.h>

#include "test.h"

enum { RESULTS = 200000 };

static void newest_wins(void)
{
    SsStore *s = calloc(1, sizeof *s);

    REQUIRE(s);
    ss_store_init(s);
    REQUIRE(ss_store_newest(s) == NULL);
    for (int i = 1; i <= 5; i++) {
        ss_store_back(s)->pts = i;
        ss_store_publish(s);
    }
    REQUIRE_CMP(ss_store_newest(s)->pts, ==, 5);
    REQUIRE_CMP(ss_store_newest(s)->pts, ==, 5);
    ss_store_back(s)->pts = 6; /* being filled: nobody sees it */
    REQUIRE_CMP(ss_store_newest(s)->pts, ==, 5);
    ss_store_publish(s);
    REQUIRE_CMP(ss_store_newest(s)->pts, ==, 6);
    ss_store_forget(s);
    REQUIRE(ss_store_newest(s) == NULL);
    ss_store_back(s)->pts = 7;
    ss_store_publish(s);
    REQUIRE_CMP(ss_store_newest(s)->pts, ==, 7);
    free(s);
}

typedef struct Race {
    SsStore store;
    atomic_bool done;
} Race;

/** Every field of a result says the same number, so a torn one shows. */
static void *publish_all(void *arg)
{
    Race *race = arg;

    for (int i = 1; i <= RESULTS; i++) {
        SsResult *r = ss_store_back(&race->store);
        r->pts = i;
        r->scene.n = i % SS_MAX_OBJECTS;
        r->scene.moving[0].object.source_pts = i;
        r->scene.moving[SS_MAX_OBJECTS - 1].object.id = (uint64_t)i;
        ss_store_publish(&race->store);
    }
    atomic_store(&race->done, true);
    return NULL;
}

static void never_torn_never_backwards(void)
{
    Race *race = calloc(1, sizeof *race);
    pthread_t writer;
    int64_t last = 0;
    bool done;

    REQUIRE(race);
    ss_store_init(&race->store);
    REQUIRE(pthread_create(&writer, NULL, publish_all, race) == 0);
    do {
        done = atomic_load(&race->done);
        SsResult *r = ss_store_newest(&race->store);
        if (!r)
            continue;
        REQUIRE_CMP(r->pts, >=, last);
        last = r->pts;
        REQUIRE_CMP(r->scene.n, ==, r->pts % SS_MAX_OBJECTS);
        REQUIRE_CMP(r->scene.moving[0].object.source_pts, ==, r->pts);
        REQUIRE_CMP(r->scene.moving[SS_MAX_OBJECTS - 1].object.id, ==, r->pts);
    } while (!done);
    REQUIRE_CMP(last, ==, RESULTS);
    pthread_join(writer, NULL);
    free(race);
}

int main(void)
{
    newest_wins();
    never_torn_never_backwards();
    return 0;
}
