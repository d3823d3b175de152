/* SPDX-License-Identifier: Apache-2.0 */
/** Shrinking is a mean, in every format; a chain is walked, let go of, cut, and its memory used again. */
#include "core/picture.h"

#include <pthread.h>

#include "internal.h"
#include "test.h"

enum { MOST = 512 };

static SsFrameDesc frame_of(SsPixelFormat format, int width, int height, const uint8_t *bytes, int stride)
{
    return (SsFrameDesc) {
        .format = format, .width = width, .height = height, .plane = { bytes }, .stride = { stride }
    };
}

static SsAlbum *album(int longest)
{
    SsAlbum *a;
    REQUIRE(ss_album_create(&a, longest) == 0);
    return a;
}

/** Every pixel of the first level is the mean of what it covers, of three rows or more of the middle one; of
 * the others, of all. Packed formats give their green. */
static void shrinking_is_a_mean(void)
{
    static const struct {
        SsPixelFormat format;
        int step, offset;
    } kinds[] = {
        { SS_PIXEL_NV12, 1, 0 }, { SS_PIXEL_GRAY8, 1, 0 }, { SS_PIXEL_BGRX, 4, 1 }, { SS_PIXEL_RGB, 3, 1 }
    };
    static const int sizes[][2] = { { 480, 37 },  { 481, 50 },  { 1280, 33 },
                                    { 1921, 24 }, { 90, 2500 }, { 3000, 17 } };

    for (size_t i = 0; i < 4 * 6; i++) {
        const int step = kinds[i % 4].step, width = sizes[i / 4][0], height = sizes[i / 4][1];
        const int stride = width * step + 5;
        uint8_t *bytes = malloc((size_t)stride * (size_t)height);
        SsAlbum *a = album(8);

        REQUIRE(bytes);
        for (int k = 0; k < stride * height; k++)
            bytes[k] = (uint8_t)((k * 2654435761u) >> 13);
        const SsFrameDesc d = frame_of(kinds[i % 4].format, width, height, bytes, stride);
        SsPicture *p = ss_album_add(a, &d);
        REQUIRE(p && p->level[0].width == width / p->scale && p->level[0].height == height / p->scale);
        REQUIRE_CMP(SS_PICTURE_SIDE, >=, SS_MAX(p->level[0].width, p->level[0].height));
        for (int y = 0; y < p->level[0].height; y++)
            for (int x = 0; x < p->level[0].width; x++) {
                const int rows = p->scale == 2 ? 2 : 1, top = y * p->scale + (p->scale - rows) / 2;
                double sum = 0;
                for (int k = 0; k < p->scale * rows; k++)
                    sum += bytes[(top + k / p->scale) * stride + (x * p->scale + k % p->scale) * step +
                                 kinds[i % 4].offset];
                REQUIRE_NEAR(p->level[0].data[y * p->level[0].width + x], sum / (p->scale * rows), 0.51);
            }
        for (int l = 1; l < p->levels; l++) {
            const SsGrey *up = &p->level[l - 1], *g = &p->level[l];
            for (int k = 0; k < g->width * g->height; k++) {
                const uint8_t *q = up->data + 2 * (k / g->width) * up->width + 2 * (k % g->width);
                REQUIRE_NEAR(g->data[k], (q[0] + q[1] + q[up->width] + q[up->width + 1]) / 4.0, 0.51);
            }
        }
        ss_picture_unref(&p);
        ss_album_destroy(&a);
        free(bytes);
    }
}

static SsPicture *add(SsAlbum *a, int64_t pts)
{
    static const uint8_t grey[64 * 48];
    SsFrameDesc d = frame_of(SS_PIXEL_GRAY8, 64, 48, grey, 64);

    d.pts = pts;
    SsPicture *p = ss_album_add(a, &d);
    REQUIRE(p && p->pts == pts);
    return p;
}

/** Somebody else has shrunk the frame: the other levels and the chain are the same. */
static void shrunk_elsewhere(void)
{
    enum { WIDTH = 500, HEIGHT = 301, SCALE = 2, STRIDE = 256 };
    static uint8_t bytes[WIDTH * HEIGHT], small[STRIDE * (HEIGHT / SCALE)];
    SsFrameDesc d = frame_of(SS_PIXEL_GRAY8, WIDTH, HEIGHT, bytes, WIDTH);
    SsAlbum *a = album(100);

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 2654435761u >> 13);
    SsPicture *here = ss_album_add(a, &d);
    REQUIRE(here && ss_picture_scale(WIDTH, HEIGHT) == SCALE && here->scale == SCALE);
    for (int y = 0; y < HEIGHT / SCALE; y++)
        memcpy(small + y * STRIDE, here->level[0].data + y * (WIDTH / SCALE), WIDTH / SCALE);
    d = frame_of(SS_PIXEL_GRAY8, WIDTH / SCALE, HEIGHT / SCALE, small, STRIDE);
    d.pts = 1;
    SsPicture *there = ss_album_add_shrunk(a, &d, SCALE);
    REQUIRE(there && there->levels == here->levels && there->scale == SCALE && there->pts == 1);
    for (int l = 0; l < here->levels; l++) {
        const SsGrey *x = &here->level[l], *y = &there->level[l];
        REQUIRE(x->width == y->width && x->height == y->height);
        REQUIRE(memcmp(x->data, y->data, (size_t)x->width * (size_t)x->height) == 0);
    }
    REQUIRE(ss_picture_next(here) == there);
    ss_picture_unref(&here);
    ss_picture_unref(&there);
    ss_album_destroy(&a);
}

