/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plane is a row of bytes with a period: 1 (Y, U or V), 2 (UV), 3 (RGB) or 4 (BGRx). So one
 * loop over bytes with a repeated pattern draws in every format.
 */
#include "draw.h"

#include <string.h>

/* Bytes that are computed at once, and the same as words. */
enum { LANES = 8 };
typedef guint8 Bytes __attribute__((vector_size(LANES)));
typedef guint16 Words __attribute__((vector_size(2 * LANES)));

/* Bytes of a box's upright line with an edge on either side, and of the chroma samples that these cut. */
enum { STRIP = (SS_MOST_THICKNESS + 6) * 4 };
enum { AHEAD = 24, LINE = 64 }; /* rows that are fetched ahead, bytes of a cache line */

typedef struct Plane {
    SsInk *ink; /* or NULL */
    guint index;
    guint8 *data;
    int stride, step;     /* bytes */
    int shift_x, shift_y; /* log2 of the subsampling */
    int width, height;    /* of the picture, in pixels */
    const guint8 *paint;  /* SS_PATTERN bytes */
} Plane;

/* The first component that lies in the plane tells the plane's shape; -1: there is none. */
static int component_of(const GstVideoFormatInfo *format, guint plane)
{
    for (guint i = 0; i < GST_VIDEO_FORMAT_INFO_N_COMPONENTS(format); i++)
        if (GST_VIDEO_FORMAT_INFO_PLANE(format, i) == plane)
            return (int)i;
    return -1;
}

gboolean ss_draw_supports(const GstVideoFormatInfo *format)
{
    if (GST_VIDEO_FORMAT_INFO_IS_TILED(format) || GST_VIDEO_FORMAT_INFO_HAS_PALETTE(format))
        return FALSE;
    for (guint i = 0; i < GST_VIDEO_FORMAT_INFO_N_COMPONENTS(format); i++) {
        int first = component_of(format, GST_VIDEO_FORMAT_INFO_PLANE(format, i));

        if (GST_VIDEO_FORMAT_INFO_W_SUB(format, i) > 1 || GST_VIDEO_FORMAT_INFO_H_SUB(format, i) > 1 ||
            GST_VIDEO_FORMAT_INFO_DEPTH(format, i) != 8 || GST_VIDEO_FORMAT_INFO_SHIFT(format, i) != 0 ||
            GST_VIDEO_FORMAT_INFO_PSTRIDE(format, i) > 4 || GST_VIDEO_FORMAT_INFO_PSTRIDE(format, i) < 1 ||
            GST_VIDEO_FORMAT_INFO_PSTRIDE(format, i) != GST_VIDEO_FORMAT_INFO_PSTRIDE(format, first) ||
            GST_VIDEO_FORMAT_INFO_W_SUB(format, i) != GST_VIDEO_FORMAT_INFO_W_SUB(format, first) ||
            GST_VIDEO_FORMAT_INFO_H_SUB(format, i) != GST_VIDEO_FORMAT_INFO_H_SUB(format, first))
            return FALSE;
    }
    return GST_VIDEO_FORMAT_INFO_N_COMPONENTS(format) > 0;
}

void ss_paint_init(SsPaint *paint, const GstVideoInfo *info, guint32 rgb)
{
    const GstVideoFormatInfo *format = info->finfo;
    double r = (rgb >> 16 & 255) / 255.0, g = (rgb >> 8 & 255) / 255.0, b = (rgb & 255) / 255.0;
    double kr, kb, y, value[4] = { r, g, b, 1 };
    int offset[GST_VIDEO_MAX_COMPONENTS], scale[GST_VIDEO_MAX_COMPONENTS];

    if (!GST_VIDEO_FORMAT_INFO_IS_RGB(format)) {
        if (!gst_video_color_matrix_get_Kr_Kb(info->colorimetry.matrix, &kr, &kb))
            gst_video_color_matrix_get_Kr_Kb(GST_VIDEO_COLOR_MATRIX_BT601, &kr, &kb);
        y = kr * r + (1 - kr - kb) * g + kb * b;
        value[0] = y;
        value[1] = (b - y) / (2 * (1 - kb));
        value[2] = (r - y) / (2 * (1 - kr));
    }
    gst_video_color_range_offsets(info->colorimetry.range, format, offset, scale);
    memset(paint, 255, sizeof(*paint)); /* the x of BGRx */
    for (guint i = 0; i < GST_VIDEO_FORMAT_INFO_N_COMPONENTS(format); i++) {
        guint8 *bytes = paint->plane[GST_VIDEO_FORMAT_INFO_PLANE(format, i)];
        double v = offset[i] + scale[i] * value[i];

        bytes[GST_VIDEO_FORMAT_INFO_POFFSET(format, i)] = (guint8)CLAMP(v + 0.5, 0, 255);
    }
    for (guint i = 0; i < GST_VIDEO_FORMAT_INFO_N_PLANES(format); i++) {
        guint8 *bytes = paint->plane[i];

        for (int n = GST_VIDEO_FORMAT_INFO_PSTRIDE(format, component_of(format, i)); n < SS_PATTERN; n *= 2)
            memcpy(bytes + n, bytes, (gsize)MIN(n, SS_PATTERN - n));
    }
}

