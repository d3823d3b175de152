/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One path for every format: a component (Y, U, V or R, G, B) is a plane, a step, an
 * offset and a subsampling. For each row of the network's input
 *   1. blend() mixes the two source rows of each plane, byte by byte,
 *   2. pick_1() and its like interpolate each component along the row,
 *   3. yuv_to_rgb() where needed,
 *   4. write_*() normalises and lays out.
 * The vertical step comes first since it is the one a vector unit does for nothing: the
 * indexed step that follows then runs once a pixel, not twice. Between the steps a value
 * is an int16 with 7 bits after the point (255 = 32640), so a weight's error stays far
 * below one grey level.
 */
#include "core/image.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/model.h"
#include "internal.h"

enum { ONE = 128, TOP = 255 * ONE, BAR = 114 * ONE };

typedef struct Component {
    uint8_t plane, step, offset, shift; /* step, offset in bytes; shift: log2 of the subsampling */
} Component;

typedef struct Layout {
    bool yuv;
    int n_components, n_planes;
    Component c[3]; /* Y,U,V or R,G,B */
} Layout;

static const Layout layouts[] = {
    [SS_PIXEL_NV12] = { true, 3, 2, { { 0, 1, 0, 0 }, { 1, 2, 0, 1 }, { 1, 2, 1, 1 } } },
    [SS_PIXEL_I420] = { true, 3, 3, { { 0, 1, 0, 0 }, { 1, 1, 0, 1 }, { 2, 1, 0, 1 } } },
    [SS_PIXEL_RGB] = { false, 3, 1, { { 0, 3, 0, 0 }, { 0, 3, 1, 0 }, { 0, 3, 2, 0 } } },
    [SS_PIXEL_BGR] = { false, 3, 1, { { 0, 3, 2, 0 }, { 0, 3, 1, 0 }, { 0, 3, 0, 0 } } },
    [SS_PIXEL_RGBX] = { false, 3, 1, { { 0, 4, 0, 0 }, { 0, 4, 1, 0 }, { 0, 4, 2, 0 } } },
    [SS_PIXEL_BGRX] = { false, 3, 1, { { 0, 4, 2, 0 }, { 0, 4, 1, 0 }, { 0, 4, 0, 0 } } },
    [SS_PIXEL_GRAY8] = { false, 1, 1, { { 0, 1, 0, 0 } } },
};

/* Where each output column comes from: byte `at` of the row and, with `weight` / 32768, the next sample. */
typedef struct Columns {
    int32_t *at;
    int16_t *weight;
} Columns;

struct SsImage {
    const SsLogger *log;
    int width, height; /* of the network's input */
    bool nhwc;
    SsDType dtype;
    SsInputParams params;
    float gain[3], bias[3]; /* in the network's channel order, for the 9.7 values */

    /* Of the frames' geometry, remade by prepare(). */
    SsPixelFormat format;
    int frame_width, frame_height;
    int x, y, w, h;        /* the picture's place in the network's input */
    Columns columns[2];    /* by Component.shift */
    int16_t *plane_row[3]; /* one blended source row each, and two pixels more to read with weight 0 */
    int16_t *row[3];       /* width values each */
    int16_t *both;         /* eight a column, while one is made */
    int16_t *bar;          /* width values of the letterbox's grey */
};

/* a + (b - a) * w / 32768, rounded; the one form that compilers turn into a single multiply. */
static inline int16_t mix(int16_t a, int16_t b, int16_t w)
{
    return (int16_t)(a + (int16_t)((((int32_t)(int16_t)(b - a) * w >> 14) + 1) >> 1));
}

SS_WIDE static void blend(const uint8_t *restrict a, const uint8_t *restrict b, int16_t weight, int n,
                          int16_t *restrict out)
{
    for (int i = 0; i < n; i++)
        out[i] = mix((int16_t)(a[i] << 7), (int16_t)(b[i] << 7), weight);
}

/*
 * Each column's pixel and its neighbour side by side, `group` samples each: what is left is then work for
 * vectors, and where a pixel has that many samples one load takes both.
 */
static inline void gather(const int16_t *restrict in, int step, int group, const int32_t *restrict at, int n,
                          int16_t *restrict both)
{
    const size_t size = (size_t)group * sizeof(*both);

    for (int i = 0; i < n; i++, both += 2 * group) {
        memcpy(both, in + at[i], step == group ? 2 * size : size);
        if (step != group)
            memcpy(both + group, in + at[i] + step, size);
    }
}

