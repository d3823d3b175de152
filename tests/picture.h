/* SPDX-License-Identifier: Apache-2.0 */
/** Small grey pictures for tests of the core; counts how many are alive. */
#ifndef SS_TEST_PICTURE_H
#define SS_TEST_PICTURE_H

#include <stdatomic.h>

#include "sidestream/engine.h"
#include "test.h"

enum { PICTURE_SIDE = 32 };

static atomic_int pictures_alive;

static void picture_free(void *pixels)
{
    atomic_fetch_sub(&pictures_alive, 1);
    free(pixels);
}

/** A picture that is `grey` all over. */
static SsFrame *picture(int64_t pts, int grey)
{
    uint8_t *pixels = malloc(PICTURE_SIDE * PICTURE_SIDE);
    REQUIRE(pixels);
    memset(pixels, grey, PICTURE_SIDE * PICTURE_SIDE);
    const SsFrameDesc desc = {
        .format = SS_PIXEL_GRAY8,
        .width = PICTURE_SIDE,
        .height = PICTURE_SIDE,
        .plane = { pixels },
        .stride = { PICTURE_SIDE },
        .pts = pts,
    };
    SsFrame *f = ss_frame_wrap(&desc, picture_free, pixels);
    REQUIRE(f);
    atomic_fetch_add(&pictures_alive, 1);
    return f;
}

#endif
