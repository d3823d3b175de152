/* SPDX-License-Identifier: Apache-2.0 */
/* src/cuda/preprocess.c and driver.c on the driver of fake_cuda.c. Arguments: works, old, or none. */
#include "core/image.h"
#include "cuda/pinned.h"
#include "cuda/preprocess.h"

#include <errno.h>

#include "cuda_rig.h"
#include "internal.h"

enum { SIDE = 32, ELEMENTS = 3 * SIDE * SIDE };

static const SsTensor input = { .dtype = SS_F32, .rank = 4, .dim = { 1, 3, SIDE, SIDE } };
static const SsInputParams params = { .fit = SS_FIT_LETTERBOX, .order = SS_ORDER_RGB, .scale = { 1, 1, 1 } };
static void on_cpu_into(const SsTensor *t, const SsFrameDesc *f, float *out)
{
    SsGeometry g;
    SsImage *im;

    REQUIRE(ss_image_create(&im, t, &params, &logger) == 0);
    REQUIRE(ss_image_convert(im, f, out, &g) == 0);
    ss_image_destroy(&im);
}

static void on_cpu(const SsFrameDesc *f, float *out)
{
    on_cpu_into(&input, f, out);
}

static void require_near(const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        REQUIRE_NEAR(a[i], b[i], 0.04);
}

static void require_same(const float *a, const float *b)
{
    require_near(a, b, ELEMENTS);
}

static SsCuPtr address(void *p)
{
    return (SsCuPtr)(uintptr_t)p;
}

static SsCudaPreprocess *create_for(int batch)
{
    SsTensor t = input;
    SsCudaPreprocess *p;

    t.dim[0] = batch;
    REQUIRE(ss_cuda_preprocess_create(&p, 0, &t, &params, &logger) == 0);
    REQUIRE(fake->current == 0);
    return p;
}

static SsCudaPreprocess *create(void)
{
    return create_for(1);
}

static void destroy(SsCudaPreprocess **p)
{
    ss_cuda_preprocess_destroy(p);
    REQUIRE(!*p);
    require_nothing_left();
}

/* Tight rows, small gaps (sent along), large ones (left out), and odd ones, which the GPU could not read. */
static void test_strides(void)
{
    static const int paddings[] = { 0, 1, 2, 4, 300 };
    SsCudaPreprocess *p = create();

    for (int format = SS_PIXEL_NV12; format <= SS_PIXEL_GRAY8; format++)
        for (size_t i = 0; i < SS_COUNTOF(paddings); i++) {
            SsFrameDesc f = frame_new((SsPixelFormat)format, 71, 45, paddings[i], 7);
            static float want[ELEMENTS], got[ELEMENTS];
            SsGeometry g;

            on_cpu(&f, want);
            REQUIRE(ss_cuda_preprocess_convert(p, &f, address(got), NULL, &g) == 0);
            frame_free(&f);
            ss_cuda(&logger)->StreamSynchronize(NULL);
            require_same(got, want);
            REQUIRE_CMP(g.scale_x, ==, 32 / 71.0f);
            REQUIRE_CMP(g.offset_y, ==, 6);
        }
    destroy(&p);
}

/* Frames of megabytes: whole, row by row, and only the rows that are needed. */
static void test_large(void)
{
    enum { WIDE = 512 };
    static const int sizes[][3] = { { 1000, 900, 0 }, { 1000, 900, 400 }, { 1600, 2000, 0 } };
    static float want[3 * WIDE * WIDE], got[3 * WIDE * WIDE];
    const SsTensor large = { .dtype = SS_F32, .rank = 4, .dim = { 1, 3, WIDE, WIDE } };
    SsCudaPreprocess *p;
    SsGeometry g;

    REQUIRE(ss_cuda_preprocess_create(&p, 0, &large, &params, &logger) == 0);
    for (int format = SS_PIXEL_NV12; format <= SS_PIXEL_GRAY8; format++)
        for (size_t i = 0; i < SS_COUNTOF(sizes); i++) {
            SsFrameDesc f = frame_new((SsPixelFormat)format, sizes[i][0], sizes[i][1], sizes[i][2], 9);

            on_cpu_into(&large, &f, want);
            REQUIRE(ss_cuda_preprocess_convert(p, &f, address(got), NULL, &g) == 0);
            frame_free(&f);
            ss_cuda(&logger)->StreamSynchronize(NULL);
            require_near(got, want, SS_COUNTOF(want));
        }
    destroy(&p);
}

