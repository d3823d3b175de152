/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/driver.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

enum { OUT_OF_MEMORY = 2, OLDEST = 11000 };

/* Where to put each function. Names with _v2 are those that cuda.h of today means by the plain ones. */
static const SsCudaName functions[] = {
    { "cuInit", offsetof(SsCuda, Init) },
    { "cuDriverGetVersion", offsetof(SsCuda, DriverGetVersion) },
    { "cuGetErrorString", offsetof(SsCuda, GetErrorString) },
    { "cuDeviceGetCount", offsetof(SsCuda, DeviceGetCount) },
    { "cuDeviceGet", offsetof(SsCuda, DeviceGet) },
    { "cuDeviceGetName", offsetof(SsCuda, DeviceGetName) },
    { "cuDeviceGetAttribute", offsetof(SsCuda, DeviceGetAttribute) },
    { "cuDevicePrimaryCtxRetain", offsetof(SsCuda, DevicePrimaryCtxRetain) },
    { "cuDevicePrimaryCtxRelease_v2", offsetof(SsCuda, DevicePrimaryCtxRelease) },
    { "cuCtxPushCurrent_v2", offsetof(SsCuda, CtxPushCurrent) },
    { "cuCtxPopCurrent_v2", offsetof(SsCuda, CtxPopCurrent) },
    { "cuMemAlloc_v2", offsetof(SsCuda, MemAlloc) },
    { "cuMemFree_v2", offsetof(SsCuda, MemFree) },
    { "cuMemHostAlloc", offsetof(SsCuda, MemHostAlloc) },
    { "cuMemFreeHost", offsetof(SsCuda, MemFreeHost) },
    { "cuMemHostRegister_v2", offsetof(SsCuda, MemHostRegister) },
    { "cuMemHostUnregister", offsetof(SsCuda, MemHostUnregister) },
    { "cuMemcpyHtoDAsync_v2", offsetof(SsCuda, MemcpyHtoDAsync) },
    { "cuMemcpyDtoHAsync_v2", offsetof(SsCuda, MemcpyDtoHAsync) },
    { "cuMemcpyDtoDAsync_v2", offsetof(SsCuda, MemcpyDtoDAsync) },
    { "cuMemcpyPeerAsync", offsetof(SsCuda, MemcpyPeerAsync) },
    { "cuPointerGetAttribute", offsetof(SsCuda, PointerGetAttribute) },
    { "cuCtxGetStreamPriorityRange", offsetof(SsCuda, CtxGetStreamPriorityRange) },
    { "cuStreamCreate", offsetof(SsCuda, StreamCreate) },
    { "cuStreamCreateWithPriority", offsetof(SsCuda, StreamCreateWithPriority) },
    { "cuStreamDestroy_v2", offsetof(SsCuda, StreamDestroy) },
    { "cuStreamSynchronize", offsetof(SsCuda, StreamSynchronize) },
    { "cuEventCreate", offsetof(SsCuda, EventCreate) },
    { "cuEventDestroy_v2", offsetof(SsCuda, EventDestroy) },
    { "cuEventRecord", offsetof(SsCuda, EventRecord) },
    { "cuEventQuery", offsetof(SsCuda, EventQuery) },
    { "cuEventSynchronize", offsetof(SsCuda, EventSynchronize) },
    { "cuEventElapsedTime", offsetof(SsCuda, EventElapsedTime) },
    { "cuModuleLoadData", offsetof(SsCuda, ModuleLoadData) },
    { "cuModuleUnload", offsetof(SsCuda, ModuleUnload) },
    { "cuModuleGetFunction", offsetof(SsCuda, ModuleGetFunction) },
    { "cuLaunchKernel", offsetof(SsCuda, LaunchKernel) },
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static SsCuda driver;    /* written by load(), then constant; so are the next two */
static bool usable;      /* `driver` is complete and has a device */
static char reason[256]; /* else why not */

static const char *text_of(const SsCuda *cu, int result)
{
    const char *text = NULL;

    return cu->GetErrorString(result, &text) == 0 && text ? text : "unknown error";
}

const char *ss_cuda_find(void *library, const SsCudaName *names, size_t n, void *table)
{
    for (size_t i = 0; i < n; i++) {
        void *f = dlsym(library, names[i].name);

        if (!f)
            return names[i].name;
        memcpy((char *)table + names[i].at, &f, sizeof f);
    }
    return NULL;
}

static void load(void)
{
    void *lib = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    int result, count = 0;

    if (!lib) {
        snprintf(reason, sizeof reason, "no NVIDIA driver: libcuda.so.1 not found");
        return;
    }
    const char *missing = ss_cuda_find(lib, functions, SS_COUNTOF(functions), &driver);
    if (missing) {
        snprintf(reason, sizeof reason, "the NVIDIA driver is too old: libcuda.so.1 has no %s", missing);
        return;
    }
    result = driver.Init(0);
    if (result == 0)
        result = driver.DriverGetVersion(&driver.version);
    if (result == 0)
        result = driver.DeviceGetCount(&count);
    if (result != 0)
        snprintf(reason, sizeof reason, "the NVIDIA driver does not start: %s", text_of(&driver, result));
    else if (driver.version < OLDEST)
        snprintf(reason, sizeof reason, "the NVIDIA driver is for CUDA %d.%d, older than %d.%d",
                 driver.version / 1000, driver.version % 1000 / 10, OLDEST / 1000, OLDEST % 1000 / 10);
    else if (count == 0)
        snprintf(reason, sizeof reason, "the NVIDIA driver finds no GPU");
    else
        usable = true;
}

const SsCuda *ss_cuda(const SsLogger *log)
{
    pthread_once(&once, load);
    if (usable)
        return &driver;
    if (log)
        ss_err(log, "%s", reason);
    return NULL;
}

static void say_nothing(void *cookie, SsLogLevel level, const char *message)
{
    (void)cookie, (void)level, (void)message;
}

const SsLogger ss_cuda_silent = { .level = SS_LOG_ERROR, .write = say_nothing };

int ss_cuda_check(const SsCuda *cu, int result, const char *what, const SsLogger *log)
{
    if (result == 0)
        return 0;
    ss_err(log, "%s: %s", what, text_of(cu, result));
    return result == OUT_OF_MEMORY ? -ENOMEM : -EIO;
}

int ss_cuda_retain(const SsCuda *cu, int ordinal, int *device, SsCuContext *ctx, const SsLogger *log)
{
    if (cu->DeviceGet(device, ordinal) != 0) {
        ss_err(log, "there is no GPU %d", ordinal);
        return -ENOTSUP;
    }
    return ss_cuda_check(cu, cu->DevicePrimaryCtxRetain(ctx, *device), "the GPU cannot be used", log);
}

int ss_cuda_enter(const SsCuda *cu, SsCuContext ctx, const SsLogger *log)
{
    return ss_cuda_check(cu, cu->CtxPushCurrent(ctx), "the GPU's context cannot be used", log);
}

void ss_cuda_leave(const SsCuda *cu)
{
    SsCuContext ours;

    (void)cu->CtxPopCurrent(&ours);
}

int ss_cuda_load(const SsCuda *cu, SsCuModule *module, const void *code, int need, const SsLogger *log)
{
    if (cu->version < need) {
        ss_err(log, "the NVIDIA driver is for CUDA %d.%d, older than %d.%d, which the GPU code is for",
               cu->version / 1000, cu->version % 1000 / 10, need / 1000, need % 1000 / 10);
        return -ENOTSUP;
    }
    return ss_cuda_check(cu, cu->ModuleLoadData(module, code), "the GPU code cannot be loaded", log);
}

/* Memory that no context owns (of a pool) is there for all of its device. */
int ss_cuda_bring(const SsCuda *cu, SsCuContext ctx, SsCuPtr to, SsCuPtr from, size_t bytes,
                  SsCuStream stream, const SsLogger *log)
{
    SsCuContext owner = NULL;
    int result = cu->PointerGetAttribute(&owner, SS_CU_POINTER_CONTEXT, from);

    if (result == 0)
        result = owner && owner != ctx ? cu->MemcpyPeerAsync(to, ctx, from, owner, bytes, stream)
                                       : cu->MemcpyDtoDAsync(to, from, bytes, stream);
    return ss_cuda_check(cu, result, "a frame cannot be copied from where it is on the GPU", log);
}

void ss_cuda_identity(int ordinal, char *text, size_t size)
{
    char name[128] = "";
    int device, major = 0, minor = 0;

    text[0] = '\0';
    pthread_once(&once, load);
    if (!usable || driver.DeviceGet(&device, ordinal) != 0)
        return;
    (void)driver.DeviceGetName(name, sizeof name, device);
    (void)driver.DeviceGetAttribute(&major, SS_CU_COMPUTE_MAJOR, device);
    (void)driver.DeviceGetAttribute(&minor, SS_CU_COMPUTE_MINOR, device);
    (void)snprintf(text, size, ", %s, compute capability %d.%d, driver %d", name, major, minor,
                   driver.version);
}
