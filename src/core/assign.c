/* SPDX-License-Identifier: Apache-2.0 */
#include "assign.h"

#include <float.h>
#include <stdbool.h>

/**
 * Prices of rows (u) and columns (v) such that no pair costs less than its two prices; a pair that is made
 * costs exactly those. `owner[c]`: the row that has column c, -1: free. A column of nobody's is added for
 * each row (its index: columns + row, cost 0), so every row finds one.
 */
typedef struct Search {
    const float *gain;
    int rows, columns;
    float u[SS_MAX_ASSIGN], v[2 * SS_MAX_ASSIGN];
    int owner[2 * SS_MAX_ASSIGN];
    /* --- of the path being looked for */
    float distance[2 * SS_MAX_ASSIGN];
    int from[2 * SS_MAX_ASSIGN]; /* the column before, -1: the start */
    bool done[2 * SS_MAX_ASSIGN];
} Search;

/** What the pair costs; FLT_MAX: it must not be. */
static float cost(const Search *s, int row, int column)
{
    if (column >= s->columns)
        return column - s->columns == row ? 0 : FLT_MAX;
    const float gain = s->gain[row * s->columns + column];
    return gain > 0 ? -gain : FLT_MAX;
}

static void look_from(Search *s, int row, int before, float so_far)
{
    const int all = s->columns + s->rows;

    for (int c = 0; c < all; c++) {
        const float price = s->done[c] ? FLT_MAX : cost(s, row, c);

        if (price >= FLT_MAX)
            continue;
        const float d = so_far + price - s->u[row] - s->v[c];
        if (d < s->distance[c]) {
            s->distance[c] = d;
            s->from[c] = before;
        }
    }
}

/** The cheapest path from `row` to a column that is free; returns that. */
static int shortest_path(Search *s, int row)
{
    const int all = s->columns + s->rows;
    int at = -1, current = row;
    float so_far = 0;

    for (int c = 0; c < all; c++) {
        s->distance[c] = FLT_MAX;
        s->done[c] = false;
    }
    for (;;) {
        look_from(s, current, at, so_far);
        int nearest = -1;
        for (int c = 0; c < all; c++)
            if (!s->done[c] && s->distance[c] < FLT_MAX &&
                (nearest < 0 || s->distance[c] < s->distance[nearest]))
                nearest = c;
        at = nearest; /* there is one: a column of nobody's */
        so_far = s->distance[at];
        s->done[at] = true;
        if (s->owner[at] < 0)
            return at;
        current = s->owner[at];
    }
}

/** Keeps the prices right after a path of length distance[end] was found. */
static void reprice(Search *s, int row, int end)
{
    const float length = s->distance[end];

    s->u[row] += length;
    for (int c = 0; c < s->columns + s->rows; c++) {
        if (!s->done[c] || c == end)
            continue;
        s->u[s->owner[c]] += length - s->distance[c];
        s->v[c] -= length - s->distance[c];
    }
}

static void hand_over(Search *s, int row, int end)
{
    int c = end;

    while (s->from[c] >= 0) {
        s->owner[c] = s->owner[s->from[c]];
        c = s->from[c];
    }
    s->owner[c] = row;
}

void ss_assign(const float *gain, int rows, int columns, int *match)
{
    Search s = { .gain = gain, .rows = rows, .columns = columns };

    for (int c = 0; c < columns + rows; c++)
        s.owner[c] = -1;
    for (int r = 0; r < rows; r++) {
        float least = 0; /* the column of nobody's */
        for (int c = 0; c < columns; c++)
            if (gain[r * columns + c] > -least)
                least = -gain[r * columns + c];
        s.u[r] = least; /* v is 0 still: no pair costs less than its prices */
    }
    for (int r = 0; r < rows; r++) {
        const int end = shortest_path(&s, r);
        reprice(&s, r, end);
        hand_over(&s, r, end);
    }
    for (int r = 0; r < rows; r++)
        match[r] = -1;
    for (int c = 0; c < columns; c++)
        if (s.owner[c] >= 0)
            match[s.owner[c]] = c;
}
