/* SPDX-License-Identifier: Apache-2.0 */
/** What the tests of the decoders need: tensors that look like a model's outputs. */
#ifndef SS_TEST_TENSOR_H
#define SS_TEST_TENSOR_H

#include "decode/decode.h"
#include "test.h"

static const SsDecodeParams params = {
    .input_width = 200, .input_height = 100, .threshold = 0.3F, .nms_iou = 0.45F
};

static inline SsTensor tensor(const char *name, SsDType type, void *data, size_t size, int rank,
                              const int64_t *dim)
{
    SsTensor t = { .dtype = type, .rank = rank, .data = data, .size = size };

    snprintf(t.name, sizeof t.name, "%s", name);
    for (int i = 0; i < rank; i++)
        t.dim[i] = dim[i];
    return t;
}

#define TENSOR(name, type, array, ...)                                                                       \
    tensor(name, type, array, sizeof(array), (int)(sizeof((int64_t[]) { __VA_ARGS__ }) / sizeof(int64_t)),   \
           (int64_t[]) { __VA_ARGS__ })

static inline void require_box(const SsDetection *d, float x, float y, float w, float h)
{
    REQUIRE_NEAR(d->box.x, x, 1e-3);
    REQUIRE_NEAR(d->box.y, y, 1e-3);
    REQUIRE_NEAR(d->box.w, w, 1e-3);
    REQUIRE_NEAR(d->box.h, h, 1e-3);
}

static inline uint16_t to_half(float f) /* of a normal, exactly representable number */
{
    uint32_t bits;

    memcpy(&bits, &f, sizeof bits);
    if (f == 0)
        return 0;
    return (uint16_t)((bits >> 16 & 0x8000) | (((bits >> 23 & 255) - 112) << 10) | (bits >> 13 & 0x3ff));
}

#endif