/* Nothing of a frame is needed when its call has returned, a second one goes its way beside it, or a whole
 * batch, and the next waits for the first. Larger frames than before in between. */
static void test_frames_on_their_way(int batch, int beside)
{
    static float want[8][ELEMENTS], got[8][ELEMENTS];
    SsCudaPreprocess *p = create_for(batch);
    SsGeometry g;

    fake->waits = 0;
    for (int i = 0; i < 8; i++) {
        SsFrameDesc f = frame_new(SS_PIXEL_I420, 40 + 8 * i, 40, 0, (unsigned)i);

        on_cpu(&f, want[i]);
        REQUIRE(ss_cuda_preprocess_convert(p, &f, address(got[i]), NULL, &g) == 0);
        frame_free(&f);
        REQUIRE_CMP(fake->waits, ==, i < beside ? 0 : i - beside + 1);
    }
    destroy(&p);
    for (int i = 0; i < 8; i++)
        require_same(got[i], want[i]);
}

/* What the frame's planes are in, one after the other. */
static SsFrameDesc move_to(const SsFrameDesc *f, uint8_t *memory)
{
    SsFrameDesc moved = *f;

    for (int i = 0; i < 3; i++) {
        const size_t row = ss_pixel_row_bytes(f, i);

        for (int y = 0; row > 0 && y < ss_pixel_rows(f, i); y++)
            memcpy(memory + (size_t)y * (size_t)f->stride[i], f->plane[i] + (size_t)y * (size_t)f->stride[i],
                   row);
        if (row > 0)
            moved.plane[i] = memory;
        memory += (size_t)f->stride[i] * (size_t)ss_pixel_rows(f, i);
    }
    return moved;
}

/* In memory that can be pinned a frame is read where it lies, when its turn comes; there is no copy, and no
 * frame waits for another. */
static void test_in_place(void)
{
    static float want[ELEMENTS], got[4][ELEMENTS];
    SsFrameDesc f = frame_new(SS_PIXEL_NV12, 50, 60, 6, 3), there, other;
    uint8_t *memory = ss_memory_new(56 * 90 - 6), *beside = ss_memory_new(1 << 16);
    SsCudaPreprocess *p = create();
    SsGeometry g;

    REQUIRE(memory && beside && (uintptr_t)memory % 4096 == 0);
    on_cpu(&f, want);
    there = move_to(&f, memory);
    other = move_to(&f, beside + 4096);
    fake->waits = 0;
    for (int i = 0; i < 4; i++) {
        REQUIRE(ss_cuda_preprocess_convert(p, i < 3 ? &there : &other, address(got[i]), NULL, &g) == 1);
        REQUIRE_CMP(fake->pinned, ==, i < 3 ? 1 : 2);
    }
    REQUIRE_CMP(fake->waits, ==, 0);
    ss_cuda(&logger)->StreamSynchronize(NULL);
    for (int i = 0; i < 4; i++)
        require_same(got[i], want);

    other.plane[1] = f.plane[1]; /* only a part of it */
    REQUIRE(ss_cuda_preprocess_convert(p, &other, address(got[0]), NULL, &g) == 0);
    other = move_to(&f, beside + 1); /* chroma at an odd address, which no kernel reads */
    REQUIRE(ss_cuda_preprocess_convert(p, &other, address(got[1]), NULL, &g) == 0);
    REQUIRE(!ss_cuda_pinned_has(ss_cuda(NULL), 0, memory, 1 << 16, &logger)); /* beyond its end */
    ss_cuda(&logger)->StreamSynchronize(NULL);
    for (int i = 0; i < 2; i++)
        require_same(got[i], want);
    ss_cuda_preprocess_destroy(&p);
    REQUIRE_CMP(fake->pinned, ==, 2); /* as long as it is there */
    ss_memory_free(memory);
    ss_memory_free(beside);
    ss_memory_free(NULL);
    frame_free(&f);
    require_nothing_left();
}

