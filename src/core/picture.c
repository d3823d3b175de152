/* SPDX-License-Identifier: Apache-2.0 */
#include "picture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "mean.h"

struct SsAlbum {
    atomic_int refs;   /* the owner's, and one for each picture that somebody holds */
    atomic_int alive;  /* pictures that somebody holds */
    atomic_uint added; /* pictures so far; written by the stream's thread */
    int longest;       /* --- the stream's thread only */
    int reserve;       /* --- the stream's thread only: pictures that there are to be at least */
    SsPicture *newest; /* --- the stream's thread only: a reference; NULL at a cut */
    SsPicture *ready;  /* --- the stream's thread only: pictures to be used again, the warmest first */
    int made;          /* --- the stream's thread only: pictures that there are */
    int most;          /* --- the stream's thread only: of those that somebody held at once */
    /* Given back by any thread, taken all at once by the stream's, so that no address comes back unseen. */
    _Atomic(SsPicture *) returned;
    uint16_t column[SS_MAX_SIDE]; /* --- the stream's thread only: sums of some rows */
};

/* --- shrinking --- */

/* Written for compilers to make vectors of: whole words side by side, masked and shifted. Which byte of a
 * word is which does not matter, but for the one of four that is green. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
enum { SECOND_OF_FOUR = 16 };
#else
enum { SECOND_OF_FOUR = 8 };
#endif

/* Each adds a row to the sums of its columns, or begins them. `ahead`: so many bytes further lies the row
 * that is read next, too far away for the processor to expect it; its lines are asked for while these are
 * read. */
enum { LINE = 64 };

SS_WIDE static void add_row(uint16_t *restrict sum, const uint8_t *restrict row, int columns, bool begin,
                            size_t ahead)
{
    for (int i = 0; i < columns; i += LINE) {
        const int end = SS_MIN(i + LINE, columns);
        __builtin_prefetch(row + i + ahead);
        for (int k = i; k < end; k++)
            sum[k] = begin ? row[k] : (uint16_t)(sum[k] + row[k]);
    }
}

/** The same of pixels of four bytes, of the second of each. */
SS_WIDE static void add_row_of_four(uint16_t *restrict sum, const uint8_t *restrict row, int columns,
                                    bool begin, size_t ahead)
{
    for (int i = 0; i < columns; i += LINE / 4) {
        const int end = SS_MIN(i + LINE / 4, columns);
        __builtin_prefetch(row + 4 * (size_t)i + ahead);
        for (int k = i; k < end; k++) {
            uint32_t pixel;
            memcpy(&pixel, row + 4 * (size_t)k, sizeof pixel);
            const uint16_t green = (uint16_t)((pixel >> SECOND_OF_FOUR) & 0xff);
            sum[k] = begin ? green : (uint16_t)(sum[k] + green);
        }
    }
}

/** The same of pixels of three bytes. */
SS_WIDE static void add_row_of_three(uint16_t *restrict sum, const uint8_t *restrict row, int columns,
                                     bool begin, size_t ahead)
{
    for (int i = 0; i < columns; i += LINE / 4) {
        const int end = SS_MIN(i + LINE / 4, columns);
        __builtin_prefetch(row + 3 * (size_t)i + ahead);
        for (int k = i; k < end; k++)
            sum[k] = begin ? row[3 * k + 1] : (uint16_t)(sum[k] + row[3 * k + 1]);
    }
}

/** Means of `n` columns that lie side by side, from their sums over `rows`. Inlined with a constant `n`, so
 * that each gets a loop of its own; in 16 bits, of which a vector holds twice as many. */
static inline void shrink_row(uint8_t *restrict to, int width, const uint16_t *restrict sum, int n, int rows)
{
    const unsigned of = (unsigned)(n * rows);
    const uint16_t half = ss_mean_half(of), factor = ss_mean_factor(of);

    for (int x = 0; x < width; x++) {
        uint16_t s = half;
        for (int i = 0; i < n; i++)
            s = (uint16_t)(s + sum[x * n + i]);
        to[x] = (uint8_t)(((uint32_t)s * factor) >> 16);
    }
}

SS_WIDE static void shrink_row_by(uint8_t *to, int width, const uint16_t *sum, int n, int rows)
{
    if (n == 2)
        shrink_row(to, width, sum, 2, rows);
    else if (n == 3)
        shrink_row(to, width, sum, 3, rows);
    else if (n == 4)
        shrink_row(to, width, sum, 4, rows);
    else if (n == 5)
        shrink_row(to, width, sum, 5, rows);
    else
        shrink_row(to, width, sum, n, rows);
}

typedef void (*AddRow)(uint16_t *sum, const uint8_t *row, int columns, bool begin, size_t ahead);

