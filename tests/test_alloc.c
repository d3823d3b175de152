/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The whole life of an engine, with the 1st, 2nd, 3rd ... allocation or thread refused,
 * until a life needs no more. Nothing may crash, leak (with AddressSanitizer) or hang.
 * Linked with --wrap for malloc, calloc, strdup and pthread_create.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "core/picture.h"
#include "sidestream/engine.h"
#include "test.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
char *__real_strdup(const char *s);
int __real_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
char *__wrap_strdup(const char *s);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg);

static atomic_int left; /* requests until the one that is refused; below 0: none is */
static atomic_bool refused;

static bool refuse(void)
{
    if (atomic_fetch_sub(&left, 1) != 0)
        return false;
    atomic_store(&refused, true);
    return true;
}

void *__wrap_malloc(size_t size)
{
    return refuse() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return refuse() ? NULL : __real_calloc(n, size);
}

char *__wrap_strdup(const char *s)
{
    return refuse() ? NULL : __real_strdup(s);
}

int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg)
{
    return refuse() ? 11 : __real_pthread_create(t, a, f, arg);
}

static void quiet(void *cookie, SsLogLevel level, const char *msg)
{
    (void)cookie, (void)level, (void)msg;
}

static uint8_t pixels[64 * 48];

/** Returns how many frames were looked at. */
static uint64_t live(const char *options, int workers)
{
    SsEngineParams p = { .backend = "dummy",
                         .decoder = "detection-output",
                         .model.options = options,
                         .workers = workers,
                         .log = { SS_LOG_ERROR, quiet, NULL } };
    SsEngine *e = NULL;
    SsStream *s = NULL;
    SsObject objects[SS_MAX_OBJECTS];
    SsStreamStats st = { 0 };

    if (ss_engine_create(&e, &p) < 0 || ss_engine_start(e) < 0 ||
        ss_stream_create(&s, e, &(SsStreamParams) { .align = SS_ALIGN_LIVE }) < 0)
        goto end;
    ss_engine_wait_loaded(e);
    for (int i = 0; i < 6; i++) {
        /* Two sizes: the tables of image.c are made twice. */
        const SsFrameDesc d = { SS_PIXEL_GRAY8, 0, i % 2 ? 64 : 32, 48, { pixels }, { 64 }, i };
        ss_stream_see(s, &d);
        ss_stream_objects_at(s, i, objects, SS_MAX_OBJECTS);
        SsFrame *f = ss_frame_wrap(&d, NULL, NULL);
        if (f)
            ss_stream_offer(s, f);
        /* Let it be looked at, where anybody looks. */
        do {
            sched_yield();
            ss_stream_stats(s, &st);
        } while (st.in_flight > 0 && ss_engine_state(e) == SS_RUNNING);
    }
    REQUIRE_CMP(st.offered, ==, st.replaced + st.inferred + st.late + st.failed + st.in_flight);
end:
    ss_stream_destroy(&s);
    ss_engine_destroy(&e);
    return st.inferred;
}

/** How many allocations the next frame takes. */
static int taken(SsAlbum *a, int64_t pts, SsPicture **out)
{
    const SsFrameDesc d = { SS_PIXEL_GRAY8, 0, 64, 48, { pixels }, { 64 }, pts };

    atomic_store(&left, 1000);
    *out = ss_album_add(a, &d);
    REQUIRE(*out);
    return 1000 - atomic_exchange(&left, -1);
}

/** Somebody keeps pictures for once: two thirds of the reserve at first. Whoever kept more makes it grow. */
static void reserve(void)
{
    enum { USUAL = SS_PICTURE_RESERVE * 2 / 3, MANY = SS_PICTURE_RESERVE + 24 };
    SsPicture *kept[MANY], *p;
    SsAlbum *a;

    atomic_store(&left, -1);
    REQUIRE(ss_album_create(&a, 100) == 0);
    for (int i = 0; i < 2 * SS_PICTURE_RESERVE; i++) {
        const int allocations = taken(a, i, &p);
        REQUIRE_CMP(allocations, <=, 2);
        if (i >= SS_PICTURE_RESERVE)
            REQUIRE_CMP(allocations, ==, 0);
        ss_picture_unref(&p);
    }
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            const int allocations = taken(a, 200 * (round + 1) + i, &kept[i]);
            if (i < USUAL || round > 0)
                REQUIRE_CMP(allocations, ==, 0);
        }
        for (int i = 0; i < MANY; i++)
            ss_picture_unref(&kept[i]);
        for (int i = MANY; i < MANY + 40; i++) { /* time for it to grow */
            taken(a, 200 * (round + 1) + i, &p);
            ss_picture_unref(&p);
        }
    }
    REQUIRE_CMP(taken(a, 600, &p), ==, 0);
    ss_picture_unref(&p);
    ss_album_destroy(&a);
}

