/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The head of YOLO v8 and v11: for each of N anchors a centre, a size and C class scores,
 * in either order of the two axes. Nothing is suppressed inside the network. Those that segment
 * have M weights of masks behind the scores, and the masks in a second output: their boxes are taken.
 */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "decode/decode.h"
#include "internal.h"

extern const SsDecoder ss_decoder_yolo;

enum {
    BOX = 4,               /* values before the class scores */
    MAX_CANDIDATES = 2048, /* bounds the suppression when everything passes the threshold */
    LANES = 4,             /* anchors of a vector, which every processor's are at least */
    SIDES = 8,             /* vectors of them scanned at once */
    SIDE_BY_SIDE = LANES * SIDES,
    BLOCK = 256, /* anchors scanned at a time: 1 KiB of each channel */
};

typedef int32_t Side __attribute__((vector_size(LANES * sizeof(int32_t))));

typedef struct Head {
    const SsTensor *t;
    size_t n, classes;                    /* anchors */
    size_t anchor_stride, channel_stride; /* elements */
} Head;

/* Of the two axes the shorter one holds box and classes, the longer one the anchors. */
static int channel_axis(const SsTensor *t)
{
    if (t->dim[1] < 0 || t->dim[2] < 0)
        return t->dim[1] < 0 ? 2 : 1;
    return t->dim[2] < t->dim[1] ? 2 : 1;
}

/* Weights of masks behind an anchor's class scores; -1: the outputs are none of this family's. */
static int64_t masks_of(const SsTensor *out, int n_out)
{
    if (n_out == 1)
        return 0;
    return n_out == 2 && out[1].rank == 4 && ss_tensor_is_float(&out[1]) && out[1].dim[1] > 0 ? out[1].dim[1]
                                                                                              : -1;
}

static bool yolo_fits(const SsTensor *out, int n_out)
{
    const int64_t masks = masks_of(out, n_out);

    if (masks < 0 || out->rank != 3 || !ss_tensor_is_float(out) || !ss_dim_is(out, 0, 1))
        return false;
    /* The end-to-end heads: 300 boxes as corners, score, class, already suppressed. */
    if (out->dim[1] == 300 && out->dim[2] == 6)
        return false;
    const int64_t channels = out->dim[channel_axis(out)];
    return channels > BOX + masks && channels <= UINT16_MAX;
}

static int yolo_classes(const SsTensor *out, int n_out)
{
    return (int)(out->dim[channel_axis(out)] - BOX - masks_of(out, n_out));
}

/* `count` class scores of one channel or one anchor, as float: the tensor's own where it has them. */
static const float *scores_at(const SsTensor *t, size_t first, size_t count, float *copy)
{
    if (t->dtype == SS_F32)
        return (const float *)t->data + first;
    for (size_t i = 0; i < count; i++)
        copy[i] = ss_tensor_value(t, first + i);
    return copy;
}

/* The bits of floats, read as whole numbers, are in the order of the floats from 0 up, and all below 0 are
 * below 0: so one can be compared in vectors, which compilers make of floats only where they may forget what
 * NaN is. A NaN passes here, and is looked at again. */
static int32_t bits_of(const float *score)
{
    int32_t bits;

    memcpy(&bits, score, sizeof bits);
    return bits;
}

static int32_t least_bits(float threshold)
{
    return threshold > 0 ? bits_of(&threshold) : INT32_MIN;
}

/* So many anchors that what is known of them stays in registers. */
static void scan_side_by_side(const Head *h, size_t first, int32_t least, int32_t *passes)
{
    const float *score = (const float *)h->t->data + BOX * h->channel_stride + first;
    Side below[SIDES];

    memset(below, 0xff, sizeof below);
    for (size_t c = 0; c < h->classes; c++, score += h->channel_stride)
        for (size_t i = 0; i < SIDES; i++) {
            Side bits;

            memcpy(&bits, score + i * LANES, sizeof bits);
            below[i] &= bits < least;
        }
    for (size_t i = 0; i < SIDES; i++)
        below[i] = ~below[i];
    memcpy(passes, below, sizeof below);
}

