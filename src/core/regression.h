/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Where would the detector put its box by now? It does not follow the object like a pixel does: its box
 * widens with a step and sways with an arm, and what it was off three pictures ago says nothing of what it is
 * off now. What the box shows now does. So from each result that meets an object which was carried there it
 * is learned, a class at a time, how what the detector said of the place and size depends on where in the box
 * there are edges: a bounding-box regression (R. Girshick and others, Rich feature hierarchies, CVPR 2014,
 * appendix C) by ridge regression on the gradients in coarse cells (as N. Dalal and B. Triggs have them,
 * Histograms of oriented gradients, CVPR 2005; of upright edges only), learned while the video runs. Where
 * they do not depend on one another nothing is learned, and nothing is changed. Pure.
 */
#ifndef SS_REGRESSION_H
#define SS_REGRESSION_H

#include "picture.h"

enum {
    SS_REGRESSION_COLUMNS = 6,
    SS_REGRESSION_ROWS = 12,
    SS_FEATURES = SS_REGRESSION_COLUMNS * SS_REGRESSION_ROWS + 1, /* and a constant */
    SS_TARGETS = 4,            /* centre x and y, width, height: in parts of the box's own */
    SS_REGRESSION_CLASSES = 8, /* more share a place with one another, and learn together */
};

typedef struct SsFeatures {
    float of[SS_FEATURES];
} SsFeatures;

/** What has been learned; all 0: nothing. */
typedef struct SsWeights {
    float of[SS_REGRESSION_CLASSES][SS_TARGETS][SS_FEATURES];
} SsWeights;

typedef struct SsRegression SsRegression;

/** Errors: -ENOMEM. */
int ss_regression_create(SsRegression **out);
void ss_regression_destroy(SsRegression **r);
/** What the picture shows in and around the box. */
void ss_features_of(SsFeatures *f, const SsPicture *p, const SsBox *box);
/** An object of this class was carried to `box`, where `f` was to be seen; the detector said `seen`. */
void ss_regression_learn(SsRegression *r, int class_id, const SsFeatures *f, const SsBox *box,
                         const SsBox *seen);
/** What has been learned so far. Borrowed; changes with what is learned. */
const SsWeights *ss_regression_weights(const SsRegression *r);
/** By how much the detector's box would be off `box` where `f` is to be seen: centre, width, height in
 * pixels. */
void ss_weights_apply(const SsWeights *w, int class_id, const SsFeatures *f, const SsBox *box,
                      float off[SS_TARGETS]);

#endif
