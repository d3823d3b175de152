/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A frame -> the network's input tensor: resize (bilinear, half-pixel centres, no
 * prefilter: what OpenCV's INTER_LINEAR and TensorFlow's resize do), colour conversion,
 * normalisation, layout. One SsImage a worker: it owns scratch rows and tables that
 * are remade only when the frame's geometry changes.
 */
#ifndef SS_IMAGE_H
#define SS_IMAGE_H

#include "sidestream/engine.h"

typedef struct SsImage SsImage;

/** What the user set, and the model family's habits for the rest. */
SsInputParams ss_input_resolve(const SsInputParams *user, const SsInputParams *family);

/** `input`: [N,H,W,3] or [N,3,H,W], u8/f16/f32; `p`: nothing at default. Errors: -ENOTSUP, -ENOMEM. */
int ss_image_create(SsImage **out, const SsTensor *input, const SsInputParams *p, const SsLogger *log);
/** Fills `dst` (one picture's bytes of the input tensor) and `g`. Errors: -EINVAL (odd frame), -ENOMEM,
 * -ENOTSUP (not logged: the frame is not in the processor's memory). */
int ss_image_convert(SsImage *im, const SsFrameDesc *frame, void *dst, SsGeometry *g);
/** The same for picture `nth` of a request's input: on the network's device where its backend can, else here.
 * Returns 1: the frame is read until the inference has ended. Errors: also the backend's. */
int ss_image_feed(SsImage *im, const SsFrameDesc *frame, SsRequest *r, int nth, SsGeometry *g);
void ss_image_destroy(SsImage **im);

/** A box in network-input pixels -> frame pixels. */
SsBox ss_geometry_to_frame(const SsGeometry *g, SsBox box);

#endif