static int walk(const SsPicture *p)
{
    int n = 0;

    for (SsPicture *next = ss_picture_next(p); next; next = ss_picture_next(next)) {
        REQUIRE_CMP(next->pts, ==, p->pts + ++n);
    }
    return n;
}

static void a_chain(void)
{
    SsAlbum *a = album(100);
    SsPicture *first = add(a, 0), *p;

    for (int i = 1; i <= 20; i++) {
        p = add(a, i);
        ss_picture_unref(&p);
        REQUIRE_CMP(walk(first), ==, i);
    }
    ss_album_cut(a);
    p = add(a, 21);
    REQUIRE_CMP(walk(first), ==, 20); /* there is no way across */
    ss_picture_unref(&first);
    ss_picture_unref(&p);
    ss_album_destroy(&a);
}

/** Nobody holds but the newest: the memory of three pictures goes round once the reserve is there, however
 * long it runs, so that it is warm. */
static void memory_goes_round(void)
{
    SsAlbum *a = album(100);
    const SsPicture *seen[3] = { NULL };
    SsPicture *p;

    for (int i = 0; i < SS_PICTURE_RESERVE; i++) {
        p = add(a, i);
        ss_picture_unref(&p);
    }
    for (int i = SS_PICTURE_RESERVE; i < 100; i++) {
        const SsPicture *where = p = add(a, i);
        int k = 0;

        ss_picture_unref(&p);
        while (k < 3 && seen[k] && seen[k] != where)
            k++;
        REQUIRE(k < 3);
        seen[k] = where;
    }
    ss_album_destroy(&a);
}

/** Somebody who never lets go stops the chain from growing, not the stream. */
static void a_chain_has_an_end(void)
{
    SsAlbum *a = album(10);
    SsPicture *held = add(a, 0), *p;

    for (int i = 1; i < 100; i++) {
        p = add(a, i);
        ss_picture_unref(&p);
    }
    REQUIRE_CMP(walk(held), <=, 10);
    REQUIRE_CMP(walk(held), >=, 8);
    REQUIRE_CMP(ss_picture_followers(held), ==, 99);
    ss_album_set_longest(a, 20);
    SsPicture *other = add(a, 100);
    for (int i = 101; i < 200; i++) {
        p = add(a, i);
        ss_picture_unref(&p);
    }
    REQUIRE_CMP(walk(held) + walk(other), >=, 16);
    REQUIRE_CMP(walk(held) + walk(other), <=, 20);
    ss_picture_unref(&other);
    ss_picture_unref(&held);
    held = add(a, 200); /* and it grows again */
    p = add(a, 201);
    REQUIRE_CMP(walk(held), ==, 1);
    ss_picture_unref(&p);
    ss_album_destroy(&a); /* a reference may outlive it */
    REQUIRE_CMP(held->pts, ==, 200);
    ss_picture_unref(&held);
}

/** Another size is another video: no link to it, and the old memory goes. */
static void another_size(void)
{
    static const uint8_t grey[128 * 48];
    SsAlbum *a = album(10);
    SsPicture *p = add(a, 0);
    const SsFrameDesc d = frame_of(SS_PIXEL_GRAY8, 128, 48, grey, 128),
                      tiny = frame_of(SS_PIXEL_GRAY8, 1, 1, grey, 1);
    SsPicture *wide = ss_album_add(a, &d), *one = ss_album_add(a, &tiny);

    REQUIRE(wide && wide->level[0].width == 128 && !ss_picture_next(p));
    REQUIRE(one && one->levels == 1 && one->level[0].width == 1);
    ss_picture_unref(&p);
    ss_picture_unref(&wide);
    ss_picture_unref(&one);
    p = add(a, 1);
    ss_picture_unref(&p);
    ss_album_destroy(&a);
}

typedef struct Follower {
    SsPicture *from;
    int64_t last;
} Follower;

/** Walks until it has seen the last picture, a step at a time, holding no more than where it stands. */
static void *follow(void *arg)
{
    Follower *f = arg;
    SsPicture *at = f->from;

    while (at->pts < f->last) {
        SsPicture *next = ss_picture_next(at);
        if (!next)
            continue;
        REQUIRE_CMP(next->pts, ==, at->pts + 1);
        REQUIRE_CMP(next->level[0].data[5], ==, 0);
        ss_picture_ref(next);
        ss_picture_unref(&at);
        at = next;
    }
    ss_picture_unref(&at);
    return NULL;
}

static void walkers_beside_the_stream(void)
{
    enum { WALKERS = 3, LAST = 2000 };
    SsAlbum *a = album(LAST + 10);
    SsPicture *first = add(a, 0), *p;
    Follower f[WALKERS];
    pthread_t thread[WALKERS];

    for (int i = 0; i < WALKERS; i++) {
        f[i] = (Follower) { ss_picture_ref(first), LAST };
        REQUIRE(pthread_create(&thread[i], NULL, follow, &f[i]) == 0);
    }
    ss_picture_unref(&first);
    for (int i = 1; i <= LAST; i++) {
        p = add(a, i);
        ss_picture_unref(&p);
    }
    for (int i = 0; i < WALKERS; i++)
        pthread_join(thread[i], NULL);
    ss_album_destroy(&a);
}

int main(void)
{
    shrinking_is_a_mean();
    shrunk_elsewhere();
    a_chain();
    memory_goes_round();
    a_chain_has_an_end();
    another_size();
    walkers_beside_the_stream();
    return 0;
}