static Plane plane_of(const SsCanvas *canvas, const SsPaint *paint, guint plane)
{
    GstVideoFrame *frame = canvas->frame;
    const GstVideoFormatInfo *format = frame->info.finfo;
    int c = component_of(format, plane);

    return (Plane) {
        .ink = canvas->ink,
        .index = plane,
        .data = GST_VIDEO_FRAME_PLANE_DATA(frame, plane),
        .stride = GST_VIDEO_FRAME_PLANE_STRIDE(frame, plane),
        .step = GST_VIDEO_FORMAT_INFO_PSTRIDE(format, c),
        .shift_x = (int)GST_VIDEO_FORMAT_INFO_W_SUB(format, c),
        .shift_y = (int)GST_VIDEO_FORMAT_INFO_H_SUB(format, c),
        .width = GST_VIDEO_FRAME_WIDTH(frame),
        .height = GST_VIDEO_FRAME_HEIGHT(frame),
        .paint = paint->plane[plane],
    };
}

static inline guint8 mix(guint8 from, guint8 to, guint alpha)
{
    return (guint8)((from * (256 - alpha) + to * alpha + 128) >> 8);
}

static void mix_bytes(guint8 *restrict d, const guint8 *restrict pattern, int n, guint alpha)
{
    for (; n >= SS_PATTERN; n -= SS_PATTERN, d += SS_PATTERN)
        for (int i = 0; i < SS_PATTERN; i++)
            d[i] = mix(d[i], pattern[i], alpha);
    for (int i = 0; i < n; i++)
        d[i] = mix(d[i], pattern[i], alpha);
}

static void set_bytes(guint8 *restrict d, const guint8 *restrict pattern, int n)
{
    for (; n >= SS_PATTERN; n -= SS_PATTERN, d += SS_PATTERN)
        memcpy(d, pattern, SS_PATTERN);
    for (int i = 0; i < n; i++)
        d[i] = pattern[i];
}

/* How much of sample `i`, 1 << shift pixels wide, lies in [from, to). */
static inline int overlap(int i, int shift, int from, int to)
{
    return MIN(to, (i + 1) << shift) - MAX(from, i << shift);
}

/* `x0` .. `x1` in pixels; samples cut by an end get their share of `alpha`. */
static void fill_row(const Plane *p, guint8 *row, guint alpha, int x0, int x1)
{
    const guint8 *pattern = p->paint;
    int shift = p->shift_x, first = x0 >> shift, end = (x1 + (1 << shift) - 1) >> shift;
    int last = end - 1;

    if (overlap(first, shift, x0, x1) < 1 << shift) {
        mix_bytes(row + first * p->step, pattern, p->step,
                  alpha * (guint)overlap(first, shift, x0, x1) >> shift);
        first++;
    }
    if (last >= first && overlap(last, shift, x0, x1) < 1 << shift) {
        mix_bytes(row + last * p->step, pattern, p->step,
                  alpha * (guint)overlap(last, shift, x0, x1) >> shift);
        end--;
    }
    if (end <= first)
        return;
    if (alpha == SS_OPAQUE)
        set_bytes(row + first * p->step, pattern, (end - first) * p->step);
    else
        mix_bytes(row + first * p->step, pattern, (end - first) * p->step, alpha);
}

/**
 * Fetches what lies some rows on: a picture just copied is in no cache, and no processor guesses a walk down
 * the rows. 10 boxes and tags on 1280x720 BGRx: 235 us without, 150 with. What was kept has been fetched.
 */
static inline void prefetch_row(const Plane *p, int y, int first, int n)
{
    const guint8 *row = p->data + (gsize)y * p->stride + first;

    for (int b = 0; b < n; b += LINE)
        __builtin_prefetch(row + b, 1);
}

