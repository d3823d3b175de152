/* SPDX-License-Identifier: Apache-2.0 */
/** The driver of fake_cuda.c, what it said last, and frames of noise for it. */
#ifndef SS_TESTS_CUDA_RIG_H
#define SS_TESTS_CUDA_RIG_H

#include <dlfcn.h>

#include "cuda/job.h"
#include "fake_cuda.h"
#include "test.h"

static FakeCuda *fake;
static char said[1024];

static inline void keep(void *cookie, SsLogLevel level, const char *msg)
{
    (void)cookie;
    if (level == SS_LOG_ERROR)
        snprintf(said, sizeof said, "%s", msg);
}

static const SsLogger logger = { .level = SS_LOG_ERROR, .write = keep };

/** Found by its name, as the real one is. */
static inline void find_fake(void)
{
    void *lib = dlopen("libcuda.so.1", RTLD_NOW);

    REQUIRE(lib);
    fake = dlsym(lib, "fake_cuda");
    REQUIRE(fake);
}

/** `padding` bytes between the rows, none after the last. */
static inline SsFrameDesc frame_new(SsPixelFormat format, int width, int height, int padding, unsigned seed)
{
    SsFrameDesc f = { .format = format, .width = width, .height = height };

    for (int i = 0; i < 3; i++) {
        size_t row = ss_pixel_row_bytes(&f, i), size;
        uint8_t *memory;

        if (row == 0)
            continue;
        size = (row + (size_t)padding) * (size_t)(ss_pixel_rows(&f, i) - 1) + row;
        memory = malloc(size);
        REQUIRE(memory);
        for (size_t k = 0; k < size; k++)
            memory[k] = (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24);
        f.plane[i] = memory;
        f.stride[i] = (int)row + padding;
    }
    return f;
}

static inline void frame_free(SsFrameDesc *f)
{
    for (int i = 0; i < 3; i++) {
        free((void *)(uintptr_t)f->plane[i]);
        f->plane[i] = NULL;
    }
}

/** All that was got from the driver has been given back. */
static inline void require_nothing_left(void)
{
    REQUIRE_CMP(fake->live, ==, 0);
    REQUIRE_CMP(fake->current, ==, 0);
}

#endif
