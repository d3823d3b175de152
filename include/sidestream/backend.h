/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a neural-network runtime looks like to Sidestream. For implementers; users
 * of the library need only engine.h.
 *
 * A backend knows tensors, and frames only where it can turn one into a tensor on its own
 * device. It starts no thread of its own and calls nothing back. A *model* is the compiled network, one for
 * all; a *request* is one inference in flight, one a worker, opened on the thread that uses it (so a CUDA
 * context belongs to its worker).
 */
#ifndef SIDESTREAM_BACKEND_H
#define SIDESTREAM_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SS_MAX_RANK = 8, SS_MAX_OUTPUTS = 8, SS_MAX_NAME = 64, SS_MAX_BATCH = 32 };

typedef enum SsDType { SS_U8, SS_I32, SS_I64, SS_F16, SS_F32 } SsDType;

typedef struct SsTensor {
    char name[SS_MAX_NAME]; /* as in the model, without TensorFlow's ":0"; may be "" */
    SsDType dtype;
    int rank;                 /* 0 .. SS_MAX_RANK; 0 = a scalar, one element */
    int64_t dim[SS_MAX_RANK]; /* elements, outermost first (N,C,H,W); -1 = known only after an inference */
    void *data;               /* owned by the request; NULL in a model's description */
    size_t size;              /* bytes at data; 0 where data is NULL */
} SsTensor;

typedef struct SsModelParams {
    const char *path;      /* the model's file; may be NULL or "" for `dummy` */
    const char *device;    /* the runtime's name for it; NULL = "CPU" */
    const char *precision; /* of its arithmetic: "fp32", "fp16", "bf16" or "int8", or it is not opened;
                              NULL = what the runtime makes of the model */
    const char *cache_dir; /* compiled models are kept here; NULL = no cache */
    const char *options;   /* "key=value,key=value" for this backend; NULL = none */
    int input_width, input_height; /* where the model leaves the size open; 0 = the backend chooses */
    int threads;                   /* of the runtime's own pool; 0 = the runtime chooses */
    int batch; /* pictures an inference, at most SS_MAX_BATCH; 0 = 1. A model's file may say otherwise where
                  the runtime cannot change that: what came of it is input.dim[0] */
    int requests;  /* open at once, one a worker; the engine sets it */
    bool stand_in; /* the engine sets it: `device` is what stand_in() said, and options that are of the device
                      stood in for do not count, nor does `precision` */
} SsModelParams;

/** How a picture becomes the network's input. {0} = what the decoder's model family expects. */
typedef struct SsInputParams {
    enum {
        SS_FIT_DEFAULT,
        SS_FIT_STRETCH,
        SS_FIT_LETTERBOX
    } fit; /* letterbox: aspect kept, grey bars (114) */
    enum { SS_ORDER_DEFAULT, SS_ORDER_RGB, SS_ORDER_BGR } order;
    /* value = (pixel - mean) / scale, pixel 0..255, for f16 and f32 inputs; u8 inputs get the pixel. */
    float mean[3], scale[3]; /* in the network's channel order; scale[0] = 0: the family's default for both */
} SsInputParams;

/** Where the picture lies in it: pixel of the network's input = pixel of the frame * scale + offset
 * (continuous coordinates). */
typedef struct SsGeometry {
    float scale_x, scale_y, offset_x, offset_y;
} SsGeometry;

/** A compiled network. */
typedef struct SsModel {
    const struct SsBackend *backend;
    const SsLogger *log;
    SsTensor input; /* one image input: [N,H,W,3] or [N,3,H,W], u8, f16 or f32, no -1; N pictures */
    SsTensor output[SS_MAX_OUTPUTS]; /* dim may hold -1; [N,...] where N > 1 */
    int n_outputs;
    void *priv; /* backend->model_size zeroed bytes, freed by the core */
} SsModel;

/** One inference in flight. */
typedef struct SsRequest {
    SsModel *model;
    struct SsRequest *beside; /* of the same thread; both may be in flight at the same time; NULL = alone */
    SsTensor input;           /* .data: written before request_infer() */
    SsTensor output[SS_MAX_OUTPUTS]; /* .dim, .data, .size: set by request_infer() or request_wait(), valid
                                        until the next */
    void *priv;                      /* backend->request_size zeroed bytes, freed by the core */
} SsRequest;

/**
 * A runtime: const, stateless. Every function up to request_close() is required; arguments have been checked
 * by the core. Those that return int return 0 or -errno, have logged why, and
 * leave nothing behind on failure.
 */
typedef struct SsBackend {
    const char *name;        /* stable: used on the command line */
    const char *description; /* one line for people */
    size_t model_size, request_size;
    /** Load and compile; fill input, output, n_outputs. May take minutes. Thread: a worker. */
    int (*model_open)(SsModel *m, const SsModelParams *p);
    /** No request is open. */
    void (*model_close)(SsModel *m);
    /** Allocate the tensors; input.data stays valid until request_close(). Thread: the worker that uses it.
     */
    int (*request_open)(SsRequest *r);
    /** input.data -> output[]; returns when done. Same thread as request_open(); others' requests run in
     * parallel. */
    int (*request_infer)(SsRequest *r);
    void (*request_close)(SsRequest *r);
    /**
     * Makes `frame` picture `nth` of the network's input where the network runs, so that its pixels need not
     * pass through the processor; fills `g`. `how`: nothing at default, the same in every call. The next
     * request_infer()s take it, and input.data is not looked at. 0: the frame may go; 1: it is read until the
     * inference has ended, well or not.
     * -ENOTSUP, not logged: not for this request, frame or SsFrameDesc.memory, and input.data counts again;
     * the core converts, for which it has the frame fetched if need be. A batch begins with nth = 0; of one
     * that begins here, no later picture is -ENOTSUP. NULL: never. Same thread as request_infer().
     */
    int (*request_convert)(SsRequest *r, int nth, const SsFrameDesc *frame, const SsInputParams *how,
                           SsGeometry *g);
    /**
     * Begins an inference, which request_wait() ends; the request that was opened beside this one may begin
     * another meanwhile. -ENOTSUP, not logged: not of this request as it stands; request_infer() does it.
     * Both or NULL. Same thread as request_infer().
     */
    int (*request_start)(SsRequest *r);
    int (*request_wait)(SsRequest *r);
    /**
     * The device that is to answer while the one of `p` is got ready, where that may take long: the same
     * model is opened there beside it. NULL, of the function or of what it returns: there is no need. Thread:
     * a worker.
     */
    const char *(*stand_in)(const SsModelParams *p);
    const char *const *devices; /* names to try, best first, NULL past the end; NULL: it has none */
    /**
     * May the runtime be used here? `text` (at most `size` bytes) gets its version, or what is missing and
     * what brings it. NULL: always. Thread: any.
     */
    bool (*available)(char *text, size_t size);
    bool in_place; /* request_convert() reads frames where they lie if that is ss_memory_new()'s */
} SsBackend;

/** The backends built in, in order of preference; NULL past the end. Thread: any. */
SS_API const SsBackend *ss_backend_nth(int n);
/** By name; NULL: no such backend in this build. Thread: any. */
SS_API const SsBackend *ss_backend_find(const char *name);

#ifdef __cplusplus
}
#endif
#endif
