/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What of a picture is not as it usually is there: the difference to a background that follows, by one grey
 * level at a time, the median of each pixel (sigma-delta: A. Manzanera and J. Richefeu, A new motion
 * detection algorithm based on Sigma-Delta background estimation, Pattern Recognition Letters 28, 2007).
 * Where the camera moves it says nothing. Pure.
 */
#ifndef SS_BACKGROUND_H
#define SS_BACKGROUND_H

#include "picture.h"

typedef struct SsBackground {
    SsGrey grey;       /* data NULL: nothing is known yet */
    unsigned pictures; /* so many so far */
} SsBackground;

/** Of zeroed memory, or forgets what is usual; the next picture is, then. */
void ss_background_clear(SsBackground *b);
/** The next picture. `difference`: as many bytes as `now` has pixels. Allocates where the size is new;
 * without memory, or before anything is known, nothing is different. */
void ss_background_subtract(SsBackground *b, const SsGrey *now, uint8_t *difference);

#endif
