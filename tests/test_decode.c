/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "tensor.h"

/* --- the table and tensor access --- */

static void test_table(void)
{
    int n = 0;

    for (; ss_decoder_nth(n); n++) {
        const SsDecoder *d = ss_decoder_nth(n);

        REQUIRE(ss_decoder_find(d->name) == d);
        REQUIRE(d->description[0] != '\0');
        REQUIRE(d->input.fit != SS_FIT_DEFAULT && d->input.order != SS_ORDER_DEFAULT);
        REQUIRE_CMP(d->input.scale[0], >, 0);
    }
    REQUIRE_CMP(n, ==, 5);
    REQUIRE(!ss_decoder_nth(-1));
    REQUIRE(!ss_decoder_find("no-such"));
}

static void test_elements(void)
{
    float data[12];
    SsTensor t = TENSOR("", SS_F32, data, 1, 3, 4);

    REQUIRE_CMP(ss_tensor_elements(&t), ==, 12);
    t.dtype = SS_I64; /* needs twice the bytes */
    REQUIRE_CMP(ss_tensor_elements(&t), ==, 0);
    t.dtype = SS_U8;
    REQUIRE_CMP(ss_tensor_elements(&t), ==, 12);
    t.dim[1] = -1;
    REQUIRE_CMP(ss_tensor_elements(&t), ==, 0);
    t.dim[1] = t.dim[2] = INT64_MAX;
    REQUIRE_CMP(ss_tensor_elements(&t), ==, 0);
    t.rank = 0;
    REQUIRE_CMP(ss_tensor_elements(&t), ==, 1);
    t.rank = SS_MAX_RANK + 1;
    REQUIRE_CMP(ss_tensor_elements(&t), ==, 0);
    t.rank = 0;
    t.dtype = (SsDType)99;
    REQUIRE_CMP(ss_tensor_elements(&t), ==, 0);
    REQUIRE_CMP(ss_tensor_value(&t, 0), ==, 0);
    t.dtype = SS_F32;
    t.data = NULL;
    REQUIRE_CMP(ss_tensor_elements(&t), ==, 0);
}

static void test_values(void)
{
    uint8_t u8[] = { 7, 255 };
    int32_t i32[] = { -5, 1 << 20 };
    int64_t i64[] = { -6, 9 };
    uint16_t f16[] = { 0x3c00, 0xc000, 0x3555, 0x0001, 0x8001, 0x7c00, 0x7e00, 0x0000, 0x7bff };
    SsTensor a = TENSOR("", SS_U8, u8, 2), b = TENSOR("", SS_I32, i32, 2), c = TENSOR("", SS_I64, i64, 2);
    SsTensor h = TENSOR("", SS_F16, f16, 9);

    REQUIRE_CMP(ss_tensor_value(&a, 1), ==, 255);
    REQUIRE_CMP(ss_tensor_value(&b, 0), ==, -5);
    REQUIRE_CMP(ss_tensor_value(&c, 0), ==, -6);
    REQUIRE_CMP(ss_tensor_value(&h, 0), ==, 1);
    REQUIRE_CMP(ss_tensor_value(&h, 1), ==, -2);
    REQUIRE_NEAR(ss_tensor_value(&h, 2), 0.333251953125, 0);
    REQUIRE_CMP(ss_tensor_value(&h, 3), ==, 0x1p-24);
    REQUIRE_CMP(ss_tensor_value(&h, 4), ==, -0x1p-24);
    REQUIRE(isinf(ss_tensor_value(&h, 5)));
    REQUIRE(isnan(ss_tensor_value(&h, 6)));
    REQUIRE_CMP(ss_tensor_value(&h, 7), ==, 0);
    REQUIRE_CMP(ss_tensor_value(&h, 8), ==, 65504);
}

/* --- nms.c --- */

static void test_iou(void)
{
    SsBox a = { 0, 0, 10, 10 }, half = { 5, 0, 10, 10 }, away = { 10, 0, 5, 5 }, flat = { 1, 1, 0, 5 };
    SsBox huge = { 0, 0, 3e38F, 3e38F }, lost = { NAN, 0, 10, 10 }, endless = { 0, 0, INFINITY, 10 };

    REQUIRE_NEAR(ss_iou(&a, &a), 1, 1e-6);
    REQUIRE_NEAR(ss_iou(&a, &half), 1.0 / 3, 1e-6);
    REQUIRE_CMP(ss_iou(&a, &away), ==, 0);
    REQUIRE_CMP(ss_iou(&a, &flat), ==, 0);
    REQUIRE_NEAR(ss_iou(&huge, &huge), 1, 1e-6);
    REQUIRE_CMP(ss_iou(&a, &lost), ==, 0);
    REQUIRE_CMP(ss_iou(&a, &endless), ==, 0);
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525U + 1013904223U;
    return *state >> 8;
}

