/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One pixel of the network's input from a frame: what core/image.c does row by row, once more in the form
 * that suits a GPU's threads. Compiled by nvcc for preprocess.cu, and as C11 for the tests, which hold it
 * against core/image.c without a GPU.
 *
 * Two samples side by side are weighted in integers (16-bit weights times bytes is one instruction of the
 * GPU), on top of the bit pattern of the float 2^23: the sum, below 2^23, then is a float without a
 * conversion, of which a GPU does few a cycle. From there on it is floats. A sample is in 1/32768 grey
 * levels.
 */
#ifndef SS_CUDA_PIXEL_H
#define SS_CUDA_PIXEL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __CUDACC__
#define SS_PIXEL_FN static __host__ __device__ __forceinline__
#else
#define SS_PIXEL_FN static inline
#endif

/** How a frame's bytes lie. The order of R and B is SsPixelJob.reversed, so RGB and BGR are one kind. */
enum { SS_KIND_NV12, SS_KIND_I420, SS_KIND_24, SS_KIND_32, SS_KIND_GREY, SS_N_KINDS };

enum { SS_PIXEL_BEYOND = 4 }; /* bytes after a plane's last that may be read: see ss_pixel_tap() */

#define SS_PIXEL_MAGIC 8388608.0f /* 2^23: from here on a float's unit is 1, and its last bits an integer */

/** Along one axis: sample of picture pixel i = start + i * step, 32 bits after the point. */
typedef struct SsPixelAxis {
    uint64_t step;
    int64_t start;   /* may be negative; 2^16 more than it is, which rounds the weights of 15 bits */
    int32_t samples; /* of the frame */
} SsPixelAxis;

/** One frame into one tensor; the kernel's only argument. Filled by ss_pixel_job_init(). */
typedef struct SsPixelJob {
    const uint8_t *plane[3]; /* device memory where the GPU works */
    void *dst;               /* the tensor, likewise */
    uint32_t stride[3];      /* bytes */
    int32_t kind;
    int32_t width, height;          /* of the network's input, in pixels */
    int32_t x, y, w, h;             /* the picture's place in it; the rest is bars */
    SsPixelAxis across[2], down[2]; /* by log2 of the component's subsampling */
    int32_t paired[2]; /* likewise: the planes hold just the two rows for each row of the picture, in turn */
    float luma, rv, gu, gv, bu; /* YUV in samples -> R, G, B of 0..1 */
    float r0, g0, b0;
    float gain[3],
        bias[3];      /* in the frame's order; element = c * gain + bias; c: 0..1 after YUV, else a sample */
    float grey;       /* the bars' c */
    int32_t reversed; /* the network wants the third component first */
    int32_t vectors;  /* dst and its rows begin at multiples of four elements */
} SsPixelJob;

/** Two neighbours along an axis. */
typedef struct SsPixelTap {
    uint32_t at;      /* the first, in bytes; the second is the next sample */
    uint32_t weights; /* of 32768: the first's in the low half, the second's in the high */
} SsPixelTap;

/** Where a row of the picture comes from: two rows by plane, the lower one's weight by subsampling. */
typedef struct SsPixelRow {
    const uint8_t *top[3], *bottom[3];
    float weight[2];
} SsPixelRow;

SS_PIXEL_FN float ss_pixel_float(uint32_t bits)
{
#ifdef __CUDA_ARCH__
    return __uint_as_float(bits);
#else
    union {
        uint32_t u;
        float f;
    } v = { bits };
    return v.f;
#endif
}

SS_PIXEL_FN uint32_t ss_pixel_bits(float f)
{
#ifdef __CUDA_ARCH__
    return __float_as_uint(f);
#else
    union {
        float f;
        uint32_t u;
    } v = { f };
    return v.u;
#endif
}

SS_PIXEL_FN float ss_pixel_saturate(float v)
{
#ifdef __CUDA_ARCH__
    return __saturatef(v); /* part of the instruction that made v */
#else
    return v < 0 ? 0 : v > 1 ? 1 : v;
#endif
}

SS_PIXEL_FN uint32_t ss_pixel_load8(const uint8_t *p)
{
#ifdef __CUDA_ARCH__
    return __ldg(p);
#else
    return *p;
#endif
}

