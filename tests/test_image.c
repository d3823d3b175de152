/* SPDX-License-Identifier: Apache-2.0 */
/* src/core/image.c against a slow reference in double precision. */
#include "core/image.h"

#include <errno.h>
#include <stdbool.h>

#include "internal.h"
#include "test.h"

typedef struct Picture {
    SsFrameDesc desc;
    uint8_t *memory[3];
} Picture;

static const SsPixelFormat formats[] = { SS_PIXEL_NV12, SS_PIXEL_I420, SS_PIXEL_RGB,  SS_PIXEL_BGR,
                                         SS_PIXEL_RGBX, SS_PIXEL_BGRX, SS_PIXEL_GRAY8 };

static bool is_yuv(SsPixelFormat f)
{
    return f == SS_PIXEL_NV12 || f == SS_PIXEL_I420;
}

static int bytes_a_row(SsPixelFormat f, int plane, int width)
{
    switch (f) {
    case SS_PIXEL_NV12:
        return plane == 0 ? width : plane == 1 ? (width + 1) / 2 * 2 : 0;
    case SS_PIXEL_I420:
        return plane == 0 ? width : (width + 1) / 2;
    case SS_PIXEL_GRAY8:
        return plane == 0 ? width : 0;
    case SS_PIXEL_RGB:
    case SS_PIXEL_BGR:
        return plane == 0 ? 3 * width : 0;
    default:
        return plane == 0 ? 4 * width : 0;
    }
}

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

/* Noise: the hardest picture for a resizer. Every plane ends with its last visible byte, so that a
 * sanitizer sees a read beyond it. */
static Picture picture_new(SsPixelFormat format, int width, int height, int padding, unsigned seed)
{
    Picture p = { .desc = { .format = format, .width = width, .height = height } };

    for (int i = 0; i < 3; i++) {
        int row = bytes_a_row(format, i, width);
        int rows = i > 0 ? (height + 1) / 2 : height;
        size_t size;

        if (row == 0)
            continue;
        p.desc.stride[i] = row + padding;
        size = (size_t)p.desc.stride[i] * (rows - 1) + row;
        p.memory[i] = malloc(size);
        REQUIRE(p.memory[i]);
        for (size_t k = 0; k < size; k++)
            p.memory[i][k] = (uint8_t)next_random(&seed);
        p.desc.plane[i] = p.memory[i];
    }
    return p;
}

static void picture_free(Picture *p)
{
    for (int i = 0; i < 3; i++)
        free(p->memory[i]);
}

static double clip(double v, double low, double high)
{
    return v < low ? low : v > high ? high : v;
}

/* Bilinear sample of bytes `step` apart, at the continuous position (x, y) in samples. */
static double sample(const uint8_t *plane, int stride, int step, int w, int h, double x, double y)
{
    double sx = clip(x - 0.5, 0, w - 1), sy = clip(y - 0.5, 0, h - 1);
    int x0 = (int)sx, y0 = (int)sy;
    int x1 = SS_MIN(x0 + 1, w - 1), y1 = SS_MIN(y0 + 1, h - 1);
    double fx = sx - x0, fy = sy - y0;
    const uint8_t *top = plane + (size_t)y0 * stride, *bottom = plane + (size_t)y1 * stride;

    return (1 - fy) * ((1 - fx) * top[x0 * step] + fx * top[x1 * step]) +
           fy * ((1 - fx) * bottom[x0 * step] + fx * bottom[x1 * step]);
}