/* Where it cannot be pinned frames are copied, and the log says why, once. */
static void test_cannot_be_pinned(void)
{
    static float want[ELEMENTS], got[ELEMENTS];
    SsFrameDesc f = frame_new(SS_PIXEL_GRAY8, 50, 60, 0, 3), there;
    uint8_t *memory = ss_memory_new(50 * 60);
    SsCudaPreprocess *p = create();
    SsGeometry g;

    on_cpu(&f, want);
    there = move_to(&f, memory);
    for (int failing = 1; failing <= 2; failing++) {
        said[0] = '\0';
        fake->calls = 0;
        fake->fail_at = failing; /* the context, then the memory */
        REQUIRE(ss_cuda_preprocess_convert(p, &there, address(got), NULL, &g) == 0);
        REQUIRE(!strstr(said, "out of memory") == (failing > 1)); /* once is enough */
        fake->fail_at = 0;
        said[0] = '\0';
        REQUIRE(ss_cuda_preprocess_convert(p, &there, address(got), NULL, &g) == 0);
        REQUIRE(!said[0]);
        ss_cuda(&logger)->StreamSynchronize(NULL);
        require_same(got, want);
        ss_memory_free(memory);
        memory = ss_memory_new(50 * 60);
        there = move_to(&f, memory);
    }
    fake->other_addresses = 1; /* or it would read somebody else's memory */
    REQUIRE(ss_cuda_preprocess_convert(p, &there, address(got), NULL, &g) == 0);
    fake->other_addresses = 0;
    ss_cuda(&logger)->StreamSynchronize(NULL);
    require_same(got, want);
    ss_memory_free(memory);
    frame_free(&f);
    destroy(&p);
}

/* A kernel reads a little beyond a frame, and one that is too narrow it does not read right: so these are
 * copied. */
static void test_at_the_end(void)
{
    static float want[ELEMENTS], got[ELEMENTS];
    SsFrameDesc f = frame_new(SS_PIXEL_GRAY8, 64, 64, 0, 3), narrow = frame_new(SS_PIXEL_GRAY8, 2, 64, 0, 3),
                there;
    uint8_t *memory = ss_memory_new(8192 - SS_PIXEL_BEYOND), *full = ss_memory_new(4096);
    SsCudaPreprocess *p = create();
    SsGeometry g;

    there = move_to(&f, full); /* that much is always there beyond what was asked for */
    REQUIRE(ss_cuda_preprocess_convert(p, &there, address(got), NULL, &g) == 1);
    there = move_to(&f, memory + 4096);
    on_cpu(&f, want);
    REQUIRE(ss_cuda_preprocess_convert(p, &there, address(got), NULL, &g) == 0);
    ss_cuda(&logger)->StreamSynchronize(NULL);
    require_same(got, want);
    there = move_to(&narrow, memory);
    on_cpu(&narrow, want);
    REQUIRE(ss_cuda_preprocess_convert(p, &there, address(got), NULL, &g) == 0);
    ss_cuda(&logger)->StreamSynchronize(NULL);
    require_same(got, want);
    ss_memory_free(memory);
    ss_memory_free(full);
    frame_free(&f);
    frame_free(&narrow);
    destroy(&p);
}

/* Who frees a pinned block does not wait for the driver, as long as there is somebody who may. */
static void test_freed_aside(void)
{
    static float got[ELEMENTS];
    SsFrameDesc f = frame_new(SS_PIXEL_GRAY8, 50, 60, 0, 3), there[2];
    uint8_t *memory[2] = { ss_memory_new(50 * 60), ss_memory_new(50 * 60) };
    SsCudaPreprocess *p = create();
    SsGeometry g;

    for (int i = 0; i < 2; i++) {
        there[i] = move_to(&f, memory[i]);
        REQUIRE(ss_cuda_preprocess_convert(p, &there[i], address(got), NULL, &g) == 1);
    }
    ss_cuda(&logger)->StreamSynchronize(NULL);
    ss_memory_free(memory[0]);
    REQUIRE_CMP(fake->pinned, ==, 2);
    REQUIRE(ss_cuda_preprocess_convert(p, &there[1], address(got), NULL, &g) == 1);
    REQUIRE_CMP(fake->pinned, ==, 1);
    ss_cuda(&logger)->StreamSynchronize(NULL);
    ss_memory_free(memory[1]);
    REQUIRE_CMP(fake->pinned, ==, 1);
    destroy(&p);
    REQUIRE_CMP(fake->pinned, ==, 0);
    frame_free(&f);
}

