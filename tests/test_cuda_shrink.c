/* SPDX-License-Identifier: Apache-2.0 */
/* src/cuda/shrink.c on the driver of fake_cuda.c, held against core/picture.c. */
#include "cuda/shrink.h"

#include <errno.h>

#include "core/picture.h"
#include "cuda_rig.h"
#include "internal.h"

enum { IN_TIME = 1000 };

static int64_t ticks; /* of a clock that goes on whenever it is looked at */

static int64_t now(void)
{
    return ++ticks;
}

static SsCudaShrink *create(const SsFrameDesc *f)
{
    SsCudaShrink *s;

    REQUIRE(ss_cuda_shrink_create(&s, f, ss_picture_scale(f->width, f->height), &logger) == 0);
    REQUIRE_CMP(fake->current, ==, 0);
    return s;
}

static void destroy(SsCudaShrink **s)
{
    ss_cuda_shrink_destroy(s);
    REQUIRE(!*s);
    require_nothing_left();
}

/** With time for it. */
static int shrink(SsCudaShrink *s, const SsFrameDesc *f, SsFrameDesc *grey)
{
    return ss_cuda_shrink(s, f, ticks + IN_TIME, now, grey);
}

static void require_same(const SsFrameDesc *grey, const SsPicture *p)
{
    REQUIRE(grey->format == SS_PIXEL_GRAY8 && grey->memory == SS_MEMORY_HOST && grey->pts == 7);
    REQUIRE(grey->width == p->level[0].width && grey->height == p->level[0].height);
    for (int y = 0; y < grey->height; y++)
        REQUIRE(memcmp(grey->plane[0] + (size_t)y * (size_t)grey->stride[0],
                       p->level[0].data + (size_t)y * (size_t)grey->width, (size_t)grey->width) == 0);
}

/** Every format and scale, bit for bit what the processor makes of it. */
static void test_same(void)
{
    static const int sizes[][2] = { { 5, 3 },      { 480, 270 },   { 500, 301 },
                                    { 1283, 719 }, { 1920, 1080 }, { 720, 2310 } };

    for (int format = SS_PIXEL_NV12; format <= SS_PIXEL_GRAY8; format++)
        for (size_t i = 0; i < SS_COUNTOF(sizes); i++) {
            SsFrameDesc f = frame_new((SsPixelFormat)format, sizes[i][0], sizes[i][1], (int)i * 7,
                                      (unsigned)i),
                        grey;
            SsCudaShrink *s = create(&f);
            SsAlbum *a;

            f.pts = 7;
            REQUIRE(ss_album_create(&a, 8) == 0);
            SsPicture *p = ss_album_add(a, &f);
            REQUIRE(p && ss_cuda_shrink_fits(s, &f));
            REQUIRE(shrink(s, &f, &grey) == 0);
            frame_free(&f);
            require_same(&grey, p);
            ss_picture_unref(&p);
            ss_album_destroy(&a);
            destroy(&s);
        }
}

/** Whoever the memory belongs to. */
static void test_owners(void)
{
    SsFrameDesc f = frame_new(SS_PIXEL_NV12, 640, 360, 0, 1),
                wider = frame_new(SS_PIXEL_NV12, 640, 360, 64, 2), grey;
    SsCudaShrink *s = create(&f);

    for (int foreign = -1; foreign <= 1; foreign++) {
        fake->foreign = foreign;
        fake->peers = 0;
        REQUIRE(shrink(s, &f, &grey) == 0);
        REQUIRE(shrink(s, &wider, &grey) == 0); /* a larger stride takes more memory */
        REQUIRE_CMP(fake->peers, ==, foreign > 0 ? 2 : 0);
    }
    fake->foreign = 0;
    wider.width--;
    REQUIRE(!ss_cuda_shrink_fits(s, &wider));
    frame_free(&f);
    frame_free(&wider);
    destroy(&s);
}

/** A GPU that is busy: nobody waits, the frame may go, and what was late is not taken for the next one's. */
static void test_late(void)
{
    SsFrameDesc f = frame_new(SS_PIXEL_GRAY8, 1920, 1080, 0, 3), grey;
    SsCudaShrink *s = create(&f);

    fake->lazy = 1;
    ticks = 0;
    REQUIRE(shrink(s, &f, &grey) == -EAGAIN);
    REQUIRE_CMP(ticks, ==, IN_TIME); /* until then, and no longer */
    const int calls = fake->calls;
    REQUIRE(shrink(s, &f, &grey) == -EAGAIN); /* still the one before: nothing is begun */
    REQUIRE_CMP(ticks, ==, IN_TIME);
    REQUIRE_CMP(fake->calls, ==, calls);
    REQUIRE_CMP(fake->current, ==, 0);
    fake->lazy = 0;
    memset((void *)(uintptr_t)f.plane[0], 9, 1920 * 1080);
    REQUIRE(shrink(s, &f, &grey) == 0);
    for (int i = 0; i < grey.width * grey.height; i++)
        REQUIRE(grey.plane[0][i] == 9);
    frame_free(&f);
    destroy(&s);
}

/** Every call that can fail, does once: it is told, nothing is left behind, and the next frame is good. */
static void test_failures(void)
{
    SsFrameDesc f = frame_new(SS_PIXEL_BGRX, 960, 540, 0, 4), grey;
    int failures = 0;

    for (bool reached = true; reached; failures += reached) {
        SsCudaShrink *s;

        fake->calls = 0;
        fake->fail_at = failures + 1;
        said[0] = '\0';
        int err = ss_cuda_shrink_create(&s, &f, 2, &logger);
        REQUIRE(!s == (err != 0));
        if (s)
            err = shrink(s, &f, &grey);
        reached = fake->calls >= fake->fail_at;
        REQUIRE(err == (reached ? -ENOMEM : 0));
        REQUIRE(!said[0] == !err);
        fake->fail_at = 0;
        if (s)
            REQUIRE(shrink(s, &f, &grey) == 0);
        destroy(&s);
    }
    REQUIRE_CMP(failures, >=, 15);
    frame_free(&f);
}

int main(void)
{
    find_fake();
    test_same();
    test_owners();
    test_late();
    test_failures();
    return 0;
}
