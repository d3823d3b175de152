/* SPDX-License-Identifier: Apache-2.0 */
/** The decoders that have nothing to suppress, and which decoder takes which family's shape. */
#include <errno.h>

#include "internal.h"
#include "tensor.h"

/* The first that fits, as a model is opened; "" where none does. */
static const char *taken_by(const SsTensor *out, int n_out)
{
    const SsDecoder *d;

    for (int i = 0; (d = ss_decoder_nth(i)); i++) {
        if (d->fits(out, n_out))
            return d->name;
    }
    return "";
}

static bool named_fits(const char *name, const SsTensor *out, int n_out)
{
    return ss_decoder_find(name)->fits(out, n_out);
}

/* --- which family --- */

static void test_families_by_shape(void)
{
    static const struct {
        int rank;
        int64_t dim[4];
        const char *name;
    } shapes[] = {
        { 4, { 1, 1, 200, 7 }, "detection-output" },
        { 3, { 1, 84, 8400 }, "yolo" },    /* v8, 640 x 640 */
        { 3, { 1, 84, 2100 }, "yolo" },    /* v8, 320 x 320 */
        { 3, { 1, 8400, 84 }, "yolo" },    /* the same, transposed */
        { 3, { 1, 84, -1 }, "yolo" },      /* the size of the input is open */
        { 3, { 1, 5, 2100 }, "yolo" },     /* one class */
        { 3, { 1, 6, 2100 }, "yolo" },     /* two classes */
        { 3, { 1, 2100, 6 }, "yolo" },     /* two classes, transposed */
        { 3, { 1, 1029, 6 }, "yolo" },     /* the same at 224 x 224, the least that is told apart */
        { 3, { 1, 22, 2100 }, "yolo" },    /* nudenet */
        { 3, { 1, 300, 2100 }, "yolo" },   /* 296 classes */
        { 3, { 1, 300, 1029 }, "yolo" },   /* the same at 224 x 224 */
        { 3, { 1, 300, 6 }, "yolo-e2e" },  /* v10, 26 */
        { 3, { -1, 300, 6 }, "yolo-e2e" }, /* the batch is open */
        { 3, { 1, 100, 6 }, "yolo-e2e" },  /* another max_det */
        { 3, { 1, 1000, 6 }, "yolo-e2e" },
        { 3, { 1, 1, 6 }, "yolo-e2e" },
        { 3, { 1, -1, 6 }, "yolo-e2e" }, /* as many rows as there are objects */
        { 3, { 1, 300, 84 }, "rt-detr" },
        { 3, { -1, 300, 84 }, "rt-detr" },
        { 3, { 1, 300, -1 }, "rt-detr" },
        { 3, { 1, 300, 5 }, "rt-detr" },   /* one class */
        { 3, { 1, 300, 369 }, "rt-detr" }, /* Objects365 */
        { 3, { 2, 300, 6 }, "" },          /* a batch */
        { 3, { 1, 300, 4 }, "" },
        { 3, { -1, -1, -1 }, "" },
        { 2, { 300, 6 }, "" },
    };
    SsTensor out = { .name = "output0" };

    for (size_t i = 0; i < SS_COUNTOF(shapes); i++) {
        out.rank = shapes[i].rank;
        memcpy(out.dim, shapes[i].dim, sizeof shapes[i].dim);
        out.dtype = SS_F32;
        REQUIRE_STR(taken_by(&out, 1), shapes[i].name);
        out.dtype = SS_F16;
        REQUIRE_STR(taken_by(&out, 1), shapes[i].name);
        out.dtype = SS_I64;
        REQUIRE_STR(taken_by(&out, 1), "");
    }
}

/* Where two families share a shape, the one that is not taken can be asked for. */
static void test_families_by_choice(void)
{
    float data[1] = { 0 };
    SsTensor out = TENSOR("", SS_F32, data, 1, 300, 84);

    REQUIRE(named_fits("yolo", &out, 1));
    out.dim[2] = 6;
    REQUIRE(named_fits("rt-detr", &out, 1));
    REQUIRE(!named_fits("yolo", &out, 1));
    out.dim[1] = 756;
    REQUIRE(named_fits("yolo", &out, 1));
}

