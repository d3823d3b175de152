/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Rectangles and masks in any video format of 8 bits whose planes are uniform (all of
 * the usual planar, semi-planar and packed RGB ones). Everything is clipped to the picture.
 */
#ifndef SS_GST_DRAW_H
#define SS_GST_DRAW_H

#include <gst/video/video.h>

#include "ink.h"

enum { SS_PATTERN = 48 }; /* bytes: whole pixels of any format, and whole vectors */

/** A colour as the bytes of pixels in each plane of one format, the same pixel again and again. */
typedef struct SsPaint {
    guint8 plane[GST_VIDEO_MAX_PLANES][SS_PATTERN];
} SsPaint;

typedef struct SsRect {
    int x, y, w, h;
} SsRect;

/** What is drawn on. */
typedef struct SsCanvas {
    GstVideoFrame *frame; /* mapped; its planes are written to */
    SsInk *ink;           /* keeps what was there before; NULL: nobody needs it any more */
} SsCanvas;

enum { SS_OPAQUE = 256, SS_MOST_THICKNESS = 64 };

typedef struct SsBoxPaint {
    SsPaint line, edge; /* a dark edge on either side keeps the line visible on every ground */
    guint edge_alpha;   /* 0 .. SS_OPAQUE */
    int thickness;      /* of the line, 1 .. SS_MOST_THICKNESS */
} SsBoxPaint;

gboolean ss_draw_supports(const GstVideoFormatInfo *format);
/** `rgb`: 0xRRGGBB, converted as the video's colorimetry says. */
void ss_paint_init(SsPaint *paint, const GstVideoInfo *info, guint32 rgb);
/** `alpha`: 0 .. SS_OPAQUE. Where the edge cuts a chroma sample, it is mixed by the part covered. */
void ss_draw_fill(const SsCanvas *canvas, const SsPaint *paint, guint alpha, SsRect rect);
/** An outline of `thickness` pixels along the inside of `rect`'s edge, between two of one pixel each. */
void ss_draw_box(const SsCanvas *canvas, const SsBoxPaint *paint, SsRect rect);
/** The line alone, in dashes, mixed in by `alpha`. */
void ss_draw_dashes(const SsCanvas *canvas, const SsBoxPaint *paint, guint alpha, SsRect rect);
/**
 * Mixes `paint` in where `mask` is set (255 = opaque). `x` and `y` are rounded down to whole
 * chroma samples. The mask's rows and columns are rounded up to even counts, zeros in the excess.
 */
void ss_draw_mask(const SsCanvas *canvas, const SsPaint *paint, const guint8 *mask, int stride, SsRect rect);

#endif
