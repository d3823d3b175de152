/* SPDX-License-Identifier: Apache-2.0 */
/* src/cuda/pixel.h, compiled for the host, against core/image.c: every format, fit, type, layout and colour.
 */
#include "cuda/pixel.h"

#include <errno.h>

#include "core/image.h"
#include "cuda/job.h"
#include "internal.h"
#include "test.h"

static const SsLogger quiet = { .level = SS_LOG_ERROR };
static const SsPixelFormat formats[] = { SS_PIXEL_NV12, SS_PIXEL_I420, SS_PIXEL_RGB,  SS_PIXEL_BGR,
                                         SS_PIXEL_RGBX, SS_PIXEL_BGRX, SS_PIXEL_GRAY8 };

typedef struct Size {
    int frame_w, frame_h, input_w, input_h, padding;
} Size;

/* Odd, up, down, one to one, a pixel, and as wide as frames may be, where positions are least exact. */
static const Size sizes[] = {
    { 37, 23, 64, 48, 0 },  { 101, 67, 40, 40, 11 }, { 64, 48, 64, 48, 4 },   { 1, 1, 7, 5, 3 },
    { 3, 200, 33, 18, 64 }, { 320, 181, 96, 96, 1 }, { 16384, 3, 999, 8, 0 }, { 5, 16384, 8, 777, 2 },
};

/* The most that was seen, in grey levels; of bytes also how many were not the same. */
static struct {
    double f32, f16, u8;
    size_t bytes, odd_bytes;
} worst;

static SsFrameDesc frame_new(SsPixelFormat format, SsColour colour, const Size *s)
{
    SsFrameDesc f = { .format = format, .colour = colour, .width = s->frame_w, .height = s->frame_h };
    unsigned seed = 1;

    for (int i = 0; i < 3; i++) {
        size_t row = ss_pixel_row_bytes(&f, i), size;
        uint8_t *memory;

        if (row == 0)
            continue;
        /* It ends with the last visible byte, so that a sanitizer sees a read beyond it. */
        size = (row + (size_t)s->padding) * (size_t)(ss_pixel_rows(&f, i) - 1) + row;
        memory = malloc(size + (s->frame_w < 3 ? SS_PIXEL_BEYOND : 0));
        REQUIRE(memory);
        for (size_t k = 0; k < size; k++) {
            seed = seed * 1664525u + 1013904223u;
            memory[k] = (uint8_t)(seed >> 24);
        }
        f.plane[i] = memory;
        f.stride[i] = (int)row + s->padding;
    }
    return f;
}

static void frame_free(SsFrameDesc *f)
{
    for (int i = 0; i < 3; i++)
        free((void *)(uintptr_t)f->plane[i]);
}

static SsTensor tensor(const Size *s, SsDType dtype, bool nhwc)
{
    SsTensor t = { .dtype = dtype, .rank = 4, .dim = { 1, 3, s->input_h, s->input_w } };

    if (nhwc) {
        t.dim[1] = s->input_h;
        t.dim[2] = s->input_w;
        t.dim[3] = 3;
    }
    return t;
}

static double half_to_double(uint16_t h)
{
    int exponent = h >> 10 & 31;
    double m = h & 1023, v = exponent ? ldexp(1024 + m, exponent - 25) : ldexp(m, -24);

    return h & 0x8000 ? -v : v;
}

/* Element `at` of a tensor in grey levels, and how far the type itself is off there. */
static double level(const void *data, size_t at, SsDType dtype, const SsInputParams *p, int k)
{
    double v = dtype == SS_U8    ? ((const uint8_t *)data)[at]
               : dtype == SS_F16 ? half_to_double(((const uint16_t *)data)[at])
                                 : (double)((const float *)data)[at];

    return dtype == SS_U8 ? v : v * (double)p->scale[k] + (double)p->mean[k];
}

