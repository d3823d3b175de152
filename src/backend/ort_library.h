/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ONNX Runtime's library, found when the program runs, so that one build serves machines with
 * its CPU library, with its CUDA one, or with none.
 *
 * Its C API is one table of functions, which only ever grows: an entry keeps its place and its
 * arguments for good. The entries used here are named with their places in it, so that no header
 * of theirs is needed to build. Source: onnxruntime_c_api.h of 1.23 (its places, measured with
 * offsetof; api version 22 is the first that holds them all).
 */
#ifndef SS_BACKEND_ORT_LIBRARY_H
#define SS_BACKEND_ORT_LIBRARY_H

#include <stddef.h>
#include <stdint.h>

#include "sidestream/log.h"

typedef struct OrtStatus OrtStatus;
typedef struct OrtEnv OrtEnv;
typedef struct OrtSession OrtSession;
typedef struct OrtSessionOptions OrtSessionOptions;
typedef struct OrtRunOptions OrtRunOptions;
typedef struct OrtIoBinding OrtIoBinding;
typedef struct OrtMemoryInfo OrtMemoryInfo;
typedef struct OrtAllocator OrtAllocator;
typedef struct OrtValue OrtValue;
typedef struct OrtTypeInfo OrtTypeInfo;
typedef struct OrtTensorTypeAndShapeInfo OrtTensorTypeAndShapeInfo;
typedef struct OrtEpDevice OrtEpDevice;
typedef struct OrtCUDAProviderOptionsV2 OrtCUDAProviderOptionsV2;
typedef struct OrtTensorRTProviderOptionsV2 OrtTensorRTProviderOptionsV2;
typedef void (*OrtLoggingFunction)(void *cookie, int severity, const char *category, const char *id,
                                   const char *place, const char *message);

enum { SS_ORT_API = 22 }; /* the version of the table that is asked for: ONNX Runtime 1.22 or newer */

enum { ORT_FATAL = 4 };                                                   /* a severity */
enum { ORT_F32 = 1, ORT_U8 = 2, ORT_I32 = 6, ORT_I64 = 7, ORT_F16 = 10 }; /* types of elements */
enum { ORT_DEVICE_ALLOCATOR = 0 };                                        /* kinds of allocators */
enum { ORT_MEMORY_DEFAULT = 0 };                                          /* kinds of memory */