/* p: a multiple of 2. */
SS_PIXEL_FN uint32_t ss_pixel_load16(const uint8_t *p)
{
#ifdef __CUDA_ARCH__
    return __ldg((const uint16_t *)p);
#else
    return p[0] | (uint32_t)p[1] << 8;
#endif
}

/* p: a multiple of 4. */
SS_PIXEL_FN uint32_t ss_pixel_load32(const uint8_t *p)
{
#ifdef __CUDA_ARCH__
    return __ldg((const uint32_t *)p);
#else
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
#endif
}

/* Bytes a0 b0 a1 b1: the components 0 and 1 of two neighbours, each beside its like. */
SS_PIXEL_FN uint32_t ss_pixel_pair(uint32_t a, uint32_t b)
{
#ifdef __CUDA_ARCH__
    return __byte_perm(a, b, 0x5140);
#else
    return (a & 0xff) | (b & 0xff) << 8 | (a & 0xff00) << 8 | (b & 0xff00) << 16;
#endif
}

/* Bytes a2 b2 a3 b3. */
SS_PIXEL_FN uint32_t ss_pixel_pair_high(uint32_t a, uint32_t b)
{
#ifdef __CUDA_ARCH__
    return __byte_perm(a, b, 0x7362);
#else
    return ss_pixel_pair(a >> 16, b >> 16);
#endif
}

/* The weighted sum of the pair in the low (0) or high (1) half, as the bits of SS_PIXEL_MAGIC + sum. */
SS_PIXEL_FN uint32_t ss_pixel_dot(uint32_t weights, uint32_t pairs, int high)
{
#ifdef __CUDA_ARCH__
    return high ? __dp2a_hi(weights, pairs, 0x4b000000u) : __dp2a_lo(weights, pairs, 0x4b000000u);
#else
    uint32_t pair = high ? pairs >> 16 : pairs;

    return 0x4b000000u + (pair & 0xff) * (weights & 0xffff) + (pair >> 8 & 0xff) * (weights >> 16);
#endif
}

/* Between two rows' sums; the difference is free of SS_PIXEL_MAGIC by itself. */
SS_PIXEL_FN float ss_pixel_mix(uint32_t top, uint32_t bottom, float weight)
{
    float t = ss_pixel_float(top), b = ss_pixel_float(bottom);

    return (t - SS_PIXEL_MAGIC) + (b - t) * weight;
}

/** Is the kind YUV, with chroma of its own subsampling? */
SS_PIXEL_FN int ss_pixel_is_yuv(int kind)
{
    return kind == SS_KIND_NV12 || kind == SS_KIND_I420;
}

/** Bytes from one sample to the next, by log2 of the subsampling. */
SS_PIXEL_FN uint32_t ss_pixel_step(int kind, int shift)
{
    return kind == SS_KIND_24 ? 3 : kind == SS_KIND_32 ? 4 : kind == SS_KIND_NV12 && shift ? 2 : 1;
}

/**
 * For picture pixel i, 0 .. n-1. The second tap always is the first one's neighbour, so that its address
 * costs nothing: at the far edge it has the whole weight, and where there is but one sample none; it is read
 * even then.
 */
SS_PIXEL_FN SsPixelTap ss_pixel_tap(const SsPixelAxis *axis, uint32_t i, uint32_t step)
{
    int32_t last = axis->samples - 1, before_last = last > 0 ? last - 1 : 0;
    int32_t at = (int32_t)((axis->start + (int64_t)(axis->step * i)) >> 17);
    int32_t clipped = at < 0 ? 0 : at > last * 32768 ? last * 32768 : at;
    int32_t first = clipped >> 15 > before_last ? before_last : clipped >> 15;
    uint32_t weight = (uint32_t)(clipped - first * 32768);
    SsPixelTap t;

    t.at = (uint32_t)first * step;
    t.weights = weight << 16 | (32768 - weight);
    return t;
}

/* Keeps the compiler from working out a row's address anew for each of its pixels. */
SS_PIXEL_FN const uint8_t *ss_pixel_settled(const uint8_t *p)
{
#ifdef __CUDA_ARCH__
    asm("" : "+l"(p));
#endif
    return p;
}

