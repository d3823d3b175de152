/* SPDX-License-Identifier: Apache-2.0 */
#include "motion.h"

#include <math.h>

#include "internal.h"

enum { COLUMNS = SS_GRID_COLUMNS, ROWS = SS_GRID_ROWS, SAMPLES = SS_GRID_SAMPLES };
enum { ITERATIONS = 8 };

/* Pixels of a level from sample to sample; a finer level than that tells nothing more. */
static const float SPACING = 1.3f;
/* Grey levels: a difference above counts less and less. */
static const float HUBER = 12;
/* Mean difference against the template's own contrast: below, it is surely found; from here on it is as
 * unlike as any other thing. */
static const float CLEAR = 0.5f, UNLIKE = 1;
/* How firmly the size stays what it was, against the curvature of the error a sample: one picture says
 * little. */
static const float RELUCTANCE = 20000;
/* How far from where it should be, in widths of the box, and in pixels where that is little. */
static const float FAR = 0.6f, FAR_PIXELS = 12;

/* --- taking --- */

static void take_grid(SsTemplateGrid *t, const SsPicture *p, const SsBox *box)
{
    const SsGrey *g = &p->level[t->level];
    const SsPlace here = ss_grid_over(box, ss_level_unit(p, t->level));
    float more[SAMPLES];

    ss_grid_read(g, &here, t->value);
    ss_grid_read(g, &(SsPlace) { here.x + 1, here.y, here.width, here.height }, t->dx);
    ss_grid_read(g, &(SsPlace) { here.x - 1, here.y, here.width, here.height }, more);
    for (int i = 0; i < SAMPLES; i++)
        t->dx[i] = 0.5f * (t->dx[i] - more[i]);
    ss_grid_read(g, &(SsPlace) { here.x, here.y + 1, here.width, here.height }, t->dy);
    ss_grid_read(g, &(SsPlace) { here.x, here.y - 1, here.width, here.height }, more);
    for (int i = 0; i < SAMPLES; i++)
        t->dy[i] = 0.5f * (t->dy[i] - more[i]);
}

/** How far the samples are from their mean, on average. */
static float contrast_of(const float *value)
{
    float sum = 0, far = 0;

    for (int i = 0; i < SAMPLES; i++)
        sum += value[i];
    for (int i = 0; i < SAMPLES; i++)
        far += fabsf(value[i] - sum / SAMPLES);
    return far / SAMPLES;
}

void ss_template_take(SsTemplate *t, const SsPicture *picture, const SsBox *box)
{
    int level = 0;

    t->width = box->w;
    t->height = box->h;
    while (level + 1 < picture->levels && (box->w / ss_level_unit(picture, level) > SPACING * COLUMNS ||
                                           box->h / ss_level_unit(picture, level) > SPACING * ROWS))
        level++;
    t->grid[0].level = SS_MIN(level + 1, picture->levels - 1);
    t->grid[1].level = level;
    for (int i = 0; i < SS_TEMPLATE_GRIDS; i++)
        take_grid(&t->grid[i], picture, box);
    t->contrast = contrast_of(t->grid[SS_TEMPLATE_GRIDS - 1].value);
}

/* --- finding --- */

/** The normal equations of one step: symmetric, over x, y and size. */
typedef struct Normal {
    float xx, xy, xs, yy, ys, ss, x, y, s;
} Normal;

/** Differences to the template, less their mean; returns the mean of what is left, sign taken off. */
static float differences(const SsTemplateGrid *t, float *restrict value)
{
    float sum = 0, left = 0;

    for (int i = 0; i < SAMPLES; i++) {
        value[i] -= t->value[i];
        sum += value[i];
    }
    for (int i = 0; i < SAMPLES; i++) {
        value[i] -= sum / SAMPLES;
        left += fabsf(value[i]);
    }
    return left / SAMPLES;
}

