/* SPDX-License-Identifier: Apache-2.0 */
/** Of which pixels a small picture's are the mean, in integers: what core/picture.c and cuda/shrink.c agree
 * on. */
#ifndef SS_MEAN_H
#define SS_MEAN_H

#include <stdint.h>

#include "internal.h"

/** Of three rows or more that become one, the middle one is enough: the others say nearly the same, and what
 * a picture costs is reading it. */
static inline int ss_mean_rows(int scale)
{
    return scale == 2 ? 2 : 1;
}

/** So many rows are passed over before those. */
static inline int ss_mean_skip(int scale)
{
    return (scale - ss_mean_rows(scale)) / 2;
}

/** Of `of` pixels: (sum + half) * factor / 2^16. Of one, a 17th bit is missing to the factor; one more of
 * what it multiplies makes up for it. */
static inline uint16_t ss_mean_half(unsigned of)
{
    return (uint16_t)SS_MAX(of / 2, 1);
}

static inline uint16_t ss_mean_factor(unsigned of)
{
    return (uint16_t)SS_MIN((0xffff + of) / of, 0xffff);
}

#endif
