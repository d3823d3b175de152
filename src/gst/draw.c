/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plane is a row of bytes with a period: 1 (Y, U or V), 2 (UV), 3 (RGB) or 4 (BGRx). So one
 * loop over bytes with a repeated pattern draws in every format.
 */
#include "draw.h"

#include <string.h>

/* A multiple of all periods, and some vectors long. */
enum { PATTERN = 48 };

typedef struct Plane {
    guint8 *data;
    int stride, step;     /* bytes */
    int shift_x, shift_y; /* log2 of the subsampling */
    int width, height;    /* of the picture, in pixels */
    const guint8 *paint;  /* one pixel's bytes */
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
}

static Plane plane_of(GstVideoFrame *frame, const SsPaint *paint, guint plane)
{
    const GstVideoFormatInfo *format = frame->info.finfo;
    int c = component_of(format, plane);

    return (Plane) {
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
    for (; n >= PATTERN; n -= PATTERN, d += PATTERN)
        for (int i = 0; i < PATTERN; i++)
            d[i] = mix(d[i], pattern[i], alpha);
    for (int i = 0; i < n; i++)
        d[i] = mix(d[i], pattern[i], alpha);
}

static void set_bytes(guint8 *restrict d, const guint8 *restrict pattern, int n)
{
    for (; n >= PATTERN; n -= PATTERN, d += PATTERN)
        memcpy(d, pattern, PATTERN);
    for (int i = 0; i < n; i++)
        d[i] = pattern[i];
}

/* How much of sample `i`, 1 << shift pixels wide, lies in [from, to). */
static inline int overlap(int i, int shift, int from, int to)
{
    return MIN(to, (i + 1) << shift) - MAX(from, i << shift);
}

/* `x0` .. `x1` in pixels; samples cut by an end get their share of `alpha`. */
static void fill_row(const Plane *p, guint8 *row, const guint8 *pattern, guint alpha, int x0, int x1)
{
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

static void fill_plane(const Plane *p, guint alpha, SsRect r)
{
    guint8 pattern[PATTERN];
    int x1 = r.x + r.w, y1 = r.y + r.h, shift = p->shift_y;

    /* The last chroma sample of an odd picture is all there is. */
    if (x1 == p->width)
        x1 = (((x1 - 1) >> p->shift_x) + 1) << p->shift_x;
    if (y1 == p->height)
        y1 = (((y1 - 1) >> shift) + 1) << shift;
    for (int i = 0; i < PATTERN; i++)
        pattern[i] = p->paint[i % p->step];
    for (int y = r.y >> shift; y << shift < y1; y++)
        fill_row(p, p->data + (gsize)y * p->stride, pattern,
                 alpha * (guint)overlap(y, shift, r.y, y1) >> shift, r.x, x1);
}

void ss_draw_fill(GstVideoFrame *frame, const SsPaint *paint, guint alpha, SsRect r)
{
    int x0 = MAX(r.x, 0), y0 = MAX(r.y, 0);
    int x1 = MIN(r.x + r.w, GST_VIDEO_FRAME_WIDTH(frame)), y1 = MIN(r.y + r.h, GST_VIDEO_FRAME_HEIGHT(frame));

    if (x0 >= x1 || y0 >= y1)
        return;
    for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES(frame); i++) {
        Plane p = plane_of(frame, paint, i);

        fill_plane(&p, alpha, (SsRect) { x0, y0, x1 - x0, y1 - y0 });
    }
}

void ss_draw_outline(GstVideoFrame *frame, const SsPaint *paint, guint alpha, SsRect r, int t)
{
    if (2 * t >= r.w || 2 * t >= r.h) {
        ss_draw_fill(frame, paint, alpha, r);
        return;
    }
    ss_draw_fill(frame, paint, alpha, (SsRect) { r.x, r.y, r.w, t });
    ss_draw_fill(frame, paint, alpha, (SsRect) { r.x, r.y + r.h - t, r.w, t });
    ss_draw_fill(frame, paint, alpha, (SsRect) { r.x, r.y + t, t, r.h - 2 * t });
    ss_draw_fill(frame, paint, alpha, (SsRect) { r.x + r.w - t, r.y + t, t, r.h - 2 * t });
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

void ss_draw_mask(GstVideoFrame *frame, const SsPaint *paint, const guint8 *mask, int stride, SsRect r)
{
    for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES(frame); i++) {
        Plane p = plane_of(frame, paint, i);
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