/* Before the samples of `n` bytes from byte `first` on change, in the rows from `y` to `end`. */
static void keep(const Plane *p, int first, int n, int y, int end)
{
    if (p->ink && n > 0 && end > y)
        ss_ink_keep(p->ink, p->index, p->data, p->stride,
                    (SsInkArea) { (gsize)y * (gsize)p->stride + (gsize)first, n, end - y });
}

/* The last chroma sample of an odd picture is all there is: it counts as whole. */
static inline int clipped_end(int end, int size, int shift)
{
    return end < size ? end : (((size - 1) >> shift) + 1) << shift;
}

/* All samples that lie in `r`, be it in part. */
static void keep_pixels(const Plane *p, SsRect r)
{
    const int first = (r.x >> p->shift_x) * p->step;
    const int end = ((r.x + r.w + (1 << p->shift_x) - 1) >> p->shift_x) * p->step;

    keep(p, first, end - first, r.y >> p->shift_y, (r.y + r.h + (1 << p->shift_y) - 1) >> p->shift_y);
}

static void fill_plane(const Plane *p, guint alpha, SsRect r)
{
    const int shift = p->shift_y;
    const int x1 = clipped_end(r.x + r.w, p->width, p->shift_x),
              y1 = clipped_end(r.y + r.h, p->height, shift);

    keep_pixels(p, (SsRect) { r.x, r.y, x1 - r.x, y1 - r.y });
    const int first = (r.x >> p->shift_x) * p->step, n = ((x1 - r.x) >> p->shift_x) * p->step;
    for (int y = r.y >> shift, ahead = y; y << shift < y1; y++) {
        for (; !p->ink && ahead < y + AHEAD && ahead << shift < y1; ahead++)
            prefetch_row(p, ahead, first, n);
        fill_row(p, p->data + (gsize)y * p->stride, alpha * (guint)overlap(y, shift, r.y, y1) >> shift, r.x,
                 x1);
    }
}

void ss_draw_fill(const SsCanvas *canvas, const SsPaint *paint, guint alpha, SsRect r)
{
    int x0 = MAX(r.x, 0), y0 = MAX(r.y, 0);
    int x1 = MIN(r.x + r.w, GST_VIDEO_FRAME_WIDTH(canvas->frame)),
        y1 = MIN(r.y + r.h, GST_VIDEO_FRAME_HEIGHT(canvas->frame));

    if (x0 >= x1 || y0 >= y1)
        return;
    for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES(canvas->frame); i++) {
        Plane p = plane_of(canvas, paint, i);

        fill_plane(&p, alpha, (SsRect) { x0, y0, x1 - x0, y1 - y0 });
    }
}

/**
 * What one row of a narrow bar becomes: byte = (byte * keep + add) / 256. Laid once, drawn on many rows:
 * a box's sides are a few pixels wide and hundreds high.
 */
typedef struct Strip {
    int first, n; /* bytes from the row's start; whole vectors, of the row alone */
    guint16 keep[STRIP], add[STRIP];
} Strip;

static void strip_init(Strip *strip, const Plane *p, int x0, int x1)
{
    const int row = ((p->width + (1 << p->shift_x) - 1) >> p->shift_x) * p->step;
    int end;

    x0 = CLAMP(x0, 0, p->width);
    x1 = CLAMP(x1, x0, p->width);
    strip->first = (x0 >> p->shift_x) * p->step;
    end = ((x1 + (1 << p->shift_x) - 1) >> p->shift_x) * p->step;
    strip->n = (end - strip->first + LANES - 1) / LANES * LANES;
    strip->first = MIN(strip->first, row - strip->n);
    for (int i = 0; i < strip->n; i++) {
        strip->keep[i] = SS_OPAQUE;
        strip->add[i] = 128; /* rounds */
    }
}

static void strip_lay(Strip *strip, const Plane *p, const guint8 *paint, guint alpha, int x0, int x1)
{
    x0 = MAX(x0, 0);
    if (x0 >= p->width)
        return;
    x1 = clipped_end(x1, p->width, p->shift_x);
    for (int s = x0 >> p->shift_x; s << p->shift_x < x1; s++) {
        const guint a = alpha * (guint)overlap(s, p->shift_x, x0, x1) >> p->shift_x;
        const int at = s * p->step - strip->first;

        for (int i = 0; i < p->step; i++) {
            strip->keep[at + i] = (guint16)(strip->keep[at + i] * (SS_OPAQUE - a) >> 8);
            strip->add[at + i] =
                (guint16)(((strip->add[at + i] - 128) * (SS_OPAQUE - a) >> 8) + paint[i] * a + 128);
        }
    }
}