static void test_sort_is_stable(void)
{
    SsDetection det[1000];
    uint32_t state = 1;

    for (int n = 0; n <= 1000; n += n < 40 ? 1 : 240) {
        int64_t sum = 0;

        for (int i = 0; i < n; i++) {
            det[i] = (SsDetection) { .score = (float)(next_random(&state) % 20), .class_id = i };
            sum += i;
        }
        ss_sort_by_score(det, n);
        for (int i = 0; i < n; i++)
            sum -= det[i].class_id;
        REQUIRE_CMP(sum, ==, 0);
        for (int i = 1; i < n; i++) {
            REQUIRE_CMP(det[i - 1].score, >=, det[i].score);
            REQUIRE(det[i - 1].score > det[i].score || det[i - 1].class_id < det[i].class_id);
        }
    }
}

static void test_keep_best(void)
{
    SsDetection best[10], d = { .box = { 0, 0, 1, 1 } };
    uint32_t state = 7;
    int n = 0;

    for (int i = 0; i < 1000; i++) { /* a permutation of 0 .. 999 */
        d.score = (float)((i * 387 + 11) % 1000);
        ss_keep_best(best, &n, 10, &d);
    }
    ss_sort_by_score(best, n);
    REQUIRE_CMP(n, ==, 10);
    for (int i = 0; i < 10; i++)
        REQUIRE_CMP(best[i].score, ==, 999 - i);

    n = 0;
    ss_keep_best(best, &n, 0, &d);
    d.box.w = 0;
    ss_keep_best(best, &n, 10, &d);
    d.box.w = -1;
    ss_keep_best(best, &n, 10, &d);
    d.box.w = 1;
    d.box.x = NAN;
    ss_keep_best(best, &n, 10, &d);
    d.box.x = 0;
    d.score = (float)next_random(&state) * INFINITY;
    ss_keep_best(best, &n, 10, &d);
    REQUIRE_CMP(n, ==, 0);
}

static void test_nms(void)
{
    SsDetection det[] = {
        { { 0, 0, 10, 10 }, 0.5F, 1 },  { { 1, 0, 10, 10 }, 0.9F, 1 }, /* the first's neighbour wins */
        { { 1, 0, 10, 10 }, 0.4F, 2 },                                 /* another class */
        { { 50, 0, 10, 10 }, 0.6F, 1 },                                /* elsewhere */
        { { 0, 0, NAN, 10 }, 1.0F, 1 }, { { 0, 0, 10, 0 }, 1.0F, 1 },  { { 0, 0, 10, 10 }, INFINITY, 1 },
    };
    SsDetection again[7];

    memcpy(again, det, sizeof det);
    REQUIRE_CMP(ss_nms(det, 7, 0.45F, 10), ==, 3);
    REQUIRE_NEAR(det[0].score, 0.9, 1e-6);
    REQUIRE_NEAR(det[1].score, 0.6, 1e-6);
    REQUIRE_CMP(det[2].class_id, ==, 2);
    REQUIRE_CMP(ss_nms(again, 7, 0.45F, 1), ==, 1);
    REQUIRE_NEAR(again[0].score, 0.9, 1e-6);
    REQUIRE_CMP(ss_nms(again, 0, 0.45F, 1), ==, 0);
}

/* --- tf-ssd --- */

static float tf_boxes[] = { 0.1F, 0.2F, 0.5F, 0.6F, 0, 0, 0.5F, 0.5F, 0, 0, NAN, 1, 0.5F, 0.5F, 0.5F, 0.9F };
static float tf_scores[] = { 0.5F, 0.9F, 0.8F, 0.7F };
static float tf_classes[] = { 1, 18, 1, 1 };
static float tf_num[] = { 4 };

static void tf_outputs(SsTensor out[4])
{
    out[0] = TENSOR("num_detections", SS_F32, tf_num, 1);
    out[1] = TENSOR("detection_classes", SS_F32, tf_classes, 1, 4);
    out[2] = TENSOR("detection_boxes", SS_F32, tf_boxes, 1, 4, 4);
    out[3] = TENSOR("detection_scores", SS_F32, tf_scores, 1, 4);
}

