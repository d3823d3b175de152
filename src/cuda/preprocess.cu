/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A frame in device memory -> the network's input tensor, bars included, one launch a frame. A thread makes
 * four pixels side by side, whose elements leave in three stores of four; a block of threads makes COLUMNS by
 * SS_BLOCK_Y pixels at a time, as often as the picture is higher than the grid, and works out once, in shared
 * memory, where its columns come from. What the pixels are is in pixel.h.
 */
#include "cuda/kernels.h"
#include "cuda/pixel.h"

enum { U8, F16, F32 };
enum { NCHW, NHWC };
enum { PIXELS = SS_KERNEL_PIXELS, COLUMNS = SS_BLOCK_X * PIXELS };

static_assert(2 * COLUMNS == SS_BLOCK_X * SS_BLOCK_Y, "a thread works out one column of one subsampling");

template <int DTYPE> struct Element;

template <> struct Element<U8> {
    typedef uint8_t One;
    typedef uchar4 Four;
    static __device__ One from(float v)
    {
        return ss_pixel_byte(v);
    }
};

template <> struct Element<F16> {
    typedef uint16_t One;
    typedef ushort4 Four;
    static __device__ One from(float v)
    {
        return ss_pixel_half(v);
    }
};

template <> struct Element<F32> {
    typedef float One;
    typedef float4 Four;
    static __device__ One from(float v)
    {
        return v;
    }
};

/* Pixels x .. x+3 of row y; where four do not fit, or rows begin at odd places, one by one. */
template <int DTYPE, int LAYOUT>
static __device__ __forceinline__ void store(const SsPixelJob &job, int x, int y, const float v[PIXELS][3])
{
    typedef typename Element<DTYPE>::One One;
    typedef typename Element<DTYPE>::Four Four;
    size_t pixel = (size_t)y * job.width + x, plane = (size_t)job.width * job.height;
    One e[3 * PIXELS]; /* by channel and pixel, or the other way round: as they follow in memory */

#pragma unroll
    for (int j = 0; j < PIXELS; j++)
        for (int k = 0; k < 3; k++)
            e[LAYOUT == NCHW ? k * PIXELS + j : 3 * j + k] =
                Element<DTYPE>::from(LAYOUT == NHWC && job.reversed ? v[j][2 - k] : v[j][k]);
#pragma unroll
    for (int i = 0; i < 3; i++) {
        One *to = (One *)job.dst +
                  (LAYOUT == NCHW ? pixel + ss_pixel_channel(&job, i) * plane : 3 * pixel + i * PIXELS);

        if (job.vectors) {
            Four four = { e[4 * i], e[4 * i + 1], e[4 * i + 2], e[4 * i + 3] };

            *(Four *)to = four;
        } else {
            for (int j = 0; j < PIXELS; j++)
                if (x + (LAYOUT == NCHW ? j : (i * PIXELS + j) / 3) < job.width)
                    to[j] = e[i * PIXELS + j];
        }
    }
}

/* The four pixels from x on of row y. `taps`: of these columns and those after them, by subsampling. */
template <int KIND, int DTYPE, int LAYOUT>
static __device__ __forceinline__ void make(const SsPixelJob &job, int x, int y, const SsPixelTap *luma,
                                            const SsPixelTap *chroma)
{
    int row = y - job.y;
    bool outside = row < 0 || row >= job.h || x + PIXELS <= job.x || x >= job.x + job.w;
    float v[PIXELS][3];

    if (!outside) {
        SsPixelRow from = ss_pixel_row(&job, KIND, (uint32_t)row);

#pragma unroll
        for (int j = 0; j < PIXELS; j++) {
            SsPixelTap t[2] = { luma[j], chroma[j] };

            ss_pixel_elements(&job, KIND, &from, t, v[j]);
        }
    }
    if (outside || x < job.x || x + PIXELS > job.x + job.w)
#pragma unroll
        for (int j = 0; j < PIXELS; j++)
            for (int k = 0; k < 3; k++)
                if (outside || x + j < job.x || x + j >= job.x + job.w)
                    v[j][k] = ss_pixel_bar(&job, k);
    store<DTYPE, LAYOUT>(job, x, y, v);
}

template <int KIND, int DTYPE, int LAYOUT>
static __device__ __forceinline__ void preprocess(const SsPixelJob &job)
{
    __shared__ __align__(16) SsPixelTap taps[2][COLUMNS];
    int left = (int)blockIdx.x * COLUMNS, x = left + (int)threadIdx.x * PIXELS;
    int me = (int)(threadIdx.y * SS_BLOCK_X + threadIdx.x);
    const SsPixelTap *luma = taps[0] + threadIdx.x * PIXELS;
    const SsPixelTap *chroma = taps[ss_pixel_is_yuv(KIND)] + threadIdx.x * PIXELS;

    if (me < COLUMNS)
        taps[0][me] = ss_pixel_column(&job, KIND, 0, left + me);
    else if (ss_pixel_is_yuv(KIND))
        taps[1][me - COLUMNS] = ss_pixel_column(&job, KIND, 1, left + me - COLUMNS);
    __syncthreads();
    if (x >= job.width)
        return;
#pragma unroll 1
    for (int y = (int)(blockIdx.y * SS_BLOCK_Y + threadIdx.y); y < job.height;
         y += (int)gridDim.y * SS_BLOCK_Y)
        make<KIND, DTYPE, LAYOUT>(job, x, y, luma, chroma);
}

/* Their names are put together in preprocess.c. */
#define KERNEL(kind, KIND, dtype, DTYPE, layout, LAYOUT)                                                     \
    extern "C" __global__ void __launch_bounds__(SS_BLOCK_X *SS_BLOCK_Y)                                     \
        ss_preprocess_##kind##_##dtype##_##layout(const __grid_constant__ SsPixelJob job)                    \
    {                                                                                                        \
        preprocess<KIND, DTYPE, LAYOUT>(job);                                                                \
    }
#define LAYOUTS(kind, KIND, dtype, DTYPE)                                                                    \
    KERNEL(kind, KIND, dtype, DTYPE, nchw, NCHW)                                                             \
    KERNEL(kind, KIND, dtype, DTYPE, nhwc, NHWC)
#define DTYPES(kind, KIND)                                                                                   \
    LAYOUTS(kind, KIND, u8, U8)                                                                              \
    LAYOUTS(kind, KIND, f16, F16)                                                                            \
    LAYOUTS(kind, KIND, f32, F32)

DTYPES(nv12, SS_KIND_NV12)
DTYPES(i420, SS_KIND_I420)
DTYPES(24, SS_KIND_24)
DTYPES(32, SS_KIND_32)
DTYPES(grey, SS_KIND_GREY)