SS_WIDE static void pick_1(const int16_t *restrict in, const Columns *col, int n, int16_t *restrict both,
                           int16_t *restrict out)
{
    const int16_t *restrict weight = col->weight;

    gather(in, 1, 1, col->at, n, both);
    for (int i = 0; i < n; i++)
        out[i] = mix(both[2 * i], both[2 * i + 1], weight[i]);
}

SS_WIDE static void pick_2(const int16_t *restrict in, const Columns *col, int n, int16_t *restrict both,
                           int16_t *restrict out0, int16_t *restrict out1)
{
    const int16_t *restrict weight = col->weight;

    gather(in, 2, 2, col->at, n, both);
    for (int i = 0; i < n; i++) {
        out0[i] = mix(both[4 * i], both[4 * i + 2], weight[i]);
        out1[i] = mix(both[4 * i + 1], both[4 * i + 3], weight[i]);
    }
}

/* Of three and of four bytes: a fourth sample is taken along and not looked at. */
SS_WIDE static void pick_3(const int16_t *restrict in, int step, const Columns *col, int n,
                           int16_t *restrict both, int16_t *restrict out0, int16_t *restrict out1,
                           int16_t *restrict out2)
{
    const int16_t *restrict weight = col->weight;

    if (step == 4)
        gather(in, 4, 4, col->at, n, both);
    else
        gather(in, 3, 4, col->at, n, both);
    for (int i = 0; i < n; i++) {
        out0[i] = mix(both[8 * i], both[8 * i + 4], weight[i]);
        out1[i] = mix(both[8 * i + 1], both[8 * i + 5], weight[i]);
        out2[i] = mix(both[8 * i + 2], both[8 * i + 6], weight[i]);
    }
}

typedef struct Matrix {
    int16_t black, y, rv, gu, gv, bu; /* coefficients in 1/8192 */
} Matrix;

static Matrix matrix_of(SsColour colour)
{
    bool hd = colour == SS_COLOUR_BT709_LIMITED || colour == SS_COLOUR_BT709_FULL;
    bool full = colour == SS_COLOUR_BT601_FULL || colour == SS_COLOUR_BT709_FULL;
    double kr = hd ? 0.2126 : 0.299, kb = hd ? 0.0722 : 0.114, kg = 1 - kr - kb;
    double luma = 8192 * (full ? 1 : 255 / 219.0), chroma = 8192 * (full ? 1 : 255 / 224.0);

    return (Matrix) {
        .black = (int16_t)(full ? 0 : 16 * ONE),
        .y = (int16_t)lround(luma),
        .rv = (int16_t)lround(chroma * 2 * (1 - kr)),
        .gu = (int16_t)lround(chroma * 2 * (1 - kb) * kb / kg),
        .gv = (int16_t)lround(chroma * 2 * (1 - kr) * kr / kg),
        .bu = (int16_t)lround(chroma * 2 * (1 - kb)),
    };
}

static inline int16_t clamp(int32_t v)
{
    return (int16_t)(v < 0 ? 0 : v > TOP ? TOP : v);
}

SS_WIDE static void yuv_to_rgb(int16_t *restrict c0, int16_t *restrict c1, int16_t *restrict c2, Matrix m,
                               int n)
{
    for (int i = 0; i < n; i++) {
        int16_t y = (int16_t)(c0[i] - m.black);
        int16_t u = (int16_t)(c1[i] - 128 * ONE), v = (int16_t)(c2[i] - 128 * ONE);
        int32_t base = (int32_t)y * m.y + 4096;

        c0[i] = clamp((base + (int32_t)v * m.rv) >> 13);
        c1[i] = clamp((base - (int32_t)u * m.gu - (int32_t)v * m.gv) >> 13);
        c2[i] = clamp((base + (int32_t)u * m.bu) >> 13);
    }
}

static inline uint8_t to_u8(int16_t v)
{
    return (uint8_t)((v + ONE / 2) >> 7);
}

/* IEEE 754 half, round to nearest even. Small numbers take the subnormals' unit from a float addition. */
static inline uint16_t to_half(float f)
{
    union {
        float f;
        uint32_t u;
    } v = { .f = f }, small = { .f = fabsf(f) + 0.5f };
    uint32_t sign = v.u >> 16 & 0x8000u, mag = v.u & 0x7fffffffu;
    uint32_t normal = (mag - (112u << 23) + 0xfffu + (mag >> 13 & 1)) >> 13;
    uint32_t h = mag < (113u << 23) ? small.u - (126u << 23) : normal;

    return (uint16_t)(sign | (mag >= 0x477ff000u ? 0x7c00u : h));
}