/* R,G,B of a frame at a continuous position in luma pixels. */
static void reference_rgb(const SsFrameDesc *f, double x, double y, double rgb[3])
{
    int w = f->width, h = f->height, cw = (w + 1) / 2, ch = (h + 1) / 2;
    int step = f->format == SS_PIXEL_RGB || f->format == SS_PIXEL_BGR ? 3 : 4;
    bool reversed = f->format == SS_PIXEL_BGR || f->format == SS_PIXEL_BGRX;

    if (f->format == SS_PIXEL_GRAY8) {
        rgb[0] = rgb[1] = rgb[2] = sample(f->plane[0], f->stride[0], 1, w, h, x, y);
    } else if (is_yuv(f->format)) {
        bool nv12 = f->format == SS_PIXEL_NV12;
        bool hd = f->colour == SS_COLOUR_BT709_LIMITED || f->colour == SS_COLOUR_BT709_FULL;
        bool full = f->colour == SS_COLOUR_BT601_FULL || f->colour == SS_COLOUR_BT709_FULL;
        double kr = hd ? 0.2126 : 0.299, kb = hd ? 0.0722 : 0.114;
        double luma = sample(f->plane[0], f->stride[0], 1, w, h, x, y);
        double u = sample(f->plane[1], f->stride[1], nv12 ? 2 : 1, cw, ch, x / 2, y / 2);
        double v = nv12 ? sample(f->plane[1] + 1, f->stride[1], 2, cw, ch, x / 2, y / 2)
                        : sample(f->plane[2], f->stride[2], 1, cw, ch, x / 2, y / 2);
        double yn = full ? luma / 255 : (luma - 16) / 219;
        double pb = (u - 128) / (full ? 255 : 224), pr = (v - 128) / (full ? 255 : 224);

        rgb[0] = 255 * (yn + 2 * (1 - kr) * pr);
        rgb[2] = 255 * (yn + 2 * (1 - kb) * pb);
        rgb[1] = (255 * yn - kr * rgb[0] - kb * rgb[2]) / (1 - kr - kb);
    } else {
        for (int i = 0; i < 3; i++)
            rgb[i] = sample(f->plane[0] + (reversed ? 2 - i : i), f->stride[0], step, w, h, x, y);
    }
    for (int i = 0; i < 3; i++)
        rgb[i] = clip(rgb[i], 0, 255);
}

static double half_to_double(uint16_t h)
{
    int exponent = h >> 10 & 31;
    double m = h & 1023, v = exponent ? ldexp(1024 + m, exponent - 25) : ldexp(m, -24);

    REQUIRE(exponent != 31);
    return h & 0x8000 ? -v : v;
}

typedef struct Case {
    SsTensor input;
    SsInputParams params;
} Case;

static Case case_new(int width, int height, bool nhwc, SsDType dtype, int fit, int order)
{
    Case c = { .input = { .dtype = dtype, .rank = 4, .dim = { 1, 3, height, width } },
               .params = { .fit = fit,
                           .order = order,
                           .mean = { 127.5f, 110.25f, 3.0f },
                           .scale = { 127.5f, 61.0f, 255.0f } } };

    if (nhwc) {
        c.input.dim[1] = height;
        c.input.dim[2] = width;
        c.input.dim[3] = 3;
    }
    return c;
}

/* The grey level that element stands for: normalisation undone. */
static double level_at(const Case *c, const void *data, int x, int y, int k)
{
    bool nhwc = c->input.dim[3] == 3;
    size_t w = c->input.dim[nhwc ? 2 : 3], h = c->input.dim[nhwc ? 1 : 2];
    size_t i = nhwc ? (y * w + x) * 3 + k : (k * h + y) * w + x;
    double v;

    if (c->input.dtype == SS_U8)
        return ((const uint8_t *)data)[i];
    v = c->input.dtype == SS_F32 ? (double)((const float *)data)[i]
                                 : half_to_double(((const uint16_t *)data)[i]);
    return v * (double)c->params.scale[k] + (double)c->params.mean[k];
}

/* A half has 11 bits: up to 2^-11 of the value, here as grey levels. */
static double tolerance(const Case *c, int k)
{
    double range = 255 + fabs((double)c->params.mean[k]);

    return c->input.dtype == SS_U8 ? 0.55 : c->input.dtype == SS_F32 ? 0.05 : 0.05 + range / 2048;
}

