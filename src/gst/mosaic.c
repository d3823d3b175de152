/* SPDX-License-Identifier: Apache-2.0 */
#include "mosaic.h"

#include <string.h>

enum { UNIT = 8, ACROSS = 8, MOST_STEP = 4 };
/* The largest block, of a picture 8192 pixels wide; and the bytes of its row. */
enum { MOST_BLOCK = 1024, RUN = MOST_BLOCK * MOST_STEP };

int ss_mosaic_block(int width, int height)
{
    const int side = MAX(width, height), least = (side + ACROSS - 1) / ACROSS;

    /* In steps, or the pattern would change with each pixel that a box grows by. */
    return CLAMP((least + UNIT - 1) / UNIT * UNIT, UNIT, MOST_BLOCK);
}

static int floor_to(int x, int block)
{
    return x >= 0 ? x / block * block : 0;
}

static int ceil_to(int x, int block, int most)
{
    return x >= most ? most : MIN((x + block - 1) / block * block, most);
}

SsRect ss_mosaic_area(SsRect r, int block, int width, int height)
{
    const int x = floor_to(r.x, block), y = floor_to(r.y, block);
    const int right = ceil_to(r.x + r.w, block, width), bottom = ceil_to(r.y + r.h, block, height);

    if (r.w <= 0 || r.h <= 0 || right <= x || bottom <= y)
        return (SsRect) { 0 };
    return (SsRect) { x, y, right - x, bottom - y };
}

/* The rows of one line of blocks; `block` and `n` in samples. Sums down the rows first, which is one run of
 * bytes in every format, then along them. */
static inline void even_out(guint8 *data, int stride, int n, int rows, int block, int step)
{
    guint sum[RUN];

    memset(sum, 0, (gsize)n * (gsize)step * sizeof *sum);
    for (int y = 0; y < rows; y++) {
        const guint8 *row = data + (gsize)y * stride;
        for (int i = 0; i < n * step; i++)
            sum[i] += row[i];
    }
    for (int x = 0; x < n; x += block) {
        const int samples = MIN(block, n - x);
        const guint count = (guint)samples * (guint)rows;

        for (int c = 0; c < step; c++) {
            guint all = count / 2;
            for (int i = 0; i < samples; i++)
                all += sum[(x + i) * step + c];
            for (int i = 0; i < samples; i++)
                data[(x + i) * step + c] = (guint8)(all / count);
        }
    }
    for (int y = 1; y < rows; y++)
        memcpy(data + (gsize)y * stride, data, (gsize)n * (gsize)step);
}

/* Called with constants, so that each kind of plane gets a loop of its own. */
static inline void mosaic_rect(guint8 *data, int stride, SsRect r, int block_w, int block_h, int step)
{
    const int run = RUN / (block_w * step) * block_w; /* whole blocks */

    for (int y = r.y; y < r.y + r.h; y += block_h)
        for (int x = r.x; x < r.x + r.w; x += run)
            even_out(data + (gsize)y * stride + (gsize)x * step, stride, MIN(run, r.x + r.w - x),
                     MIN(block_h, r.y + r.h - y), block_w, step);
}

static void mosaic_plane(guint8 *data, int stride, SsRect r, int block_w, int block_h, int step)
{
    switch (step) {
    case 1:
        mosaic_rect(data, stride, r, block_w, block_h, 1);
        break;
    case 2:
        mosaic_rect(data, stride, r, block_w, block_h, 2);
        break;
    case 3:
        mosaic_rect(data, stride, r, block_w, block_h, 3);
        break;
    default:
        mosaic_rect(data, stride, r, block_w, block_h, 4);
    }
}

void ss_mosaic_draw(GstVideoFrame *frame, SsRect area, int block)
{
    const GstVideoFormatInfo *format = frame->info.finfo;

    for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES(frame); i++) {
        gint component[GST_VIDEO_MAX_COMPONENTS];

        gst_video_format_info_component(format, i, component);
        const int c = component[0];
        const int sx = (int)GST_VIDEO_FORMAT_INFO_W_SUB(format, c),
                  sy = (int)GST_VIDEO_FORMAT_INFO_H_SUB(format, c);
        const int x = area.x >> sx, y = area.y >> sy;
        /* The last sample of an odd picture is all there is of its block. */
        const SsRect r = { x, y, ((area.x + area.w + (1 << sx) - 1) >> sx) - x,
                           ((area.y + area.h + (1 << sy) - 1) >> sy) - y };

        mosaic_plane(GST_VIDEO_FRAME_PLANE_DATA(frame, i), GST_VIDEO_FRAME_PLANE_STRIDE(frame, i), r,
                     block >> sx, block >> sy, GST_VIDEO_FRAME_COMP_PSTRIDE(frame, c));
    }
}
