/* SPDX-License-Identifier: Apache-2.0 */
#include "regression.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "decode/decode.h"
#include "grid.h"
#include "internal.h"
#include "lanes.h"

enum { COLUMNS = SS_REGRESSION_COLUMNS, ROWS = SS_REGRESSION_ROWS };
enum { CELL_WIDTH = SS_GRID_COLUMNS / COLUMNS, CELL_HEIGHT = SS_GRID_ROWS / ROWS };
_Static_assert(COLUMNS *CELL_WIDTH == (int)SS_GRID_COLUMNS && ROWS * CELL_HEIGHT == (int)SS_GRID_ROWS,
               "cells are whole samples");

/* So much more than the box is looked at, and an edge of so many grey levels from pixel to pixel counts in
 * full. */
static const float AROUND = 1.4f, FULL = 20;
/* What speaks against any dependence, in pairs; and how many pairs are remembered. */
static const float RIDGE = 30, MEMORY = 4000;
/* Who overlaps less than that is another one; and how far a box may be off, in parts of its size: as one
 * learns of it, and as it is shown. */
static const float LEAST_OVERLAP = 0.4f, MOST_LEARNED = 0.5f, MOST_SHOWN = 0.3f;
/* Pairs until what they tell is worked out. */
enum { LEAST_NEWS = 16, NEWS_SHARE = 16 };

/** The normal equations of one place. */
typedef struct Sums {
    float pairs;                             /* remembered */
    int news;                                /* pairs since they were solved */
    float squares[SS_FEATURES][SS_FEATURES]; /* lower half */
    float products[SS_TARGETS][SS_FEATURES];
} Sums;

struct SsRegression {
    SsWeights weights;
    Sums sums[SS_REGRESSION_CLASSES];
    float factor[SS_FEATURES][SS_FEATURES]; /* scratch */
};

int ss_regression_create(SsRegression **out)
{
    *out = calloc(1, sizeof **out);
    return *out ? 0 : -ENOMEM;
}

void ss_regression_destroy(SsRegression **r)
{
    free(*r);
    *r = NULL;
}

static float dot(const float *a, const float *b, int n)
{
    SsLanes sums = { 0 };
    float rest = 0;
    int i = 0;

    for (; i + SS_LANES <= n; i += SS_LANES)
        sums += ss_lanes_load(a + i) * ss_lanes_load(b + i);
    for (; i < n; i++)
        rest += a[i] * b[i];
    return ss_lanes_sum(sums) + rest;
}

static unsigned place_of(int class_id)
{
    return (unsigned)class_id % SS_REGRESSION_CLASSES;
}

void ss_features_of(SsFeatures *f, const SsPicture *p, const SsBox *box)
{
    const int level = ss_level_for(p, box);
    float right[SS_GRID_SAMPLES], left[SS_GRID_SAMPLES];
    SsPlace place = ss_grid_over(box, ss_level_unit(p, level));

    place.width *= AROUND;
    place.height *= AROUND;
    place.x += 1;
    ss_grid_read(&p->level[level], &place, right);
    place.x -= 2;
    ss_grid_read(&p->level[level], &place, left);
    memset(f->of, 0, sizeof f->of);
    for (int r = 0; r < SS_GRID_ROWS; r++)
        for (int c = 0; c < SS_GRID_COLUMNS; c++) {
            const int i = r * SS_GRID_COLUMNS + c;
            const float edge = 0.5f * fabsf(right[i] - left[i]);
            f->of[r / CELL_HEIGHT * COLUMNS + c / CELL_WIDTH] +=
                SS_MIN(edge, FULL) * (1 / (FULL * CELL_WIDTH * CELL_HEIGHT));
        }
    f->of[SS_FEATURES - 1] = 1;
}

/* --- learning --- */

/** Objects look to the left as often as to the right. */
static void mirror(SsFeatures *to, const SsFeatures *from)
{
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLUMNS; c++)
            to->of[r * COLUMNS + c] = from->of[r * COLUMNS + COLUMNS - 1 - c];
    to->of[SS_FEATURES - 1] = 1;
}

