/* SPDX-License-Identifier: Apache-2.0 */
/** Copies of pictures: for drawing on, which is what a frame pays most for, since it is in no cache then; and
 * for a worker. */
#ifndef SS_GST_COPY_H
#define SS_GST_COPY_H

#include <gst/video/video.h>

/** Both mapped, of the same format and size. FALSE: they are not. */
gboolean ss_copy_picture(GstVideoFrame *to, const GstVideoFrame *from);

/** Bytes of a plane of a mapped picture, from its first sample to its last. */
gsize ss_copy_plane_size(const GstVideoFrame *frame, guint plane);
/** Bytes that ss_copy_planes() writes for a mapped picture. */
gsize ss_copy_size(const GstVideoFrame *frame);
/** One plane after the other to `to`, strides as they are; `plane`: where each is then. */
void ss_copy_planes(const GstVideoFrame *from, guint8 *to, guint8 *plane[GST_VIDEO_MAX_PLANES]);

#endif
