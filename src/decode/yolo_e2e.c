/* SPDX-License-Identifier: Apache-2.0 */
/** YOLO with the suppression inside: v10, 26, and exports of the others with NMS. One row a detection. */
#include <errno.h>
#include <math.h>
#include <stdint.h>

#include "decode/decode.h"
#include "internal.h"

extern const SsDecoder ss_decoder_yolo_e2e;

enum {
    ROW = 6, /* xmin, ymin, xmax, ymax in pixels, score, class; all 0 where fewer were found */
    /*
     * Two classes without suppression have rows of six numbers, too: decoder yolo. But theirs are anchors,
     * 28 x 28 + 14 x 14 + 7 x 7 = 1029 for an input of 224 x 224, and here there are 300 as a rule.
     */
    MAX_ROWS = 1000,
};

static bool e2e_fits(const SsTensor *out, int n_out)
{
    return n_out == 1 && ss_tensor_is_float(out) && out->rank == 3 && ss_dim_is(out, 0, 1) &&
           out->dim[1] <= MAX_ROWS && out->dim[2] == ROW;
}

static int no_classes(const SsTensor *out, int n_out)
{
    (void)out;
    (void)n_out;
    return 0;
}

static int e2e_decode(const SsTensor *out, int n_out, const SsDecodeParams *p, SsDetection *det, int max)
{
    size_t n;
    int kept = 0;

    if (!e2e_fits(out, n_out))
        return -EPROTO;
    n = ss_tensor_elements(out) / ROW;
    if (n == 0 && out->dim[1] != 0)
        return -EPROTO;

    for (size_t i = 0; i < n; i++) {
        SsDetection d;
        float row[ROW];

        for (size_t k = 0; k < ROW; k++)
            row[k] = ss_tensor_value(out, ROW * i + k);
        /* What is no whole number is no class: these rows mean something else. */
        if (!(row[4] >= p->threshold && row[5] >= 0 && row[5] <= UINT16_MAX && row[5] == floorf(row[5])))
            continue;
        d.box = (SsBox) { row[0], row[1], row[2] - row[0], row[3] - row[1] };
        d.score = SS_MIN(row[4], 1.0F);
        d.class_id = (int)row[5];
        ss_keep_best(det, &kept, max, &d);
    }
    ss_sort_by_score(det, kept);
    return kept;
}

const SsDecoder ss_decoder_yolo_e2e = {
    .name = "yolo-e2e",
    .description = "YOLO v10 and 26, or exported with NMS: one output [1,N,6], N at most 1000",
    .input = { .fit = SS_FIT_LETTERBOX, .order = SS_ORDER_RGB, .scale = { 255, 255, 255 } },
    .first_class_id = 0,
    .fits = e2e_fits,
    .n_classes = no_classes,
    .decode = e2e_decode,
};
