/* SPDX-License-Identifier: Apache-2.0 */
/** The element `ssinfer`: see infer.c. */
#ifndef SS_GST_INFER_H
#define SS_GST_INFER_H

#include <gst/base/gstbasetransform.h>
#include <gst/video/video.h>

#define SS_TYPE_INFER (ss_infer_get_type())
G_DECLARE_FINAL_TYPE(SsInfer, ss_infer, SS, INFER, GstBaseTransform)

GST_ELEMENT_REGISTER_DECLARE(ssinfer)

#endif
