/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Decoders: output tensors -> detections. One file a model family, one table (decode.c).
 * Pure: no clock, no thread, no lock, no allocation kept. They must survive any
 * bytes in any tensor shape (NaN, infinities, counts that lie).
 */
#ifndef SS_DECODE_H
#define SS_DECODE_H

#include <stdbool.h>

#include "sidestream/engine.h"

typedef struct SsDecodeParams {
    int input_width, input_height; /* pixels of the network's input */
    float threshold;               /* scores below are dropped */
    float nms_iou;                 /* used by families without NMS inside */
} SsDecodeParams;

typedef struct SsDecoder {
    const char *name;        /* stable: used on the command line */
    const char *description; /* one line; says the shapes it takes */
    SsInputParams input;     /* what this family expects, nothing left at default */
    int first_class_id;      /* of the first line in a labels file */
    /** Do these outputs (as the model declares them, dim may be -1) look like this family? */
    bool (*fits)(const SsTensor *out, int n_out);
    /** Classes the outputs can tell apart; 0 = they do not say. Only after fits(). */
    int (*n_classes)(const SsTensor *out, int n_out);
    /**
     * Writes at most `max` detections, best score first, boxes in pixels of the network's
     * input. Returns the count; -EPROTO: these tensors are not what fits() saw; -ENOMEM.
     */
    int (*decode)(const SsTensor *out, int n_out, const SsDecodeParams *p, SsDetection *det, int max);
} SsDecoder;

/** In order of preference; NULL past the end. */
const SsDecoder *ss_decoder_nth(int n);
const SsDecoder *ss_decoder_find(const char *name);

/* --- for the decoders --- */

/**
 * Greedy non-maximum suppression within a class, in place. Sorts by score, keeps at
 * most `max`; detections that are not finite or have no area are dropped. Returns the count.
 */
int ss_nms(SsDetection *det, int n, float iou, int max);
/**
 * Adds `d` to the at most `max` best so far (unordered, `*n` of them; `max` the same in every call),
 * unless it is not finite or has no area.
 */
void ss_keep_best(SsDetection *best, int *n, int max, const SsDetection *d);
/** Sort by score, best first; ties keep their order. */
void ss_sort_by_score(SsDetection *det, int n);
/** Intersection over union; 0 where a box has no area or is not finite. */
float ss_iou(const SsBox *a, const SsBox *b);
/** The output of this name, or NULL. */
const SsTensor *ss_tensor_named(const SsTensor *out, int n_out, const char *name);
bool ss_tensor_is_float(const SsTensor *t);
/** Dim `i` is `n`, or the model leaves it open. */
bool ss_dim_is(const SsTensor *t, int i, int64_t n);
/** Elements of a tensor whose dims are all known; 0 if one is not, or the product overflows or exceeds its
 * `size`. */
size_t ss_tensor_elements(const SsTensor *t);
/** Element `i` of an f16, f32, i32, i64 or u8 tensor as float; `i` within the tensor. */
float ss_tensor_value(const SsTensor *t, size_t i);

#endif