static void test_tf_ssd(void)
{
    const SsDecoder *d = ss_decoder_find("tf-ssd");
    int64_t classes[] = { 1, 18, 1, 1 };
    SsTensor out[4];
    SsDetection det[4];

    tf_outputs(out);
    REQUIRE(d->fits(out, 4));
    REQUIRE_CMP(d->n_classes(out, 4), ==, 0);
    REQUIRE_CMP(d->decode(out, 4, &params, det, 4), ==, 2); /* one is NaN, one has no area */
    REQUIRE_NEAR(det[0].score, 0.9, 1e-6);
    REQUIRE_CMP(det[0].class_id, ==, 18);
    require_box(&det[0], 0, 0, 100, 50);
    REQUIRE_CMP(det[1].class_id, ==, 1);
    require_box(&det[1], 40, 10, 80, 40);

    REQUIRE_CMP(d->decode(out, 4, &params, det, 1), ==, 1); /* room for the best only */
    REQUIRE_CMP(det[0].class_id, ==, 18);

    out[1] = TENSOR("detection_classes", SS_I64, classes, 1, 4);
    REQUIRE(d->fits(out, 4));
    REQUIRE_CMP(d->decode(out, 4, &params, det, 4), ==, 2);
    REQUIRE_CMP(det[0].class_id, ==, 18);
}

static void test_tf_ssd_counts_that_lie(void)
{
    const SsDecoder *d = ss_decoder_find("tf-ssd");
    static const float said[] = { 1, 0, -3, NAN, INFINITY, 1e30F };
    static const int want[] = { 1, 0, 2, 2, 2, 2 };
    SsTensor out[4];
    SsDetection det[4];

    tf_outputs(out);
    for (int i = 0; i < 6; i++) {
        tf_num[0] = said[i];
        REQUIRE_CMP(d->decode(out, 4, &params, det, 4), ==, want[i]);
    }
    tf_num[0] = 4;
    REQUIRE_CMP(d->decode(out + 1, 3, &params, det, 4), ==, 2); /* no num_detections at all */
    out[3].dim[1] = 3;                                          /* fewer scores than boxes */
    REQUIRE_CMP(d->decode(out, 4, &params, det, 4), ==, -EPROTO);
    out[3].dim[1] = 4;
    tf_classes[0] = NAN;
    tf_classes[1] = 1e9F;
    REQUIRE_CMP(d->decode(out, 4, &params, det, 4), ==, 0);
    tf_classes[0] = 1;
    tf_classes[1] = 18;
}

static void test_tf_ssd_fits(void)
{
    const SsDecoder *d = ss_decoder_find("tf-ssd");
    SsTensor out[4];
    SsDetection det[4];

    tf_outputs(out);
    out[1].dim[0] = out[1].dim[1] = out[2].dim[0] = out[2].dim[1] = out[2].dim[2] = -1;
    out[3].dim[0] = out[3].dim[1] = -1;
    REQUIRE(d->fits(out, 4));
    out[2].dim[2] = 5;
    REQUIRE(!d->fits(out, 4));
    REQUIRE_CMP(d->decode(out, 4, &params, det, 4), ==, -EPROTO);
    tf_outputs(out);
    REQUIRE(!d->fits(out, 3)); /* scores are missing */
    out[3].rank = 3;
    REQUIRE(!d->fits(out, 4));
    tf_outputs(out);
    out[2].dtype = SS_U8;
    REQUIRE(!d->fits(out, 4));
}

/* --- detection-output --- */

static void test_detection_output(void)
{
    const SsDecoder *d = ss_decoder_find("detection-output");
    float rows[] = {
        0,  2, 0.5F, 0.1F, 0.2F, 0.3F, 0.6F, /* */
        0,  1, 0.2F, 0.1F, 0.2F, 0.3F, 0.6F, /* under the threshold */
        0,  3, 7.5F, 0.5F, 0.5F, 1.0F, 1.0F, /* a score over 1 */
        -1, 1, 0.9F, 0.1F, 0.2F, 0.3F, 0.6F, /* the end */
        0,  1, 0.9F, 0.1F, 0.2F, 0.3F, 0.6F,
    };
    SsTensor out = TENSOR("anything", SS_F32, rows, 1, 1, 5, 7);
    SsDetection det[8];

    REQUIRE(d->fits(&out, 1));
    REQUIRE_CMP(d->n_classes(&out, 1), ==, 0);
    REQUIRE_CMP(d->decode(&out, 1, &params, det, 8), ==, 2);
    REQUIRE_CMP(det[0].class_id, ==, 3);
    REQUIRE_CMP(det[0].score, ==, 1);
    require_box(&det[0], 100, 50, 100, 50);
    REQUIRE_CMP(det[1].class_id, ==, 2);
    require_box(&det[1], 20, 20, 40, 40);

    out.dim[2] = 0;
    REQUIRE_CMP(d->decode(&out, 1, &params, det, 8), ==, 0);
    out.dim[2] = 6; /* more than the bytes that are there */
    REQUIRE_CMP(d->decode(&out, 1, &params, det, 8), ==, -EPROTO);
    out.dim[2] = -1;
    REQUIRE(d->fits(&out, 1));
    out.dim[3] = 6;
    REQUIRE(!d->fits(&out, 1));
    REQUIRE_CMP(d->decode(&out, 1, &params, det, 8), ==, -EPROTO);
    out.dim[3] = 7;
    REQUIRE(!d->fits(&out, 2));
}