static Normal normal_of(const SsTemplateGrid *t, const float *restrict off, float width, float height)
{
    Normal n = { .ss = RELUCTANCE * SAMPLES };

    for (int r = 0; r < ROWS; r++) {
        const float v = (((float)r + 0.5f) / ROWS - 0.5f) * height;
        for (int c = 0; c < COLUMNS; c++) {
            const int i = r * COLUMNS + c;
            const float u = (((float)c + 0.5f) / COLUMNS - 0.5f) * width;
            const float size = fabsf(off[i]), weight = size <= HUBER ? 1 : HUBER * HUBER / (size * size);
            const float x = t->dx[i], y = t->dy[i], s = x * u + y * v;

            n.xx += weight * x * x;
            n.xy += weight * x * y;
            n.xs += weight * x * s;
            n.yy += weight * y * y;
            n.ys += weight * y * s;
            n.ss += weight * s * s;
            n.x += weight * x * off[i];
            n.y += weight * y * off[i];
            n.s += weight * s * off[i];
        }
    }
    return n;
}

/** Cramer's rule. false: the samples do not tell (a flat surface). */
static bool solve(const Normal *n, float step[3])
{
    const float a = n->yy * n->ss - n->ys * n->ys, b = n->xs * n->ys - n->xy * n->ss,
                c = n->xy * n->ys - n->xs * n->yy;
    const float determinant = n->xx * a + n->xy * b + n->xs * c;

    if (!(determinant > 1e-3f * n->ss)) /* NaN, too */
        return false;
    step[0] = (a * n->x + b * n->y + c * n->s) / determinant;
    step[1] = (b * n->x + (n->xx * n->ss - n->xs * n->xs) * n->y + (n->xy * n->xs - n->xx * n->ys) * n->s) /
              determinant;
    step[2] = (c * n->x + (n->xs * n->xy - n->xx * n->ys) * n->y + (n->xx * n->yy - n->xy * n->xy) * n->s) /
              determinant;
    return true;
}

/** Moves `pose` to where the grid differs least; returns the mean difference there, in grey levels; infinite:
 * nowhere. */
static float align(const SsTemplateGrid *t, const SsTemplate *whole, const SsPicture *p, SsPose *pose)
{
    const float unit = ss_level_unit(p, t->level), width = whole->width / unit, height = whole->height / unit;
    const float size = pose->scale;
    float x = ss_to_level(pose->x, unit), y = ss_to_level(pose->y, unit), off[SAMPLES], step[3],
          left = INFINITY;

    for (int i = 0; i < ITERATIONS; i++) {
        ss_grid_read(&p->level[t->level], &(SsPlace) { x, y, width * pose->scale, height * pose->scale },
                     off);
        left = differences(t, off);
        Normal n = normal_of(t, off, width, height);
        n.s += RELUCTANCE * SAMPLES * (pose->scale - size);
        if (!solve(&n, step))
            return INFINITY;
        x -= step[0];
        y -= step[1];
        pose->scale = fminf(fmaxf(pose->scale * (1 - step[2]), 0.5f), 2);
        if (step[0] * step[0] + step[1] * step[1] < 4e-4f)
            break;
    }
    pose->x = ss_from_level(x, unit);
    pose->y = ss_from_level(y, unit);
    return left;
}

/** Is the centre in the picture? Beyond the edge there is nothing to be found. */
static bool inside(const SsPicture *p, const SsPose *pose)
{
    const float unit = ss_level_unit(p, 0);

    return pose->x >= 0 && pose->y >= 0 && pose->x <= (float)p->level[0].width * unit &&
           pose->y <= (float)p->level[0].height * unit;
}

bool ss_template_find(const SsTemplate *t, const SsPicture *picture, SsPose *pose)
{
    const SsTemplateGrid *coarse = &t->grid[0], *fine = &t->grid[SS_TEMPLATE_GRIDS - 1];
    const float far = FAR * fmaxf(t->width, FAR_PIXELS / FAR);
    SsPose found = *pose, elsewhere = *pose;

    if (coarse->level >= picture->levels)
        return false; /* a video of another size */
    /* Most are where they should be, and from there the coarse grid may lead astray. */
    float left = align(fine, t, picture, &found);
    if (!(left < CLEAR * t->contrast)) {
        align(coarse, t, picture, &elsewhere);
        const float there = align(fine, t, picture, &elsewhere);
        if (there < left) {
            left = there;
            found = elsewhere;
        }
    }
    if (!(left < UNLIKE * t->contrast) || !inside(picture, &found) || !(fabsf(found.x - pose->x) < far) ||
        !(fabsf(found.y - pose->y) < far))
        return false;
    *pose = found;
    pose->unlike = left / t->contrast;
    return true;
}