/* A sum is at most 255 * 256 + 128. */
static inline void strip_row(const Strip *strip, guint8 *row)
{
    row += strip->first;
    for (int i = 0; i < strip->n; i += LANES) {
        Words keep, add, sum;
        Bytes bytes;

        memcpy(&bytes, row + i, sizeof bytes);
        memcpy(&keep, strip->keep + i, sizeof keep);
        memcpy(&add, strip->add + i, sizeof add);
        sum = __builtin_convertvector(bytes, Words) * keep + add;
        bytes = __builtin_convertvector(sum >> 8, Bytes);
        memcpy(row + i, &bytes, sizeof bytes);
    }
}

/* A line of the box's colour, `x` its left, between two of the edge's, the outer one at `outer`. */
static void side_init(Strip *strip, const Plane *p, const SsBoxPaint *paint, guint plane, int x, int outer)
{
    const int t = paint->thickness, inner = outer < x ? x + t : x - 1;
    const guint8 *edge = paint->edge.plane[plane];

    strip_init(strip, p, x - 1, x + t + 1);
    strip_lay(strip, p, edge, paint->edge_alpha, outer, outer + 1);
    strip_lay(strip, p, paint->line.plane[plane], SS_OPAQUE, x, x + t);
    strip_lay(strip, p, edge, paint->edge_alpha, inner, inner + 1);
}

/* Of a picture in which the strip of a line finds room for its vectors in every plane's rows. */
static gboolean has_room(const SsCanvas *canvas, int thickness)
{
    return GST_VIDEO_FRAME_WIDTH(canvas->frame) >= thickness + 2 + 2 * LANES;
}

/* Both sides of a box down the rows from `y0` to `y1` (even), where all three lines stand side by side. */
static void draw_sides(const SsCanvas *canvas, const SsBoxPaint *paint, SsRect r, int y0, int y1)
{
    const int t = paint->thickness, right_x = r.x + r.w - t;

    y0 = MAX(y0, 0);
    for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES(canvas->frame); i++) {
        const Plane p = plane_of(canvas, &paint->line, i);
        const int end = clipped_end(y1, p.height, p.shift_y) >> p.shift_y;
        Strip left, right;

        side_init(&left, &p, paint, i, r.x, r.x - 1);
        side_init(&right, &p, paint, i, right_x, right_x + t);
        keep(&p, left.first, left.n, y0 >> p.shift_y, end);
        keep(&p, right.first, right.n, y0 >> p.shift_y, end);
        for (int y = y0 >> p.shift_y, ahead = y; y < end; y++) {
            guint8 *row = p.data + (gsize)y * p.stride;

            for (; !p.ink && ahead < MIN(y + AHEAD, end); ahead++) {
                prefetch_row(&p, ahead, left.first, left.n);
                prefetch_row(&p, ahead, right.first, right.n);
            }
            strip_row(&left, row);
            strip_row(&right, row);
        }
    }
}

/* Four bars of `t` pixels along the inside of `r`'s edge; the upright ones without the rows from `y0` to
 * `y1`. */
static void draw_ring(const SsCanvas *canvas, const SsPaint *paint, guint alpha, SsRect r, int t, int y0,
                      int y1)
{
    const int top = r.y + t, bottom = r.y + r.h - t;

    y0 = MIN(y0, bottom);
    if (2 * t >= r.w || 2 * t >= r.h) {
        ss_draw_fill(canvas, paint, alpha, r);
        return;
    }
    ss_draw_fill(canvas, paint, alpha, (SsRect) { r.x, r.y, r.w, t });
    ss_draw_fill(canvas, paint, alpha, (SsRect) { r.x, bottom, r.w, t });
    for (int side = 0; side < 2; side++) {
        const int x = side == 0 ? r.x : r.x + r.w - t;

        ss_draw_fill(canvas, paint, alpha, (SsRect) { x, top, t, y0 - top });
        ss_draw_fill(canvas, paint, alpha, (SsRect) { x, y1, t, bottom - y1 });
    }
}

static SsRect grown(SsRect r, int by)
{
    return (SsRect) { r.x - by, r.y - by, r.w + 2 * by, r.h + 2 * by };
}

