/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/options.h"
#include "backend/table.h"
#include "internal.h"

/* In order of preference: the runtimes that need no special hardware first. */
static const SsBackend *const backends[] = {
#ifdef SS_HAVE_OPENVINO
    &ss_backend_openvino,
#endif
#ifdef SS_HAVE_ONNXRUNTIME
    &ss_backend_onnxruntime,
#endif
    &ss_backend_dummy,
};

const SsBackend *ss_backend_nth(int n)
{
    return n >= 0 && (size_t)n < SS_COUNTOF(backends) ? backends[n] : NULL;
}

const SsBackend *ss_backend_find(const char *name)
{
    for (size_t i = 0; i < SS_COUNTOF(backends); i++)
        if (strcmp(backends[i]->name, name) == 0)
            return backends[i];
    return NULL;
}

bool ss_tensor_is_nhwc(const SsTensor *input)
{
    return input->rank == 4 && input->dim[3] == 3;
}

int ss_tensor_batch(const SsTensor *input)
{
    return (int)input->dim[0];
}

int ss_tensor_width(const SsTensor *input)
{
    return (int)input->dim[ss_tensor_is_nhwc(input) ? 2 : 3];
}

int ss_tensor_height(const SsTensor *input)
{
    return (int)input->dim[ss_tensor_is_nhwc(input) ? 1 : 2];
}

const char *ss_tensor_describe(const SsTensor *t, char *text, size_t size)
{
    static const char *const dtype[] = { "u8", "i32", "i64", "f16", "f32" };
    size_t n = (size_t)snprintf(text, size, "%s%s%s [", t->name, *t->name ? " " : "", dtype[t->dtype]);

    for (int i = 0; i < t->rank && n < size; i++) {
        const char *comma = i > 0 ? "," : "";
        n += (size_t)(t->dim[i] < 0 ? snprintf(text + n, size - n, "%s?", comma)
                                    : snprintf(text + n, size - n, "%s%" PRId64, comma, t->dim[i]));
    }
    if (n < size)
        snprintf(text + n, size - n, "]");
    return text;
}

/** Pictures: [N,H,W,3] or [N,3,H,W], of a sensible number, size and type. */
static bool is_image(const SsTensor *t)
{
    if (t->rank != 4 || (t->dtype != SS_U8 && t->dtype != SS_F16 && t->dtype != SS_F32))
        return false;
    if (t->dim[0] < 1 || t->dim[0] > SS_MAX_BATCH)
        return false;
    if (t->dim[3] != 3 && t->dim[1] != 3)
        return false;
    int64_t w = t->dim[ss_tensor_is_nhwc(t) ? 2 : 3], h = t->dim[ss_tensor_is_nhwc(t) ? 1 : 2];
    return w >= 1 && w <= SS_MAX_SIDE && h >= 1 && h <= SS_MAX_SIDE;
}

int ss_model_check_params(const SsModelParams *p, const SsLogger *log)
{
    if (p->precision && !ss_precision_known(p->precision)) {
        ss_err(log, "precision '%s': there are fp32, fp16, bf16 and int8", p->precision);
        return -EINVAL;
    }
    if (p->batch < 0 || p->batch > SS_MAX_BATCH) {
        ss_err(log, "batch %d: a network takes 1 to %d pictures at a time", p->batch, SS_MAX_BATCH);
        return -EINVAL;
    }
    return 0;
}

/** The part of `t`, if any, that is picture `nth`'s of `batch`. */
static bool part_of(const SsTensor *t, int batch, int nth, SsTensor *one)
{
    *one = *t;
    if (batch == 1)
        return true;
    const bool open = t->dim[0] == -1 && !t->data; /* known only after an inference */
    if (t->rank < 1 || (t->dim[0] != batch && !open))
        return false;
    one->dim[0] = 1;
    one->size = t->size / (size_t)batch;
    if (t->data)
        one->data = (uint8_t *)t->data + (size_t)nth * one->size;
    return true;
}

/** Logs what is wrong with what the runtime says of the model. */
static int check_model(const SsModel *m, const char *name)
{
    char text[128];
    SsTensor one;

    if (!is_image(&m->input)) {
        ss_err(m->log,
               "%s: the input %s is not a picture; expected [N,3,height,width] or [N,height,width,3], N at "
               "most %d",
               name, ss_tensor_describe(&m->input, text, sizeof text), SS_MAX_BATCH);
        return -EPROTO;
    }
    for (int i = 0; i < m->n_outputs; i++) {
        if (part_of(&m->output[i], ss_tensor_batch(&m->input), 0, &one))
            continue;
        ss_err(m->log, "%s: takes %d pictures at a time, but its output %s has no part for each; try batch 1",
               name, ss_tensor_batch(&m->input), ss_tensor_describe(&m->output[i], text, sizeof text));
        return -EPROTO;
    }
    return 0;
}

