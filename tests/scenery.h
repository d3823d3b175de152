/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A drawn film of many objects whose truth is known: each goes its way, straight, faster and faster, in
 * circles, nearer and away again, behind those that are further to the front, before a ground that moves with
 * the camera. The picture is a little noisy.
 */
#ifndef SS_TEST_SCENERY_H
#define SS_TEST_SCENERY_H

#include <stdbool.h>

#include "core/picture.h"
#include "sidestream/track.h"
#include "test.h"

enum { WIDTH = 640, HEIGHT = 480, PAN_FRAMES = 300, PROBES = 12, WAVE = 1024, MARGIN = 100 };

/** Pixels and frames; places as of `from`. */
typedef struct Actor {
    float x, y, vx, vy, ax; /* the centre; it may go round that on its way, */
    float radius, turn;     /* once in so many frames */
    float width, height;
    float swell, beat; /* becomes so many times larger and small again in so many frames; 0: it does not */
    int from, until;
    bool round;     /* an ellipse: a fifth of its box is ground */
    bool furniture; /* hides others, and is no object */
} Actor;

typedef struct Scenery {
    const Actor *actor; /* those in front last */
    int n;
    float pan; /* the camera turns this far to the left and to the right, in pixels; 0: it stands still */
} Scenery;

static const float ROUND = 6.2831853f;

/** How far the camera has moved everything to the right. */
static inline float pan_of(const Scenery *s, int frame)
{
    return s->pan * sinf(ROUND * (float)frame / PAN_FRAMES);
}

/** All of it, seen or not. */
static inline SsBox truth_of(const Scenery *s, int actor, int frame)
{
    const Actor *a = &s->actor[actor];
    const float t = (float)(frame - a->from), round = a->turn > 0 ? ROUND * t / a->turn : 0;
    const float size = a->beat > 0 ? 1 + (a->swell - 1) * (1 - cosf(ROUND * t / a->beat)) / 2 : 1;
    const float x = a->x + a->vx * t + a->ax * t * t / 2 + a->radius * cosf(round) + pan_of(s, frame);
    const float y = a->y + a->vy * t + a->radius * sinf(round), w = a->width * size, h = a->height * size;

    return (SsBox) { x - w / 2, y - h / 2, w, h };
}

static inline bool is_on(const Actor *a, int frame)
{
    return frame >= a->from && frame < a->until;
}

/** Does it cover this place of its box (0 to 1)? */
static inline bool covers(const Actor *a, float u, float v)
{
    const float far = (u - 0.5f) * (u - 0.5f) + (v - 0.5f) * (v - 0.5f);

    return u >= 0 && u < 1 && v >= 0 && v < 1 && (!a->round || far < 0.25f);
}

/** Is this place of the picture beyond its edge, or behind one in front of the actor? */
static inline bool is_hidden(const Scenery *s, int actor, int frame, float x, float y)
{
    bool hidden = x < 0 || y < 0 || x >= WIDTH || y >= HEIGHT;

    for (int i = actor + 1; i < s->n && !hidden; i++) {
        const SsBox b = truth_of(s, i, frame);
        hidden = is_on(&s->actor[i], frame) && covers(&s->actor[i], (x - b.x) / b.w, (y - b.y) / b.h);
    }
    return hidden;
}

/** How much of it is to be seen, 0 to 1. */
static inline float seen_of(const Scenery *s, int actor, int frame)
{
    const Actor *a = &s->actor[actor];
    const SsBox b = truth_of(s, actor, frame);
    int all = 0, seen = 0;

    for (int i = 0; i < PROBES * PROBES && is_on(a, frame); i++) {
        const float u = ((float)(i % PROBES) + 0.5f) / PROBES, v = ((float)(i / PROBES) + 0.5f) / PROBES;

        if (!covers(a, u, v))
            continue;
        all++;
        seen += !is_hidden(s, actor, frame, b.x + u * b.w, b.y + v * b.h);
    }
    return all > 0 ? (float)seen / (float)all : 0;
}

/* --- drawing --- */

static inline float wave(float turns)
{
    static float table[WAVE];

    if (table[1] == 0)
        for (int i = 0; i < WAVE; i++)
            table[i] = sinf(ROUND * (float)i / WAVE);
    return table[(unsigned)(int)(turns * WAVE) % WAVE];
}

/** Each actor has its own pattern, which becomes larger with it. */
static inline float look_of(int actor, float u, float v)
{
    const float own = 0.37f * (float)actor;

    return 128 + 38 * wave(1.3f * u + 0.6f * v + own) + 32 * wave(2.2f * v - 0.9f * u + 2 * own) +
           26 * wave(2.7f * u + 2.1f * v + 3 * own);
}

static inline float look_of_ground(float x, float y)
{
    return 120 + 32 * wave(0.0173f * x + 0.0071f * y) + 28 * wave(0.0367f * y - 0.0131f * x) +
           20 * wave(0.0719f * (x + y));
}

/** Worked out once; between two of its pixels, where the camera has moved by a part of one. */
static inline void draw_ground(float pan, float *picture)
{
    static float ground[HEIGHT][WIDTH + 2 * MARGIN];
    const float left = MARGIN - pan, whole = floorf(left), part = left - whole;

    if (ground[0][0] == 0)
        for (int i = 0; i < HEIGHT * (WIDTH + 2 * MARGIN); i++) {
            const int x = i % (WIDTH + 2 * MARGIN), y = i / (WIDTH + 2 * MARGIN);
            ground[y][x] = look_of_ground((float)(x - MARGIN), (float)y);
        }
    for (int y = 0; y < HEIGHT; y++) {
        const float *from = &ground[y][(int)whole];

        for (int x = 0; x < WIDTH; x++)
            picture[y * WIDTH + x] = from[x] + part * (from[x + 1] - from[x]);
    }
}

static inline void draw_actor(const Scenery *s, int actor, int frame, float *picture)
{
    const SsBox b = truth_of(s, actor, frame);
    const int left = (int)fmaxf(b.x, 0), top = (int)fmaxf(b.y, 0);
    const int right = (int)fminf(b.x + b.w + 1, WIDTH), bottom = (int)fminf(b.y + b.h + 1, HEIGHT);

    for (int y = top; y < bottom; y++)
        for (int x = left; x < right; x++) {
            const float u = ((float)x + 0.5f - b.x) / b.w, v = ((float)y + 0.5f - b.y) / b.h;
            if (covers(&s->actor[actor], u, v))
                picture[y * WIDTH + x] = look_of(actor, u, v);
        }
}

/** Its bytes are good until the next call. */
static inline SsFrameDesc film(const Scenery *s, int frame, int64_t pts)
{
    static float picture[WIDTH * HEIGHT];
    static uint8_t bytes[WIDTH * HEIGHT];
    uint32_t noise = (uint32_t)frame * 2654435761u + 1;

    draw_ground(pan_of(s, frame), picture);
    for (int i = 0; i < s->n; i++)
        if (is_on(&s->actor[i], frame))
            draw_actor(s, i, frame, picture);
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        noise = noise * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(picture[i] + (float)(noise >> 24) / 32 - 4);
    }
    return (SsFrameDesc) { .format = SS_PIXEL_GRAY8,
                           .width = WIDTH,
                           .height = HEIGHT,
                           .plane = { bytes },
                           .stride = { WIDTH },
                           .pts = pts };
}

#endif