/* Many, made and freed in any order: each is found, and nothing between them is. */
static void test_many_blocks(void)
{
    enum { MANY = 100 };
    uint8_t *block[MANY];
    SsCudaPreprocess *p = create();
    const SsCuda *cu = ss_cuda(&logger);
    SsCuContext context;
    int device;

    REQUIRE(ss_cuda_retain(cu, 0, &device, &context, &logger) == 0 &&
            ss_cuda_enter(cu, context, &logger) == 0);
    for (int i = 0; i < MANY; i++)
        REQUIRE((block[i] = ss_memory_new(100)));
    for (int i = 0; i < MANY; i += 3) {
        ss_memory_free(block[i]);
        block[i] = NULL;
    }
    for (int i = 0; i < MANY; i++)
        if (block[i])
            REQUIRE(ss_cuda_pinned_has(cu, 0, block[i] + 50, 50, &logger));
    REQUIRE_CMP(fake->pinned, ==, MANY - (MANY + 2) / 3);
    REQUIRE(!ss_cuda_pinned_has(cu, 0, &device, sizeof device, &logger));
    for (int i = MANY - 1; i >= 0; i--)
        ss_memory_free(block[i]);
    ss_cuda_leave(cu);
    (void)cu->DevicePrimaryCtxRelease(device);
    destroy(&p);
}

static void test_device_memory(void)
{
    static float want[ELEMENTS], got[ELEMENTS];
    SsFrameDesc f = frame_new(SS_PIXEL_BGRX, 50, 60, 4, 3), odd = f;
    SsCudaPreprocess *p = create();
    SsGeometry g;

    on_cpu(&f, want);
    REQUIRE(ss_cuda_preprocess_convert_device(p, &f, address(got), NULL, &g) == 0);
    ss_cuda(&logger)->StreamSynchronize(NULL);
    require_same(got, want);
    odd.stride[0] -= 1;
    REQUIRE(ss_cuda_preprocess_convert_device(p, &odd, address(got), NULL, &g) == -EINVAL);
    odd = f;
    odd.plane[0] += 2;
    REQUIRE(ss_cuda_preprocess_convert_device(p, &odd, address(got), NULL, &g) == -EINVAL);
    odd.plane[0] = NULL;
    REQUIRE(ss_cuda_preprocess_convert_device(p, &odd, address(got), NULL, &g) == -EINVAL);
    REQUIRE(ss_cuda_preprocess_convert(p, &odd, address(got), NULL, &g) == -EINVAL);
    frame_free(&f);
    destroy(&p);
}

/* A frame on the GPU, whoever its memory belongs to: it may go when the call has returned, though two before
 * it are still on their way. */
static void test_frames_of_the_gpu(void)
{
    static float want[ELEMENTS], got[4][ELEMENTS];
    static const SsPixelFormat formats[] = { SS_PIXEL_NV12, SS_PIXEL_I420, SS_PIXEL_BGRX, SS_PIXEL_RGB };
    SsCudaPreprocess *p = create();
    SsGeometry g;

    for (int i = 0; i < 12; i++) {
        SsFrameDesc f = frame_new(formats[i % 4], 90, 70 + i, i % 3 * 128 + 4, (unsigned)i);

        on_cpu(&f, want);
        f.memory = SS_MEMORY_CUDA;
        fake->foreign = i / 4 - 1;
        fake->peers = 0;
        REQUIRE(ss_cuda_preprocess_convert(p, &f, address(got[i % 4]), NULL, &g) == 0);
        REQUIRE((fake->peers > 0) == (fake->foreign > 0));
        frame_free(&f);
        ss_cuda(&logger)->StreamSynchronize(NULL);
        require_same(got[i % 4], want);
    }
    fake->foreign = 0;
    SsFrameDesc odd = frame_new(SS_PIXEL_NV12, 90, 70, 1, 1);
    odd.memory = SS_MEMORY_CUDA;
    REQUIRE(ss_cuda_preprocess_convert(p, &odd, address(got[0]), NULL, &g) == -EINVAL);
    frame_free(&odd);
    destroy(&p);
}

