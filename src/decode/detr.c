/* SPDX-License-Identifier: Apache-2.0 */
/**
 * RT-DETR and its kin: a fixed number of queries, each of them one object or none, so that nothing
 * is to be suppressed. Centre and size are normalised to 0..1. It is exported in two ways: as one tensor
 * of probabilities, or as two, of which `logits` is still to go through a sigmoid.
 *
 * A third one (outputs `labels`, `boxes`, `scores`) wants the picture's size as a second input, and what
 * DETR and YOLOS call logits goes through a softmax with a class for "no object": neither is read here.
 */
#include <errno.h>
#include <math.h>
#include <stdint.h>

#include "decode/decode.h"
#include "internal.h"

extern const SsDecoder ss_decoder_rt_detr;

enum {
    BOX = 4, /* cx, cy, w, h */
    /*
     * By shape alone this is YOLO's head, too, with 300 anchors or with 300 channels. No grid of its
     * strides 8, 16, 32 has 300 cells (they come by 21), and one of 300 channels, 296 classes, has more
     * anchors than this for any input of 224 x 224 (1029) and larger.
     */
    QUERIES = 300,
    MAX_WIDTH = 1000,
    DETR_QUERIES = 100, /* of DETR and YOLOS, by the same names */
};

typedef struct Queries {
    const SsTensor *boxes, *scores;
    size_t n, classes, box_stride, score_stride, first_score; /* in elements */
    bool logits;
} Queries;

static bool is_list(const SsTensor *t)
{
    return ss_tensor_is_float(t) && t->rank == 3 && ss_dim_is(t, 0, 1);
}

static bool one_fits(const SsTensor *out, int n_out)
{
    return n_out == 1 && is_list(out) && out->dim[1] == QUERIES &&
           (out->dim[2] == -1 || (out->dim[2] > BOX && out->dim[2] <= MAX_WIDTH));
}

/* As many logits as boxes. Other outputs (features, attention) may come along. */
static bool pair_fits(const SsTensor *out, int n_out)
{
    const SsTensor *logits = ss_tensor_named(out, n_out, "logits");
    const SsTensor *boxes = ss_tensor_named(out, n_out, "pred_boxes");

    return logits && boxes && is_list(logits) && is_list(boxes) && ss_dim_is(boxes, 2, BOX) &&
           (ss_dim_is(logits, 1, boxes->dim[1]) || boxes->dim[1] == -1) && logits->dim[1] != DETR_QUERIES &&
           boxes->dim[1] != DETR_QUERIES && logits->dim[2] != 0 && logits->dim[2] <= UINT16_MAX;
}

static bool detr_fits(const SsTensor *out, int n_out)
{
    return one_fits(out, n_out) || pair_fits(out, n_out);
}

static int detr_classes(const SsTensor *out, int n_out)
{
    if (one_fits(out, n_out))
        return (int)SS_MAX(out->dim[2] - BOX, 0);
    return (int)SS_MAX(ss_tensor_named(out, n_out, "logits")->dim[2], 0);
}

/* False: these are not the tensors, or they hold less than they say. */
static bool find_queries(Queries *q, const SsTensor *out, int n_out)
{
    if (one_fits(out, n_out)) {
        size_t width = ss_tensor_elements(out) / QUERIES;

        if (width <= BOX)
            return false;
        *q = (Queries) { out, out, QUERIES, width - BOX, width, width, BOX, false };
        return true;
    }
    if (!pair_fits(out, n_out))
        return false;
    q->boxes = ss_tensor_named(out, n_out, "pred_boxes");
    q->scores = ss_tensor_named(out, n_out, "logits");
    q->n = (size_t)SS_MAX(q->boxes->dim[1], 0);
    q->classes = q->score_stride = (size_t)SS_MAX(q->scores->dim[2], 0);
    q->box_stride = BOX;
    q->first_score = 0;
    q->logits = true;
    return q->boxes->dim[1] == 0 || (ss_tensor_elements(q->boxes) > 0 && ss_tensor_elements(q->scores) > 0);
}

/* The best class of query `i`, -1 where no score is a number. */
static int best_class(const Queries *q, size_t i, float *best)
{
    int class_id = -1;

    *best = -INFINITY;
    for (size_t c = 0; c < q->classes; c++) {
        float score = ss_tensor_value(q->scores, i * q->score_stride + q->first_score + c);

        if (score > *best) {
            *best = score;
            class_id = (int)c;
        }
    }
    return class_id;
}

/* False: not normalised. Pixels are far beyond twice the picture, as in YOLO's heads of key points. */
static bool box_at(const Queries *q, size_t i, const SsDecodeParams *p, SsBox *box)
{
    float v[BOX];

    for (size_t k = 0; k < BOX; k++) {
        v[k] = ss_tensor_value(q->boxes, i * q->box_stride + k);
        if (!(fabsf(v[k]) <= 2))
            return false;
    }
    box->x = (v[0] - v[2] / 2) * (float)p->input_width;
    box->y = (v[1] - v[3] / 2) * (float)p->input_height;
    box->w = v[2] * (float)p->input_width;
    box->h = v[3] * (float)p->input_height;
    return true;
}

/* Of a large negative number e^-x is infinite, and this 0. */
static float sigmoid(float x)
{
    return 1 / (1 + expf(-x));
}

static int detr_decode(const SsTensor *out, int n_out, const SsDecodeParams *p, SsDetection *det, int max)
{
    Queries q;
    int kept = 0;

    if (!find_queries(&q, out, n_out))
        return -EPROTO;
    for (size_t i = 0; i < q.n; i++) {
        SsDetection d;
        float best;

        d.class_id = best_class(&q, i, &best);
        if (d.class_id < 0)
            continue;
        /* The best logit is the best probability: one sigmoid a query instead of one a class. */
        d.score = q.logits ? sigmoid(best) : SS_MIN(best, 1.0F);
        if (d.score >= p->threshold && box_at(&q, i, p, &d.box))
            ss_keep_best(det, &kept, max, &d);
    }
    ss_sort_by_score(det, kept);
    return kept;
}

const SsDecoder ss_decoder_rt_detr = {
    .name = "rt-detr",
    .description = "RT-DETR: one output [1,300,4+C], or logits [1,Q,C] and pred_boxes [1,Q,4]",
    .input = { .fit = SS_FIT_STRETCH, .order = SS_ORDER_RGB, .scale = { 255, 255, 255 } },
    .first_class_id = 0,
    .fits = detr_fits,
    .n_classes = detr_classes,
    .decode = detr_decode,
};