static void compare(const void *cpu, const SsPixelJob *job, const SsTensor *input, const SsInputParams *p)
{
    bool nhwc = input->dim[3] == 3;
    size_t plane = (size_t)job->width * (size_t)job->height;

    for (int y = 0; y < job->height; y++) {
        bool bar = y < job->y || y >= job->y + job->h;
        SsPixelRow row = { .top = { NULL } };

        if (!bar)
            row = ss_pixel_row(job, job->kind, (uint32_t)(y - job->y));
        for (int x = 0; x < job->width; x++) {
            size_t pixel = (size_t)y * (size_t)job->width + (size_t)x;
            float v[3] = { ss_pixel_bar(job, 0), ss_pixel_bar(job, 1), ss_pixel_bar(job, 2) };

            if (!bar && x >= job->x && x < job->x + job->w) {
                SsPixelTap taps[2] = { ss_pixel_column(job, job->kind, 0, x),
                                       ss_pixel_column(job, job->kind, 1, x) };

                ss_pixel_elements(job, job->kind, &row, taps, v);
            }
            for (int k = 0; k < 3; k++) {
                size_t channel = (size_t)ss_pixel_channel(job, k);
                size_t at = nhwc ? 3 * pixel + channel : pixel + channel * plane;
                double want = level(cpu, at, input->dtype, p, (int)channel);
                uint16_t half = ss_pixel_half(v[k]);
                uint8_t byte = ss_pixel_byte(v[k]);

                if (input->dtype == SS_F32) {
                    worst.f32 = fmax(worst.f32, fabs(level(&v[k], 0, SS_F32, p, (int)channel) - want));
                } else if (input->dtype == SS_F16) {
                    worst.f16 = fmax(worst.f16, fabs(level(&half, 0, SS_F16, p, (int)channel) - want));
                } else {
                    worst.u8 = fmax(worst.u8, fabs(byte - want));
                    worst.bytes++;
                    worst.odd_bytes += byte != want;
                }
            }
        }
    }
}

static void one(const SsFrameDesc *f, const SsTensor *input, int fit, int order)
{
    SsInputParams p = {
        .fit = fit, .order = order, .mean = { 127.5f, 110.25f, 3.0f }, .scale = { 127.5f, 61.0f, 255.0f }
    };
    size_t elements = (size_t)(input->dim[1] * input->dim[2] * input->dim[3]);
    void *cpu = malloc(elements * sizeof(float));
    SsGeometry want, got;
    SsPixelJob job;
    SsImage *im;

    REQUIRE(cpu);
    REQUIRE(ss_pixel_supported(input, &p));
    REQUIRE(ss_image_create(&im, input, &p, &quiet) == 0);
    REQUIRE(ss_image_convert(im, f, cpu, &want) == 0);
    REQUIRE(ss_pixel_job_init(&job, input, &p, f, &got) == 0);
    REQUIRE_CMP(got.scale_x, ==, want.scale_x);
    REQUIRE_CMP(got.scale_y, ==, want.scale_y);
    REQUIRE_CMP(got.offset_x, ==, want.offset_x);
    REQUIRE_CMP(got.offset_y, ==, want.offset_y);
    compare(cpu, &job, input, &p);
    ss_image_destroy(&im);
    free(cpu);
}

static void all_ways(SsPixelFormat format, SsColour colour, const Size *s)
{
    static const SsDType dtypes[] = { SS_U8, SS_F16, SS_F32 };
    SsFrameDesc f = frame_new(format, colour, s);

    for (size_t d = 0; d < SS_COUNTOF(dtypes); d++)
        for (int nhwc = 0; nhwc < 2; nhwc++) {
            SsTensor input = tensor(s, dtypes[d], nhwc);

            one(&f, &input, SS_FIT_LETTERBOX, SS_ORDER_RGB);
            one(&f, &input, SS_FIT_LETTERBOX, SS_ORDER_BGR);
            one(&f, &input, SS_FIT_STRETCH, SS_ORDER_RGB);
        }
    frame_free(&f);
}

