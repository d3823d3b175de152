/* SPDX-License-Identifier: Apache-2.0 */
/** src/backend/ort_gpu.c on the driver of fake_cuda.c and a few functions in the place of ONNX Runtime's. */
#include "backend/ort_gpu.h"
#include "core/image.h"

#include <errno.h>

#include "cuda_rig.h"

enum { SIDE = 16, ELEMENTS = 3 * SIDE * SIDE, BATCH = 3 };

static const SsInputParams params = { .fit = SS_FIT_STRETCH, .order = SS_ORDER_RGB, .scale = { 1, 1, 1 } };
static const SsTensor input = {
    .dtype = SS_F32, .rank = 4, .dim = { BATCH, 3, SIDE, SIDE }, .size = BATCH * ELEMENTS * sizeof(float)
};

static const float *tensor; /* "on the GPU" */
static int values;

static OrtStatus *create_info(const char *name, int allocator, int id, int memory, OrtMemoryInfo **out)
{
    (void)name, (void)allocator, (void)id, (void)memory;
    *out = (OrtMemoryInfo *)(void *)&values;
    return NULL;
}

static void release_info(OrtMemoryInfo *info)
{
    (void)info;
}

static OrtStatus *create_value(const OrtMemoryInfo *info, void *data, size_t bytes, const int64_t *dim,
                               size_t rank, int type, OrtValue **out)
{
    (void)info, (void)dim, (void)rank, (void)type;
    REQUIRE_CMP(bytes, ==, input.size);
    tensor = data;
    values++;
    *out = (OrtValue *)data;
    return NULL;
}

static void release_value(OrtValue *value)
{
    REQUIRE((const void *)value == tensor);
    values--;
}

static const SsOrt ort = { .CreateMemoryInfo = create_info,
                           .ReleaseMemoryInfo = release_info,
                           .CreateTensorWithDataAsOrtValue = create_value,
                           .ReleaseValue = release_value };

static void require_picture(const SsFrameDesc *f, int nth)
{
    static float want[ELEMENTS];
    SsGeometry g;
    SsImage *im;

    REQUIRE(ss_image_create(&im, &input, &params, &logger) == 0);
    REQUIRE(ss_image_convert(im, f, want, &g) == 0);
    ss_image_destroy(&im);
    for (int i = 0; i < ELEMENTS; i++)
        REQUIRE_NEAR(tensor[nth * ELEMENTS + i], want[i], 0.04);
}

/* Each of a batch has a place of its own in the tensor. `stream`: ours, on which the network would run;
 * without one what was put on that of this code is waited for. */
static void test_batch(void *stream)
{
    const SsOrtSession s = { .ort = &ort, .log = &logger, .gpu = 0, .stream = stream };
    SsFrameDesc f[BATCH];
    SsOrtRun run = { 0 };
    SsOrtGpu *gpu = NULL;
    SsGeometry g;

    for (int i = 0; i < BATCH; i++)
        f[i] = frame_new(SS_PIXEL_RGB, 20, 10 + i, 0, (unsigned)i);
    REQUIRE(ss_ort_gpu_convert(&gpu, &s, &run, &input, 1, &f[1], &params, &g) ==
            -ENOTSUP); /* not the first */
    for (int i = 0; i < BATCH; i++) {
        REQUIRE(ss_ort_gpu_convert(&gpu, &s, &run, &input, i, &f[i], &params, &g) == 0);
        REQUIRE_NEAR(g.scale_y, (double)SIDE / f[i].height, 1e-6);
        REQUIRE((const void *)run.on_device == tensor);
        if (!stream)
            require_picture(&f[i], i);
    }
    ss_ort_gpu_settle(gpu, &s);
    for (int i = 0; i < BATCH; i++)
        require_picture(&f[i], i);
    f[0].width = 0; /* a picture that is none ends nothing that others have begun */
    REQUIRE(ss_ort_gpu_convert(&gpu, &s, &run, &input, 2, &f[0], &params, &g) == -EINVAL);
    REQUIRE((const void *)run.on_device == tensor);
    REQUIRE(ss_ort_gpu_convert(&gpu, &s, &run, &input, 0, &f[0], &params, &g) == -EINVAL);
    REQUIRE(!run.on_device);
    ss_ort_gpu_close(&gpu, &s, &run);
    REQUIRE_CMP(values, ==, 0);
    for (int i = 0; i < BATCH; i++)
        frame_free(&f[i]);
    require_nothing_left();
}

/* A frame that is read where it lies is to stay until the inference has ended; where that cannot be known
 * here, it has been read. After a failure it is waited for. */
static void test_in_place(void *stream)
{
    const SsOrtSession s = { .ort = &ort, .log = &logger, .gpu = 0, .stream = stream };
    SsFrameDesc f = { .format = SS_PIXEL_GRAY8, .width = 40, .height = 30, .stride = { 40 } };
    uint8_t *memory = ss_memory_new(40 * 30);
    SsOrtRun run = { 0 };
    SsOrtGpu *gpu = NULL;
    SsGeometry g;

    REQUIRE(memory);
    for (int i = 0; i < 40 * 30; i++)
        memory[i] = (uint8_t)(i * 7);
    f.plane[0] = memory;
    REQUIRE_CMP(ss_ort_gpu_convert(&gpu, &s, &run, &input, 0, &f, &params, &g), ==, stream ? 1 : 0);
    fake->waits = 0;
    ss_ort_gpu_settle(gpu, &s);
    REQUIRE_CMP(fake->waits, ==, stream ? 1 : 0);
    require_picture(&f, 0);
    ss_ort_gpu_settle(NULL, &s);
    ss_ort_gpu_close(&gpu, &s, &run);
    ss_memory_free(memory);
    require_nothing_left();
}

/* Whatever call fails: who needs the GPU is told so by that, and this says nothing and leaves nothing. */
static void test_wake(void)
{
    SsOrtWake wake = { 0 };

    said[0] = '\0';
    fake->calls = 0;
    ss_ort_gpu_wake(&wake, -1);
    ss_ort_gpu_woken(&wake);
    REQUIRE_CMP(fake->calls, ==, 0);
    for (int failing = 0; failing <= 2; failing++) { /* its context, a stream */
        fake->calls = 0;
        fake->fail_at = failing;
        ss_ort_gpu_wake(&wake, 0);
        ss_ort_gpu_woken(&wake);
        fake->fail_at = 0;
        REQUIRE((failing == 0) == (wake.stream != NULL));
        REQUIRE(said[0] == '\0');
        require_nothing_left();
    }
}

int main(void)
{
    static int any;

    find_fake();
    for (int i = 0; i < 2; i++) {
        test_batch(i ? &any : NULL);
        test_in_place(i ? &any : NULL);
    }
    test_wake();
    return 0;
}