/** Of the first plane, what stands for brightness: luma, or green, which is most of it. */
static AddRow brightness(SsPixelFormat format)
{
    switch (format) {
    case SS_PIXEL_RGB:
    case SS_PIXEL_BGR:
        return add_row_of_three;
    case SS_PIXEL_RGBX:
    case SS_PIXEL_BGRX:
        return add_row_of_four;
    default:
        return add_row;
    }
}

static void make_base(SsAlbum *a, SsPicture *p, const SsFrameDesc *d)
{
    const SsGrey *to = &p->level[0];
    const AddRow add = brightness(d->format);
    const int rows = ss_mean_rows(p->scale), skip = ss_mean_skip(p->scale), columns = to->width * p->scale;
    const size_t stride = (size_t)d->stride[0], step = (size_t)p->scale * stride;

    for (int y = 0; y < to->height; y++) {
        const uint8_t *from = d->plane[0] + (size_t)skip * stride + (size_t)y * step;
        const size_t ahead = y + 1 < to->height ? step : 0;

        for (int r = 0; r < rows; r++)
            add(a->column, from + (size_t)r * stride, columns, r == 0, ahead);
        shrink_row_by(to->data + (size_t)y * (size_t)to->width, to->width, a->column, p->scale, rows);
    }
}

SS_WIDE static void halve(const SsGrey *restrict from, const SsGrey *restrict to)
{
    for (int y = 0; y < to->height; y++) {
        const uint8_t *a = from->data + 2 * (size_t)y * (size_t)from->width, *b = a + from->width;
        uint8_t *row = to->data + (size_t)y * (size_t)to->width;

        for (int x = 0; x < to->width; x++)
            row[x] = (uint8_t)((a[2 * x] + a[2 * x + 1] + b[2 * x] + b[2 * x + 1] + 2) >> 2);
    }
}

/* --- pictures --- */

/** Too small to follow anything in: no further level. */
enum { LEAST_SIDE = 16 };

/** Of level 0. */
typedef struct Shape {
    int scale, width, height;
} Shape;

int ss_picture_scale(int width, int height)
{
    return (SS_MAX(width, height) + SS_PICTURE_SIDE - 1) / SS_PICTURE_SIDE;
}

static Shape shape_of(const SsFrameDesc *d)
{
    const int scale = ss_picture_scale(d->width, d->height);

    return (Shape) { scale, SS_MAX(d->width / scale, 1), SS_MAX(d->height / scale, 1) };
}

static SsPicture *picture_new(SsAlbum *a, Shape shape)
{
    const int width = shape.width, height = shape.height;
    /* Each level is at most a quarter of the one before; who reads between pixels reads a row and some pixels
     * beyond the last. */
    const size_t pixels = (size_t)width * (size_t)height, all = pixels + pixels / 4 + pixels / 16;
    SsPicture *p = calloc(1, sizeof *p + all + (size_t)width + SS_PICTURE_BEYOND);

    if (!p)
        return NULL;
    uint8_t *data = (uint8_t *)(p + 1);
    memset(data, 0, all); /* the system finds memory when it is written to: now, not when it is urgent */
    a->made++;
    p->album = a;
    p->scale = shape.scale;
    for (int w = width, h = height; p->levels < SS_PICTURE_LEVELS; w /= 2, h /= 2) {
        if (p->levels > 0 && (w < LEAST_SIDE || h < LEAST_SIDE))
            break;
        p->level[p->levels++] = (SsGrey) { w, h, data };
        data += (size_t)w * (size_t)h;
    }
    return p;
}

static void free_list(SsPicture *p)
{
    while (p) {
        SsPicture *next = p->spare;
        free(p);
        p = next;
    }
}

static void album_unref(SsAlbum *a)
{
    if (atomic_fetch_sub(&a->refs, 1) > 1)
        return;
    free_list(a->ready);
    free_list(atomic_load(&a->returned));
    free(a);
}

static bool has_shape(const SsPicture *p, Shape shape)
{
    return p->scale == shape.scale && p->level[0].width == shape.width && p->level[0].height == shape.height;
}

/** What came back lies before what lay ready: it is still warm. */
static void collect(SsAlbum *a)
{
    SsPicture *back = atomic_exchange(&a->returned, NULL), *last = back;

    if (!back)
        return;
    while (last->spare)
        last = last->spare;
    last->spare = a->ready;
    a->ready = back;
}

/** A worker that is late for once keeps more pictures than usual. They are there already, half as many again
 * as were ever needed, one is made with a frame: nothing is allocated then, and memory does not grow. */
static void keep_reserve(SsAlbum *a, Shape shape)
{
    a->most = SS_MAX(a->most, atomic_load(&a->alive));
    const int wanted = SS_MAX(a->reserve, SS_MIN(a->most + a->most / 2, a->longest + SS_PICTURE_ALONE));
    SsPicture *p = a->made < wanted ? picture_new(a, shape) : NULL;

    if (!p)
        return;
    p->spare = a->ready;
    a->ready = p;
}

