/* SPDX-License-Identifier: Apache-2.0 */
/** Copies a picture for drawing on: what a frame pays most for, since it is in no cache then. */
#ifndef SS_GST_COPY_H
#define SS_GST_COPY_H

#include <gst/video/video.h>

/** Both mapped, of the same format and size. FALSE: they are not. */
gboolean ss_copy_picture(GstVideoFrame *to, const GstVideoFrame *from);

#endif
