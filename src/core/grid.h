/* SPDX-License-Identifier: Apache-2.0 */
/** What a box shows, as a grid of samples that has the same size for every box. Pure. */
#ifndef SS_GRID_H
#define SS_GRID_H

#include "picture.h"

enum {
    SS_GRID_COLUMNS = 12,
    SS_GRID_ROWS = 24, /* people are tall; whatever is not is sampled more densely from top to bottom */
    SS_GRID_SAMPLES = SS_GRID_COLUMNS * SS_GRID_ROWS,
};

/** Where a grid lies: centre and size, in pixels of what is sampled. */
typedef struct SsPlace {
    float x, y, width, height;
} SsPlace;

/** The level for a box's grid: one where samples are little more than a pixel apart; a finer one tells
 * nothing more. */
int ss_level_for(const SsPicture *p, const SsBox *box);
/** The grid that covers a box (pixels of the frame), where a pixel is `unit` of the frame's a side. */
SsPlace ss_grid_over(const SsBox *box, float unit);
/** Row after row, between pixels by linear interpolation; beyond the edge the edge goes on. */
void ss_grid_read(const SsGrey *g, const SsPlace *p, float out[SS_GRID_SAMPLES]);

/** A pixel of that level is so many of the frame's a side. */
float ss_level_unit(const SsPicture *p, int level);
/** A coordinate in pixels of the frame -> of a level, and back; pixel centres lie at .5 of either. */
float ss_to_level(float frame, float unit);
float ss_from_level(float level, float unit);

#endif
