/* SPDX-License-Identifier: Apache-2.0 */
/** The SSD families: suppression done inside the network, corners normalised to 0..1. */
#include <errno.h>
#include <stdint.h>

#include "decode/decode.h"
#include "internal.h"

extern const SsDecoder ss_decoder_tf_ssd, ss_decoder_detection_output;

/* Keeps one detection of the network, whatever the numbers are. `corner`: xmin, ymin, xmax, ymax. */
static void keep(SsDetection *det, int *n, int max, const SsDecodeParams *p, const float corner[4],
                 float score, float class_id)
{
    float w = (float)p->input_width, h = (float)p->input_height;
    SsDetection d;

    if (!(score >= p->threshold && class_id >= 0 && class_id <= UINT16_MAX))
        return;
    d.box.x = corner[0] * w;
    d.box.y = corner[1] * h;
    d.box.w = (corner[2] - corner[0]) * w;
    d.box.h = (corner[3] - corner[1]) * h;
    d.score = SS_MIN(score, 1.0F);
    d.class_id = (int)class_id;
    ss_keep_best(det, n, max, &d);
}

/* --- tf-ssd: TensorFlow's Object Detection API, outputs told apart by name --- */

static bool tf_fits(const SsTensor *out, int n_out)
{
    const SsTensor *boxes = ss_tensor_named(out, n_out, "detection_boxes");
    const SsTensor *scores = ss_tensor_named(out, n_out, "detection_scores");
    const SsTensor *classes = ss_tensor_named(out, n_out, "detection_classes");

    return boxes && scores && classes && ss_tensor_is_float(boxes) && ss_tensor_is_float(scores) &&
           boxes->rank == 3 && ss_dim_is(boxes, 0, 1) && ss_dim_is(boxes, 2, 4) && scores->rank == 2 &&
           ss_dim_is(scores, 0, 1) && classes->rank == 2 && ss_dim_is(classes, 0, 1);
}

static int no_classes(const SsTensor *out, int n_out)
{
    (void)out;
    (void)n_out;
    return 0;
}

static int tf_decode(const SsTensor *out, int n_out, const SsDecodeParams *p, SsDetection *det, int max)
{
    const SsTensor *boxes, *scores, *classes, *num;
    size_t n;
    int kept = 0;

    if (!tf_fits(out, n_out))
        return -EPROTO;
    boxes = ss_tensor_named(out, n_out, "detection_boxes");
    scores = ss_tensor_named(out, n_out, "detection_scores");
    classes = ss_tensor_named(out, n_out, "detection_classes");
    num = ss_tensor_named(out, n_out, "num_detections");

    n = (size_t)SS_MAX(boxes->dim[1], 0);
    if (ss_tensor_elements(boxes) / 4 < n || ss_tensor_elements(scores) < n ||
        ss_tensor_elements(classes) < n)
        return -EPROTO;
    if (num && ss_tensor_elements(num) > 0) {
        float said = ss_tensor_value(num, 0);

        if (said >= 0 && said < (float)n)
            n = (size_t)said;
    }

    for (size_t i = 0; i < n; i++) {
        float corner[4] = { ss_tensor_value(boxes, 4 * i + 1), ss_tensor_value(boxes, 4 * i),
                            ss_tensor_value(boxes, 4 * i + 3), ss_tensor_value(boxes, 4 * i + 2) };

        keep(det, &kept, max, p, corner, ss_tensor_value(scores, i), ss_tensor_value(classes, i));
    }
    ss_sort_by_score(det, kept);
    return kept;
}

/* --- detection-output: Caffe's and OpenVINO's DetectionOutput layer, one row a detection --- */

enum { ROW = 7 }; /* image_id, label, score, xmin, ymin, xmax, ymax */

static bool rows_fit(const SsTensor *out, int n_out)
{
    return n_out == 1 && ss_tensor_is_float(out) && out->rank == 4 && ss_dim_is(out, 0, 1) &&
           ss_dim_is(out, 1, 1) && out->dim[3] == ROW;
}

static int rows_decode(const SsTensor *out, int n_out, const SsDecodeParams *p, SsDetection *det, int max)
{
    size_t n;
    int kept = 0;

    if (!rows_fit(out, n_out))
        return -EPROTO;
    n = ss_tensor_elements(out) / ROW;
    if (n == 0 && out->dim[2] != 0)
        return -EPROTO;

    for (size_t i = 0; i < n; i++) {
        float row[ROW];

        for (size_t k = 0; k < ROW; k++)
            row[k] = ss_tensor_value(out, ROW * i + k);
        if (!(row[0] >= 0)) /* the rows behind the last are left over from other images */
            break;
        keep(det, &kept, max, p, row + 3, row[2], row[1]);
    }
    ss_sort_by_score(det, kept);
    return kept;
}

const SsDecoder ss_decoder_tf_ssd = {
    .name = "tf-ssd",
    .description =
        "TensorFlow Object Detection API: outputs detection_boxes [1,N,4], detection_scores [1,N], "
        "detection_classes [1,N]",
    .input = { .fit = SS_FIT_STRETCH, .order = SS_ORDER_RGB, .scale = { 1, 1, 1 } },
    .first_class_id = 1,
    .fits = tf_fits,
    .n_classes = no_classes,
    .decode = tf_decode,
};

const SsDecoder ss_decoder_detection_output = {
    .name = "detection-output",
    .description = "SSD with a DetectionOutput layer: one output [1,1,N,7]",
    .input = { .fit = SS_FIT_STRETCH, .order = SS_ORDER_BGR, .scale = { 1, 1, 1 } },
    .first_class_id = 0,
    .fits = rows_fit,
    .n_classes = no_classes,
    .decode = rows_decode,
};
