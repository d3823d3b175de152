/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A stream's small pictures of frames that are in a GPU's memory. What makes them takes some 0.1 s to set up,
 * which the stream's thread has not: it asks, a worker that has a frame in its hands makes it, and until then
 * boxes are held.
 */
#ifndef SS_GPU_SIGHT_H
#define SS_GPU_SIGHT_H

#include <stdatomic.h>

#include "picture.h"

struct SsCudaShrink;

typedef struct SsGpuSight {
    struct SsCudaShrink *_Atomic made; /* by a worker, for the stream's thread to take */
    atomic_bool wanted;                /* set by the stream's thread, taken by a worker */
    /* --- the stream's thread only */
    struct SsCudaShrink *mine;
    SsFrameDesc asked; /* for frames like this one; width 0: for none yet */
} SsGpuSight;

/**
 * Adds the picture of a frame in a GPU's memory; *out: a new reference. Waits for the GPU for some
 * microseconds, `limit` ns at most. Errors: -EAGAIN (not in time), others (there is none). Thread: the
 * stream's.
 */
int ss_gpu_sight_add(SsGpuSight *g, SsAlbum *a, const SsFrameDesc *frame, int64_t limit, SsPicture **out);
/** Makes what is wanted, for frames like this one, which is in a GPU's memory. Thread: worker. */
void ss_gpu_sight_prepare(SsGpuSight *g, const SsFrameDesc *frame, const SsLogger *log);
/** Nobody else uses it any more. */
void ss_gpu_sight_clear(SsGpuSight *g);

#endif
