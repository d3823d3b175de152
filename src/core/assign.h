/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Who belongs to whom: the pairs of rows and columns with the greatest sum of gains (the assignment problem),
 * by shortest augmenting paths (R. Jonker and A. Volgenant, Computing 38, 1987, without their start
 * heuristics). Pure.
 */
#ifndef SS_ASSIGN_H
#define SS_ASSIGN_H

enum { SS_MAX_ASSIGN = 512 };

/**
 * `gain`: rows x columns, row after row, each at most SS_MAX_ASSIGN a side; 0 or less: never together.
 * match[row] = its column, or -1. A pair is made only where the sum grows by it.
 */
void ss_assign(const float *gain, int rows, int columns, int *match);

#endif
