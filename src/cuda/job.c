/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/job.h"

#include <errno.h>
#include <math.h>

#include "internal.h"

static const struct {
    int kind;
    bool reversed;  /* B comes first */
    uint8_t row[3]; /* bytes a sample, by plane */
} formats[] = {
    [SS_PIXEL_NV12] = { SS_KIND_NV12, false, { 1, 2 } },
    [SS_PIXEL_I420] = { SS_KIND_I420, false, { 1, 1, 1 } },
    [SS_PIXEL_RGB] = { SS_KIND_24, false, { 3 } },
    [SS_PIXEL_BGR] = { SS_KIND_24, true, { 3 } },
    [SS_PIXEL_RGBX] = { SS_KIND_32, false, { 4 } },
    [SS_PIXEL_BGRX] = { SS_KIND_32, true, { 4 } },
    [SS_PIXEL_GRAY8] = { SS_KIND_GREY, false, { 1 } },
};

static bool is_nhwc(const SsTensor *t)
{
    return t->dim[3] == 3;
}

bool ss_pixel_supported(const SsTensor *t, const SsInputParams *p)
{
    if (t->rank != 4 || t->dim[0] < 1 || t->dim[0] > SS_MAX_BATCH || (t->dim[1] != 3 && t->dim[3] != 3))
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

int ss_pixel_kind(SsPixelFormat format)
{
    return (size_t)format < SS_COUNTOF(formats) ? formats[format].kind : -1;
}

static int halved(int pixels, int plane)
{
    return plane > 0 ? (pixels + 1) / 2 : pixels;
}

size_t ss_pixel_row_bytes(const SsFrameDesc *f, int i)
{
    return (size_t)halved(f->width, i) * formats[f->format].row[i];
}

int ss_pixel_rows(const SsFrameDesc *f, int i)
{
    return formats[f->format].row[i] ? halved(f->height, i) : 0;
}

size_t ss_pixel_alignment(SsPixelFormat format, int i)
{
    size_t sample = formats[format].row[i];

    return sample == 2 || sample == 4 ? sample : 1;
}

static bool makes_sense(const SsFrameDesc *f)
{
    if (ss_pixel_kind(f->format) < 0 || f->width < 1 || f->width > SS_MAX_SIDE || f->height < 1 ||
        f->height > SS_MAX_SIDE)
        return false;
    for (int i = 0; i < 3; i++) {
        size_t row = ss_pixel_row_bytes(f, i);

        if (row == 0)
            continue;
        if (!f->plane[i] || f->stride[i] < 0 || (size_t)f->stride[i] < row)
            return false;
        if ((uint64_t)f->stride[i] * (uint64_t)ss_pixel_rows(f, i) > UINT32_MAX)
            return false;
    }
    return true;
}

static void place(SsPixelJob *job, const SsInputParams *p, const SsFrameDesc *f)
{
    double scale = SS_MIN((double)job->width / f->width, (double)job->height / f->height);

    job->w = job->width;
    job->h = job->height;
    if (p->fit == SS_FIT_LETTERBOX) {
        job->w = SS_MIN(SS_MAX((int)lround(f->width * scale), 1), job->width);
        job->h = SS_MIN(SS_MAX((int)lround(f->height * scale), 1), job->height);
    }
    job->x = (job->width - job->w) / 2;
    job->y = (job->height - job->h) / 2;
}

/* Half-pixel centres: sample = (i + 0.5) * n_in / n_out / 2^shift - 0.5. */
static SsPixelAxis axis(int n_out, int n_in, int shift)
{
    uint64_t ratio = (((uint64_t)n_in << (32 - shift)) + (uint64_t)n_out / 2) / (uint64_t)n_out;

    return (SsPixelAxis) { .step = ratio,
                           .start = (int64_t)(ratio / 2) - (INT64_C(1) << 31) + (1 << 16),
                           .samples = shift ? (n_in + 1) / 2 : n_in };
}

/* Of samples, 255 = 255 * 32768, to 0..1. */
static void matrix(SsPixelJob *job, SsColour colour)
{
    bool hd = colour == SS_COLOUR_BT709_LIMITED || colour == SS_COLOUR_BT709_FULL;
    bool full = colour == SS_COLOUR_BT601_FULL || colour == SS_COLOUR_BT709_FULL;
    double kr = hd ? 0.2126 : 0.299, kb = hd ? 0.0722 : 0.114, kg = 1 - kr - kb;
    double luma = full ? 1 / 255.0 : 1 / 219.0, chroma = full ? 1 / 255.0 : 1 / 224.0;
    double black = full ? 0 : -16 * luma;
    double rv = chroma * 2 * (1 - kr), bu = chroma * 2 * (1 - kb);
    double gu = -bu * kb / kg, gv = -rv * kr / kg;

    job->luma = (float)(luma / 32768);
    job->rv = (float)(rv / 32768);
    job->gu = (float)(gu / 32768);
    job->gv = (float)(gv / 32768);
    job->bu = (float)(bu / 32768);
    job->r0 = (float)(black - 128 * rv);
    job->g0 = (float)(black - 128 * (gu + gv));
    job->b0 = (float)(black - 128 * bu);
}

/* A level of 255 is 1 after the matrix, 255 * 32768 without one. */
static void normalise(SsPixelJob *job, SsDType dtype, const SsInputParams *p)
{
    double level = ss_pixel_is_yuv(job->kind) ? 1 / 255.0 : 32768;

    job->grey = (float)(114 * level);
    for (int k = 0; k < 3; k++) {
        int channel = ss_pixel_channel(job, k);

        if (dtype == SS_U8) {
            job->gain[k] = (float)(1 / level);
            job->bias[k] = SS_PIXEL_MAGIC;
        } else {
            job->gain[k] = (float)(1 / level / (double)p->scale[channel]);
            job->bias[k] = -p->mean[channel] / p->scale[channel];
        }
    }
}

int ss_pixel_job_init(SsPixelJob *job, const SsTensor *input, const SsInputParams *p, const SsFrameDesc *f,
                      SsGeometry *g)
{
    if (!makes_sense(f))
        return -EINVAL;
    *job = (SsPixelJob) { .kind = formats[f->format].kind,
                          .width = (int32_t)input->dim[is_nhwc(input) ? 2 : 3],
                          .height = (int32_t)input->dim[is_nhwc(input) ? 1 : 2],
                          .reversed = formats[f->format].reversed != (p->order == SS_ORDER_BGR) };
    for (int i = 0; i < 3; i++) {
        job->plane[i] = f->plane[i];
        job->stride[i] = (uint32_t)f->stride[i];
    }
    place(job, p, f);
    for (int shift = 0; shift < 2; shift++) {
        job->across[shift] = axis(job->w, f->width, shift);
        job->down[shift] = axis(job->h, f->height, shift);
    }
    matrix(job, f->colour);
    normalise(job, input->dtype, p);
    *g = (SsGeometry) { (float)job->w / (float)f->width, (float)job->h / (float)f->height, (float)job->x,
                        (float)job->y };
    return 0;
}

void ss_pixel_job_target(SsPixelJob *job, const SsTensor *input, void *dst)
{
    size_t element = input->dtype == SS_F32 ? 4 : input->dtype == SS_F16 ? 2 : 1;

    job->dst = dst;
    job->vectors = job->width % 4 == 0 && (uintptr_t)dst % (4 * element) == 0;
}
