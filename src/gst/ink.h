/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What lay under a drawing, so that the picture can be had as it was.
 *
 * Thread: one at a time.
 */
#ifndef SS_GST_INK_H
#define SS_GST_INK_H

#include <gst/video/video.h>

typedef struct SsInk SsInk;

/** Part of a plane. */
typedef struct SsInkArea {
    gsize at;    /* of its first byte, from where the plane begins */
    int n, rows; /* bytes a row, at least 1 each */
} SsInkArea;

SsInk *ss_ink_new(void);
void ss_ink_free(SsInk *ink);
/** Nothing is kept any more; the memory for it stays. */
void ss_ink_clear(SsInk *ink);
gboolean ss_ink_is_empty(const SsInk *ink);

/** Before `area` of the plane that begins at `data` is drawn on. `stride`: bytes from row to row. */
void ss_ink_keep(SsInk *ink, guint plane, const guint8 *data, int stride, SsInkArea area);
/** Puts all of it back, in a copy whose planes, of the same strides, begin at `data`. */
void ss_ink_restore(const SsInk *ink, guint8 *const data[GST_VIDEO_MAX_PLANES]);

#endif