static void add(Sums *s, const SsFeatures *f, const float target[SS_TARGETS])
{
    for (int i = 0; i < SS_FEATURES; i++)
        for (int k = 0; k <= i; k++)
            s->squares[i][k] += f->of[i] * f->of[k];
    for (int t = 0; t < SS_TARGETS; t++)
        for (int i = 0; i < SS_FEATURES; i++)
            s->products[t][i] += target[t] * f->of[i];
}

static void forget(Sums *s)
{
    const float left = powf(1 - 1 / MEMORY, (float)s->news);

    for (int i = 0; i < SS_FEATURES; i++)
        for (int k = 0; k <= i; k++)
            s->squares[i][k] *= left;
    for (int t = 0; t < SS_TARGETS; t++)
        for (int i = 0; i < SS_FEATURES; i++)
            s->products[t][i] *= left;
    s->pairs *= left;
    s->news = 0;
}

/** Cholesky's: squares + RIDGE = factor times itself turned over. */
static void factorise(const Sums *s, float factor[SS_FEATURES][SS_FEATURES])
{
    for (int i = 0; i < SS_FEATURES; i++)
        for (int k = 0; k <= i; k++) {
            const float left = s->squares[i][k] + (i == k ? RIDGE : 0) - dot(factor[i], factor[k], k);

            factor[i][k] = i == k ? sqrtf(fmaxf(left, RIDGE)) : left / factor[k][k];
        }
}

static void substitute(const float factor[SS_FEATURES][SS_FEATURES], const float *product, float *weight)
{
    for (int i = 0; i < SS_FEATURES; i++)
        weight[i] = (product[i] - dot(factor[i], weight, i)) / factor[i][i];
    for (int i = SS_FEATURES - 1; i >= 0; i--) {
        for (int k = i + 1; k < SS_FEATURES; k++)
            weight[i] -= factor[k][i] * weight[k];
        weight[i] /= factor[i][i];
    }
}

static float within(float value, float most)
{
    return fminf(fmaxf(value, -most), most);
}

void ss_regression_learn(SsRegression *r, int class_id, const SsFeatures *f, const SsBox *box,
                         const SsBox *seen)
{
    Sums *s = &r->sums[place_of(class_id)];
    SsFeatures other;

    if (!(ss_iou(box, seen) >= LEAST_OVERLAP)) /* not a number, too */
        return;
    float target[SS_TARGETS] = { (seen->x + seen->w / 2 - box->x - box->w / 2) / box->w,
                                 (seen->y + seen->h / 2 - box->y - box->h / 2) / box->h,
                                 (seen->w - box->w) / box->w, (seen->h - box->h) / box->h };
    for (int t = 0; t < SS_TARGETS; t++)
        target[t] = within(target[t], MOST_LEARNED);
    add(s, f, target);
    mirror(&other, f);
    target[0] = -target[0];
    add(s, &other, target);
    s->pairs++;
    s->news++;
    if (s->news < LEAST_NEWS + (int)s->pairs / NEWS_SHARE)
        return;
    forget(s);
    factorise(s, r->factor);
    for (int t = 0; t < SS_TARGETS; t++)
        substitute(r->factor, s->products[t], r->weights.of[place_of(class_id)][t]);
}

const SsWeights *ss_regression_weights(const SsRegression *r)
{
    return &r->weights;
}

void ss_weights_apply(const SsWeights *w, int class_id, const SsFeatures *f, const SsBox *box,
                      float off[SS_TARGETS])
{
    const float size[SS_TARGETS] = { box->w, box->h, box->w, box->h };

    for (int t = 0; t < SS_TARGETS; t++)
        off[t] = within(dot(w->of[place_of(class_id)][t], f->of, SS_FEATURES), MOST_SHOWN) * size[t];
}