/* --- yolo --- */

enum { ANCHORS = 700, CLASSES = 3, CHANNELS = 4 + CLASSES, MASKS = 5 };

/* Two overlapping boxes of class 2, one of class 0 on the same spot, one alone in the last anchor.
 * `channels`: those behind the scores are large. */
static void yolo_head(float *data, int channels, bool channel_first)
{
    static const struct {
        int anchor;
        float box[4], score;
        int class_id;
    } found[] = {
        { 3, { 50, 40, 20, 10 }, 0.5F, 2 },
        { 300, { 51, 40, 20, 10 }, 0.75F, 2 },
        { 301, { 51, 40, 20, 10 }, 0.375F, 0 },
        { ANCHORS - 1, { 150, 80, 16, 32 }, 0.875F, 1 },
    };
    size_t anchor_stride = channel_first ? 1 : (size_t)channels, channel_stride = channel_first ? ANCHORS : 1;

    for (size_t i = 0; i < ANCHORS; i++)
        for (size_t k = 0; k < (size_t)channels; k++)
            data[i * anchor_stride + k * channel_stride] = k < CHANNELS ? 0 : 9;
    for (size_t i = 0; i < 4; i++) {
        float *at = data + (size_t)found[i].anchor * anchor_stride;

        for (size_t k = 0; k < 4; k++)
            at[k * channel_stride] = found[i].box[k];
        at[(size_t)(4 + found[i].class_id) * channel_stride] = found[i].score;
    }
}

static void require_yolo(const SsTensor *out, int n_out)
{
    const SsDecoder *d = ss_decoder_find("yolo");
    SsDetection det[8];

    REQUIRE(d->fits(out, n_out));
    REQUIRE_CMP(d->n_classes(out, n_out), ==, CLASSES);
    REQUIRE_CMP(d->decode(out, n_out, &params, det, 8), ==, 3);
    REQUIRE_CMP(det[0].class_id, ==, 1);
    REQUIRE_CMP(det[0].score, ==, 0.875);
    require_box(&det[0], 142, 64, 16, 32);
    REQUIRE_CMP(det[1].class_id, ==, 2);
    REQUIRE_CMP(det[1].score, ==, 0.75);
    require_box(&det[1], 41, 35, 20, 10);
    REQUIRE_CMP(det[2].class_id, ==, 0);
    REQUIRE_CMP(d->decode(out, n_out, &params, det, 1), ==, 1);
    REQUIRE_CMP(det[0].class_id, ==, 1);
}

static void test_yolo_layouts(void)
{
    static float data[ANCHORS * CHANNELS];
    static uint16_t half[ANCHORS * CHANNELS];

    for (int first = 0; first < 2; first++) {
        SsTensor out =
            TENSOR("output0", SS_F32, data, 1, first ? CHANNELS : ANCHORS, first ? ANCHORS : CHANNELS);

        yolo_head(data, CHANNELS, first);
        require_yolo(&out, 1);
        for (int i = 0; i < ANCHORS * CHANNELS; i++)
            half[i] = to_half(data[i]);
        out.dtype = SS_F16;
        out.data = half;
        out.size = sizeof half;
        require_yolo(&out, 1);
    }
}

/* A score that is just enough is, one that is the next below is not. */
static void test_yolo_threshold(void)
{
    static float data[ANCHORS * CHANNELS];
    const SsDecoder *d = ss_decoder_find("yolo");
    SsTensor out = TENSOR("head", SS_F32, data, 1, CHANNELS, ANCHORS);
    SsDetection det[8];

    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < 4; k++)
            data[k * ANCHORS + 5] = 20;
        data[4 * ANCHORS + 5] = i == 0 ? params.threshold : nextafterf(params.threshold, 0);
        REQUIRE_CMP(d->decode(&out, 1, &params, det, 8), ==, i == 0);
    }
}

