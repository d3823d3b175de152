/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/egl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#include "internal.h"

static const struct {
    const char *name;
    size_t at;
} functions[] = {
    { "cuGraphicsEGLRegisterImage", offsetof(SsCudaEgl, GraphicsEGLRegisterImage) },
    { "cuGraphicsResourceGetMappedEglFrame", offsetof(SsCudaEgl, GraphicsResourceGetMappedEglFrame) },
    { "cuGraphicsUnregisterResource", offsetof(SsCudaEgl, GraphicsUnregisterResource) },
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static SsCudaEgl found;     /* written by load(), then constant; so is the next */
static const char *missing; /* NULL: nothing is */

static void load(void)
{
    void *lib = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);

    for (size_t i = 0; i < SS_COUNTOF(functions) && !missing; i++) {
        void *f = lib ? dlsym(lib, functions[i].name) : NULL;

        if (f)
            memcpy((char *)&found + functions[i].at, &f, sizeof f);
        else
            missing = functions[i].name;
    }
}

const SsCudaEgl *ss_cuda_egl(const SsLogger *log)
{
    if (!ss_cuda(log))
        return NULL;
    pthread_once(&once, load);
    if (!missing)
        return &found;
    ss_err(log, "the NVIDIA driver cannot read pictures of EGL: libcuda.so.1 has no %s", missing);
    return NULL;
}
