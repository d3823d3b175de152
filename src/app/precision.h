/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Average precision as COCO counts it (T.-Y. Lin and others, Microsoft COCO, ECCV 2014; the evaluation of
 * its Python API): mean over classes and over overlaps of 0.50, 0.55 .. 0.95 of the precision at 101 recalls.
 * Checked against pycocotools by tests/e2e/precision.py.
 */
#ifndef SS_PRECISION_H
#define SS_PRECISION_H

#include <stddef.h>

typedef struct SsScored {
    int frame, class_id;
    float score; /* of the truth: ignored */
    double x, y, w, h;
} SsScored;

typedef struct SsPrecision {
    double ap, ap50; /* 0 .. 1; -1: there is no truth */
} SsPrecision;

/** Of each frame and class the 100 best count. Sorts both arrays. */
SsPrecision ss_precision(SsScored *shown, size_t n, SsScored *truth, size_t m);
/** Intersection over union; 0 where a box is no number. */
double ss_scored_iou(const SsScored *a, const SsScored *b);

#endif
