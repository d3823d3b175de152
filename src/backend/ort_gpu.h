/* SPDX-License-Identifier: Apache-2.0 */
/** A request's input made from frames in an NVIDIA GPU's memory, where its session runs. */
#ifndef SS_BACKEND_ORT_GPU_H
#define SS_BACKEND_ORT_GPU_H

#include <pthread.h>

#include "backend/ort_session.h"

/** A GPU's driver that is being started. */
typedef struct SsOrtWake {
    int gpu;
    bool started;
    pthread_t thread;
    void *stream;
} SsOrtWake;

#ifdef SS_HAVE_CUDA
/**
 * Driver and context of NVIDIA device `gpu` (-1: there is none) take 0.2 s to start: begins with that on a
 * thread of its own. Who needs them meanwhile waits in the driver; what fails is told there. Ends with
 * ss_ort_gpu_woken(); in between the context stays.
 */
void ss_ort_gpu_wake(SsOrtWake *wake, int gpu);
void ss_ort_gpu_woken(SsOrtWake *wake);
/** A stream of NVIDIA device `gpu` for a session to compute on; NULL: there is none, and the log says why. */
void *ss_ort_gpu_stream_new(int gpu, const SsLogger *log);
/** Nothing happens to NULL. */
void ss_ort_gpu_stream_free(int gpu, void *stream);
#else
static inline void ss_ort_gpu_wake(SsOrtWake *wake, int gpu)
{
    (void)wake, (void)gpu;
}

static inline void ss_ort_gpu_woken(SsOrtWake *wake)
{
    (void)wake;
}

static inline void *ss_ort_gpu_stream_new(int gpu, const SsLogger *log)
{
    (void)gpu, (void)log;
    return NULL;
}

static inline void ss_ort_gpu_stream_free(int gpu, void *stream)
{
    (void)gpu, (void)stream;
}
#endif

typedef struct SsOrtGpu SsOrtGpu;

/**
 * As SsBackend.request_convert(), for a run of a session on NVIDIA device `s->gpu`: on the session's stream,
 * where it has one of ours, so that nobody waits for the frame to be there. `*out`: NULL before the first
 * call, which makes it; where that fails the log says why, once, and this and all later calls return
 * -ENOTSUP.
 */
int ss_ort_gpu_convert(SsOrtGpu **out, const SsOrtSession *s, SsOrtRun *run, const SsTensor *input, int nth,
                       const SsFrameDesc *frame, const SsInputParams *how, SsGeometry *g);
/** After an inference that failed: waits until no frame is read any more. `gpu` may be NULL. */
void ss_ort_gpu_settle(const SsOrtGpu *gpu, const SsOrtSession *s);
/** Before the run is closed. */
void ss_ort_gpu_close(SsOrtGpu **out, const SsOrtSession *s, SsOrtRun *run);

#endif