static void test_families_by_name(void)
{
    float data[1] = { 0 };
    SsTensor tf[] = { TENSOR("detection_boxes", SS_F32, data, 1, 100, 4),
                      TENSOR("detection_scores", SS_F32, data, 1, 100),
                      TENSOR("detection_classes", SS_F32, data, 1, 100) };
    SsTensor hf[] = { TENSOR("logits", SS_F32, data, 1, 300, 80),
                      TENSOR("pred_boxes", SS_F32, data, 1, 300, 4),
                      TENSOR("last_hidden_state", SS_F32, data, 1, 300, 256) };
    SsTensor deploy[] = { TENSOR("labels", SS_I64, data, 1, 300), TENSOR("boxes", SS_F32, data, 1, 300, 4),
                          TENSOR("scores", SS_F32, data, 1, 300) };

    REQUIRE_STR(taken_by(tf, 3), "tf-ssd");
    REQUIRE_STR(taken_by(hf, 2), "rt-detr");
    REQUIRE_STR(taken_by(hf, 3), "rt-detr");
    REQUIRE_STR(taken_by(hf + 1, 2), ""); /* no logits */
    REQUIRE_STR(taken_by(deploy, 3), ""); /* wants the picture's size as an input */

    hf[0].dim[1] = 200;
    REQUIRE_STR(taken_by(hf, 2), ""); /* 200 logits for 300 boxes */
    hf[0].dim[1] = -1;
    REQUIRE_STR(taken_by(hf, 2), "rt-detr");
    hf[1].dim[1] = 100;
    REQUIRE_STR(taken_by(hf, 2), ""); /* DETR, YOLOS: softmax */
    hf[0].dim[1] = 100;
    hf[1].dim[1] = -1;
    REQUIRE_STR(taken_by(hf, 2), "");
    hf[0].dim[0] = hf[0].dim[1] = hf[0].dim[2] = hf[1].dim[0] = hf[1].dim[2] = -1;
    REQUIRE_STR(taken_by(hf, 2), "rt-detr"); /* everything is open */
    REQUIRE_CMP(ss_decoder_find("rt-detr")->n_classes(hf, 2), ==, 0);
    hf[0].dim[2] = 80;
    REQUIRE_CMP(ss_decoder_find("rt-detr")->n_classes(hf, 2), ==, 80);
    hf[1].dim[2] = 5;
    REQUIRE_STR(taken_by(hf, 2), "");
    hf[1].dim[2] = 4;
    hf[1].dtype = SS_I32;
    REQUIRE_STR(taken_by(hf, 2), "");
}

/* --- yolo-e2e --- */

enum { E2E = 12 };

static float e2e_rows[E2E * 6] = {
    /* xmin, ymin, xmax, ymax, score, class */
    10,  20, 50,       40, 0.5F,   2,    /* */
    30,  5,  130,      95, 0.875F, 79,   /* the best is not the first */
    0,   0,  10,       10, 0.25F,  1,    /* under the threshold */
    -4,  -8, 20,       8,  7.5F,   0,    /* beyond the edge, a score over 1 */
    50,  20, 10,       40, 0.75F,  1,    /* the corners changed places */
    10,  10, 20,       20, 0.75F,  1.5F, /* no class */
    10,  10, 20,       20, 0.75F,  -1,   /* none either */
    10,  10, 20,       20, 0.75F,  1e9F, /* */
    10,  10, 20,       20, 0.75F,  NAN,  /* */
    10,  10, 20,       20, NAN,    1,    /* */
    NAN, 10, 20,       20, 0.75F,  1,    /* */
    10,  10, INFINITY, 20, 0.75F,  1,
};

static void require_e2e(const SsTensor *out)
{
    const SsDecoder *d = ss_decoder_find("yolo-e2e");
    SsDetection det[E2E];

    REQUIRE(d->fits(out, 1));
    REQUIRE_CMP(d->n_classes(out, 1), ==, 0);
    REQUIRE_CMP(d->decode(out, 1, &params, det, E2E), ==, 3);
    REQUIRE_CMP(det[0].score, ==, 1);
    REQUIRE_CMP(det[0].class_id, ==, 0);
    require_box(&det[0], -4, -8, 24, 16);
    REQUIRE_CMP(det[1].score, ==, 0.875);
    REQUIRE_CMP(det[1].class_id, ==, 79);
    require_box(&det[1], 30, 5, 100, 90);
    REQUIRE_CMP(det[2].score, ==, 0.5);
    REQUIRE_CMP(det[2].class_id, ==, 2);
    require_box(&det[2], 10, 20, 40, 20);

    REQUIRE_CMP(d->decode(out, 1, &params, det, 1), ==, 1); /* room for the best only */
    REQUIRE_CMP(det[0].class_id, ==, 0);
}

