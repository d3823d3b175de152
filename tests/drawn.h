/* SPDX-License-Identifier: Apache-2.0 */
/** A drawn scene whose truth is known: a patterned object before a patterned ground. */
#ifndef SS_TEST_DRAWN_H
#define SS_TEST_DRAWN_H

#include <stdbool.h>

#include "core/picture.h"
#include "sidestream/track.h"
#include "test.h"

enum { WIDTH = 640, HEIGHT = 480 };

typedef struct Drawn {
    float x, y, width, height; /* of the object: its centre */
    float ground;              /* how far the ground has moved to the right */
    float light;               /* added to the object */
    bool gone;
    const struct Drawn *front; /* another object, before it; NULL: none */
} Drawn;

static const Drawn middle = { .x = 320, .y = 240, .width = 40, .height = 90 };

static inline float pattern(float x, float y, float a, float b)
{
    return 128 + 40 * sinf(a * x + 0.3f * y) + 35 * sinf(b * y - 0.2f * x) + 25 * sinf(0.45f * (x + y));
}

static inline bool covers(const Drawn *s, float u, float v)
{
    return s && !s->gone && fabsf(u) < 0.5f && fabsf(v) < 0.5f;
}

static inline float grey_at(const Drawn *s, float x, float y)
{
    const Drawn *f = s->front;
    const float u = (x + 0.5f - s->x) / s->width, v = (y + 0.5f - s->y) / s->height;
    const float fu = f ? (x + 0.5f - f->x) / f->width : 1, fv = f ? (y + 0.5f - f->y) / f->height : 1;

    if (covers(f, fu, fv))
        return pattern(10.2f * fu + 14.4f, 88.6f * fv + 45.6f, 0.5f, 0.3f) + f->light;
    return covers(s, u, v) ? pattern(40 * u, 90 * v, 0.5f, 0.3f) + s->light
                           : pattern(x - s->ground, y, 0.11f, 0.23f) * 0.8f;
}

/** The frame of `pts`; its bytes are good until the next call. */
static inline SsFrameDesc draw_frame(const Drawn *s, int64_t pts)
{
    static uint8_t bytes[WIDTH * HEIGHT];

    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            bytes[y * WIDTH + x] = (uint8_t)fminf(fmaxf(grey_at(s, (float)x, (float)y), 0), 255);
    return (SsFrameDesc) { .format = SS_PIXEL_GRAY8,
                           .width = WIDTH,
                           .height = HEIGHT,
                           .plane = { bytes },
                           .stride = { WIDTH },
                           .pts = pts };
}

static inline SsPicture *draw(SsAlbum *a, const Drawn *s, int64_t pts)
{
    const SsFrameDesc d = draw_frame(s, pts);
    SsPicture *p = ss_album_add(a, &d);
    REQUIRE(p);
    return p;
}

static inline SsBox box_around(const Drawn *s, float larger)
{
    const float w = s->width * larger, h = s->height * larger;
    return (SsBox) { s->x - w / 2, s->y - h / 2, w, h };
}

#endif