/* Where the picture has to lie in the input, to half a pixel (a bar's width is whole pixels). */
static void compare_geometry(const Case *c, const SsFrameDesc *f, int w, int h, const SsGeometry *g)
{
    double zoom = fmin((double)w / f->width, (double)h / f->height);
    bool boxed = c->params.fit == SS_FIT_LETTERBOX;
    double want_w = boxed ? fmax(zoom * f->width, 1) : w, want_h = boxed ? fmax(zoom * f->height, 1) : h;

    REQUIRE_NEAR(g->scale_x * f->width, want_w, 0.501);
    REQUIRE_NEAR(g->scale_y * f->height, want_h, 0.501);
    REQUIRE_NEAR(g->offset_x, (w - want_w) / 2, 0.751);
    REQUIRE_NEAR(g->offset_y, (h - want_h) / 2, 0.751);
}

static void compare(const Case *c, const SsFrameDesc *f, const void *data, const SsGeometry *g)
{
    bool nhwc = c->input.dim[3] == 3;
    int w = (int)c->input.dim[nhwc ? 2 : 3], h = (int)c->input.dim[nhwc ? 1 : 2];

    compare_geometry(c, f, w, h, g);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            double sx = (x + 0.5 - (double)g->offset_x) / (double)g->scale_x;
            double sy = (y + 0.5 - (double)g->offset_y) / (double)g->scale_y;
            double rgb[3] = { 114, 114, 114 };

            if (sx > 0 && sx < f->width && sy > 0 && sy < f->height)
                reference_rgb(f, sx, sy, rgb);
            for (int k = 0; k < 3; k++) {
                double want = rgb[c->params.order == SS_ORDER_BGR ? 2 - k : k];

                REQUIRE_NEAR(level_at(c, data, x, y, k), want, tolerance(c, k));
            }
        }
}

static void check(const Case *c, const SsFrameDesc *f, SsGeometry *g)
{
    static const size_t size_of[] = { [SS_U8] = 1, [SS_F16] = 2, [SS_F32] = 4 };
    size_t n = (size_t)c->input.dim[1] * c->input.dim[2] * c->input.dim[3] * size_of[c->input.dtype];
    void *data = malloc(n);
    SsLogger log = { 0 };
    SsImage *im;

    REQUIRE(data);
    memset(data, 0x5a, n);
    REQUIRE(ss_image_create(&im, &c->input, &c->params, &log) == 0);
    REQUIRE(ss_image_convert(im, f, data, g) == 0);
    compare(c, f, data, g);
    ss_image_destroy(&im);
    REQUIRE(!im);
    free(data);
}

static void test_every_format_layout_and_type(void)
{
    static const SsDType dtypes[] = { SS_U8, SS_F16, SS_F32 };
    static const int sizes[][2] = { { 64, 48 }, { 37, 29 }, { 18, 90 } };

    for (size_t i = 0; i < SS_COUNTOF(formats); i++)
        for (size_t s = 0; s < SS_COUNTOF(sizes); s++) {
            Picture p = picture_new(formats[i], sizes[s][0], sizes[s][1], (int)(s * 5), (unsigned)(i + s));

            for (int variant = 0; variant < 2 * 2 * 2 * 3; variant++) {
                Case c = case_new(40, 33, variant & 1, dtypes[variant / 8],
                                  variant & 2 ? SS_FIT_LETTERBOX : SS_FIT_STRETCH,
                                  variant & 4 ? SS_ORDER_BGR : SS_ORDER_RGB);
                SsGeometry g;

                p.desc.colour = (SsColour)(variant % 4);
                check(&c, &p.desc, &g);
            }
            picture_free(&p);
        }
}

static void test_sizes(void)
{
    static const int frame[][2] = {
        { 1, 1 }, { 1, 7 }, { 7, 1 }, { 2, 2 }, { 3, 3 }, { 33, 21 }, { 400, 3 }
    };
    static const int input[][2] = { { 1, 1 }, { 2, 5 }, { 33, 21 }, { 64, 64 }, { 70, 31 } };

    for (size_t i = 0; i < SS_COUNTOF(formats); i++)
        for (size_t k = 0; k < SS_COUNTOF(frame); k++)
            for (size_t n = 0; n < SS_COUNTOF(input); n++) {
                Picture p = picture_new(formats[i], frame[k][0], frame[k][1], (int)n, (unsigned)(i + k + n));
                Case c = case_new(input[n][0], input[n][1], n & 1, SS_U8,
                                  k & 1 ? SS_FIT_LETTERBOX : SS_FIT_STRETCH, SS_ORDER_RGB);
                SsGeometry g;

                check(&c, &p.desc, &g);
                picture_free(&p);
            }
}