/* X(place, what it returns, name, its arguments...): an OrtStatus * is NULL where all went well. */
#define SS_ORT_CALLS(X)                                                                                      \
    X(1, int, GetErrorCode, const OrtStatus *)                                                               \
    X(2, const char *, GetErrorMessage, const OrtStatus *)                                                   \
    X(4, OrtStatus *, CreateEnvWithCustomLogger, OrtLoggingFunction, void *cookie, int severity,             \
      const char *id, OrtEnv **)                                                                             \
    X(6, OrtStatus *, DisableTelemetryEvents, const OrtEnv *)                                                \
    X(7, OrtStatus *, CreateSession, const OrtEnv *, const char *path, const OrtSessionOptions *,            \
      OrtSession **)                                                                                         \
    X(10, OrtStatus *, CreateSessionOptions, OrtSessionOptions **)                                           \
    X(23, OrtStatus *, SetSessionGraphOptimizationLevel, OrtSessionOptions *, int level)                     \
    X(24, OrtStatus *, SetIntraOpNumThreads, OrtSessionOptions *, int)                                       \
    X(30, OrtStatus *, SessionGetInputCount, const OrtSession *, size_t *)                                   \
    X(31, OrtStatus *, SessionGetOutputCount, const OrtSession *, size_t *)                                  \
    X(33, OrtStatus *, SessionGetInputTypeInfo, const OrtSession *, size_t, OrtTypeInfo **)                  \
    X(34, OrtStatus *, SessionGetOutputTypeInfo, const OrtSession *, size_t, OrtTypeInfo **)                 \
    X(36, OrtStatus *, SessionGetInputName, const OrtSession *, size_t, OrtAllocator *, char **)             \
    X(37, OrtStatus *, SessionGetOutputName, const OrtSession *, size_t, OrtAllocator *, char **)            \
    X(49, OrtStatus *, CreateTensorWithDataAsOrtValue, const OrtMemoryInfo *, void *data, size_t bytes,      \
      const int64_t *dim, size_t rank, int type, OrtValue **)                                                \
    X(51, OrtStatus *, GetTensorMutableData, OrtValue *, void **)                                            \
    X(55, OrtStatus *, CastTypeInfoToTensorInfo, const OrtTypeInfo *, const OrtTensorTypeAndShapeInfo **)    \
    X(60, OrtStatus *, GetTensorElementType, const OrtTensorTypeAndShapeInfo *, int *)                       \
    X(61, OrtStatus *, GetDimensionsCount, const OrtTensorTypeAndShapeInfo *, size_t *)                      \
    X(62, OrtStatus *, GetDimensions, const OrtTensorTypeAndShapeInfo *, int64_t *, size_t)                  \
    X(63, OrtStatus *, GetSymbolicDimensions, const OrtTensorTypeAndShapeInfo *, const char **, size_t)      \
    X(65, OrtStatus *, GetTensorTypeAndShape, const OrtValue *, OrtTensorTypeAndShapeInfo **)                \
    X(68, OrtStatus *, CreateMemoryInfo, const char *name, int allocator, int id, int memory,                \
      OrtMemoryInfo **)                                                                                      \
    X(69, OrtStatus *, CreateCpuMemoryInfo, int allocator, int memory, OrtMemoryInfo **)                     \
    X(39, OrtStatus *, CreateRunOptions, OrtRunOptions **)                                                   \
    X(76, OrtStatus *, AllocatorFree, OrtAllocator *, void *)                                                \
    X(78, OrtStatus *, GetAllocatorWithDefaultOptions, OrtAllocator **)                                      \
    X(93, void, ReleaseStatus, OrtStatus *)                                                                  \
    X(94, void, ReleaseMemoryInfo, OrtMemoryInfo *)                                                          \
    X(95, void, ReleaseSession, OrtSession *)                                                                \
    X(96, void, ReleaseValue, OrtValue *)                                                                    \
    X(97, void, ReleaseRunOptions, OrtRunOptions *)                                                          \
    X(98, void, ReleaseTypeInfo, OrtTypeInfo *)                                                              \
    X(99, void, ReleaseTensorTypeAndShapeInfo, OrtTensorTypeAndShapeInfo *)                                  \
    X(100, void, ReleaseSessionOptions, OrtSessionOptions *)                                                 \
    X(124, OrtStatus *, AddFreeDimensionOverrideByName, OrtSessionOptions *, const char *, int64_t)          \
    X(125, OrtStatus *, GetAvailableProviders, char ***, int *)                                              \
    X(126, OrtStatus *, ReleaseAvailableProviders, char **, int)                                             \
    X(130, OrtStatus *, AddSessionConfigEntry, OrtSessionOptions *, const char *key, const char *value)      \
    X(133, OrtStatus *, RunWithBinding, OrtSession *, const OrtRunOptions *, const OrtIoBinding *)           \
    X(134, OrtStatus *, CreateIoBinding, OrtSession *, OrtIoBinding **)                                      \
    X(135, void, ReleaseIoBinding, OrtIoBinding *)                                                           \
    X(136, OrtStatus *, BindInput, OrtIoBinding *, const char *, const OrtValue *)                           \
    X(137, OrtStatus *, BindOutput, OrtIoBinding *, const char *, const OrtValue *)                          \
    X(138, OrtStatus *, BindOutputToDevice, OrtIoBinding *, const char *, const OrtMemoryInfo *)             \
    X(140, OrtStatus *, GetBoundOutputValues, const OrtIoBinding *, OrtAllocator *, OrtValue ***, size_t *)  \
    X(165, OrtStatus *, AddRunConfigEntry, OrtRunOptions *, const char *key, const char *value)              \
    X(170, OrtStatus *, SessionOptionsAppendExecutionProvider_TensorRT_V2, OrtSessionOptions *,              \
      const OrtTensorRTProviderOptionsV2 *)                                                                  \
    X(171, OrtStatus *, CreateTensorRTProviderOptions, OrtTensorRTProviderOptionsV2 **)                      \
    X(172, OrtStatus *, UpdateTensorRTProviderOptions, OrtTensorRTProviderOptionsV2 *,                       \
      const char *const *keys, const char *const *values, size_t)                                            \
    X(174, void, ReleaseTensorRTProviderOptions, OrtTensorRTProviderOptionsV2 *)                             \
    X(202, OrtStatus *, SynchronizeBoundInputs, OrtIoBinding *)                                              \
    X(203, OrtStatus *, SynchronizeBoundOutputs, OrtIoBinding *)                                             \
    X(204, OrtStatus *, SessionOptionsAppendExecutionProvider_CUDA_V2, OrtSessionOptions *,                  \
      const OrtCUDAProviderOptionsV2 *)                                                                      \
    X(205, OrtStatus *, CreateCUDAProviderOptions, OrtCUDAProviderOptionsV2 **)                              \
    X(206, OrtStatus *, UpdateCUDAProviderOptions, OrtCUDAProviderOptionsV2 *, const char *const *keys,      \
      const char *const *values, size_t)                                                                     \
    X(208, void, ReleaseCUDAProviderOptions, OrtCUDAProviderOptionsV2 *)                                     \
    X(216, OrtStatus *, SessionOptionsAppendExecutionProvider, OrtSessionOptions *, const char *name,        \
      const char *const *keys, const char *const *values, size_t)                                            \
    X(266, OrtStatus *, SetUserLoggingFunction, OrtSessionOptions *, OrtLoggingFunction, void *cookie)       \
    X(301, OrtStatus *, RegisterExecutionProviderLibrary, OrtEnv *, const char *name, const char *path)      \
    X(303, OrtStatus *, GetEpDevices, const OrtEnv *, const OrtEpDevice *const **, size_t *)                 \
    X(304, OrtStatus *, SessionOptionsAppendExecutionProvider_V2, OrtSessionOptions *, OrtEnv *,             \
      const OrtEpDevice *const *, size_t, const char *const *keys, const char *const *values, size_t)        \
    X(312, const char *, EpDevice_EpName, const OrtEpDevice *)                                               \
    X(318, OrtStatus *, GetTensorSizeInBytes, const OrtValue *, size_t *)