/** One that is used again, or a new one. */
static SsPicture *get_picture(SsAlbum *a, Shape shape)
{
    collect(a);
    while (a->ready) {
        SsPicture *p = a->ready;
        a->ready = p->spare;
        if (has_shape(p, shape))
            return p;
        a->made--;
        free(p); /* the video has another size now */
    }
    return picture_new(a, shape);
}

static void give_back(SsPicture *p)
{
    SsAlbum *a = p->album;
    SsPicture *first = atomic_load(&a->returned);

    do
        p->spare = first;
    while (!atomic_compare_exchange_weak(&a->returned, &first, p));
    atomic_fetch_sub(&a->alive, 1);
    album_unref(a);
}

SsPicture *ss_picture_ref(SsPicture *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void ss_picture_unref(SsPicture **picture)
{
    SsPicture *p = *picture;

    *picture = NULL;
    /* A picture that goes lets go of the next one; a loop, since a chain may be long. */
    while (p && atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) == 1) {
        SsPicture *next = atomic_load_explicit(&p->next, memory_order_relaxed);
        give_back(p);
        p = next;
    }
}

SsPicture *ss_picture_next(const SsPicture *p)
{
    return atomic_load_explicit(&p->next, memory_order_acquire);
}

bool ss_picture_leads_to(const SsPicture *from, const SsPicture *to)
{
    while (from && from != to)
        from = ss_picture_next(from);
    return from;
}

int ss_picture_followers(const SsPicture *p)
{
    return (int)(atomic_load(&p->album->added) - p->number);
}

/* --- the album --- */

int ss_album_create(SsAlbum **out, int longest)
{
    SsAlbum *a = calloc(1, sizeof *a);

    if (!a)
        return -ENOMEM;
    a->longest = longest;
    a->reserve = SS_PICTURE_RESERVE;
    atomic_init(&a->refs, 1);
    *out = a;
    return 0;
}

void ss_album_destroy(SsAlbum **album)
{
    SsAlbum *a = *album;

    if (!a)
        return;
    *album = NULL;
    ss_picture_unref(&a->newest);
    album_unref(a);
}

void ss_album_set_longest(SsAlbum *a, int longest)
{
    a->longest = longest;
}

void ss_album_set_reserve(SsAlbum *a, int pictures)
{
    a->reserve = pictures;
}

void ss_album_cut(SsAlbum *a)
{
    ss_picture_unref(&a->newest);
}

/** The next picture, whose level 0 is still to be made. */
static SsPicture *begin(SsAlbum *a, int64_t pts, Shape shape)
{
    SsPicture *p = get_picture(a, shape);

    if (!p)
        return NULL;
    keep_reserve(a, shape);
    p->pts = pts;
    p->number = atomic_fetch_add(&a->added, 1) + 1;
    p->spare = NULL;
    p->came = 0;
    atomic_store_explicit(&p->answers, -1, memory_order_relaxed);
    atomic_store_explicit(&p->next, NULL, memory_order_relaxed);
    atomic_store_explicit(&p->refs, 2, memory_order_relaxed); /* the album's, the caller's */
    atomic_fetch_add(&a->refs, 1);
    atomic_fetch_add(&a->alive, 1);
    return p;
}

/** The other levels, and its place in the chain. */
static SsPicture *finish(SsAlbum *a, SsPicture *p)
{
    const Shape shape = { p->scale, p->level[0].width, p->level[0].height };

    for (int i = 1; i < p->levels; i++)
        halve(&p->level[i - 1], &p->level[i]);

    if (a->newest && atomic_load(&a->alive) <= a->longest && has_shape(a->newest, shape))
        atomic_store_explicit(&a->newest->next, ss_picture_ref(p), memory_order_release);
    ss_picture_unref(&a->newest);
    a->newest = p;
    return p;
}

SsPicture *ss_album_add(SsAlbum *a, const SsFrameDesc *frame)
{
    SsPicture *p = begin(a, frame->pts, shape_of(frame));

    if (!p)
        return NULL;
    make_base(a, p, frame);
    return finish(a, p);
}

SsPicture *ss_album_add_shrunk(SsAlbum *a, const SsFrameDesc *grey, int scale)
{
    SsPicture *p = begin(a, grey->pts, (Shape) { scale, grey->width, grey->height });

    if (!p)
        return NULL;
    for (int y = 0; y < grey->height; y++)
        memcpy(p->level[0].data + (size_t)y * (size_t)grey->width,
               grey->plane[0] + (size_t)y * (size_t)grey->stride[0], (size_t)grey->width);
    return finish(a, p);
}