/* Which of `count` anchors from `first` have a score as high as that. Along the memory of either layout. */
static void scan_channels(const Head *h, size_t first, size_t count, int32_t least, int32_t *passes)
{
    float copy[BLOCK];
    size_t done = 0;

    if (h->t->dtype == SS_F32)
        for (; done + SIDE_BY_SIDE <= count; done += SIDE_BY_SIDE)
            scan_side_by_side(h, first + done, least, passes + done);
    for (size_t c = 0; c < h->classes && done < count; c++) {
        const float *score =
            scores_at(h->t, (BOX + c) * h->channel_stride + first + done, count - done, copy);

        for (size_t i = done; i < count; i++)
            passes[i] |= bits_of(&score[i - done]) >= least;
    }
}

static void scan_anchors(const Head *h, size_t first, size_t count, int32_t least, int32_t *passes)
{
    float copy[BLOCK];

    for (size_t i = 0; i < count; i++) {
        for (size_t c = 0; c < h->classes; c += BLOCK) {
            size_t some = SS_MIN(h->classes - c, (size_t)BLOCK);
            const float *score = scores_at(h->t, (first + i) * h->anchor_stride + BOX + c, some, copy);
            int32_t any = 0;

            for (size_t k = 0; k < some; k++)
                any |= bits_of(&score[k]) >= least;
            passes[i] |= any;
        }
    }
}

static float best_class(const Head *h, size_t anchor, int *class_id)
{
    float best = -INFINITY;

    *class_id = 0;
    for (size_t c = 0; c < h->classes; c++) {
        const float score = ss_tensor_value(h->t, anchor * h->anchor_stride + (BOX + c) * h->channel_stride);

        if (score > best) {
            best = score;
            *class_id = (int)c;
        }
    }
    return best;
}

static SsBox box_at(const Head *h, size_t anchor)
{
    float v[BOX];

    for (size_t k = 0; k < BOX; k++)
        v[k] = ss_tensor_value(h->t, anchor * h->anchor_stride + k * h->channel_stride);
    return (SsBox) { v[0] - v[2] / 2, v[1] - v[3] / 2, v[2], v[3] };
}

static int collect(const Head *h, float threshold, SsDetection *found, int max)
{
    const int32_t least = least_bits(threshold);
    int n = 0;

    for (size_t first = 0; first < h->n; first += BLOCK) {
        size_t count = SS_MIN(h->n - first, (size_t)BLOCK);
        int32_t passes[BLOCK] = { 0 };

        if (h->anchor_stride == 1)
            scan_channels(h, first, count, least, passes);
        else
            scan_anchors(h, first, count, least, passes);

        for (size_t i = 0; i < count; i++) {
            SsDetection d;

            if (!passes[i] || !((d.score = best_class(h, first + i, &d.class_id)) >= threshold))
                continue;
            d.score = SS_MIN(d.score, 1.0F);
            d.box = box_at(h, first + i);
            ss_keep_best(found, &n, max, &d);
        }
    }
    return n;
}

static int yolo_decode(const SsTensor *out, int n_out, const SsDecodeParams *p, SsDetection *det, int max)
{
    SsDetection *found;
    Head h = { .t = out };
    size_t channels;
    int axis, n;

    if (!yolo_fits(out, n_out))
        return -EPROTO;
    axis = channel_axis(out);
    if (ss_tensor_elements(out) == 0)
        return -EPROTO;
    channels = (size_t)out->dim[axis];
    h.n = (size_t)out->dim[3 - axis];
    h.classes = (size_t)yolo_classes(out, n_out);
    h.anchor_stride = axis == 1 ? 1 : channels;
    h.channel_stride = axis == 1 ? h.n : 1;

    found = malloc(SS_MIN(h.n, (size_t)MAX_CANDIDATES) * sizeof *found);
    if (!found)
        return -ENOMEM;
    n = collect(&h, p->threshold, found, (int)SS_MIN(h.n, (size_t)MAX_CANDIDATES));
    n = ss_nms(found, n, p->nms_iou, max);
    for (int i = 0; i < n; i++)
        det[i] = found[i];
    free(found);
    return n;
}

const SsDecoder ss_decoder_yolo = {
    .name = "yolo",
    .description =
        "YOLO v8 and v11: one output [1,4+C,N] or [1,N,4+C], C classes; of a segmentation, M more and "
        "[1,M,H,W]",
    .input = { .fit = SS_FIT_LETTERBOX, .order = SS_ORDER_RGB, .scale = { 255, 255, 255 } },
    .first_class_id = 0,
    .fits = yolo_fits,
    .n_classes = yolo_classes,
    .decode = yolo_decode,
};
