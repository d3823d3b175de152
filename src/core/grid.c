/* SPDX-License-Identifier: Apache-2.0 */
#include "grid.h"

#include <math.h>

#include "internal.h"

enum { COLUMNS = SS_GRID_COLUMNS, ROWS = SS_GRID_ROWS };

/** One coordinate of the samples' places: the pixel before, and how far beyond it. */
typedef struct Axis {
    int at[SS_MAX(COLUMNS, ROWS)];
    float beyond[SS_MAX(COLUMNS, ROWS)];
} Axis;

static void axis_init(Axis *a, float centre, float step, int n, int limit)
{
    for (int i = 0; i < n; i++) {
        const float p = centre + ((float)i + 0.5f - 0.5f * (float)n) * step;
        const float within = fminf(fmaxf(p, 0), (float)limit - 1.001f);

        a->at[i] = (int)fmaxf(within, 0);
        a->beyond[i] = fmaxf(within, 0) - (float)a->at[i];
    }
}

SsPlace ss_grid_over(const SsBox *box, float unit)
{
    return (SsPlace) { ss_to_level(box->x + box->w / 2, unit), ss_to_level(box->y + box->h / 2, unit),
                       box->w / unit, box->h / unit };
}

void ss_grid_read(const SsGrey *g, const SsPlace *p, float out[SS_GRID_SAMPLES])
{
    Axis x, y;

    axis_init(&x, p->x, p->width / COLUMNS, COLUMNS, g->width);
    axis_init(&y, p->y, p->height / ROWS, ROWS, g->height);
    for (int r = 0; r < ROWS; r++) {
        const uint8_t *above = g->data + (size_t)y.at[r] * (size_t)g->width, *below = above + g->width;

        for (int c = 0; c < COLUMNS; c++) {
            const uint8_t *a = above + x.at[c], *b = below + x.at[c];
            const float upper = (float)a[0] + x.beyond[c] * (float)(a[1] - a[0]);
            const float lower = (float)b[0] + x.beyond[c] * (float)(b[1] - b[0]);

            out[r * COLUMNS + c] = upper + y.beyond[r] * (lower - upper);
        }
    }
}

float ss_level_unit(const SsPicture *p, int level)
{
    return (float)(p->scale << level);
}

float ss_to_level(float frame, float unit)
{
    return frame / unit - 0.5f;
}

float ss_from_level(float level, float unit)
{
    return (level + 0.5f) * unit;
}
