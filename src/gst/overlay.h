/* SPDX-License-Identifier: Apache-2.0 */
/** The element `ssoverlay`: see overlay.c. */
#ifndef SS_GST_OVERLAY_H
#define SS_GST_OVERLAY_H

#include <gst/base/gstbasetransform.h>
#include <gst/video/video.h>

#define SS_TYPE_OVERLAY (ss_overlay_get_type())
G_DECLARE_FINAL_TYPE(SsOverlay, ss_overlay, SS, OVERLAY, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE(ssoverlay)

#endif
