/* SPDX-License-Identifier: Apache-2.0 */
#include "grid.h"

#include "internal.h"

enum { COLUMNS = SS_GRID_COLUMNS, ROWS = SS_GRID_ROWS };

/* Pixels from sample to sample. By measurement (docs/performance.md). */
static const float SPACING = 1.3f;
/* Pixels from the first to the last of a row of samples, for those to be made numbers side by side; most
 * boxes need no more (their level is picked so). */
enum { SPAN = 40, WORD = 8 };

/** One coordinate of the samples' places: the pixel before, and how far beyond it. */
typedef struct Axis {
    int at[SS_MAX(COLUMNS, ROWS)];
    float beyond[SS_MAX(COLUMNS, ROWS)];
} Axis;

static void axis_init(Axis *a, float centre, float step, int n, int limit)
{
    for (int i = 0; i < n; i++) {
        const float last = SS_MAX((float)limit - 1.001f, 0);
        const float p = centre + ((float)i + 0.5f - 0.5f * (float)n) * step;
        const float within = p > 0 ? SS_MIN(p, last) : 0; /* not a number: 0, too */

        a->at[i] = (int)within;
        a->beyond[i] = within - (float)a->at[i];
    }
}

int ss_level_for(const SsPicture *p, const SsBox *box)
{
    int level = 0;

    while (level + 1 < p->levels && (box->w / ss_level_unit(p, level) > SPACING * COLUMNS ||
                                     box->h / ss_level_unit(p, level) > SPACING * ROWS))
        level++;
    return level;
}

SsPlace ss_grid_over(const SsBox *box, float unit)
{
    return (SsPlace) { ss_to_level(box->x + box->w / 2, unit), ss_to_level(box->y + box->h / 2, unit),
                       box->w / unit, box->h / unit };
}

/** A row of pixels between two rows of the picture, from the first that is read on. By whole words, some
 * beyond the last. */
static void mix_rows(float row[SPAN], const uint8_t *above, int width, int n, float beyond)
{
    const uint8_t *below = above + width;

    for (int i = 0; i < n; i += WORD)
        for (int k = i; k < i + WORD; k++)
            row[k] = (float)above[k] + beyond * (float)(below[k] - above[k]);
}

/** Sample by sample, however far apart they are. */
static void read_row(float *restrict out, const uint8_t *above, int width, const Axis *x, float beyond)
{
    for (int c = 0; c < COLUMNS; c++) {
        const uint8_t *a = above + x->at[c], *b = a + width;
        const float upper = (float)a[0] + x->beyond[c] * (float)(a[1] - a[0]);
        const float lower = (float)b[0] + x->beyond[c] * (float)(b[1] - b[0]);

        out[c] = upper + beyond * (lower - upper);
    }
}

void ss_grid_read(const SsGrey *g, const SsPlace *p, float out[SS_GRID_SAMPLES])
{
    float row[SPAN] = { 0 };
    Axis x, y;

    axis_init(&x, p->x, p->width / COLUMNS, COLUMNS, g->width);
    axis_init(&y, p->y, p->height / ROWS, ROWS, g->height);
    const int first = x.at[0], n = x.at[COLUMNS - 1] + 2 - first;
    for (int r = 0; r < ROWS; r++) {
        const uint8_t *above = g->data + (size_t)y.at[r] * (size_t)g->width;

        if (n > SPAN) {
            read_row(out + r * COLUMNS, above, g->width, &x, y.beyond[r]);
            continue;
        }
        mix_rows(row, above + first, g->width, n, y.beyond[r]);
        for (int c = 0; c < COLUMNS; c++) {
            const float *at = row + x.at[c] - first;
            out[r * COLUMNS + c] = at[0] + x.beyond[c] * (at[1] - at[0]);
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
