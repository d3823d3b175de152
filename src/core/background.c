/* SPDX-License-Identifier: Apache-2.0 */
#include "background.h"

#include <stdlib.h>
#include <string.h>

/* Pictures from step to step. At 30 a second a step each second one is as fast as one wants to forget: who
 * stands still for some seconds is still somebody. */
enum { PATIENCE = 2 };

void ss_background_clear(SsBackground *b)
{
    free(b->grey.data);
    *b = (SsBackground) { .pictures = 0 };
}

static void start(SsBackground *b, const SsGrey *now, uint8_t *difference)
{
    const size_t pixels = (size_t)now->width * (size_t)now->height;

    ss_background_clear(b);
    memset(difference, 0, pixels);
    b->grey = (SsGrey) { now->width, now->height, malloc(pixels) };
    if (b->grey.data)
        memcpy(b->grey.data, now->data, pixels);
}

void ss_background_subtract(SsBackground *b, const SsGrey *now, uint8_t *difference)
{
    if (!b->grey.data || b->grey.width != now->width || b->grey.height != now->height) {
        start(b, now, difference);
        return;
    }
    const size_t pixels = (size_t)now->width * (size_t)now->height;
    const uint8_t *restrict is = now->data, step = ++b->pictures % PATIENCE == 0;
    uint8_t *restrict usual = b->grey.data, *restrict off = difference;

    for (size_t i = 0; i < pixels; i++) {
        const uint8_t above = is[i] > usual[i], below = is[i] < usual[i];

        off[i] = (uint8_t)(above ? is[i] - usual[i] : usual[i] - is[i]);
        usual[i] = (uint8_t)(usual[i] + (above & step) - (below & step));
    }
}