static void test_e2e(void)
{
    SsTensor out = TENSOR("output0", SS_F32, e2e_rows, 1, E2E, 6);
    SsDecodeParams exact = params;
    SsDetection det[E2E];

    require_e2e(&out);
    exact.threshold = 0.5F; /* "below" is dropped */
    REQUIRE_CMP(ss_decoder_find("yolo-e2e")->decode(&out, 1, &exact, det, E2E), ==, 3);
    exact.threshold = 0.51F;
    REQUIRE_CMP(ss_decoder_find("yolo-e2e")->decode(&out, 1, &exact, det, E2E), ==, 2);
}

static void test_e2e_half(void)
{
    uint16_t half[4 * 6]; /* the rows of numbers that f16 has */
    SsTensor out = TENSOR("output0", SS_F16, half, 1, 4, 6);

    for (int i = 0; i < 4 * 6; i++)
        half[i] = to_half(e2e_rows[i]);
    require_e2e(&out);
}

static void test_e2e_shapes_that_lie(void)
{
    const SsDecoder *d = ss_decoder_find("yolo-e2e");
    SsTensor out = TENSOR("output0", SS_F32, e2e_rows, 1, E2E, 6);
    SsDetection det[E2E];

    out.dim[1] = 0; /* nothing found, where the model leaves the number open */
    REQUIRE_CMP(d->decode(&out, 1, &params, det, E2E), ==, 0);
    out.dim[1] = E2E + 1;
    REQUIRE_CMP(d->decode(&out, 1, &params, det, E2E), ==, -EPROTO);
    out.dim[1] = -1;
    REQUIRE_CMP(d->decode(&out, 1, &params, det, E2E), ==, -EPROTO);
    out.dim[1] = 8400; /* the number was open, and these are anchors */
    REQUIRE_CMP(d->decode(&out, 1, &params, det, E2E), ==, -EPROTO);
    out.dim[1] = E2E;
    REQUIRE_CMP(d->decode(&out, 2, &params, det, E2E), ==, -EPROTO);
    out.dim[2] = 7;
    REQUIRE_CMP(d->decode(&out, 1, &params, det, E2E), ==, -EPROTO);
}

/* --- rt-detr --- */

enum { QUERIES = 300, CLASSES = 80, WIDTH = 4 + CLASSES };

static const struct {
    int query;
    float box[4], score, logit; /* whose sigmoid the score is, but for rounding */
    int class_id;
} detr_found[] = {
    { 0, { 0.5F, 0.5F, 0.25F, 0.5F }, 0.5F, 0, 2 },
    { 7, { 0.25F, 0.5F, 0.5F, 0.125F }, 0.75F, 1.0986123F, 79 },
    { 8, { 0.25F, 0.5F, 0.5F, 0.125F }, 0.625F, 0.5108256F, 79 },  /* overlaps: it is another object */
    { 9, { 0.75F, 0.5F, 0.5F, 0.125F }, 0.25F, -1.0986123F, 5 },   /* under the threshold */
    { 298, { 0, 0, 0.25F, 0.25F }, 0.875F, 1.9459101F, 0 },        /* half beyond the corner */
    { 299, { 320, 240, 64, 48 }, 0.9375F, 2.7080502F, 0 },         /* pixels */
    { 297, { 0.5F, 0.5F, -0.25F, 0.5F }, 0.9375F, 2.7080502F, 0 }, /* no area */
};

/* The scores 1/16 everywhere else; a second class of query 7 is nearly as good. */
static void detr_outputs(float *boxes, size_t box_stride, float *scores, size_t stride, bool logits)
{
    for (size_t q = 0; q < QUERIES; q++) {
        for (size_t c = 0; c < CLASSES; c++)
            scores[q * stride + c] = logits ? -2.7080502F : 0.0625F;
        for (size_t k = 0; k < 4; k++)
            boxes[q * box_stride + k] = 0.5F;
    }
    for (size_t i = 0; i < SS_COUNTOF(detr_found); i++) {
        size_t q = (size_t)detr_found[i].query;

        memcpy(boxes + q * box_stride, detr_found[i].box, sizeof detr_found[i].box);
        scores[q * stride + (size_t)detr_found[i].class_id] =
            logits ? detr_found[i].logit : detr_found[i].score;
    }
    scores[7 * stride + 3] = logits ? 0.9F : 0.6875F;
}