/* The tables of one geometry must not outlive it, whichever part of it changes. */
static void test_frames_that_change(void)
{
    Case c = case_new(32, 32, true, SS_U8, SS_FIT_LETTERBOX, SS_ORDER_RGB);
    SsLogger log = { 0 };
    SsImage *im;
    uint8_t data[32 * 32 * 3];
    int width = 20, height = 50, format = 0;

    REQUIRE(ss_image_create(&im, &c.input, &c.params, &log) == 0);
    for (unsigned i = 0; i < 3 * SS_COUNTOF(formats); i++) {
        Picture p = picture_new(formats[format], width, height, 0, i);
        SsGeometry g;

        for (int repeat = 0; repeat < 2; repeat++) {
            memset(data, 0, sizeof(data));
            REQUIRE(ss_image_convert(im, &p.desc, data, &g) == 0);
            compare(&c, &p.desc, data, &g);
        }
        picture_free(&p);
        if (i % 3 == 0)
            format = (format + 1) % (int)SS_COUNTOF(formats);
        else if (i % 3 == 1)
            width += 7;
        else
            height -= 5;
    }
    ss_image_destroy(&im);
    ss_image_destroy(&im);
    ss_image_destroy(NULL);
}

static void test_identity_is_exact(void)
{
    Picture p = picture_new(SS_PIXEL_RGB, 50, 40, 0, 1);
    Case c = case_new(50, 40, true, SS_U8, SS_FIT_STRETCH, SS_ORDER_RGB);
    SsLogger log = { 0 };
    SsImage *im;
    SsGeometry g;
    uint8_t data[50 * 40 * 3];

    REQUIRE(ss_image_create(&im, &c.input, &c.params, &log) == 0);
    REQUIRE(ss_image_convert(im, &p.desc, data, &g) == 0);
    REQUIRE(memcmp(data, p.memory[0], sizeof(data)) == 0);
    ss_image_destroy(&im);
    picture_free(&p);
}

static void test_letterbox_geometry(void)
{
    static const struct {
        int width, height, bar_x, bar_y;
    } frames[] = { { 80, 40, 0, 16 }, { 40, 80, 16, 0 }, { 40, 40, 0, 0 } };

    for (size_t i = 0; i < SS_COUNTOF(frames); i++) {
        Picture p = picture_new(SS_PIXEL_NV12, frames[i].width, frames[i].height, 0, 3);
        Case c = case_new(64, 64, true, SS_U8, SS_FIT_LETTERBOX, SS_ORDER_RGB);
        SsGeometry g;
        SsBox in = { 10, 20, 5, 6 }, out, there;

        check(&c, &p.desc, &g);
        REQUIRE_NEAR(g.offset_x, frames[i].bar_x, 0);
        REQUIRE_NEAR(g.offset_y, frames[i].bar_y, 0);
        REQUIRE_NEAR(g.scale_x, g.scale_y, 1e-6);
        there = (SsBox) { in.x * g.scale_x + g.offset_x, in.y * g.scale_y + g.offset_y, in.w * g.scale_x,
                          in.h * g.scale_y };
        out = ss_geometry_to_frame(&g, there);
        REQUIRE_NEAR(out.x, in.x, 1e-4);
        REQUIRE_NEAR(out.y, in.y, 1e-4);
        REQUIRE_NEAR(out.w, in.w, 1e-4);
        REQUIRE_NEAR(out.h, in.h, 1e-4);
        picture_free(&p);
    }
}