void ss_draw_box(const SsCanvas *canvas, const SsBoxPaint *paint, SsRect r)
{
    const int t = paint->thickness;
    const gboolean hollow = r.w > 2 * t + 2 && r.h > 2 * t + 2;
    /* Whole chroma samples, where all three lines stand side by side. */
    const int y0 = (r.y + t + 2) & ~1, y1 = (r.y + r.h - t - 1) & ~1;
    const gboolean sides = hollow && y0 < y1 && has_room(canvas, t);
    const int from = sides ? y0 : r.y + r.h, to = sides ? y1 : r.y + r.h;

    draw_ring(canvas, &paint->edge, paint->edge_alpha, grown(r, 1), 1, from, to);
    draw_ring(canvas, &paint->line, SS_OPAQUE, r, t, from, to);
    if (hollow)
        draw_ring(canvas, &paint->edge, paint->edge_alpha, grown(r, -t), 1, from, to);
    if (sides)
        draw_sides(canvas, paint, r, y0, y1);
}

void ss_draw_dashes(const SsCanvas *canvas, const SsBoxPaint *paint, guint alpha, SsRect r)
{
    const int t = paint->thickness, dash = 5 * t, step = 8 * t, right = r.x + r.w, bottom = r.y + r.h;

    for (int x = r.x; x < right; x += step) {
        const int w = MIN(dash, right - x);
        ss_draw_fill(canvas, &paint->line, alpha, (SsRect) { x, r.y, w, t });
        ss_draw_fill(canvas, &paint->line, alpha, (SsRect) { x, bottom - t, w, t });
    }
    /* From below the upper line to above the lower, so that no pixel is mixed twice. */
    for (int y = r.y + t; y < bottom - t; y += step) {
        const int h = MIN(dash, bottom - t - y);
        ss_draw_fill(canvas, &paint->line, alpha, (SsRect) { r.x, y, t, h });
        ss_draw_fill(canvas, &paint->line, alpha, (SsRect) { right - t, y, t, h });
    }
}

/* The mask's mean over one sample; `m` points at its first pixel. */
static inline guint coverage(const guint8 *m, int stride, int shift_x, int shift_y)
{
    guint sum = 0;

    for (int y = 0; y < 1 << shift_y; y++)
        for (int x = 0; x < 1 << shift_x; x++)
            sum += m[y * stride + x];
    return sum >> (shift_x + shift_y);
}

/* Inlined with constants, so that each kind of plane gets a loop of its own. */
static inline void mask_rows(const Plane *p, const guint8 *mask, int stride, SsRect r, int step, int shift_x,
                             int shift_y)
{
    int w = (r.w + (1 << shift_x) - 1) >> shift_x, h = (r.h + (1 << shift_y) - 1) >> shift_y;

    for (int y = 0; y < h; y++) {
        const guint8 *m = mask + (y << shift_y) * stride;
        guint8 *d = p->data + (gsize)((r.y >> shift_y) + y) * p->stride + (gsize)(r.x >> shift_x) * step;

        for (int x = 0; x < w; x++) {
            guint alpha = coverage(m + (x << shift_x), stride, shift_x, shift_y);

            alpha += alpha >> 7;
            for (int i = 0; i < step; i++)
                d[x * step + i] = mix(d[x * step + i], p->paint[i], alpha);
        }
    }
}

static void mask_plane(const Plane *p, const guint8 *mask, int stride, SsRect r)
{
    keep_pixels(p, r);
    if (p->shift_x == 0 && p->shift_y == 0 && p->step == 1)
        mask_rows(p, mask, stride, r, 1, 0, 0);
    else if (p->shift_x == 0 && p->shift_y == 0 && p->step == 4)
        mask_rows(p, mask, stride, r, 4, 0, 0);
    else if (p->shift_x == 1 && p->shift_y == 1 && p->step == 1)
        mask_rows(p, mask, stride, r, 1, 1, 1);
    else if (p->shift_x == 1 && p->shift_y == 1 && p->step == 2)
        mask_rows(p, mask, stride, r, 2, 1, 1);
    else
        mask_rows(p, mask, stride, r, p->step, p->shift_x, p->shift_y);
}

void ss_draw_mask(const SsCanvas *canvas, const SsPaint *paint, const guint8 *mask, int stride, SsRect r)
{
    for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES(canvas->frame); i++) {
        Plane p = plane_of(canvas, paint, i);
        SsRect at = r;

        at.x &= ~1;
        at.y &= ~1;
        if (at.x < 0 || at.y < 0)
            return;
        at.w = MIN(at.w, p.width - at.x);
        at.h = MIN(at.h, p.height - at.y);
        if (at.w > 0 && at.h > 0)
            mask_plane(&p, mask, stride, at);
    }
}