static void require_detr(const SsTensor *out, int n_out)
{
    const SsDecoder *d = ss_decoder_find("rt-detr");
    static const int order[] = { 298, 7, 8, 0 };
    static const float box[][4] = {
        { -25, -12.5F, 50, 25 }, { 0, 43.75F, 100, 12.5F }, { 0, 43.75F, 100, 12.5F }, { 75, 25, 50, 50 }
    };
    SsDetection det[16];

    REQUIRE(d->fits(out, n_out));
    REQUIRE_CMP(d->n_classes(out, n_out), ==, CLASSES);
    REQUIRE_CMP(d->decode(out, n_out, &params, det, 16), ==, 4);
    for (size_t i = 0; i < 4; i++) {
        size_t k = 0;

        while (detr_found[k].query != order[i])
            k++;
        REQUIRE_NEAR(det[i].score, detr_found[k].score, 1e-3);
        REQUIRE_CMP(det[i].class_id, ==, detr_found[k].class_id);
        require_box(&det[i], box[i][0], box[i][1], box[i][2], box[i][3]);
    }
    REQUIRE_CMP(d->decode(out, n_out, &params, det, 2), ==, 2); /* room for the best only */
    REQUIRE_CMP(det[0].class_id, ==, 0);
    REQUIRE_CMP(det[1].class_id, ==, 79);
}

static void test_detr_one_output(void)
{
    static float data[QUERIES * WIDTH];
    static uint16_t half[QUERIES * WIDTH];
    SsTensor out = TENSOR("output0", SS_F32, data, 1, QUERIES, WIDTH);
    SsTensor out16 = TENSOR("output0", SS_F16, half, 1, QUERIES, WIDTH);

    detr_outputs(data, WIDTH, data + 4, WIDTH, false);
    require_detr(&out, 1);
    for (int i = 0; i < QUERIES * WIDTH; i++)
        half[i] = to_half(data[i]);
    require_detr(&out16, 1);
}

static void test_detr_two_outputs(void)
{
    static float boxes[QUERIES * 4], logits[QUERIES * CLASSES];
    static uint16_t boxes16[QUERIES * 4], logits16[QUERIES * CLASSES];
    SsTensor out[] = { TENSOR("logits", SS_F32, logits, 1, QUERIES, CLASSES),
                       TENSOR("pred_boxes", SS_F32, boxes, 1, QUERIES, 4) };
    SsTensor turned[] = { out[1], out[0] };
    SsTensor out16[] = { TENSOR("logits", SS_F16, logits16, 1, QUERIES, CLASSES),
                         TENSOR("pred_boxes", SS_F16, boxes16, 1, QUERIES, 4) };

    detr_outputs(boxes, 4, logits, CLASSES, true);
    require_detr(out, 2);
    require_detr(turned, 2);
    for (int i = 0; i < QUERIES * 4; i++)
        boxes16[i] = to_half(boxes[i]);
    for (int i = 0; i < QUERIES * CLASSES; i++)
        logits16[i] = to_half(logits[i]);
    require_detr(out16, 2);
}

/* A sigmoid of anything is between 0 and 1, and what is no number is no object. */
static void test_detr_logits(void)
{
    static const struct {
        float logit[2], score;
        int class_id; /* -1: dropped */
    } cases[] = {
        { { -1e30F, 1e30F }, 1, 1 },     { { INFINITY, 0 }, 1, 0 },           { { -1e30F, -1e30F }, 0, 0 },
        { { -100, -200 }, 0, 0 },        { { -INFINITY, -INFINITY }, 0, -1 }, { { NAN, NAN }, 0, -1 },
        { { NAN, -2 }, 0.11920292F, 1 }, { { 2, NAN }, 0.88079708F, 0 },
    };
    const SsDecoder *d = ss_decoder_find("rt-detr");
    const SsDecodeParams all = { .input_width = 100, .input_height = 100, .threshold = 0 };
    float box[] = { 0.5F, 0.5F, 0.5F, 0.5F }, logit[2];
    SsTensor out[] = { TENSOR("logits", SS_F32, logit, 1, 1, 2), TENSOR("pred_boxes", SS_F32, box, 1, 1, 4) };

    for (size_t i = 0; i < SS_COUNTOF(cases); i++) {
        SsDetection det[2];

        memcpy(logit, cases[i].logit, sizeof logit);
        REQUIRE_CMP(d->decode(out, 2, &all, det, 2), ==, cases[i].class_id >= 0);
        if (cases[i].class_id >= 0) {
            REQUIRE_CMP(det[0].class_id, ==, cases[i].class_id);
            REQUIRE_NEAR(det[0].score, cases[i].score, 1e-6);
        }
        REQUIRE_CMP(d->decode(out, 2, &params, det, 2), ==, cases[i].score >= params.threshold);
    }
}