/* Plane `i`, from its row `first` on; the row below is the next where there are several. */
SS_PIXEL_FN void ss_pixel_plane_rows(const SsPixelJob *job, int i, uint32_t first, int several, SsPixelRow *r)
{
    const uint8_t *top = job->plane[i] + (size_t)first * job->stride[i];

    r->top[i] = ss_pixel_settled(top);
    r->bottom[i] = ss_pixel_settled(top + (several ? job->stride[i] : 0));
}

/** Row i of the picture. */
SS_PIXEL_FN SsPixelRow ss_pixel_row(const SsPixelJob *job, int kind, uint32_t i)
{
    SsPixelTap t = ss_pixel_tap(&job->down[0], i, 1);
    SsPixelRow r = { { 0 }, { 0 }, { 0 } };

    r.weight[0] = (float)(t.weights >> 16) * (1 / 32768.0f);
    ss_pixel_plane_rows(job, 0, job->paired[0] ? 2 * i : t.at, job->down[0].samples > 1, &r);
    if (!ss_pixel_is_yuv(kind))
        return r;
    t = ss_pixel_tap(&job->down[1], i, 1);
    if (job->paired[1])
        t.at = 2 * i;
    r.weight[1] = (float)(t.weights >> 16) * (1 / 32768.0f);
    for (int k = 1; k < (kind == SS_KIND_I420 ? 3 : 2); k++)
        ss_pixel_plane_rows(job, k, t.at, job->down[1].samples > 1, &r);
    return r;
}

/* A component whose samples are `step` bytes apart, the first at `offset`. */
SS_PIXEL_FN float ss_pixel_sample(const uint8_t *top, const uint8_t *bottom, const SsPixelTap *t,
                                  uint32_t step, uint32_t offset, float weight)
{
    const uint8_t *a = top + t->at, *b = bottom + t->at;
    uint32_t above = ss_pixel_pair(ss_pixel_load8(a + offset), ss_pixel_load8(a + offset + step));
    uint32_t below = ss_pixel_pair(ss_pixel_load8(b + offset), ss_pixel_load8(b + offset + step));

    return ss_pixel_mix(ss_pixel_dot(t->weights, above, 0), ss_pixel_dot(t->weights, below, 0), weight);
}

SS_PIXEL_FN void ss_pixel_sample_uv(const SsPixelRow *r, const SsPixelTap *t, float *u, float *v)
{
    const uint8_t *a = r->top[1] + t->at, *b = r->bottom[1] + t->at;
    uint32_t above = ss_pixel_pair(ss_pixel_load16(a), ss_pixel_load16(a + 2));
    uint32_t below = ss_pixel_pair(ss_pixel_load16(b), ss_pixel_load16(b + 2));

    *u = ss_pixel_mix(ss_pixel_dot(t->weights, above, 0), ss_pixel_dot(t->weights, below, 0), r->weight[1]);
    *v = ss_pixel_mix(ss_pixel_dot(t->weights, above, 1), ss_pixel_dot(t->weights, below, 1), r->weight[1]);
}

SS_PIXEL_FN void ss_pixel_sample_32(const SsPixelRow *r, const SsPixelTap *t, float c[3])
{
    const uint8_t *a = r->top[0] + t->at, *b = r->bottom[0] + t->at;
    uint32_t a0 = ss_pixel_load32(a), a1 = ss_pixel_load32(a + 4);
    uint32_t b0 = ss_pixel_load32(b), b1 = ss_pixel_load32(b + 4);
    uint32_t above = ss_pixel_pair(a0, a1), below = ss_pixel_pair(b0, b1), w = t->weights;

    c[0] = ss_pixel_mix(ss_pixel_dot(w, above, 0), ss_pixel_dot(w, below, 0), r->weight[0]);
    c[1] = ss_pixel_mix(ss_pixel_dot(w, above, 1), ss_pixel_dot(w, below, 1), r->weight[0]);
    above = ss_pixel_pair_high(a0, a1);
    below = ss_pixel_pair_high(b0, b1);
    c[2] = ss_pixel_mix(ss_pixel_dot(w, above, 0), ss_pixel_dot(w, below, 0), r->weight[0]);
}

