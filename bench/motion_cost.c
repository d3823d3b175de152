/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What carrying boxes to the present costs the stream's thread: the small pictures of a frame, and the last
 * hop of so many boxes within a budget. Times are of the processor: what others do meanwhile counts for
 * nobody (but the budget's clock is the engine's; who was put aside has less of it). One JSON document.
 *
 *   motion_cost [FRAMES]
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/follow.h"

enum { FRAMES = 600, WARM_UP = 30, FILMS = 8, LATE = 3, EVERY = 2, STEP = 2, ROOM = 80, LONGEST = 64 };

static const int64_t PERIOD = 1000000000 / 30, BUDGET = 500000, SHORT = 150000, FOR_EVER = INT64_MAX / 2;

static int64_t clock_ns(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int64_t cpu_ns(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static int64_t now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

static void *get(size_t n, size_t size)
{
    void *p = calloc(n, size);

    if (!p) {
        fputs("motion_cost: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

static int by_size(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/** Sorts them. */
static void print_times(int64_t *ns, int n)
{
    qsort(ns, (size_t)n, sizeof *ns, by_size);
    printf("\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f", (double)ns[n / 2] / 1e3,
           (double)ns[n * 99 / 100] / 1e3, (double)ns[n - 1] / 1e3);
}

/* --- the film: a texture that moves to the left by some pixels a frame --- */

typedef struct Film {
    SsPixelFormat format;
    int width, height, row; /* bytes from row to row: the texture is wider than the picture */
    uint8_t *texture, *frame[FILMS];
} Film;

static int bytes_of(SsPixelFormat format)
{
    return format == SS_PIXEL_BGRX ? 4 : 1;
}

/** Noise with detail of some pixels, as things have that are worth following. */
static void draw_texture(Film *f)
{
    const int step = bytes_of(f->format), pixels = f->row / step;
    uint32_t random = 1;
    uint8_t *coarse = get((size_t)(pixels / 8 + 2) * (size_t)(f->height / 8 + 2), 1);
    const int across = pixels / 8 + 2;

    for (int i = 0; i < across * (f->height / 8 + 2); i++) {
        random = random * 1664525 + 1013904223;
        coarse[i] = (uint8_t)(random >> 24);
    }
    for (int y = 0; y < f->height; y++)
        for (int x = 0; x < pixels; x++) {
            const uint8_t *c = coarse + y / 8 * across + x / 8;
            const int u = x % 8, v = y % 8;
            const int upper = c[0] * (8 - u) + c[1] * u, lower = c[across] * (8 - u) + c[across + 1] * u;
            memset(f->texture + (size_t)y * (size_t)f->row + x * step, (upper * (8 - v) + lower * v) / 64,
                   (size_t)step);
        }
    free(coarse);
}

static void film_open(Film *f, SsPixelFormat format, int width, int height)
{
    const int step = bytes_of(format);

    *f = (Film) { .format = format, .width = width, .height = height, .row = (width + ROOM) * step };
    f->texture = get((size_t)f->row, (size_t)height);
    draw_texture(f);
    for (int i = 0; i < FILMS; i++) /* two planes of colour are as large as half of the first, at most */
        f->frame[i] = get((size_t)width * (size_t)step * (size_t)height * 3 / 2, 1);
}

static void film_close(Film *f)
{
    free(f->texture);
    for (int i = 0; i < FILMS; i++)
        free(f->frame[i]);
}

/** To the left and back, so that it never ends. */
static int shift_of(int i)
{
    const int at = i * STEP % (2 * ROOM);

    return at < ROOM ? at : 2 * ROOM - at;
}

/** The next frame, written anew as by a decoder; eight in turn. */
static SsFrameDesc next_frame(const Film *f, int i)
{
    const int step = bytes_of(f->format), stride = f->width * step;
    uint8_t *to = f->frame[i % FILMS];

    for (int y = 0; y < f->height; y++)
        memcpy(to + (size_t)y * (size_t)stride, f->texture + (size_t)y * (size_t)f->row + shift_of(i) * step,
               (size_t)stride);
    return (SsFrameDesc) { .format = f->format,
                           .width = f->width,
                           .height = f->height,
                           .plane = { to, to, to },
                           .stride = { stride, stride, stride },
                           .pts = i * PERIOD };
}

/* --- the small pictures --- */

static void measure_pictures(const char *name, SsPixelFormat format, int width, int height, int frames)
{
    int64_t *ns = get((size_t)frames, sizeof *ns);
    SsAlbum *album = NULL;
    Film f;

    film_open(&f, format, width, height);
    if (ss_album_create(&album, LONGEST) < 0)
        exit(1);
    for (int i = -WARM_UP; i < frames; i++) {
        const SsFrameDesc d = next_frame(&f, i + WARM_UP);
        const int64_t began = cpu_ns();
        SsPicture *p = ss_album_add(album, &d);
        if (i >= 0)
            ns[i] = cpu_ns() - began;
        ss_picture_unref(&p);
    }
    ss_album_destroy(&album);
    film_close(&f);
    printf("{\"format\":\"%s\",\"width\":%d,\"height\":%d,", name, width, height);
    print_times(ns, frames);
    putchar('}');
    free(ns);
}

/* --- the last hop --- */

typedef struct Carrying {
    int boxes;
    int64_t budget;
} Carrying;

/** Boxes of 60x140 that move along, in rows. */
static void detect(const Film *f, int i, int boxes, SsDetection *det)
{
    const int across = boxes > 10 ? 20 : 10;

    for (int k = 0; k < boxes; k++)
        det[k] = (SsDetection) { .box = { (float)(ROOM + k % across * (f->width - ROOM - 60) / across) -
                                              (float)(shift_of(i)),
                                          (float)(20 + k / across * 140), 60, 140 },
                                 .score = 0.9f,
                                 .class_id = k };
}

typedef struct Counts {
    int64_t *ns;
    uint64_t tracked, predicted;
} Counts;

static void count(Counts *c, const SsObject *object, int n)
{
    for (int k = 0; k < n; k++) {
        c->tracked += object[k].state == SS_TRACKED;
        c->predicted += object[k].state == SS_PREDICTED;
    }
}

/** The network answers for each second frame, three late; in between the stream's thread adds a hop a frame.
 */
static void carry(const Film *f, const Carrying *c, int frames, SsAlbum *album, SsFollower *follower,
                  Counts *counts)
{
    SsResult *result = get(1, sizeof *result);
    SsObject *object = get(SS_MAX_OBJECTS, sizeof *object);
    SsDetection *det = get((size_t)c->boxes, sizeof *det);
    SsPicture *seen[LATE + 1] = { NULL };

    for (int i = 0; i < frames + WARM_UP; i++) {
        const SsFrameDesc d = next_frame(f, i);
        SsPicture *picture = ss_album_add(album, &d), **late = &seen[(i + 1) % (LATE + 1)];
        if (i >= LATE && i % EVERY == 0) {
            detect(f, i - LATE, c->boxes, det);
            ss_follower_result(follower, (i - LATE) * PERIOD, late, det, c->boxes, result);
        }
        ss_picture_unref(late);
        seen[i % (LATE + 1)] = ss_picture_ref(picture);

        const int64_t began = cpu_ns();
        const SsBudget budget = { now_ns, now_ns() + c->budget };
        const SsShow show = { .align = SS_ALIGN_LIVE, .max_age = INT64_C(1000000000), .budget = &budget };
        const int n = ss_result_objects(result, d.pts, picture, &show, object, SS_MAX_OBJECTS);
        if (i >= WARM_UP) {
            counts->ns[i - WARM_UP] = cpu_ns() - began;
            count(counts, object, n);
        }
        ss_picture_unref(&picture);
    }
    for (int i = 0; i <= LATE; i++)
        ss_picture_unref(&seen[i]);
    ss_picture_unref(&result->at);
    free(result);
    free(object);
    free(det);
}

static void measure_carrying(int boxes, int64_t budget, int frames)
{
    const Carrying c = { boxes, budget };
    Counts counts = { .ns = get((size_t)frames, sizeof *counts.ns) };
    SsFollower follower = { 0 };
    SsAlbum *album = NULL;
    Film f;

    film_open(&f, SS_PIXEL_NV12, 1280, 720);
    if (ss_album_create(&album, LONGEST) < 0 ||
        ss_follower_init(&follower, &(SsTrackerParams) { .start_score = 0.3f, .coast = 1000000000 }) < 0)
        exit(1);
    carry(&f, &c, frames, album, &follower, &counts);
    ss_follower_clear(&follower);
    ss_album_destroy(&album);
    film_close(&f);
    printf("{\"boxes\":%d,\"budget_us\":%lld,\"tracked\":%llu,\"predicted\":%llu,", boxes,
           budget == FOR_EVER ? -1LL : (long long)(budget / 1000), (unsigned long long)counts.tracked,
           (unsigned long long)counts.predicted);
    print_times(counts.ns, frames);
    putchar('}');
    free(counts.ns);
}

int main(int argc, char **argv)
{
    char *end = NULL;
    const long frames = argc > 1 ? strtol(argv[1], &end, 10) : FRAMES;

    if (argc > 2 || (end && *end) || frames < 1 || frames > 1000000) {
        fputs("usage: motion_cost [FRAMES]\n", stderr);
        return 2;
    }
    fputs("{\"pictures\":[", stdout);
    measure_pictures("NV12", SS_PIXEL_NV12, 1920, 1080, (int)frames);
    putchar(',');
    measure_pictures("I420", SS_PIXEL_I420, 1920, 1080, (int)frames);
    putchar(',');
    measure_pictures("BGRx", SS_PIXEL_BGRX, 1920, 1080, (int)frames);
    fputs("],\"carrying\":[", stdout);
    measure_carrying(1, FOR_EVER, (int)frames);
    putchar(',');
    measure_carrying(10, FOR_EVER, (int)frames);
    putchar(',');
    measure_carrying(10, BUDGET, (int)frames);
    putchar(',');
    measure_carrying(100, BUDGET, (int)frames);
    putchar(',');
    measure_carrying(100, SHORT, (int)frames);
    puts("]}");
    return 0;
}