int ss_model_open(SsModel *m, const SsBackend *backend, const SsModelParams *p, const SsLogger *log)
{
    int ret;

    *m = (SsModel) { .backend = backend, .log = log };
    if ((ret = ss_model_check_params(p, log)) < 0)
        return ret;
    m->priv = calloc(1, backend->model_size);
    if (!m->priv) {
        ss_err(log, "out of memory while opening the model");
        return -ENOMEM;
    }
    if ((ret = backend->model_open(m, p)) < 0)
        goto fail;
    if ((ret = check_model(m, p->path && *p->path ? p->path : backend->name)) < 0) {
        backend->model_close(m);
        goto fail;
    }
    return 0;

fail:
    free(m->priv);
    m->priv = NULL;
    return ret;
}

void ss_model_close(SsModel *m)
{
    if (!m->priv)
        return;
    m->backend->model_close(m);
    free(m->priv);
    m->priv = NULL;
}

static int open_request(SsRequest *r, SsModel *m, SsRequest *beside)
{
    *r = (SsRequest) { .model = m, .beside = beside };
    r->priv = calloc(1, m->backend->request_size);
    if (!r->priv) {
        ss_err(m->log, "out of memory while opening an inference request");
        return -ENOMEM;
    }
    int ret = m->backend->request_open(r);
    if (ret < 0) {
        free(r->priv);
        r->priv = NULL;
    }
    return ret;
}

int ss_request_open(SsRequest *r, SsModel *m)
{
    return open_request(r, m, NULL);
}

int ss_request_open_beside(SsRequest *r, SsRequest *first)
{
    return first->model->backend->request_start ? open_request(r, first->model, first) : -ENOTSUP;
}

int ss_request_infer(SsRequest *r)
{
    return r->model->backend->request_infer(r);
}

int ss_request_start(SsRequest *r)
{
    const SsBackend *backend = r->model->backend;

    return backend->request_start ? backend->request_start(r) : -ENOTSUP;
}

int ss_request_wait(SsRequest *r)
{
    return r->model->backend->request_wait(r);
}

void ss_request_close(SsRequest *r)
{
    if (!r->priv)
        return;
    r->model->backend->request_close(r);
    free(r->priv);
    r->priv = NULL;
}

void ss_model_outputs(const SsModel *m, SsTensor one[SS_MAX_OUTPUTS])
{
    for (int i = 0; i < m->n_outputs; i++)
        (void)part_of(&m->output[i], ss_tensor_batch(&m->input), 0, &one[i]); /* it has: see check_model() */
}

int ss_request_decode(const SsRequest *r, int nth, const SsDecoder *d, const SsDecodeParams *p,
                      SsDetection *det, int max)
{
    const int n = r->model->n_outputs, batch = ss_tensor_batch(&r->input);
    SsTensor one[SS_MAX_OUTPUTS];

    for (int i = 0; i < n; i++)
        if (!part_of(&r->output[i], batch, nth, &one[i]))
            return -EPROTO;
    return d->decode(one, n, p, det, max);
}

void ss_append_word(char *list, size_t size, const char *word)
{
    size_t n = strlen(list);

    snprintf(list + n, size - n, "%s%s", n ? ", " : "", word);
}

static void log_no_decoder(const SsModel *m, const char *tried)
{
    char outputs[512] = "", one[128];

    for (int i = 0; i < m->n_outputs; i++)
        ss_append_word(outputs, sizeof outputs, ss_tensor_describe(&m->output[i], one, sizeof one));
    ss_err(m->log, "no decoder fits the model's outputs: %s; tried: %s", outputs, tried);
}

const SsDecoder *ss_model_decoder(const SsModel *m, const char *name)
{
    SsTensor one[SS_MAX_OUTPUTS];
    char tried[256] = "";
    const SsDecoder *d;

    ss_model_outputs(m, one);
    if (name) {
        d = ss_decoder_find(name);
        if (d && d->fits(one, m->n_outputs))
            return d;
        log_no_decoder(m, name);
        return NULL;
    }
    for (int i = 0; (d = ss_decoder_nth(i)); i++) {
        if (d->fits(one, m->n_outputs))
            return d;
        ss_append_word(tried, sizeof tried, d->name);
    }
    log_no_decoder(m, tried);
    return NULL;
}