/* Halves near zero are subnormal, far away infinite: both have a path of their own. */
static void test_half_precision_extremes(void)
{
    Case c = case_new(256, 1, false, SS_F16, SS_FIT_STRETCH, SS_ORDER_RGB);
    uint8_t ramp[256];
    SsFrameDesc f = {
        .format = SS_PIXEL_GRAY8, .width = 256, .height = 1, .plane = { ramp }, .stride = { 256 }
    };
    SsLogger log = { 0 };
    SsImage *im;
    SsGeometry g;
    uint16_t data[3 * 256];

    for (int i = 0; i < 256; i++)
        ramp[i] = (uint8_t)i;
    for (int k = 0; k < 3; k++) {
        c.params.mean[k] = k == 1 ? 128.0f : 0.0f;
        c.params.scale[k] = k == 0 ? 8388608.0f : k == 1 ? 4194304.0f : 0.002f;
    }
    REQUIRE(ss_image_create(&im, &c.input, &c.params, &log) == 0);
    REQUIRE(ss_image_convert(im, &f, data, &g) == 0);
    for (int i = 0; i < 256; i++) {
        REQUIRE_NEAR(half_to_double(data[i]), i / 8388608.0, ldexp(1, -25));
        REQUIRE_NEAR(half_to_double(data[256 + i]), (i - 128) / 4194304.0, ldexp(1, -25));
        if (i <= 131)
            REQUIRE_NEAR(half_to_double(data[512 + i]), i / 0.002, 16);
        else
            REQUIRE(data[512 + i] == 0x7c00);
    }
    ss_image_destroy(&im);
}

typedef struct Heard {
    int errors;
} Heard;

static void hear(void *cookie, SsLogLevel level, const char *msg)
{
    Heard *heard = cookie;

    REQUIRE(msg[0]);
    heard->errors += level == SS_LOG_ERROR;
}

static void test_refusals(void)
{
    Case good = case_new(8, 8, true, SS_F32, SS_FIT_STRETCH, SS_ORDER_RGB), c;
    Picture p = picture_new(SS_PIXEL_NV12, 8, 8, 0, 9);
    Heard heard = { 0 };
    SsLogger log = { .level = SS_LOG_WARN, .write = hear, .cookie = &heard };
    SsFrameDesc f;
    SsGeometry g;
    SsImage *im = NULL;
    float data[8 * 8 * 3];
    int expected = 0;

#define REFUSED(change)                                                                                      \
    do {                                                                                                     \
        c = good;                                                                                            \
        change;                                                                                              \
        REQUIRE(ss_image_create(&im, &c.input, &c.params, &log) == -ENOTSUP && !im);                         \
        REQUIRE(heard.errors == ++expected);                                                                 \
    } while (0)
    REFUSED(c.input.dtype = SS_I32);
    REFUSED(c.input.rank = 3);
    REFUSED(c.input.dim[0] = 0);
    REFUSED(c.input.dim[3] = 4);
    REFUSED(c.input.dim[1] = 0);
    REFUSED(c.input.dim[2] = SS_MAX_SIDE + 1);
    REFUSED(c.params.scale[1] = 0);
    REFUSED(c.params.fit = SS_FIT_DEFAULT);
    REFUSED(c.params.order = SS_ORDER_DEFAULT);

    REQUIRE(ss_image_create(&im, &good.input, &good.params, &log) == 0);
#define BAD_FRAME(change)                                                                                    \
    do {                                                                                                     \
        f = p.desc;                                                                                          \
        change;                                                                                              \
        REQUIRE(ss_image_convert(im, &f, data, &g) == -EINVAL);                                              \
        REQUIRE(heard.errors == ++expected);                                                                 \
    } while (0)
    BAD_FRAME(f.width = 0);
    BAD_FRAME(f.height = SS_MAX_SIDE + 1);
    BAD_FRAME(f.plane[1] = NULL);
    BAD_FRAME(f.stride[0] = 7);
    BAD_FRAME(f.format = (SsPixelFormat)99);
    REQUIRE(ss_image_convert(im, &p.desc, data, &g) == 0);
    compare(&good, &p.desc, data, &g);
    ss_image_destroy(&im);
    picture_free(&p);
}

int main(void)
{
    test_every_format_layout_and_type();
    test_sizes();
    test_frames_that_change();
    test_identity_is_exact();
    test_letterbox_geometry();
    test_half_precision_extremes();
    test_refusals();
    return 0;
}
