/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Makes a part of a picture unrecognisable, in place: square blocks, each in the mean of its pixels, in any
 * format that draw.h draws in. The blocks lie on a grid that starts at the picture's corner, so that whole
 * chroma samples are in one block, and the pattern stands still while an object moves below it.
 */
#ifndef SS_GST_MOSAIC_H
#define SS_GST_MOSAIC_H

#include "draw.h"

/** The side of the blocks for an object of this size: at most eight along its longer side, 8 pixels or more.
 */
int ss_mosaic_block(int width, int height);
/** What is covered where `rect` is to be: whole blocks, within the picture; empty (w or h 0): it is outside.
 */
SsRect ss_mosaic_area(SsRect rect, int block, int width, int height);
/** `area` as ss_mosaic_area() gave it. */
void ss_mosaic_draw(GstVideoFrame *frame, SsRect area, int block);

#endif
