/* SPDX-License-Identifier: Apache-2.0 */
#include "network.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/image.h"
#include "core/model.h"
#include "io/exit.h"
#include "io/stats.h"

enum { YIELD = 10 };

struct SsNetwork {
    SsModel model;
    SsRequest request;
    SsImage *image;
    const SsDecoder *decoder;
    gboolean opened, requested; /* what is to be closed */
    GMutex lock;
    char *error; /* the last line of the log; guarded by lock, since runtimes log from threads of theirs */
};

static void keep_error(void *cookie, SsLogLevel level, const char *message)
{
    SsNetwork *n = cookie;
    if (level != SS_LOG_ERROR)
        return;
    g_mutex_lock(&n->lock);
    g_free(n->error);
    n->error = g_strdup(message);
    g_mutex_unlock(&n->lock);
}

void ss_network_error(SsNetwork *n, GError **error)
{
    g_mutex_lock(&n->lock);
    g_set_error_literal(error, SS_ERROR, SS_EXIT_MODEL, n->error ? n->error : "the network failed");
    g_mutex_unlock(&n->lock);
}

static gboolean open_with(SsNetwork *n, const SsOptions *o, const SsLogger *log)
{
    SsEngineParams p;
    const SsBackend *backend = ss_options_to_model(o, &p);
    p.model.requests = 1;
    /* As an engine's worker does, before the runtime makes threads of its own. */
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), YIELD);
    n->opened = ss_model_open(&n->model, backend, &p.model, log) == 0;
    n->decoder = n->opened ? ss_model_decoder(&n->model, o->decoder) : NULL;
    n->requested = n->decoder && ss_request_open(&n->request, &n->model) == 0;
    if (!n->requested)
        return FALSE;
    const SsInputParams input = ss_input_resolve(&p.input, &n->decoder->input);
    return ss_image_create(&n->image, &n->model.input, &input, log) == 0;
}

SsNetwork *ss_network_open(const SsOptions *o, GError **error)
{
    SsNetwork *n = g_new0(SsNetwork, 1);
    const SsLogger log = { .level = SS_LOG_ERROR, .write = keep_error, .cookie = n };
    g_mutex_init(&n->lock);
    if (open_with(n, o, &log))
        return n;
    ss_network_error(n, error);
    ss_network_close(n);
    return NULL;
}

int ss_network_look(SsNetwork *n, const SsFrameDesc *frame, float threshold, SsDetection *out, int64_t *took)
{
    const SsDecodeParams decode = { .input_width = ss_tensor_width(&n->model.input),
                                    .input_height = ss_tensor_height(&n->model.input),
                                    .threshold = threshold,
                                    .nms_iou = 0.45f };
    SsGeometry geometry;
    int ret = ss_image_feed(n->image, frame, &n->request, 0, &geometry);
    if (ret < 0)
        return ret;
    const gint64 began = ss_now();
    if ((ret = ss_request_infer(&n->request)) < 0)
        return ret;
    *took = ss_now() - began;
    ret = ss_request_decode(&n->request, 0, n->decoder, &decode, out, SS_MAX_OBJECTS);
    for (int i = 0; i < ret; i++)
        out[i].box = ss_geometry_to_frame(&geometry, out[i].box);
    return ret;
}

void ss_network_close(SsNetwork *n)
{
    ss_image_destroy(&n->image);
    if (n->requested)
        ss_request_close(&n->request);
    if (n->opened)
        ss_model_close(&n->model);
    g_mutex_clear(&n->lock);
    g_free(n->error);
    g_free(n);
}