/* One writer a type and layout: `c` are the rows in the network's channel order. */
SS_WIDE static void write_u8(const int16_t *restrict c, int n, uint8_t *restrict dst)
{
    for (int i = 0; i < n; i++)
        dst[i] = to_u8(c[i]);
}

SS_WIDE static void write_u8x3(const int16_t *restrict c0, const int16_t *restrict c1,
                               const int16_t *restrict c2, int n, uint8_t *restrict dst)
{
    for (int i = 0; i < n; i++) {
        dst[3 * i] = to_u8(c0[i]);
        dst[3 * i + 1] = to_u8(c1[i]);
        dst[3 * i + 2] = to_u8(c2[i]);
    }
}

SS_WIDE static void write_f32(const int16_t *restrict c, float gain, float bias, int n, int stride,
                              float *restrict dst)
{
    if (stride == 1)
        for (int i = 0; i < n; i++)
            dst[i] = c[i] * gain + bias;
    else
        for (int i = 0; i < n; i++)
            dst[3 * i] = c[i] * gain + bias;
}

SS_WIDE static void write_f16(const int16_t *restrict c, float gain, float bias, int n, int stride,
                              uint16_t *restrict dst)
{
    if (stride == 1)
        for (int i = 0; i < n; i++)
            dst[i] = to_half(c[i] * gain + bias);
    else
        for (int i = 0; i < n; i++)
            dst[3 * i] = to_half(c[i] * gain + bias);
}

/* `n` pixels of R,G,B rows into the input tensor from (x, y) on. */
static void write_pixels(const SsImage *im, int16_t *const rgb[3], int x, int y, int n, void *dst)
{
    bool bgr = im->params.order == SS_ORDER_BGR;
    const int16_t *c[3] = { rgb[bgr ? 2 : 0], rgb[1], rgb[bgr ? 0 : 2] };
    size_t pixel = (size_t)y * im->width + x, plane = (size_t)im->width * im->height;

    if (im->nhwc && im->dtype == SS_U8) {
        write_u8x3(c[0], c[1], c[2], n, (uint8_t *)dst + 3 * pixel);
        return;
    }
    for (int k = 0; k < 3; k++) {
        size_t at = im->nhwc ? 3 * pixel + k : pixel + k * plane;
        int stride = im->nhwc ? 3 : 1;

        if (im->dtype == SS_U8)
            write_u8(c[k], n, (uint8_t *)dst + at);
        else if (im->dtype == SS_F32)
            write_f32(c[k], im->gain[k], im->bias[k], n, stride, (float *)dst + at);
        else
            write_f16(c[k], im->gain[k], im->bias[k], n, stride, (uint16_t *)dst + at);
    }
}

/* Sample `i` of `n_out` along an axis of `n_in` pixels, of a component with `samples` samples there. */
static int locate(int i, int n_out, int n_in, int shift, int samples, int16_t *weight)
{
    double at = (i + 0.5) * n_in / n_out / (1 << shift) - 0.5;
    int first;
    long w;

    at = SS_MIN(SS_MAX(at, 0.0), samples - 1.0);
    first = (int)at;
    w = lround((at - first) * 32768);
    *weight = (int16_t)SS_MIN(w, 32767);
    return first;
}

static int samples_of(int pixels, int shift)
{
    return (pixels + (1 << shift) - 1) >> shift;
}

static void forget(SsImage *im)
{
    for (int i = 0; i < 2; i++) {
        free(im->columns[i].at);
        free(im->columns[i].weight);
        im->columns[i] = (Columns) { 0 };
    }
    for (int i = 0; i < 3; i++) {
        free(im->plane_row[i]);
        im->plane_row[i] = NULL;
    }
    im->frame_width = 0;
}

static void place(SsImage *im, int width, int height)
{
    double scale = SS_MIN((double)im->width / width, (double)im->height / height);

    im->w = im->width;
    im->h = im->height;
    if (im->params.fit == SS_FIT_LETTERBOX) {
        im->w = SS_MIN(SS_MAX((int)lround(width * scale), 1), im->width);
        im->h = SS_MIN(SS_MAX((int)lround(height * scale), 1), im->height);
    }
    im->x = (im->width - im->w) / 2;
    im->y = (im->height - im->h) / 2;
}

