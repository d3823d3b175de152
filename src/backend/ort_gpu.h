/* SPDX-License-Identifier: Apache-2.0 */
/** A request's input made from frames in an NVIDIA GPU's memory, where its session runs. */
#ifndef SS_BACKEND_ORT_GPU_H
#define SS_BACKEND_ORT_GPU_H

#include "backend/ort_session.h"

typedef struct SsOrtGpu SsOrtGpu;

/**
 * As SsBackend.request_convert(), for a run of a session on NVIDIA device `s->gpu`. `*out`: NULL before the
 * first call, which makes it; where that fails the log says why, once, and this and all later calls return
 * -ENOTSUP.
 */
int ss_ort_gpu_convert(SsOrtGpu **out, const SsOrtSession *s, SsOrtRun *run, const SsTensor *input,
                       const SsFrameDesc *frame, const SsInputParams *how, SsGeometry *g);
/** Before the run is closed. */
void ss_ort_gpu_close(SsOrtGpu **out, const SsOrtSession *s, SsOrtRun *run);

#endif
