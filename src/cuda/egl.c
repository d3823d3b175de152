/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/egl.h"

#include <dlfcn.h>
#include <pthread.h>

#include "internal.h"

static const SsCudaName functions[] = {
    { "cuGraphicsEGLRegisterImage", offsetof(SsCudaEgl, GraphicsEGLRegisterImage) },
    { "cuGraphicsResourceGetMappedEglFrame", offsetof(SsCudaEgl, GraphicsResourceGetMappedEglFrame) },
    { "cuGraphicsUnregisterResource", offsetof(SsCudaEgl, GraphicsUnregisterResource) },
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static SsCudaEgl found;     /* written by load(), then constant; so is the next */
static const char *missing; /* NULL: nothing is */

static void load(void)
{
    void *lib = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL); /* ss_cuda() has loaded it for good */

    missing = ss_cuda_find(lib, functions, SS_COUNTOF(functions), &found);
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
