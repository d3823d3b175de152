/* SPDX-License-Identifier: Apache-2.0 */
/** Held against trying every assignment, on small tables; then the edges. */
#include "core/assign.h"

#include <stdbool.h>
#include <stdint.h>

#include "test.h"

static float best_of(const float *gain, int rows, int columns, int row, unsigned taken)
{
    if (row == rows)
        return 0;
    float best = best_of(gain, rows, columns, row + 1, taken);
    for (int c = 0; c < columns; c++) {
        const float g = gain[row * columns + c];
        if (g <= 0 || taken & 1u << c)
            continue;
        best = fmaxf(best, g + best_of(gain, rows, columns, row + 1, taken | 1u << c));
    }
    return best;
}

static float sum_of(const float *gain, int rows, int columns, const int *match)
{
    unsigned taken = 0;
    float sum = 0;

    for (int r = 0; r < rows; r++) {
        if (match[r] < 0)
            continue;
        REQUIRE(match[r] < columns && !(taken & 1u << match[r]));
        REQUIRE(gain[r * columns + match[r]] > 0);
        taken |= 1u << match[r];
        sum += gain[r * columns + match[r]];
    }
    return sum;
}

static void the_best_of_all(void)
{
    uint32_t seed = 1;

    for (int run = 0; run < 3000; run++) {
        const int rows = run % 6, columns = run / 6 % 7;
        float gain[6 * 7];
        int match[6];

        for (int i = 0; i < rows * columns; i++) {
            seed = seed * 1664525 + 1013904223;
            gain[i] = (seed >> 30) == 0 ? 0 : (float)(seed >> 8 & 0xffff) / 65536; /* a quarter must not be */
        }
        ss_assign(gain, rows, columns, match);
        REQUIRE_NEAR(sum_of(gain, rows, columns, match), best_of(gain, rows, columns, 0, 0), 1e-4);
    }
}

static void many(void)
{
    static float gain[SS_MAX_ASSIGN * SS_MAX_ASSIGN];
    int match[SS_MAX_ASSIGN];

    /* Everybody likes the next column best but one other: the ring must close. */
    for (int r = 0; r < SS_MAX_ASSIGN; r++) {
        gain[r * SS_MAX_ASSIGN + (r + 1) % SS_MAX_ASSIGN] = 0.5f;
        gain[r * SS_MAX_ASSIGN] = 0.9f;
    }
    ss_assign(gain, SS_MAX_ASSIGN, SS_MAX_ASSIGN, match);
    for (int r = 0; r < SS_MAX_ASSIGN; r++)
        REQUIRE_CMP(match[r], ==, (r + 1) % SS_MAX_ASSIGN);
}

int main(void)
{
    the_best_of_all();
    many();
    return 0;
}