static void test_yolo_fits(void)
{
    const SsDecoder *d = ss_decoder_find("yolo");
    static float data[ANCHORS * CHANNELS];
    SsTensor out = TENSOR("", SS_F32, data, 1, CHANNELS, ANCHORS);
    SsDetection det[8];

    out.dim[2] = -1;
    REQUIRE(d->fits(&out, 1));
    REQUIRE_CMP(d->n_classes(&out, 1), ==, CLASSES);
    REQUIRE_CMP(d->decode(&out, 1, &params, det, 8), ==, -EPROTO);
    out.dim[1] = -1;
    REQUIRE(!d->fits(&out, 1)); /* nothing to tell them apart */
    out.dim[2] = CHANNELS;
    REQUIRE(d->fits(&out, 1));
    REQUIRE_CMP(d->n_classes(&out, 1), ==, CLASSES);
    out.dim[0] = 2;
    REQUIRE(!d->fits(&out, 1)); /* a batch */
    out.dim[0] = 1;
    out.dim[1] = 4;
    REQUIRE(!d->fits(&out, 1)); /* no class */
    REQUIRE_CMP(d->decode(&out, 1, &params, det, 8), ==, -EPROTO);
    out.dim[1] = 300;
    out.dim[2] = 6;
    REQUIRE(!d->fits(&out, 1)); /* end-to-end head: corners, not centres */
    out.dim[2] = 7;
    out.dtype = SS_I32;
    REQUIRE(!d->fits(&out, 1));
    out.dtype = SS_F32;
    out.size = 4;
    REQUIRE_CMP(d->decode(&out, 1, &params, det, 8), ==, -EPROTO);
}

/* What stands behind the class scores, however large, is no class: weights of the masks in the other output.
 */
static void test_yolo_segments(void)
{
    enum { ALL = CHANNELS + MASKS };
    static float data[ANCHORS * ALL], masks[MASKS * 4 * 6];
    const SsDecoder *d = ss_decoder_find("yolo");
    SsTensor out[3] = { TENSOR("output0", SS_F32, data, 1, ANCHORS, ALL),
                        TENSOR("output1", SS_F32, masks, 1, MASKS, 4, 6) };
    SsDetection det[8];

    for (int first = 0; first < 2; first++) {
        out[0].dim[1] = first ? ALL : ANCHORS;
        out[0].dim[2] = first ? ANCHORS : ALL;
        yolo_head(data, ALL, first);
        require_yolo(out, 2);
    }
    REQUIRE(!d->fits(out, 3));
    out[1].dim[1] = CHANNELS - 4 + MASKS;
    REQUIRE(!d->fits(out, 2)); /* no class is left */
    REQUIRE_CMP(d->decode(out, 2, &params, det, 8), ==, -EPROTO);
    out[1].dim[1] = -1;
    REQUIRE(!d->fits(out, 2));
    out[1].dim[1] = MASKS;
    out[1].rank = 3;
    REQUIRE(!d->fits(out, 2));
    out[1].rank = 4;
    out[1].dtype = SS_I64;
    REQUIRE(!d->fits(out, 2));
}

/* Everything passes the threshold, nothing overlaps: the best are kept, and the work stays bounded. */
static void test_yolo_flood(void)
{
    enum { N = 5000 };
    static float data[5 * N];
    const SsDecoder *d = ss_decoder_find("yolo");
    SsTensor out = TENSOR("", SS_F32, data, 1, 5, N);
    static SsDetection det[SS_MAX_OBJECTS];

    for (int i = 0; i < N; i++) {
        data[i] = (float)i * 10;
        data[2 * N + i] = data[3 * N + i] = 5;
        data[4 * N + i] = 0.5F + (float)((i * 1237) % N) / (4 * N);
    }
    REQUIRE_CMP(d->decode(&out, 1, &params, det, SS_MAX_OBJECTS), ==, SS_MAX_OBJECTS);
    for (int i = 0; i < SS_MAX_OBJECTS; i++)
        REQUIRE_NEAR(det[i].score, 0.5F + (float)(N - 1 - i) / (4 * N), 1e-7);

    for (int i = 0; i < 5 * N; i++)
        data[i] = NAN;
    REQUIRE_CMP(d->decode(&out, 1, &params, det, SS_MAX_OBJECTS), ==, 0);
}

int main(void)
{
    test_table();
    test_elements();
    test_values();
    test_iou();
    test_sort_is_stable();
    test_keep_best();
    test_nms();
    test_tf_ssd();
    test_tf_ssd_counts_that_lie();
    test_tf_ssd_fits();
    test_detection_output();
    test_yolo_layouts();
    test_yolo_threshold();
    test_yolo_fits();
    test_yolo_segments();
    test_yolo_flood();
    return 0;
}
