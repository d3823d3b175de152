/* SPDX-License-Identifier: Apache-2.0 */
#include "frame_private.h"

#include <errno.h>
#include <stdlib.h>

#include "internal.h"
#ifdef SS_HAVE_CUDA
#include "cuda/pinned.h"
#endif

/** Planes of a format, and the least stride of each for a width. */
static int plane_strides(const SsFrameDesc *d, int least[3])
{
    switch (d->format) {
    case SS_PIXEL_NV12:
        least[0] = d->width;
        least[1] = (d->width + 1) / 2 * 2;
        return 2;
    case SS_PIXEL_I420:
        least[0] = d->width;
        least[1] = least[2] = (d->width + 1) / 2;
        return 3;
    case SS_PIXEL_RGB:
    case SS_PIXEL_BGR:
        least[0] = 3 * d->width;
        return 1;
    case SS_PIXEL_RGBX:
    case SS_PIXEL_BGRX:
        least[0] = 4 * d->width;
        return 1;
    case SS_PIXEL_GRAY8:
        least[0] = d->width;
        return 1;
    }
    return 0;
}

bool ss_frame_desc_valid(const SsFrameDesc *d)
{
    int least[3];

    if (d->memory != SS_MEMORY_HOST && d->memory != SS_MEMORY_CUDA)
        return false;
    if (d->width < 1 || d->width > SS_MAX_SIDE || d->height < 1 || d->height > SS_MAX_SIDE)
        return false;
    int planes = plane_strides(d, least);
    for (int i = 0; i < planes; i++)
        if (!d->plane[i] || d->stride[i] < least[i])
            return false;
    return planes > 0;
}

bool ss_memory_supported(SsMemory memory)
{
#ifdef SS_HAVE_CUDA
    return memory == SS_MEMORY_HOST || memory == SS_MEMORY_CUDA;
#else
    return memory == SS_MEMORY_HOST;
#endif
}

void *ss_memory_new(size_t bytes)
{
#ifdef SS_HAVE_CUDA
    return ss_cuda_pinned_new(bytes);
#else
    return bytes <= SIZE_MAX / 2 ? aligned_alloc(4096, (bytes + 4095) / 4096 * 4096) : NULL;
#endif
}

void ss_memory_free(void *memory)
{
#ifdef SS_HAVE_CUDA
    ss_cuda_pinned_free(memory);
#else
    free(memory);
#endif
}

SsFrame *ss_frame_wrap(const SsFrameDesc *desc, void (*release)(void *cookie), void *cookie)
{
    if (!ss_frame_desc_valid(desc))
        return NULL;
    SsFrame *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->desc = *desc;
    f->release = release;
    f->cookie = cookie;
    atomic_init(&f->refs, 1);
    return f;
}

void ss_frame_set_claim(SsFrame *frame, int (*claim)(void *cookie, SsFrameDesc *desc))
{
    frame->claim = claim;
}

int ss_frame_claim(const SsFrame *frame, SsFrameDesc *now)
{
    *now = frame->desc;
    return frame->claim ? frame->claim(frame->cookie, now) : 0;
}

void ss_frame_set_fetch(SsFrame *frame, int (*fetch)(void *cookie, SsFrameDesc *desc))
{
    frame->fetch = fetch;
}

int ss_frame_fetch(const SsFrame *frame, SsFrameDesc *here)
{
    *here = frame->desc;
    here->memory = SS_MEMORY_HOST;
    return frame->fetch ? frame->fetch(frame->cookie, here) : -ENOTSUP;
}

const SsFrameDesc *ss_frame_desc(const SsFrame *frame)
{
    return &frame->desc;
}

SsFrame *ss_frame_ref(SsFrame *frame)
{
    atomic_fetch_add_explicit(&frame->refs, 1, memory_order_relaxed);
    return frame;
}

void ss_frame_unref(SsFrame **frame)
{
    if (!frame || !*frame)
        return;
    SsFrame *f = *frame;
    *frame = NULL;
    if (atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) > 1)
        return;
    if (f->release)
        f->release(f->cookie);
    ss_picture_unref(&f->picture);
    free(f);
}
