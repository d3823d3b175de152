/* SPDX-License-Identifier: Apache-2.0 */
#include "motion.h"

#include <math.h>

#include "internal.h"
#include "lanes.h"

enum { COLUMNS = SS_GRID_COLUMNS, ROWS = SS_GRID_ROWS, SAMPLES = SS_GRID_SAMPLES };
enum { ITERATIONS = 8 };
_Static_assert(COLUMNS % SS_LANES == 0, "lanes lie in one row");

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
    const int level = ss_level_for(picture, box);

    t->width = box->w;
    t->height = box->h;
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
    SsLanes sum = { 0 }, left = { 0 };

    for (int i = 0; i < SAMPLES; i += SS_LANES) {
        const SsLanes v = ss_lanes_load(value + i) - ss_lanes_load(t->value + i);
        sum += v;
        ss_lanes_store(value + i, v);
    }
    const float mean = ss_lanes_sum(sum) / SAMPLES;
    for (int i = 0; i < SAMPLES; i += SS_LANES) {
        const SsLanes v = ss_lanes_load(value + i) - mean;
        left += ss_lanes_abs(v);
        ss_lanes_store(value + i, v);
    }
    return ss_lanes_sum(left) / SAMPLES;
}

/** Where the samples lie in the box, from its centre. */
static void places(float *to, int n, float length)
{
    for (int i = 0; i < n; i++)
        to[i] = (((float)i + 0.5f) / (float)n - 0.5f) * length;
}

static Normal normal_of(const SsTemplateGrid *t, const float *restrict off, float width, float height)
{
    const SsLanes huber = { HUBER * HUBER, HUBER * HUBER, HUBER * HUBER, HUBER * HUBER };
    SsLanes xx = { 0 }, xy = { 0 }, xs = { 0 }, yy = { 0 }, ys = { 0 }, ss = { 0 }, x = { 0 }, y = { 0 },
            s = { 0 };
    float u[COLUMNS], v[ROWS];

    places(u, COLUMNS, width);
    places(v, ROWS, height);
    for (int i = 0; i < SAMPLES; i += SS_LANES) {
        const SsLanes d = ss_lanes_load(off + i), dx = ss_lanes_load(t->dx + i),
                      dy = ss_lanes_load(t->dy + i);
        const SsLanes ds = dx * ss_lanes_load(u + i % COLUMNS) + dy * v[i / COLUMNS];
        const SsLanes weight = huber / ss_lanes_max(d * d, huber);
        const SsLanes wx = weight * dx, wy = weight * dy, ws = weight * ds;

        xx += wx * dx;
        xy += wx * dy;
        xs += wx * ds;
        yy += wy * dy;
        ys += wy * ds;
        ss += ws * ds;
        x += wx * d;
        y += wy * d;
        s += ws * d;
    }
    return (Normal) { ss_lanes_sum(xx), ss_lanes_sum(xy), ss_lanes_sum(xs),
                      ss_lanes_sum(yy), ss_lanes_sum(ys), ss_lanes_sum(ss) + RELUCTANCE * SAMPLES,
                      ss_lanes_sum(x),  ss_lanes_sum(y),  ss_lanes_sum(s) };
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
