/* SPDX-License-Identifier: Apache-2.0 */
/* src/cuda/shrink.c on the driver of fake_cuda.c, held against core/picture.c. */
#include "cuda/shrink.h"

#include <dlfcn.h>
#include <errno.h>

#include "core/picture.h"
#include "fake_cuda.h"
#include "internal.h"
#include "test.h"

static FakeCuda *fake;
static char said[1024];

static void keep(void *cookie, SsLogLevel level, const char *msg)
{
    (void)cookie, (void)level;
    snprintf(said, sizeof said, "%s", msg);
}

static const SsLogger logger = { .level = SS_LOG_ERROR, .write = keep };

/** Its first plane, `padding` bytes between the rows. */
static SsFrameDesc frame_new(SsPixelFormat format, int width, int height, int padding)
{
    static const int bytes[] = {
        [SS_PIXEL_NV12] = 1, [SS_PIXEL_I420] = 1, [SS_PIXEL_RGB] = 3,  [SS_PIXEL_BGR] = 3,
        [SS_PIXEL_RGBX] = 4, [SS_PIXEL_BGRX] = 4, [SS_PIXEL_GRAY8] = 1
    };
    const size_t row = (size_t)(bytes[format] * width), stride = row + (size_t)padding,
                 size = stride * (size_t)(height - 1) + row;
    uint8_t *memory = malloc(size);
    unsigned seed = (unsigned)(width + height);

    REQUIRE(memory);
    for (size_t k = 0; k < size; k++)
        memory[k] = (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24);
    return (SsFrameDesc) { .format = format,
                           .width = width,
                           .height = height,
                           .plane = { memory },
                           .stride = { (int)stride },
                           .pts = 7 };
}

static void frame_free(SsFrameDesc *f)
{
    free((void *)(uintptr_t)f->plane[0]);
    f->plane[0] = NULL;
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
    REQUIRE_CMP(fake->live, ==, 0);
    REQUIRE_CMP(fake->current, ==, 0);
}

/** The picture of a frame, as whoever can wait for it. */
static int shrink(SsCudaShrink *s, const SsFrameDesc *f, SsFrameDesc *grey)
{
    const int err = ss_cuda_shrink_begin(s, f);

    return err ? err : ss_cuda_shrink_get(s, grey);
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
            SsFrameDesc f = frame_new((SsPixelFormat)format, sizes[i][0], sizes[i][1], (int)i * 7), grey;
            SsCudaShrink *s = create(&f);
            SsAlbum *a;

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
    SsFrameDesc f = frame_new(SS_PIXEL_NV12, 640, 360, 0), wider = frame_new(SS_PIXEL_NV12, 640, 360, 64),
                grey;
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
    SsFrameDesc f = frame_new(SS_PIXEL_GRAY8, 1920, 1080, 0), grey;
    SsCudaShrink *s = create(&f);

    fake->lazy = 1;
    REQUIRE(ss_cuda_shrink_begin(s, &f) == 0);
    const int calls = fake->calls;
    REQUIRE(ss_cuda_shrink_get(s, &grey) == -EAGAIN);
    REQUIRE(ss_cuda_shrink_begin(s, &f) == -EAGAIN); /* still the one before: nothing is begun */
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
    SsFrameDesc f = frame_new(SS_PIXEL_BGRX, 960, 540, 0), grey;
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
    void *lib = dlopen("libcuda.so.1", RTLD_NOW);

    REQUIRE(lib);
    fake = dlsym(lib, "fake_cuda");
    REQUIRE(fake);
    test_same();
    test_owners();
    test_late();
    test_failures();
    return 0;
}
