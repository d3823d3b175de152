/* SPDX-License-Identifier: Apache-2.0 */
/** A session of ONNX Runtime: a network loaded for some device, and its inputs and outputs in our terms. */
#ifndef SS_BACKEND_ORT_SESSION_H
#define SS_BACKEND_ORT_SESSION_H

#include <pthread.h>
#include <stdbool.h>

#include "backend/ort_library.h"
#include "sidestream/backend.h"

/** A lock that goes to those who want it in the order in which they came: one that infers without a pause
 * would get a mutex back before the next one is awake. */
typedef struct SsOrtTurn {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned next, now; /* tickets */
} SsOrtTurn;

typedef struct SsOrtSession {
    const SsOrt *ort;
    const SsLogger *log;
    OrtSession *session;
    char *input_name, *output_name[SS_MAX_OUTPUTS]; /* whole, as the runtime wants them */
    SsTensor input, output[SS_MAX_OUTPUTS];         /* dim may hold -1 */
    int n_outputs;
    int gpu;                             /* it runs on this NVIDIA device; -1 = on none */
    void *stream;                        /* of that, ours, which it computes on; NULL = on one of its own */
    SsOrtTurn *turn;                     /* held while it is made, infers or ends; NULL = it needs none */
    char axis[SS_MAX_RANK][SS_MAX_NAME]; /* names of the input's open dimensions; "" = it has none */
} SsOrtSession;

/**
 * Loads `path`; `options` stay the caller's; `turn`, NULL if none is needed, outlives the session. Errors:
 * -errno, -EPROTO (not one input, or no output of a type known here); logged.
 */
int ss_ort_session_open(SsOrtSession *s, const SsOrt *ort, const char *path, const OrtSessionOptions *options,
                        SsOrtTurn *turn, const SsLogger *log);
void ss_ort_session_close(SsOrtSession *s);

/** One run of what is bound, in its turn; `options`: NULL = the runtime's own. */
int ss_ort_session_run(const SsOrtSession *s, const OrtRunOptions *options, OrtIoBinding *binding);

/** One inference: what is bound to the session's names, in memory of the processor. */
typedef struct SsOrtRun {
    OrtIoBinding *binding;
    OrtMemoryInfo *memory;
    const OrtValue *on_device;               /* the input, if it is not in memory of ours; not owned */
    OrtValue *input, *fixed[SS_MAX_OUTPUTS]; /* tensors on memory of ours: outputs whose size is known */
    void *buffer[1 + SS_MAX_OUTPUTS];        /* that memory: the input's, then the outputs' */
    OrtValue **given;                        /* the outputs of the last inference, if one's size was not */
    size_t n_given;
} SsOrtRun;

/** `input` (every dim known) and `output` (as the session's): get data and size where these are known. */
int ss_ort_run_open(SsOrtRun *run, const SsOrtSession *s, SsTensor *input, SsTensor *output);
/** Fills dim, data and size of `output`; valid until the next. */
int ss_ort_run_infer(SsOrtRun *run, const SsOrtSession *s, SsTensor *output);
void ss_ort_run_close(SsOrtRun *run, const SsOrtSession *s);
/** A value like `t` on t->size bytes at `data`, which is memory as `memory` says and stays the caller's. */
int ss_ort_value_on(const SsOrtSession *s, const OrtMemoryInfo *memory, void *data, const SsTensor *t,
                    OrtValue **value);

#endif
