/* SPDX-License-Identifier: Apache-2.0 */
#include "copy.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/**
 * A picture larger than this leaves the second-level cache before anything is drawn on it, so its bytes need
 * not pass through there. Measured on one with 2 MiB, docs/performance.md.
 */
enum { STREAMED = 2 << 20 };

static void copy_cached(guint8 *to, const guint8 *from, gsize size)
{
    memcpy(to, from, size);
}

#ifdef __SSE2__

enum { LINE = 64, RUNS = 8 };

/* One cache line past the caches. */
static inline void stream_line(guint8 *to, const guint8 *from)
{
    for (int i = 0; i < LINE; i += 16)
        _mm_stream_si128((__m128i *)(to + i), _mm_loadu_si128((const __m128i *)(from + i)));
}

/* Eight places at once: the processor's prefetchers follow each of them, and memory answers in parallel. */
static void copy_streamed(guint8 *to, const guint8 *from, gsize size)
{
    const gsize head = MIN((LINE - (gsize)to % LINE) % LINE, size);
    const gsize run = (size - head) / RUNS / LINE * LINE, done = head + RUNS * run;

    memcpy(to, from, head);
    for (gsize i = head; i < head + run; i += LINE)
        for (gsize r = 0; r < RUNS; r++)
            stream_line(to + r * run + i, from + r * run + i);
    _mm_sfence();
    memcpy(to + done, from + done, size - done);
}

#else

#define copy_streamed copy_cached

#endif

gsize ss_copy_plane_size(const GstVideoFrame *frame, guint plane)
{
    gint component[GST_VIDEO_MAX_COMPONENTS];

    gst_video_format_info_component(frame->info.finfo, plane, component);
    const int c = component[0];
    const gsize rows = (gsize)GST_VIDEO_FRAME_COMP_HEIGHT(frame, c),
                stride = (gsize)frame->info.stride[plane];
    const gsize row =
        (gsize)GST_VIDEO_FRAME_COMP_WIDTH(frame, c) * (gsize)GST_VIDEO_FRAME_COMP_PSTRIDE(frame, c);

    return (rows - 1) * stride + MIN(row, stride); /* the last row may end before its stride does */
}

gboolean ss_copy_picture(GstVideoFrame *to, const GstVideoFrame *from)
{
    const guint planes = GST_VIDEO_FRAME_N_PLANES(to);
    const gboolean streamed = GST_VIDEO_FRAME_SIZE(to) > STREAMED;

    for (guint i = 0; i < planes; i++)
        if (to->info.stride[i] != from->info.stride[i])
            return gst_video_frame_copy(to, from);
    for (guint i = 0; i < planes; i++)
        (streamed ? copy_streamed : copy_cached)(to->data[i], from->data[i], ss_copy_plane_size(to, i));
    return TRUE;
}

/** Each plane begins at a cache line. */
static gsize plane_room(const GstVideoFrame *frame, guint plane)
{
    return (ss_copy_plane_size(frame, plane) + 63) & ~(gsize)63;
}

gsize ss_copy_size(const GstVideoFrame *frame)
{
    gsize size = 0;

    for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES(frame); i++)
        size += plane_room(frame, i);
    return size;
}

void ss_copy_planes(const GstVideoFrame *from, guint8 *to, guint8 *plane[GST_VIDEO_MAX_PLANES])
{
    for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES(from); i++) {
        plane[i] = to;
        copy_cached(to, from->data[i], ss_copy_plane_size(from, i)); /* it is read next */
        to += plane_room(from, i);
    }
}
