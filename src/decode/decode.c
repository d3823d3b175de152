/* SPDX-License-Identifier: Apache-2.0 */
/** The table of decoders, and the tensor access they share. */
#include "decode/decode.h"

#include <string.h>

#include "internal.h"

extern const SsDecoder ss_decoder_tf_ssd, ss_decoder_detection_output, ss_decoder_yolo, ss_decoder_yolo_e2e,
    ss_decoder_rt_detr;

/* The first that fits is taken: the families told apart by names and rank first, then the pickiest. */
static const SsDecoder *const decoders[] = {
    &ss_decoder_tf_ssd, /* by names */
    &ss_decoder_detection_output,
    &ss_decoder_yolo_e2e, /* [1,N,6] */
    &ss_decoder_rt_detr,  /* by names, or [1,300,N] */
    &ss_decoder_yolo,     /* [1,N,M] */
};

const SsDecoder *ss_decoder_nth(int n)
{
    return n >= 0 && (size_t)n < SS_COUNTOF(decoders) ? decoders[n] : NULL;
}

const SsDecoder *ss_decoder_find(const char *name)
{
    for (size_t i = 0; i < SS_COUNTOF(decoders); i++) {
        if (strcmp(decoders[i]->name, name) == 0)
            return decoders[i];
    }
    return NULL;
}

const SsTensor *ss_tensor_named(const SsTensor *out, int n_out, const char *name)
{
    for (int i = 0; i < n_out; i++) {
        if (strcmp(out[i].name, name) == 0)
            return &out[i];
    }
    return NULL;
}

bool ss_tensor_is_float(const SsTensor *t)
{
    return t->dtype == SS_F32 || t->dtype == SS_F16;
}

bool ss_dim_is(const SsTensor *t, int i, int64_t n)
{
    return t->dim[i] == n || t->dim[i] == -1;
}

static size_t element_size(SsDType type)
{
    switch (type) {
    case SS_U8:
        return 1;
    case SS_F16:
        return 2;
    case SS_I32:
    case SS_F32:
        return 4;
    case SS_I64:
        return 8;
    }
    return 0;
}

size_t ss_tensor_elements(const SsTensor *t)
{
    size_t size = element_size(t->dtype);
    size_t n = 1;

    if (!t->data || size == 0 || t->rank < 0 || t->rank > SS_MAX_RANK)
        return 0;
    for (int i = 0; i < t->rank; i++) {
        if (t->dim[i] < 0 || __builtin_mul_overflow(n, (size_t)t->dim[i], &n))
            return 0;
    }
    return n <= t->size / size ? n : 0;
}

static float half_to_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = (h >> 10) & 31, mantissa = h & 0x3ff;
    uint32_t bits;
    float f;

    if (exponent == 0) { /* zero and subnormals: a count of 2^-24 */
        f = (float)mantissa * 0x1p-24F;
        return sign ? -f : f;
    }
    if (exponent == 31)
        bits = sign | 0x7f800000U | mantissa << 13;
    else
        bits = sign | (exponent + 112) << 23 | mantissa << 13;
    memcpy(&f, &bits, sizeof f);
    return f;
}

float ss_tensor_value(const SsTensor *t, size_t i)
{
    switch (t->dtype) {
    case SS_U8:
        return ((const uint8_t *)t->data)[i];
    case SS_I32:
        return (float)((const int32_t *)t->data)[i];
    case SS_I64:
        return (float)((const int64_t *)t->data)[i];
    case SS_F16:
        return half_to_float(((const uint16_t *)t->data)[i]);
    case SS_F32:
        return ((const float *)t->data)[i];
    }
    return 0;
}
