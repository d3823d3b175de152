/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Where is what stood in this box, in that picture? A box's pixels are kept as a small grid of samples, and
 * found again by moving the grid until the difference is least: inverse compositional alignment (S. Baker and
 * I. Matthews, Lucas-Kanade 20 Years On, IJCV 56, 2004) by position and, reluctantly, size; coarse to fine.
 * Samples that differ much count little (Huber's weights), so what passes before the object or stands behind
 * it pulls it along less. A change of brightness of the whole grid is taken off. Pure.
 */
#ifndef SS_MOTION_H
#define SS_MOTION_H

#include "grid.h"
#include "sidestream/track.h"

enum { SS_TEMPLATE_GRIDS = 2 }; /* coarse, fine */

typedef struct SsTemplateGrid {
    int level; /* of the picture's */
    float value[SS_GRID_SAMPLES], dx[SS_GRID_SAMPLES], dy[SS_GRID_SAMPLES];
} SsTemplateGrid;

typedef struct SsTemplate {
    float width, height; /* of the box, in pixels of the frame */
    float contrast;      /* mean distance of the fine samples from their mean, in grey levels */
    SsTemplateGrid grid[SS_TEMPLATE_GRIDS];
} SsTemplate;

/** Centre in pixels of the frame, and size against the template's box; and how much of what is found there is
 * not as in the template, against the template's own contrast: 0 = all the same, from 1 on another thing. */
typedef struct SsPose {
    float x, y, scale, unlike;
} SsPose;

/** What the box shows in this picture. It may reach over the edge. */
void ss_template_take(SsTemplate *t, const SsPicture *picture, const SsBox *box);
/** `pose`: where it should be; becomes where it is. false: it was not found, and `pose` is as it was. */
bool ss_template_find(const SsTemplate *t, const SsPicture *picture, SsPose *pose);

#endif
