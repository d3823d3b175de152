/* SPDX-License-Identifier: Apache-2.0 */
/** Pictures in every format that ssoverlay draws on, and what a pixel of them is. */
#ifndef SS_TEST_PIXELS_H
#define SS_TEST_PIXELS_H

#include <gst/video/video.h>

#include "test.h"

static const char *const formats[] = {
    "NV12", "I420", "BGRx", "RGBx", "BGRA", "RGBA", "BGR", "RGB", "GRAY8"
};
static const guint n_formats = G_N_ELEMENTS(formats);

enum { GREY = 110 };

static inline GstVideoInfo info_of(const char *format, int width, int height)
{
    GstVideoInfo info;

    REQUIRE(gst_video_info_set_format(&info, gst_video_format_from_string(format), width, height));
    return info;
}

/* A picture of bytes 110; every buffer has memory of its own. */
static inline GstBuffer *picture_new(const GstVideoInfo *info)
{
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, info->size, NULL);

    REQUIRE(buffer);
    gst_buffer_memset(buffer, 0, GREY, info->size);
    return buffer;
}

/* A picture in which no two neighbours are alike. */
static inline GstBuffer *noise_picture(const GstVideoInfo *info)
{
    GstBuffer *buffer = gst_buffer_new_allocate(NULL, info->size, NULL);
    GstMapInfo map;

    REQUIRE(buffer && gst_buffer_map(buffer, &map, GST_MAP_WRITE));
    for (gsize i = 0; i < map.size; i++)
        map.data[i] = (guint8)((i * 2654435761u) >> 13);
    gst_buffer_unmap(buffer, &map);
    return buffer;
}

/* Components (Y,U,V or R,G,B) of the pixel at (x, y). */
static inline void get_pixel(const GstVideoFrame *frame, int x, int y, int out[3])
{
    const GstVideoFormatInfo *format = frame->info.finfo;
    guint n = MIN(GST_VIDEO_FORMAT_INFO_N_COMPONENTS(format), 3);

    out[0] = out[1] = out[2] = 0;
    for (guint c = 0; c < n; c++) {
        const guint8 *data = GST_VIDEO_FRAME_COMP_DATA(frame, c);
        int cx = x >> GST_VIDEO_FORMAT_INFO_W_SUB(format, c),
            cy = y >> GST_VIDEO_FORMAT_INFO_H_SUB(format, c);

        out[c] =
            data[cy * GST_VIDEO_FRAME_COMP_STRIDE(frame, c) + cx * GST_VIDEO_FRAME_COMP_PSTRIDE(frame, c)];
    }
}

static inline gboolean pixel_is(const GstVideoFrame *frame, int x, int y, const int want[3], int tolerance)
{
    int got[3];

    get_pixel(frame, x, y, got);
    for (guint c = 0; c < MIN(GST_VIDEO_FRAME_N_COMPONENTS(frame), 3); c++)
        if (abs(got[c] - want[c]) > tolerance)
            return FALSE;
    return TRUE;
}

/* Is each block of the grid within this rectangle all of one colour? */
static inline gboolean pixelated(const GstVideoFrame *frame, int x0, int y0, int w, int h, int block)
{
    for (int y = y0; y < y0 + h; y++)
        for (int x = x0; x < x0 + w; x++) {
            int want[3];

            get_pixel(frame, MAX(x / block * block, x0), MAX(y / block * block, y0), want);
            if (!pixel_is(frame, x, y, want, 0))
                return FALSE;
        }
    return TRUE;
}

/* What a colour is in that format, worked out by hand. */
static inline void expected_colour(const GstVideoInfo *info, guint32 rgb, int out[3])
{
    double r = rgb >> 16 & 255, g = rgb >> 8 & 255, b = rgb & 255;

    out[0] = out[1] = out[2] = 0;
    if (GST_VIDEO_INFO_IS_RGB(info)) {
        out[0] = (int)r, out[1] = (int)g, out[2] = (int)b;
    } else if (GST_VIDEO_INFO_IS_GRAY(info)) {
        out[0] = (int)lround(0.299 * r + 0.587 * g + 0.114 * b);
    } else { /* BT.601, limited: GStreamer's default for small pictures */
        out[0] = (int)lround(16 + (65.481 * r + 128.553 * g + 24.966 * b) / 255);
        out[1] = (int)lround(128 + (-37.797 * r - 74.203 * g + 112.0 * b) / 255);
        out[2] = (int)lround(128 + (112.0 * r - 93.786 * g - 18.214 * b) / 255);
    }
}

#endif