/* 0.02 levels are the CPU's rounding to 1/128; a half of up to 1.8 is exact to 61 / 1024 levels and, of the
 * third channel's 1, to 255 / 2048. */
static void test_same_as_cpu(void)
{
    for (size_t i = 0; i < SS_COUNTOF(formats); i++)
        for (size_t s = 0; s < SS_COUNTOF(sizes); s++)
            for (int colour = SS_COLOUR_BT601_LIMITED; colour <= SS_COLOUR_BT709_FULL; colour++)
                if (colour == 0 || formats[i] == SS_PIXEL_NV12 || formats[i] == SS_PIXEL_I420)
                    all_ways(formats[i], (SsColour)colour, &sizes[s]);
    printf("most: f32 %.4f, f16 %.4f, u8 %.0f levels; %.3f %% of %zu bytes differ\n", worst.f32, worst.f16,
           worst.u8, 100.0 * (double)worst.odd_bytes / (double)worst.bytes, worst.bytes);
    REQUIRE_CMP(worst.f32, <=, 0.04);
    REQUIRE_CMP(worst.f16, <=, 0.17);
    REQUIRE_CMP(worst.u8, <=, 1);
    REQUIRE_CMP((double)worst.odd_bytes, <=, 0.01 * (double)worst.bytes);
}

/* What core/image.c refuses, and what the kernel's 32-bit offsets cannot reach. */
static void test_refuses(void)
{
    Size s = { 16, 16, 8, 8, 0 };
    SsTensor input = tensor(&s, SS_F32, false), bad = input;
    SsInputParams p = { .fit = SS_FIT_STRETCH, .order = SS_ORDER_RGB, .scale = { 1, 1, 1 } };
    SsFrameDesc f = frame_new(SS_PIXEL_NV12, SS_COLOUR_BT601_LIMITED, &s), odd = f;
    SsGeometry g;
    SsPixelJob job;

    bad.dim[1] = 4;
    REQUIRE(!ss_pixel_supported(&bad, &p));
    bad = input;
    bad.dtype = SS_I64;
    REQUIRE(!ss_pixel_supported(&bad, &p));
    REQUIRE(!ss_pixel_supported(&input, &(SsInputParams) { .fit = SS_FIT_STRETCH, .order = SS_ORDER_RGB }));

    REQUIRE(ss_pixel_job_init(&job, &input, &p, &f, &g) == 0);
    odd.plane[1] = NULL;
    REQUIRE(ss_pixel_job_init(&job, &input, &p, &odd, &g) == -EINVAL);
    odd = f;
    odd.stride[0] = 15;
    REQUIRE(ss_pixel_job_init(&job, &input, &p, &odd, &g) == -EINVAL);
    odd.stride[0] = INT32_MAX;
    REQUIRE(ss_pixel_job_init(&job, &input, &p, &odd, &g) == -EINVAL);
    odd = f;
    odd.format = (SsPixelFormat)77;
    REQUIRE(ss_pixel_job_init(&job, &input, &p, &odd, &g) == -EINVAL);
    frame_free(&f);
}

/* Stores of four elements need rows and a first byte that allow them. */
static void test_vectors(void)
{
    _Alignas(16) static float memory[8];
    SsPixelJob job = { .width = 8 };
    SsTensor t = { .dtype = SS_F32 };

    ss_pixel_job_target(&job, &t, memory);
    REQUIRE(job.vectors && job.dst == memory);
    ss_pixel_job_target(&job, &t, memory + 2);
    REQUIRE(!job.vectors);
    t.dtype = SS_F16;
    ss_pixel_job_target(&job, &t, memory + 2);
    REQUIRE(job.vectors);
    job.width = 6;
    ss_pixel_job_target(&job, &t, memory);
    REQUIRE(!job.vectors);
}

int main(void)
{
    test_same_as_cpu();
    test_refuses();
    test_vectors();
    return 0;
}
