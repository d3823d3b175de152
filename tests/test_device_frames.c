/* SPDX-License-Identifier: Apache-2.0 */
/** Frames in a GPU's memory: taken there where the backend can, fetched by the worker where not. */
#include "engine_rig.h"

#include <errno.h>

enum { FRAMES = 20 };

/** Of the tests' "GPU": an address that nobody may read. */
static const uint8_t *const elsewhere = (const uint8_t *)64;

static uint8_t pixels[PICTURE_SIDE * PICTURE_SIDE];
static atomic_int fetches, releases;
static int fetch_fails; /* -errno */
static char said[256];

static void keep(void *cookie, SsLogLevel level, const char *msg)
{
    (void)cookie, (void)level;
    snprintf(said, sizeof said, "%s", msg);
}

static void release(void *cookie)
{
    REQUIRE(cookie == pixels);
    atomic_fetch_add(&releases, 1);
}

static int fetch(void *cookie, SsFrameDesc *desc)
{
    REQUIRE(cookie == pixels);
    REQUIRE(desc->memory == SS_MEMORY_HOST && desc->plane[0] == elsewhere);
    atomic_fetch_add(&fetches, 1);
    desc->plane[0] = pixels;
    desc->stride[0] = PICTURE_SIDE;
    return fetch_fails;
}

static SsFrameDesc on_gpu(int64_t pts)
{
    return (SsFrameDesc) { .format = SS_PIXEL_GRAY8,
                           .width = PICTURE_SIDE,
                           .height = PICTURE_SIDE,
                           .plane = { elsewhere },
                           .stride = { 512 },
                           .pts = pts,
                           .memory = SS_MEMORY_CUDA };
}

static SsFrame *frame_on_gpu(int64_t pts, bool can_be_fetched)
{
    const SsFrameDesc d = on_gpu(pts);
    SsFrame *f = ss_frame_wrap(&d, release, pixels);

    REQUIRE(f);
    if (can_be_fetched)
        ss_frame_set_fetch(f, fetch);
    return f;
}

/** FRAMES frames, one after the other, each of which reaches the network. */
static SsStreamStats run(const char *options, bool can_be_fetched)
{
    SsEngine *e;
    const SsEngineParams p = { .backend = "dummy", .model.options = options, .log = { SS_LOG_ERROR, keep } };
    SsStreamStats st;

    atomic_store(&fetches, 0);
    atomic_store(&releases, 0);
    said[0] = '\0';
    REQUIRE(ss_engine_create(&e, &p) == 0);
    SsStream *s = stream_of(e, 1, 0);
    REQUIRE(ss_engine_start(e) == 0);
    for (int i = 0; i < FRAMES; i++) {
        const SsFrameDesc d = on_gpu(i * PERIOD);

        ss_stream_see(s, &d); /* nobody reads there */
        ss_stream_offer(s, frame_on_gpu(i * PERIOD, can_be_fetched));
        st = settle(s, 0);
    }
    require_sum(&st);
    REQUIRE_CMP(st.offered, ==, FRAMES);
    ss_stream_destroy(&s);
    ss_engine_destroy(&e);
    REQUIRE_CMP(atomic_load(&releases), ==, FRAMES);
    return st;
}

static void taken_where_they_are(void)
{
    const SsStreamStats st = run("cuda=1", true);

    REQUIRE_CMP(st.inferred, ==, FRAMES);
    REQUIRE_CMP(st.fetched, ==, 0);
    REQUIRE_CMP(atomic_load(&fetches), ==, 0);
}

/** A frame that is read where it lies goes when the inference has ended, well or not, and not before. */
static void read_where_they_are(void)
{
    static const char *const options[] = { "cuda=1,gate=0", "cuda=1,stays=1,gate=0",
                                           "cuda=1,stays=1,gate=0,broken=infer" };

    for (int i = 0; i < 3; i++) {
        ss_dummy_gate_shut(GATE);
        SsEngine *e = engine_of_batch(options[i], 1, 2);
        SsStream *s[2];

        atomic_store(&releases, 0);
        open_streams(e, s, 2);
        REQUIRE(ss_engine_start(e) == 0);
        ss_stream_offer(s[0], frame_on_gpu(0, false));
        ss_dummy_gate_wait(GATE, 1);
        REQUIRE_CMP(atomic_load(&releases), ==, i == 0);
        ss_stream_offer(s[0], frame_on_gpu(PERIOD, false));
        ss_stream_offer(s[1], frame_on_gpu(PERIOD, false));
        ss_dummy_gate_pass(GATE, 1);
        ss_dummy_gate_wait(GATE, 2); /* the next two, together */
        REQUIRE_CMP(atomic_load(&releases), ==, i == 0 ? 3 : 1);
        ss_dummy_gate_open(GATE);
        settle(s[0], 0);
        settle(s[1], 0);
        REQUIRE_CMP(atomic_load(&releases), ==, 3);
        destroy_all(e, s, 2);
    }
}

static void fetched(void)
{
    const SsStreamStats st = run("cuda=0", true);

    REQUIRE_CMP(st.inferred, ==, FRAMES);
    REQUIRE_CMP(st.fetched, ==, FRAMES);
    REQUIRE_CMP(atomic_load(&fetches), ==, FRAMES);
}

/** What the network sees is what was fetched. */
static void the_right_pixels(void)
{
    SsEngine *e = engine_with("follow=1,size=32", 1);
    SsStream *s = stream_of(e, 1, 0);
    SsObject object[SS_MAX_OBJECTS];

    REQUIRE(ss_engine_start(e) == 0);
    for (int y = 8; y < 16; y++)
        memset(pixels + y * PICTURE_SIDE + 20, 255, 4);
    ss_stream_offer(s, frame_on_gpu(0, true));
    settle(s, 0);
    REQUIRE_CMP(ss_stream_objects_at(s, 0, object, SS_MAX_OBJECTS), ==, 1);
    REQUIRE_NEAR(object[0].box.x, 20, 0.01);
    REQUIRE_NEAR(object[0].box.y, 8, 0.01);
    REQUIRE_NEAR(object[0].box.w, 4, 0.01);
    REQUIRE_NEAR(object[0].box.h, 8, 0.01);
    memset(pixels, 0, sizeof pixels);
    ss_stream_destroy(&s);
    ss_engine_destroy(&e);
}

/** The network goes without, and says so; the stream goes on. */
static void not_to_be_had(void)
{
    SsStreamStats st = run("cuda=0", false);

    REQUIRE_CMP(st.failed, ==, FRAMES);
    REQUIRE_CMP(st.fetched, ==, 0);
    REQUIRE(strstr(said, "a frame in a device's memory cannot be read"));

    fetch_fails = -ENOMEM;
    st = run("cuda=0", true);
    fetch_fails = 0;
    REQUIRE_CMP(st.failed, ==, FRAMES);
    REQUIRE_CMP(st.fetched, ==, 0);
    REQUIRE(strstr(said, strerror(ENOMEM)));
}

int main(void)
{
    taken_where_they_are();
    read_where_they_are();
    fetched();
    the_right_pixels();
    not_to_be_had();
    return 0;
}
