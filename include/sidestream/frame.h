/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A picture lent to Sidestream: reference-counted, unchanged while a worker reads it.
 */
#ifndef SIDESTREAM_FRAME_H
#define SIDESTREAM_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SS_MAX_SIDE = 16384 }; /* pixels; larger pictures are refused */

/** 8 bits a component; letters name the bytes in memory order, x = ignored. */
typedef enum SsPixelFormat {
    SS_PIXEL_NV12, /* planes Y, UV interleaved; chroma 2x2 subsampled */
    SS_PIXEL_I420, /* planes Y, U, V;           chroma 2x2 subsampled */
    SS_PIXEL_RGB,
    SS_PIXEL_BGR,
    SS_PIXEL_RGBX,
    SS_PIXEL_BGRX,
    SS_PIXEL_GRAY8,
} SsPixelFormat;

/** How YUV maps to RGB; ignored for the RGB formats. GRAY8 is taken as full range. */
typedef enum SsColour {
    SS_COLOUR_BT601_LIMITED, /* the default: SD cameras, most webcams */
    SS_COLOUR_BT601_FULL,    /* JPEG */
    SS_COLOUR_BT709_LIMITED, /* HD */
    SS_COLOUR_BT709_FULL,
} SsColour;

/** Where the planes are. */
typedef enum SsMemory {
    SS_MEMORY_HOST, /* the processor's: the default */
    SS_MEMORY_CUDA, /* an NVIDIA GPU's: device addresses, of any CUDA context of this process; whatever writes
                       them is done */
} SsMemory;

/**
 * Memory of the processor for pictures that many frames come to lie in, one after the other, as those of a
 * pool's buffers do. Where the network runs on an NVIDIA GPU a worker pins it when it first sees a frame
 * there, and from then on the GPU reads frames where they lie; elsewhere it is like any other. Begins at a
 * page. NULL: out of memory. Thread: any.
 */
SS_API void *ss_memory_new(size_t bytes);
/** No frame lies there any more. NULL: nothing. What was pinned is left to a worker that
 * may wait for the GPU's driver; where there is none, this waits, some ms. Thread: any. */
SS_API void ss_memory_free(void *memory);
/** Can frames that are there be offered, in this build? Whether there is a GPU shows later. Thread: any. */
SS_API bool ss_memory_supported(SsMemory memory);

typedef struct SsFrameDesc {
    SsPixelFormat format;
    SsColour colour;
    int width, height;       /* visible pixels, 1 .. SS_MAX_SIDE */
    const uint8_t *plane[3]; /* unused planes NULL; valid and unchanging until release(), but see
                                ss_frame_set_claim() */
    int stride[3];           /* bytes from one row to the next, positive */
    int64_t pts;             /* stream time; rises strictly between two ss_stream_flush() */
    SsMemory memory;
} SsFrameDesc;

typedef struct SsFrame SsFrame;

/**
 * Wrap a picture: copies `desc`, borrows the planes. The caller owns the new
 * reference. `release` (may be NULL) runs once, on whichever thread drops the last
 * reference, and must not call into Sidestream.
 * NULL: out of memory or `desc` makes no sense; then release() is not called.
 */
SS_API SsFrame *ss_frame_wrap(const SsFrameDesc *desc, void (*release)(void *cookie), void *cookie);
/**
 * For a frame that is not in the processor's memory: how it gets there where the network, or its backend,
 * can read it nowhere else. `fetch` fills planes and strides of `desc`, a copy of the frame's, and keeps them
 * valid until release(); it returns 0 or -errno. It is called once at most, with the cookie, by a worker.
 * Before the frame is offered. Thread: the caller's.
 */
SS_API void ss_frame_set_fetch(SsFrame *frame, int (*fetch)(void *cookie, SsFrameDesc *desc));
/**
 * For a frame whose owner may draw on it as long as no worker has read it: a worker calls `claim`, with the
 * cookie and once at most, before it reads the first pixel. It may change planes and strides of `desc`, a
 * copy of the frame's, to where the picture is untouched; from its return to release() that stays so. It
 * returns 0 or -errno; then the frame counts as failed. It may keep the worker waiting, while something is
 * drawn. Before the frame is offered. Thread: the caller's.
 */
SS_API void ss_frame_set_claim(SsFrame *frame, int (*claim)(void *cookie, SsFrameDesc *desc));
/** Borrowed; valid as long as the caller's reference. Thread: any. */
SS_API const SsFrameDesc *ss_frame_desc(const SsFrame *frame);
/** A new reference. Thread: any. */
SS_API SsFrame *ss_frame_ref(SsFrame *frame);
/** Thread: any. */
SS_API void ss_frame_unref(SsFrame **frame);

#ifdef __cplusplus
}
#endif
#endif
