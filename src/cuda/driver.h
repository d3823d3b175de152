/* SPDX-License-Identifier: Apache-2.0 */
/**
 * NVIDIA's driver, found when the program runs: one build serves machines with and without a GPU. Only what
 * is used of its interface, under its own names less the "cu"; see NVIDIA's documentation of the driver API
 * for each. A result is 0 or a CUresult.
 *
 * Calls work on the context that is current on the thread. Ours is a device's primary one, which inference
 * runtimes use too, so that memory and streams can be shared.
 */
#ifndef SS_CUDA_DRIVER_H
#define SS_CUDA_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#include "sidestream/log.h"

typedef unsigned long long SsCuPtr; /* CUdeviceptr: an address in a GPU's memory */
typedef struct CUctx_st *SsCuContext;
typedef struct CUstream_st *SsCuStream;
typedef struct CUevent_st *SsCuEvent;
typedef struct CUmod_st *SsCuModule;
typedef struct CUfunc_st *SsCuFunction;

enum {
    SS_CU_STREAM_NON_BLOCKING = 1, /* does not wait for the default stream */
    SS_CU_EVENT_BLOCKING_SYNC = 1, /* who waits sleeps */
    SS_CU_EVENT_DISABLE_TIMING = 2,
    SS_CU_COMPUTE_MAJOR = 75, /* attributes of a device */
    SS_CU_COMPUTE_MINOR = 76,
    SS_CU_HOST_POINTERS = 91,  /* kernels take the processor's addresses of pinned memory */
    SS_CU_POINTER_CONTEXT = 1, /* attributes of a pointer */
    SS_CU_POINTER_ORDINAL = 9, /* of its device */
    SS_CU_HOST_PORTABLE = 1,   /* pinned for all contexts */
    SS_CU_NOT_READY = 600,     /* a result */
};

/** A function of the driver, and where its address goes in a table. */
typedef struct SsCudaName {
    const char *name;
    size_t at;
} SsCudaName;

typedef struct SsCuda {
    int (*Init)(unsigned flags);
    int (*DriverGetVersion)(int *version); /* 13000 = CUDA 13.0 */
    int (*GetErrorString)(int result, const char **text);
    int (*DeviceGetCount)(int *count);
    int (*DeviceGet)(int *device, int ordinal);
    int (*DeviceGetName)(char *name, int size, int device);
    int (*DeviceGetAttribute)(int *value, int attribute, int device);
    int (*DevicePrimaryCtxRetain)(SsCuContext *ctx, int device);
    int (*DevicePrimaryCtxRelease)(int device);
    int (*CtxPushCurrent)(SsCuContext ctx);
    int (*CtxPopCurrent)(SsCuContext *ctx);
    int (*MemAlloc)(SsCuPtr *p, size_t bytes);
    int (*MemFree)(SsCuPtr p);
    int (*MemHostAlloc)(void **p, size_t bytes, unsigned flags);
    int (*MemFreeHost)(void *p);
    int (*MemHostRegister)(void *p, size_t bytes, unsigned flags);
    int (*MemHostUnregister)(void *p);
    int (*MemcpyHtoDAsync)(SsCuPtr dst, const void *src, size_t bytes, SsCuStream stream);
    int (*MemcpyDtoHAsync)(void *dst, SsCuPtr src, size_t bytes, SsCuStream stream);
    int (*MemcpyDtoDAsync)(SsCuPtr dst, SsCuPtr src, size_t bytes, SsCuStream stream);
    int (*MemcpyPeerAsync)(SsCuPtr dst, SsCuContext dst_ctx, SsCuPtr src, SsCuContext src_ctx, size_t bytes,
                           SsCuStream stream);
    int (*PointerGetAttribute)(void *value, int attribute, SsCuPtr p);
    int (*CtxGetStreamPriorityRange)(int *least, int *greatest); /* greatest: the lower number */
    int (*StreamCreate)(SsCuStream *stream, unsigned flags);
    int (*StreamCreateWithPriority)(SsCuStream *stream, unsigned flags, int priority);
    int (*StreamDestroy)(SsCuStream stream);
    int (*StreamSynchronize)(SsCuStream stream);
    int (*EventCreate)(SsCuEvent *event, unsigned flags);
    int (*EventDestroy)(SsCuEvent event);
    int (*EventRecord)(SsCuEvent event, SsCuStream stream);
    int (*EventQuery)(SsCuEvent event);
    int (*EventSynchronize)(SsCuEvent event);
    int (*EventElapsedTime)(float *ms, SsCuEvent start, SsCuEvent end);
    int (*ModuleLoadData)(SsCuModule *module, const void *image);
    int (*ModuleUnload)(SsCuModule module);
    int (*ModuleGetFunction)(SsCuFunction *function, SsCuModule module, const char *name);
    int (*LaunchKernel)(SsCuFunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                        unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes,
                        SsCuStream stream, void **args, void **extra);
    int version; /* of the driver, as DriverGetVersion() says */
} SsCuda;

/**
 * The driver, loaded by the first call and never unloaded; NULL: there is none, it is too old or has no
 * device; every caller's `log` is told so, in one line; NULL: nobody is. Thread: any.
 */
SS_API const SsCuda *ss_cuda(const SsLogger *log);
/** Puts `n` functions of the driver's library into `table`. Returns the first that it has not, or NULL. */
const char *ss_cuda_find(void *library, const SsCudaName *names, size_t n, void *table);
/** For what fails without harm, or is told elsewhere. */
extern const SsLogger ss_cuda_silent;
/** 0, or `result` as -ENOMEM or -EIO, logged: "what: the driver's words". Thread: any. */
int ss_cuda_check(const SsCuda *cu, int result, const char *what, const SsLogger *log);
/**
 * Retains the primary context of device `ordinal` (0 = the first) and stores it and the driver's handle.
 * Errors: -ENOTSUP (no such device), -EIO, -ENOMEM. Release with cu->DevicePrimaryCtxRelease(*device).
 * Thread: any.
 */
SS_API int ss_cuda_retain(const SsCuda *cu, int ordinal, int *device, SsCuContext *ctx, const SsLogger *log);

/** Makes `ctx` current on this thread until ss_cuda_leave(). Errors: -EIO, -ENOMEM, logged. Thread: any. */
SS_API int ss_cuda_enter(const SsCuda *cu, SsCuContext ctx, const SsLogger *log);
SS_API void ss_cuda_leave(const SsCuda *cu);

/**
 * Loads one of the compiled kernels of kernels.h, which takes a driver of `need`, into the context that is
 * current. Errors: -ENOTSUP (too old a driver), -EIO, -ENOMEM, logged.
 */
int ss_cuda_load(const SsCuda *cu, SsCuModule *module, const void *code, int need, const SsLogger *log);
/**
 * Puts a copy of what is at `from`, memory of any context of this process, on the stream: to `to`, memory of
 * `ctx`, which is current. Errors: -EIO, -ENOMEM, logged; also where `from` is no GPU's memory.
 */
int ss_cuda_bring(const SsCuda *cu, SsCuContext ctx, SsCuPtr to, SsCuPtr from, size_t bytes,
                  SsCuStream stream, const SsLogger *log);

/** ", NVIDIA H100, compute capability 9.0, driver 13000" of device `ordinal`; "": there is none. Thread: any.
 */
void ss_cuda_identity(int ordinal, char *text, size_t size);

#endif