#define SS_ORT_MEMBER(place, type, name, ...) type (*(name))(__VA_ARGS__);
typedef struct SsOrt {
    SS_ORT_CALLS(SS_ORT_MEMBER)
    const char *version; /* "1.30.0" */
    const char *folder;  /* where the library lies, without the last '/'; "" = unknown */
    OrtEnv *env;         /* the one environment */
} SsOrt;
#undef SS_ORT_MEMBER

/**
 * The library, loaded and started by the first call that finds one and kept until the process ends: it
 * cannot be taken down safely while threads of its own may run. `path`: its file; NULL =
 * $SIDESTREAM_ONNXRUNTIME, else where the dynamic linker or the build's Python environment has one. NULL:
 * there is none that can be used, and the log says so. Thread: any.
 */
const SsOrt *ss_ort_open(const char *path, const SsLogger *log);
/** The same without starting it (no `env`), and without a word in a log: that goes to `why`, at most `size`
 * bytes. */
const SsOrt *ss_ort_probe(char *why, size_t size);

/** The one place where its errors become ours: frees `status`, returns 0 or -errno, logs "what: its words".
 */
int ss_ort_check(const SsOrt *ort, const SsLogger *log, OrtStatus *status, const char *fmt, ...)
    SS_PRINTF(4, 5);
/** The same without a log: the words go to `why`. */
int ss_ort_take(const SsOrt *ort, OrtStatus *status, char *why, size_t size);
/** For SetUserLoggingFunction: `cookie` is a const SsLogger *, which hears it at SS_LOG_DEBUG. */
void ss_ort_log(void *cookie, int severity, const char *category, const char *id, const char *place,
                const char *message);

#endif
