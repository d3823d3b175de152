/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Objects in the pictures between two that the network saw. Those of the first walk forward from picture to
 * picture, those of the second backward, each by what its own pixels do (motion.h). Who is met by one of the
 * other side where it then stands is the same one, and is where both say, the nearer one more: what a
 * detector's box is off changes from picture to picture like a random walk, and between two known points of
 * one the expected value is a straight line (a Brownian bridge). Who is met by nobody has vanished or newly
 * appeared; the further from where it was seen, the less it is believed. Pure: no clock, no thread, no lock.
 */
#ifndef SS_BETWEEN_H
#define SS_BETWEEN_H

#include "motion.h"

enum { SS_MAX_BETWEEN = 128 }; /* pictures, both ends counted */

/** What the network saw in one picture, the faint things, too: those have id 0 unless they are followed. */
typedef struct SsSeen {
    int64_t pts;
    int n;
    SsObject object[SS_MAX_OBJECTS];
} SsSeen;

typedef struct SsBetween SsBetween;

/** Errors: -ENOMEM. */
int ss_between_create(SsBetween **out);
void ss_between_destroy(SsBetween **b);
/**
 * `picture`: n of them (2 .. SS_MAX_BETWEEN) in their order; `first` was seen in the first, `last` in the
 * last.
 */
void ss_between_set(SsBetween *b, const SsSeen *first, const SsSeen *last, SsPicture *const *picture, int n);
/**
 * The objects in the k-th picture, 0 < k < n - 1: those that at least one side has seen with `threshold` or
 * more; `max` at most. Returns their count.
 */
int ss_between_objects(const SsBetween *b, int k, float threshold, SsObject *out, int max);

#endif