/* Tables and rows for frames like this one. */
static int prepare(SsImage *im, const SsFrameDesc *f)
{
    const Layout *layout = &layouts[f->format];

    forget(im);
    place(im, f->width, f->height);
    for (int i = 0; i < layout->n_components; i++) {
        const Component *c = &layout->c[i];
        Columns *col = &im->columns[c->shift];
        int samples = samples_of(f->width, c->shift);

        if (!im->plane_row[c->plane])
            im->plane_row[c->plane] = calloc((size_t)(samples + 2) * c->step, sizeof(int16_t));
        if (!im->plane_row[c->plane])
            return -ENOMEM;
        if (col->at)
            continue;
        col->at = malloc((size_t)im->w * sizeof(*col->at));
        col->weight = malloc((size_t)im->w * sizeof(*col->weight));
        if (!col->at || !col->weight)
            return -ENOMEM;
        for (int x = 0; x < im->w; x++)
            col->at[x] = locate(x, im->w, f->width, c->shift, samples, &col->weight[x]) * c->step;
    }
    im->format = f->format;
    im->frame_width = f->width;
    im->frame_height = f->height;
    return 0;
}

static bool makes_sense(const SsFrameDesc *f)
{
    if ((size_t)f->format >= SS_COUNTOF(layouts) || f->width < 1 || f->width > SS_MAX_SIDE || f->height < 1 ||
        f->height > SS_MAX_SIDE)
        return false;
    for (int i = 0; i < layouts[f->format].n_components; i++) {
        const Component *c = &layouts[f->format].c[i];

        if (!f->plane[c->plane] || f->stride[c->plane] < samples_of(f->width, c->shift) * c->step)
            return false;
    }
    return true;
}

/* Row `y` of the picture, of what lies in `plane`. */
static void make_plane_row(SsImage *im, const SsFrameDesc *f, int plane, int y)
{
    const Layout *layout = &layouts[f->format];
    const Component *c = &layout->c[plane];                   /* lies there, in all layouts */
    int16_t *out[3] = { im->row[0], im->row[1], im->row[2] }; /* by where the component lies in a pixel */
    int16_t weight, *mixed = im->plane_row[plane];

    for (int i = 0; i < layout->n_components; i++)
        if (layout->c[i].plane == plane)
            out[layout->c[i].offset] = im->row[i];
    const int rows = samples_of(f->height, c->shift),
              top = locate(y, im->h, f->height, c->shift, rows, &weight);
    const uint8_t *a = f->plane[plane] + (size_t)top * f->stride[plane];
    const uint8_t *b = top + 1 < rows ? a + f->stride[plane] : a;
    const Columns *col = &im->columns[c->shift];

    blend(a, b, weight, samples_of(f->width, c->shift) * c->step, mixed);
    if (c->step == 1)
        pick_1(mixed, col, im->w, im->both, out[0]);
    else if (c->step == 2)
        pick_2(mixed, col, im->w, im->both, out[0], out[1]);
    else
        pick_3(mixed, c->step, col, im->w, im->both, out[0], out[1], out[2]);
}

/* The rows of R,G,B values for row `y` of the picture. */
static void make_row(SsImage *im, const SsFrameDesc *f, const Matrix *m, int y)
{
    const Layout *layout = &layouts[f->format];

    for (int i = 0; i < layout->n_planes; i++)
        make_plane_row(im, f, i, y);
    if (layout->yuv)
        yuv_to_rgb(im->row[0], im->row[1], im->row[2], *m, im->w);
}

static void write_bars(const SsImage *im, void *dst)
{
    int16_t *const bar[3] = { im->bar, im->bar, im->bar };

    for (int y = 0; y < im->height; y++) {
        if (y < im->y || y >= im->y + im->h) {
            write_pixels(im, bar, 0, y, im->width, dst);
        } else {
            write_pixels(im, bar, 0, y, im->x, dst);
            write_pixels(im, bar, im->x + im->w, y, im->width - im->x - im->w, dst);
        }
    }
}