static void test_detr_boxes(void)
{
    static const float bad[] = { NAN, INFINITY, -INFINITY, 2.5F, -2.5F, 640 };
    const SsDecoder *d = ss_decoder_find("rt-detr");
    float box[4], logit[] = { 3 };
    SsTensor out[] = { TENSOR("logits", SS_F32, logit, 1, 1, 1), TENSOR("pred_boxes", SS_F32, box, 1, 1, 4) };
    SsDetection det[1];

    for (int k = 0; k < 4; k++) {
        box[0] = box[1] = box[2] = box[3] = 1.0625F; /* a little beyond 1 is rounding, or an edge */
        REQUIRE_CMP(d->decode(out, 2, &params, det, 1), ==, 1);
        for (size_t i = 0; i < SS_COUNTOF(bad); i++) {
            box[k] = bad[i];
            REQUIRE_CMP(d->decode(out, 2, &params, det, 1), ==, 0);
        }
    }
}

static void test_detr_shapes_that_lie(void)
{
    const SsDecoder *d = ss_decoder_find("rt-detr");
    static float boxes[QUERIES * 4], logits[QUERIES * CLASSES], data[QUERIES * WIDTH];
    SsTensor out[] = { TENSOR("logits", SS_F32, logits, 1, QUERIES, CLASSES),
                       TENSOR("pred_boxes", SS_F32, boxes, 1, QUERIES, 4) };
    SsTensor one = TENSOR("output0", SS_F32, data, 1, QUERIES, WIDTH);
    SsDetection det[8];

    out[0].dim[1] = out[1].dim[1] = QUERIES + 1;
    REQUIRE_CMP(d->decode(out, 2, &params, det, 8), ==, -EPROTO);
    out[0].dim[1] = out[1].dim[1] = -1;
    REQUIRE_CMP(d->decode(out, 2, &params, det, 8), ==, -EPROTO);
    out[0].dim[1] = QUERIES - 1;
    out[1].dim[1] = QUERIES;
    REQUIRE_CMP(d->decode(out, 2, &params, det, 8), ==, -EPROTO);
    out[0].dim[1] = out[1].dim[1] = 100; /* the number was open, and this is DETR */
    REQUIRE_CMP(d->decode(out, 2, &params, det, 8), ==, -EPROTO);
    out[0].dim[1] = out[1].dim[1] = 0;
    REQUIRE_CMP(d->decode(out, 2, &params, det, 8), ==, 0);
    out[0].dim[1] = out[1].dim[1] = QUERIES;
    out[0].dim[2] = -1;
    REQUIRE_CMP(d->decode(out, 2, &params, det, 8), ==, -EPROTO);
    out[0].dim[2] = CLASSES;
    REQUIRE_CMP(d->decode(out + 1, 1, &params, det, 8), ==, -EPROTO);
    out[1].data = NULL;
    REQUIRE_CMP(d->decode(out, 2, &params, det, 8), ==, -EPROTO);

    one.dim[2] = WIDTH + 1;
    REQUIRE_CMP(d->decode(&one, 1, &params, det, 8), ==, -EPROTO);
    one.dim[2] = -1;
    REQUIRE_CMP(d->decode(&one, 1, &params, det, 8), ==, -EPROTO);
    one.dim[2] = 4;
    REQUIRE_CMP(d->decode(&one, 1, &params, det, 8), ==, -EPROTO);
    one.dim[2] = WIDTH;
    for (int i = 0; i < QUERIES * WIDTH; i++)
        data[i] = NAN;
    REQUIRE_CMP(d->decode(&one, 1, &params, det, 8), ==, 0);
}

int main(void)
{
    test_families_by_shape();
    test_families_by_choice();
    test_families_by_name();
    test_e2e();
    test_e2e_half();
    test_e2e_shapes_that_lie();
    test_detr_one_output();
    test_detr_two_outputs();
    test_detr_logits();
    test_detr_boxes();
    test_detr_shapes_that_lie();
    return 0;
}