/* The three values of a YUV sample become R, G, B of 0..1. */
SS_PIXEL_FN void ss_pixel_rgb(const SsPixelJob *job, float c[3])
{
    float y = c[0], u = c[1], v = c[2];

    c[0] = ss_pixel_saturate(y * job->luma + (v * job->rv + job->r0));
    c[1] = ss_pixel_saturate(y * job->luma + (u * job->gu + (v * job->gv + job->g0)));
    c[2] = ss_pixel_saturate(y * job->luma + (u * job->bu + job->b0));
}

/**
 * The three elements of a pixel of the picture, in the frame's order of components: the network's is
 * ss_pixel_channel(). `kind`: job->kind, as a constant where speed counts; `t`: the column's taps, by
 * subsampling.
 */
SS_PIXEL_FN void ss_pixel_elements(const SsPixelJob *job, int kind, const SsPixelRow *r,
                                   const SsPixelTap t[2], float v[3])
{
    if (kind == SS_KIND_32) {
        ss_pixel_sample_32(r, &t[0], v);
    } else if (kind == SS_KIND_24) {
        for (uint32_t k = 0; k < 3; k++)
            v[k] = ss_pixel_sample(r->top[0], r->bottom[0], &t[0], 3, k, r->weight[0]);
    } else {
        v[0] = ss_pixel_sample(r->top[0], r->bottom[0], &t[0], 1, 0, r->weight[0]);
        v[1] = v[2] = v[0];
    }
    if (kind == SS_KIND_NV12)
        ss_pixel_sample_uv(r, &t[1], &v[1], &v[2]);
    if (kind == SS_KIND_I420)
        for (int k = 1; k < 3; k++)
            v[k] = ss_pixel_sample(r->top[k], r->bottom[k], &t[1], 1, 0, r->weight[1]);
    if (ss_pixel_is_yuv(kind))
        ss_pixel_rgb(job, v);
    for (int k = 0; k < 3; k++)
        v[k] = v[k] * job->gain[k] + job->bias[k];
}

/** The taps of column x of the network's input; of a bar's, those of the picture's edge. */
SS_PIXEL_FN SsPixelTap ss_pixel_column(const SsPixelJob *job, int kind, int shift, int32_t x)
{
    int32_t i = x - job->x;

    i = i < 0 ? 0 : i < job->w ? i : job->w - 1;
    return ss_pixel_tap(&job->across[shift], (uint32_t)i, ss_pixel_step(kind, shift));
}

/** Where the network wants the frame's component k. */
SS_PIXEL_FN int ss_pixel_channel(const SsPixelJob *job, int k)
{
    return job->reversed ? 2 - k : k;
}

/** An element of the letterbox's bars, in the same order. */
SS_PIXEL_FN float ss_pixel_bar(const SsPixelJob *job, int k)
{
    return job->grey * job->gain[k] + job->bias[k];
}

/** The element as a byte: `bias` is SS_PIXEL_MAGIC there, which has rounded it already. */
SS_PIXEL_FN uint8_t ss_pixel_byte(float v)
{
    return (uint8_t)(ss_pixel_bits(v) & 0xff);
}

/** IEEE 754 half, round to nearest even. */
SS_PIXEL_FN uint16_t ss_pixel_half(float v)
{
#ifdef __CUDA_ARCH__
    uint16_t h;

    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(v));
    return h;
#else
    /* Small numbers take the subnormals' unit from a float addition. */
    uint32_t bits = ss_pixel_bits(v), sign = bits >> 16 & 0x8000u, mag = bits & 0x7fffffffu;
    uint32_t small = ss_pixel_bits(ss_pixel_float(mag) + 0.5f) - (126u << 23);
    uint32_t normal = (mag - (112u << 23) + 0xfffu + (mag >> 13 & 1)) >> 13;
    uint32_t h = mag < (113u << 23) ? small : normal;

    return (uint16_t)(sign | (mag >= 0x477ff000u ? 0x7c00u : h));
#endif
}

#endif
