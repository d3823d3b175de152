/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu_sight.h"

#include <errno.h>
#include <stddef.h>

#ifdef SS_HAVE_CUDA
#include "clock.h"
#include "cuda/shrink.h"

/** Is there one for frames like this? If not it is asked for, once. */
static bool ready(SsGpuSight *g, const SsFrameDesc *f)
{
    SsCudaShrink *newer = atomic_exchange(&g->made, NULL);

    if (newer) {
        ss_cuda_shrink_destroy(&g->mine);
        g->mine = newer;
        g->asked.width = 0; /* if it is for frames that came before, once more */
    }
    if (g->mine && ss_cuda_shrink_fits(g->mine, f))
        return true;
    if (g->asked.width != f->width || g->asked.height != f->height || g->asked.format != f->format) {
        g->asked = *f;
        atomic_store(&g->wanted, true);
    }
    return false;
}

int ss_gpu_sight_add(SsGpuSight *g, SsAlbum *a, const SsFrameDesc *f, int64_t limit, SsPicture **out)
{
    const int64_t deadline = ss_now_ns() + limit;
    SsFrameDesc grey;
    int ret;

    if (!ready(g, f))
        return -ENOENT;
    if ((ret = ss_cuda_shrink(g->mine, f, deadline, ss_now_ns, &grey)) < 0)
        return ret;
    *out = ss_album_add_shrunk(a, &grey, ss_picture_scale(f->width, f->height));
    return *out ? 0 : -ENOMEM;
}

void ss_gpu_sight_prepare(SsGpuSight *g, const SsFrameDesc *f, const SsLogger *log)
{
    SsCudaShrink *s, *unused;

    if (!atomic_exchange(&g->wanted, false) ||
        ss_cuda_shrink_create(&s, f, ss_picture_scale(f->width, f->height), log) < 0)
        return;
    unused = atomic_exchange(&g->made, s);
    ss_cuda_shrink_destroy(&unused);
}

void ss_gpu_sight_clear(SsGpuSight *g)
{
    SsCudaShrink *made = atomic_load(&g->made);

    ss_cuda_shrink_destroy(&made);
    ss_cuda_shrink_destroy(&g->mine);
}
#else
int ss_gpu_sight_add(SsGpuSight *g, SsAlbum *a, const SsFrameDesc *f, int64_t limit, SsPicture **out)
{
    (void)g, (void)a, (void)f, (void)limit, (void)out;
    return -ENOTSUP;
}

void ss_gpu_sight_prepare(SsGpuSight *g, const SsFrameDesc *f, const SsLogger *log)
{
    (void)g, (void)f, (void)log;
}

void ss_gpu_sight_clear(SsGpuSight *g)
{
    (void)g;
}
#endif