/** Where a chain is not to be longer than the reserve, whoever holds on to it costs nothing more: nor do
 * those who hold one each of those after the cut. */
static void reserve_is_enough(void)
{
    enum { OTHERS = SS_PICTURE_ALONE - 2 };
    SsPicture *held[OTHERS], *first, *p;
    SsAlbum *a;

    atomic_store(&left, -1);
    REQUIRE(ss_album_create(&a, 100) == 0);
    ss_album_set_longest(a, SS_PICTURE_RESERVE - SS_PICTURE_ALONE);
    for (int i = 0; i < SS_PICTURE_RESERVE; i++) {
        taken(a, i, &p);
        ss_picture_unref(&p);
    }
    for (int round = 1; round < 4; round++) {
        REQUIRE_CMP(taken(a, 1000 * round, &first), ==, 0);
        for (int i = 1; i < 200; i++) {
            REQUIRE_CMP(taken(a, 1000 * round + i, &p), ==, 0);
            if (i < 200 - OTHERS)
                ss_picture_unref(&p);
            else
                held[i - 200 + OTHERS] = p;
        }
        ss_picture_unref(&first);
        for (int i = 0; i < OTHERS; i++)
            ss_picture_unref(&held[i]);
    }
    ss_album_destroy(&a);
}

/** How many allocations so many frames take, one after another. */
static int taken_by(SsStream *s, int frames, int64_t *pts, int64_t gap)
{
    atomic_store(&left, 1000);
    for (int i = 0; i < frames; i++, *pts += gap)
        ss_stream_see(s, &(SsFrameDesc) { SS_PIXEL_GRAY8, 0, 64, 48, { pixels }, { 64 }, *pts });
    return 1000 - atomic_exchange(&left, -1);
}

/** As many pictures as come while a box is shown are there after a moment, and then no more come. */
static void reserve_of_a_rate(int rate, int pictures)
{
    const SsEngineParams p = { .backend = "dummy", .log = { SS_LOG_ERROR, quiet, NULL } };
    int64_t pts = 0;
    SsEngine *e;
    SsStream *s;

    atomic_store(&left, -1);
    REQUIRE(ss_engine_create(&e, &p) == 0);
    REQUIRE(ss_stream_create(&s, e, &(SsStreamParams) { .align = SS_ALIGN_LIVE }) == 0);
    REQUIRE_CMP(taken_by(s, 2 * pictures, &pts, 1000000000 / rate), ==, pictures);
    REQUIRE_CMP(taken_by(s, 200, &pts, 1000000000 / rate), ==, 0);
    ss_stream_destroy(&s);
    ss_engine_destroy(&e);
}

static void live_until_all_is_had(const char *options, int workers)
{
    int lives = 0;

    do {
        atomic_store(&refused, false);
        atomic_store(&left, lives++);
        uint64_t inferred = live(options, workers);
        if (!atomic_load(&refused))
            REQUIRE_CMP(inferred, ==, 6);
    } while (atomic_load(&refused));
    atomic_store(&left, -1); /* what runs at exit (coverage) gets all it wants */
    printf("%s: %d lives, in all but the last something was refused\n", options, lives);
    REQUIRE_CMP(lives, >, 15);
}

int main(void)
{
    reserve();
    reserve_is_enough();
    reserve_of_a_rate(60, 61 + SS_PICTURE_ALONE);
    reserve_of_a_rate(30, SS_PICTURE_RESERVE);
    reserve_of_a_rate(10, SS_PICTURE_RESERVE);

    live_until_all_is_had("boxes=5", 2);
    live_until_all_is_had("boxes=5,async=1", 1);
    live_until_all_is_had("boxes=5,stand_in=5", 2);
    return 0;
}