static void test_refuses(void)
{
    SsTensor bad = input;
    SsCudaPreprocess *p;

    bad.dtype = SS_I32;
    REQUIRE(ss_cuda_preprocess_create(&p, 0, &bad, &params, &logger) == -ENOTSUP);
    REQUIRE(!p);
    REQUIRE(ss_cuda_preprocess_create(&p, 3, &input, &params, &logger) == -ENOTSUP);
    REQUIRE_STR(said, "there is no GPU 3");
    ss_cuda_preprocess_destroy(&p);
    ss_cuda_preprocess_destroy(NULL);
    REQUIRE_CMP(fake->live, ==, 0);
}

/* Every call that can fail, does once: nothing is left behind, and a frame that failed spoils none after it.
 */
static void test_failures(SsMemory memory)
{
    static float want[ELEMENTS], got[ELEMENTS];
    SsFrameDesc f = frame_new(SS_PIXEL_NV12, 64, 64, 0, 5);
    int failures = 0;
    SsGeometry g;

    on_cpu(&f, want);
    f.memory = memory;
    for (bool reached = true; reached; failures += reached) {
        SsCudaPreprocess *p;
        int err;

        fake->calls = 0;
        fake->fail_at = failures + 1;
        said[0] = '\0';
        err = ss_cuda_preprocess_create(&p, 0, &input, &params, &logger);
        REQUIRE(!p == (err != 0));
        for (int i = 0; i < 3 && p && !err; i++)
            err = ss_cuda_preprocess_convert(p, &f, address(got), NULL, &g);
        reached = fake->calls >= fake->fail_at;
        REQUIRE(err == (reached ? -ENOMEM : 0));
        REQUIRE(!said[0] == !err);
        fake->fail_at = 0;
        if (p) {
            memset(got, 0, sizeof got);
            REQUIRE(ss_cuda_preprocess_convert(p, &f, address(got), NULL, &g) == 0);
            ss_cuda(&logger)->StreamSynchronize(NULL);
            require_same(got, want);
        }
        destroy(&p);
    }
    REQUIRE_CMP(failures, >=, 20);
    frame_free(&f);
}

static int test_no_driver(void)
{
    SsCudaPreprocess *p;

    if (dlopen("libcuda.so.1", RTLD_NOW)) {
        puts("there is a driver");
        return SKIP;
    }
    REQUIRE(ss_cuda_preprocess_create(&p, 0, &input, &params, &logger) == -ENOTSUP);
    REQUIRE(!p);
    REQUIRE_STR(said, "no NVIDIA driver: libcuda.so.1 not found");
    return 0;
}

/* A driver that works, but does not know this code. */
static void test_old_driver(void)
{
    const char *too_old = "the NVIDIA driver is for CUDA 11.4, older than ";
    SsCudaPreprocess *p;

    REQUIRE(ss_cuda_preprocess_create(&p, 0, &input, &params, &logger) == -ENOTSUP);
    REQUIRE(!p);
    REQUIRE(strncmp(said, too_old, strlen(too_old)) == 0);
    REQUIRE_CMP(fake->live, ==, 0);
}

int main(int argc, char **argv)
{
    REQUIRE(argc == 2);
    if (strcmp(argv[1], "none") == 0)
        return test_no_driver();
    find_fake();
    if (strcmp(argv[1], "old") == 0) {
        test_old_driver();
        return 0;
    }
    test_strides();
    test_large();
    test_frames_on_their_way(1, 2);
    test_frames_on_their_way(5, 5);
    test_in_place();
    test_cannot_be_pinned();
    test_at_the_end();
    test_freed_aside();
    test_many_blocks();
    test_device_memory();
    test_frames_of_the_gpu();
    test_refuses();
    test_failures(SS_MEMORY_HOST);
    test_failures(SS_MEMORY_CUDA);
    return 0;
}
