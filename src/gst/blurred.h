/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What `ssoverlay` has pixelated in a picture, for whoever writes it down: a GstCustomMeta
 * "sidestream-blurred", with `all` (a string: why all of it) or `areas` (a GstValueArray of int: x, y, w, h
 * of each).
 */
#ifndef SS_GST_BLURRED_H
#define SS_GST_BLURRED_H

#include "privacy.h"

/** Makes the meta known; once is enough, more do no harm. */
void ss_blurred_register(void);
/** `buffer` is writable. */
void ss_blurred_add(GstBuffer *buffer, const SsCover *cover);

#endif