int ss_image_convert(SsImage *im, const SsFrameDesc *f, void *dst, SsGeometry *g)
{
    Matrix m = matrix_of(f->colour);
    bool grey = f->format == SS_PIXEL_GRAY8;
    int16_t *const rgb[3] = { im->row[0], im->row[grey ? 0 : 1], im->row[grey ? 0 : 2] };
    int err;

    if (f->memory != SS_MEMORY_HOST)
        return -ENOTSUP;
    if (!makes_sense(f)) {
        ss_err(im->log, "frame of format %d, %dx%d: sizes or planes make no sense", (int)f->format, f->width,
               f->height);
        return -EINVAL;
    }
    if (im->format != f->format || im->frame_width != f->width || im->frame_height != f->height) {
        err = prepare(im, f);
        if (err) {
            forget(im);
            ss_err(im->log, "out of memory for the tables of a %dx%d frame", f->width, f->height);
            return err;
        }
    }
    for (int y = 0; y < im->h; y++) {
        make_row(im, f, &m, y);
        write_pixels(im, rgb, im->x, im->y + y, im->w, dst);
    }
    if (im->w < im->width || im->h < im->height)
        write_bars(im, dst);
    g->scale_x = (float)im->w / f->width;
    g->scale_y = (float)im->h / f->height;
    g->offset_x = im->x;
    g->offset_y = im->y;
    return 0;
}

int ss_image_feed(SsImage *im, const SsFrameDesc *f, SsRequest *r, int nth, SsGeometry *g)
{
    const SsBackend *backend = r->model->backend;
    const size_t size = r->input.size / (size_t)r->input.dim[0]; /* of one picture */
    int ret = backend->request_convert ? backend->request_convert(r, nth, f, &im->params, g) : -ENOTSUP;

    return ret == -ENOTSUP ? ss_image_convert(im, f, (uint8_t *)r->input.data + (size_t)nth * size, g) : ret;
}

static bool supported(const SsTensor *t, const SsInputParams *p)
{
    if (t->rank != 4 || t->dim[0] < 1 || (t->dim[1] != 3 && t->dim[3] != 3))
        return false;
    for (int i = 1; i < 4; i++)
        if (t->dim[i] < 1 || t->dim[i] > SS_MAX_SIDE)
            return false;
    if (p->fit == SS_FIT_DEFAULT || p->order == SS_ORDER_DEFAULT)
        return false;
    if (t->dtype == SS_U8)
        return true;
    return (t->dtype == SS_F16 || t->dtype == SS_F32) && p->scale[0] != 0 && p->scale[1] != 0 &&
           p->scale[2] != 0;
}

SsInputParams ss_input_resolve(const SsInputParams *user, const SsInputParams *family)
{
    SsInputParams p = *user;

    if (p.fit == SS_FIT_DEFAULT)
        p.fit = family->fit;
    if (p.order == SS_ORDER_DEFAULT)
        p.order = family->order;
    if (p.scale[0] == 0) {
        memcpy(p.mean, family->mean, sizeof p.mean);
        memcpy(p.scale, family->scale, sizeof p.scale);
    }
    return p;
}

int ss_image_create(SsImage **out, const SsTensor *input, const SsInputParams *p, const SsLogger *log)
{
    SsImage *im;
    char text[128];

    *out = NULL;
    if (!supported(input, p)) {
        ss_err(log, "no way to turn a picture into the input %s",
               ss_tensor_describe(input, text, sizeof(text)));
        return -ENOTSUP;
    }
    im = calloc(1, sizeof(*im));
    if (!im)
        goto fail;
    im->log = log;
    im->width = ss_tensor_width(input);
    im->height = ss_tensor_height(input);
    im->nhwc = ss_tensor_is_nhwc(input);
    im->dtype = input->dtype;
    im->params = *p;
    for (int i = 0; i < 3; i++) {
        if (im->dtype != SS_U8) {
            im->gain[i] = 1 / (ONE * p->scale[i]);
            im->bias[i] = -p->mean[i] / p->scale[i];
        }
        im->row[i] = malloc((size_t)im->width * sizeof(int16_t));
        if (!im->row[i])
            goto fail;
    }
    im->both = malloc((size_t)im->width * 8 * sizeof(int16_t));
    im->bar = malloc((size_t)im->width * sizeof(int16_t));
    if (!im->both || !im->bar)
        goto fail;
    for (int i = 0; i < im->width; i++)
        im->bar[i] = BAR;
    *out = im;
    return 0;
fail:
    ss_err(log, "out of memory for the input's rows");
    ss_image_destroy(&im);
    return -ENOMEM;
}

void ss_image_destroy(SsImage **image)
{
    SsImage *im = image ? *image : NULL;

    if (!im)
        return;
    forget(im);
    for (int i = 0; i < 3; i++)
        free(im->row[i]);
    free(im->both);
    free(im->bar);
    free(im);
    *image = NULL;
}

SsBox ss_geometry_to_frame(const SsGeometry *g, SsBox box)
{
    return (SsBox) { (box.x - g->offset_x) / g->scale_x, (box.y - g->offset_y) / g->scale_y,
                     box.w / g->scale_x, box.h / g->scale_y };
}
