/* SPDX-License-Identifier: Apache-2.0 */
/**
 * OpenVINO, through its C API: reads .xml, .onnx, .pb and .tflite; devices CPU, GPU, NPU, AUTO ...
 *
 * SsModelParams.options: streams=N, or any property of the device by OpenVINO's own
 * name, e.g. INFERENCE_PRECISION_HINT=f32.
 *
 * Compiled models go to a cache of our own: OpenVINO's (CACHE_DIR) spares the reading
 * of the file only for models whose input size is not changed first, and takes damaged
 * entries for good.
 */
#include <errno.h>
#include <openvino/c/openvino.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cache.h"
#include "backend/modelfile.h"
#include "backend/options.h"
#include "backend/table.h"
#include "core/internal.h"

enum {
    DEFAULT_SIDE = 640,
    DEFAULT_SIDE_U8 = 300, /* TensorFlow's detectors: bytes of any size, resized inside to this */
};

typedef struct OvModel {
    ov_core_t *core;
    ov_compiled_model_t *compiled;
    SsMapping blob;              /* an imported model goes on reading its weights from there */
    size_t port[SS_MAX_OUTPUTS]; /* of model.output[i] */
} OvModel;

typedef struct OvRequest {
    ov_infer_request_t *request;
    ov_tensor_t *input, *output[SS_MAX_OUTPUTS];
} OvRequest;

/* --- errors --- */

/* The lines that say something, in one: without the C++ files that threw. Writes at most `size` bytes. */
static void last_error(char *text, size_t size, ov_status_e status)
{
    static const char *const noise[] = { "Exception from ", "Check '", "FrontEnd API failed",
                                         "Failed to create plugin", "Please, check your environment" };
    const char *msg = ov_get_last_err_msg();
    size_t n = 0;

    text[0] = '\0';
    for (const char *line = msg; line && *line;) {
        size_t length = strcspn(line, "\n");
        bool skip = length == 0;

        for (size_t i = 0; i < SS_COUNTOF(noise); i++)
            skip = skip || strncmp(line, noise[i], strlen(noise[i])) == 0;
        if (!skip && n < size) {
            int added = snprintf(text + n, size - n, "%s%.*s", n > 0 ? " " : "", (int)length, line);

            n += added > 0 ? (size_t)added : 0;
        }
        line += length;
        line += *line == '\n';
    }
    if (n == 0)
        (void)snprintf(text, size, "%s", ov_get_error_info(status));
    ov_free(msg);
}

static int to_errno(ov_status_e status)
{
    switch (status) {
    case OK:
        return 0;
    case NOT_IMPLEMENTED:
    case NOT_IMPLEMENT_C_METHOD:
        return -ENOTSUP;
    case NOT_ALLOCATED:
        return -ENOMEM;
    default:
        return -EIO;
    }
}

/* The one place where OpenVINO's errors become ours: logs "<what>: <OpenVINO's words>". */
SS_PRINTF(3, 4) static int check(const SsLogger *log, ov_status_e status, const char *fmt, ...)
{
    char what[512], why[512];
    va_list args;

    if (status == OK)
        return 0;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    last_error(why, sizeof why, status);
    ss_err(log, "OpenVINO: %s: %s", what, why);
    return to_errno(status);
}

/* Is the device there at all? If not, says which are. "GPU.1" is there when "GPU" or "GPU.1" is. */
static bool has_device(const ov_core_t *core, const char *device, const SsLogger *log)
{
    char all[256] = "";
    ov_available_devices_t list = { 0 };
    size_t length = strcspn(device, ".:(");
    bool found = false;

    if (strncmp(device, "AUTO", 4) == 0 || strncmp(device, "HETERO", 6) == 0 ||
        ov_core_get_available_devices(core, &list) != OK)
        return true;
    for (size_t i = 0; i < list.size; i++) {
        size_t n = strlen(all);

        found = found ||
                (strncmp(list.devices[i], device, length) == 0 && strcspn(list.devices[i], ".") == length);
        (void)snprintf(all + n, sizeof all - n, "%s%s", n > 0 ? ", " : "", list.devices[i]);
    }
    ov_available_devices_free(&list);
    if (!found)
        ss_err(log, "OpenVINO has no device \"%s\" on this machine; available: %s", device, all);
    return found;
}

/* --- options --- */

static int set_property(OvModel *ov, const char *device, const char *key, const char *value,
                        const SsLogger *log)
{
    return check(log, ov_core_set_property(ov->core, device, key, value), "device %s, %s=%s", device, key,
                 value);
}

static bool is_property(const char *key)
{
    return key[strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] == '\0';
}

/* "KEY=value": a property by OpenVINO's own name. */
static int set_option(OvModel *ov, const char *device, char *option, const SsLogger *log)
{
    const char *key = option;
    char *value = strchr(option, '=');

    if (!value || value == option || value[1] == '\0') {
        ss_err(log, "model options: \"%s\" is not key=value", option);
        return -EINVAL;
    }
    *value++ = '\0';
    if (strcmp(key, "streams") == 0)
        key = "NUM_STREAMS";
    if (!is_property(key)) {
        ss_err(log,
               "model options: openvino knows streams=N and properties by OpenVINO's own names "
               "(INFERENCE_PRECISION_HINT=f32), not \"%s\"",
               key);
        return -EINVAL;
    }
    return set_property(ov, device, key, value, log);
}

/**
 * On the core, not with compile: an imported model takes them only from there.
 * OpenVINO looks at them only when it loads the device's plugin: asking for its name makes
 * it do so, and a wrong option is known for what it is.
 */
static int configure(OvModel *ov, const char *device, const SsModelParams *p, const SsLogger *log)
{
    char *copy, *rest, *option, *name = NULL, number[16];
    int streams, ret = ss_option_int(p->options, "streams", 1, 64, 0, &streams, log);

    if (ret == 0)
        ret = set_property(ov, device, "PERFORMANCE_HINT", "LATENCY", log);

    if (ret == 0 && p->threads > 0) {
        (void)snprintf(number, sizeof number, "%d", p->threads);
        if (strcmp(device, "CPU") == 0)
            ret = set_property(ov, device, "INFERENCE_NUM_THREADS", number, log);
        else
            ss_warn(log, "threads=%d is for the device CPU; %s ignores it", p->threads, device);
    }
    if (ret < 0 || !p->options || !*p->options)
        return ret;

    copy = strdup(p->options);
    if (!copy)
        return check(log, NOT_ALLOCATED, "options");
    for (option = strtok_r(copy, ",", &rest); option && ret == 0; option = strtok_r(NULL, ",", &rest))
        ret = set_option(ov, device, option, log);
    free(copy);
    if (ret < 0)
        return ret;
    ret = check(log, ov_core_get_property(ov->core, device, "FULL_DEVICE_NAME", &name),
                "model options \"%s\"", p->options);
    ov_free(name);
    return ret < 0 ? -EINVAL : 0;
}

/* --- tensors --- */

static bool to_dtype(ov_element_type_e type, SsDType *out)
{
    switch (type) {
    case U8:
        *out = SS_U8;
        return true;
    case I32:
        *out = SS_I32;
        return true;
    case I64:
        *out = SS_I64;
        return true;
    case F16:
        *out = SS_F16;
        return true;
    case F32:
        *out = SS_F32;
        return true;
    default:
        return false;
    }
}

/* Fills name, type and shape. -EPROTO: something that a tensor of ours cannot be; *why says what. */
static int describe(const ov_output_const_port_t *port, SsTensor *t, const char **why)
{
    ov_partial_shape_t shape = { 0 };
    ov_element_type_e type;
    char *name = NULL;
    int ret = -EPROTO;

    *t = (SsTensor) { 0 };
    if (ov_port_get_any_name(port, &name) == OK && name) {
        size_t n = strlen(name);

        if (n > 2 && strcmp(name + n - 2, ":0") == 0)
            n -= 2;
        (void)snprintf(t->name, sizeof t->name, "%.*s", (int)n, name);
        ov_free(name);
    }
    if (ov_port_get_element_type(port, &type) != OK || ov_port_get_partial_shape(port, &shape) != OK) {
        *why = "has no type or shape";
        return -EPROTO;
    }
    if (!to_dtype(type, &t->dtype)) {
        *why = "has elements of an unsupported type";
    } else if (shape.rank.min != shape.rank.max || shape.rank.max > SS_MAX_RANK) {
        *why = "has an unknown number of dimensions, or more than 8";
    } else {
        t->rank = (int)shape.rank.max;
        for (int i = 0; i < t->rank; i++)
            t->dim[i] = shape.dims[i].min == shape.dims[i].max ? shape.dims[i].max : -1;
        ret = 0;
    }
    ov_partial_shape_free(&shape);
    return ret;
}

static bool same_tensor(const ov_output_const_port_t *a, const ov_output_const_port_t *b)
{
    char *name_a = NULL, *name_b = NULL;
    bool same = ov_port_get_any_name(a, &name_a) == OK && ov_port_get_any_name(b, &name_b) == OK && name_a &&
                name_b && strcmp(name_a, name_b) == 0;

    ov_free(name_a);
    ov_free(name_b);
    return same;
}

/**
 * A tensor may have several names, of which the C API tells one ("add:0"). So those that
 * the decoders go by are asked for.
 */
static void use_known_name(const OvModel *ov, const ov_output_const_port_t *port, SsTensor *t)
{
    static const char *const known[] = { "detection_boxes", "detection_scores", "detection_classes",
                                         "num_detections" };

    for (size_t i = 0; i < SS_COUNTOF(known); i++) {
        for (int suffix = 0; suffix < 2; suffix++) {
            ov_output_const_port_t *found = NULL;
            char name[SS_MAX_NAME];

            (void)snprintf(name, sizeof name, "%s%s", known[i], suffix ? ":0" : "");
            if (ov_compiled_model_output_by_name(ov->compiled, name, &found) != OK)
                continue;
            if (same_tensor(port, found))
                (void)snprintf(t->name, sizeof t->name, "%s", known[i]);
            ov_output_const_port_free(found);
        }
    }
}

static int describe_outputs(SsModel *m, OvModel *ov)
{
    size_t n = 0;
    int ret = check(m->log, ov_compiled_model_outputs_size(ov->compiled, &n), "outputs");

    for (size_t i = 0; ret == 0 && i < n; i++) {
        ov_output_const_port_t *port = NULL;
        const char *why = NULL;
        SsTensor t;

        ret = check(m->log, ov_compiled_model_output_by_index(ov->compiled, i, &port), "output %zu", i);
        if (ret < 0)
            break;
        if (describe(port, &t, &why) < 0) {
            ss_info(m->log, "output \"%s\" %s and is left out", t.name, why);
        } else if (m->n_outputs == SS_MAX_OUTPUTS) {
            ss_info(m->log, "output \"%s\" is left out: more than %d", t.name, SS_MAX_OUTPUTS);
        } else {
            use_known_name(ov, port, &t);
            ov->port[m->n_outputs] = i;
            m->output[m->n_outputs++] = t;
        }
        ov_output_const_port_free(port);
    }
    if (ret == 0 && m->n_outputs == 0) {
        ss_err(m->log, "the model has no output that could be decoded");
        ret = -EPROTO;
    }
    return ret;
}

static int describe_input(SsModel *m, const OvModel *ov)
{
    ov_output_const_port_t *port = NULL;
    const char *why = NULL;
    int ret = check(m->log, ov_compiled_model_input(ov->compiled, &port), "input");

    if (ret < 0)
        return ret;
    ret = describe(port, &m->input, &why);
    if (ret < 0)
        ss_err(m->log, "the model's input \"%s\" %s", m->input.name, why);
    ov_output_const_port_free(port);
    return ret;
}

/* --- the input's shape --- */

static int64_t side(int wanted, bool bytes)
{
    return wanted > 0 ? wanted : bytes ? DEFAULT_SIDE_U8 : DEFAULT_SIDE;
}

/* The image shape that the model's own shape leaves room for; `fixed`: it is that already. */
static int choose_shape(SsTensor *t, const SsModelParams *p, bool *fixed)
{
    SsTensor was = *t;
    bool bytes = t->dtype == SS_U8, nhwc;

    if (t->rank != 4)
        return -EPROTO;
    nhwc = t->dim[3] == 3 || (t->dim[1] != 3 && t->dim[3] == -1 && bytes);
    if (t->dim[0] != 1)
        t->dim[0] = 1;
    if (t->dim[nhwc ? 3 : 1] == -1)
        t->dim[nhwc ? 3 : 1] = 3;
    if (t->dim[nhwc ? 1 : 2] == -1)
        t->dim[nhwc ? 1 : 2] = side(p->input_height, bytes);
    if (t->dim[nhwc ? 2 : 3] == -1)
        t->dim[nhwc ? 2 : 3] = side(p->input_width, bytes);
    *fixed = memcmp(was.dim, t->dim, sizeof was.dim) == 0;
    return t->dim[nhwc ? 3 : 1] == 3 ? 0 : -EPROTO;
}

static int fix_shape(ov_model_t *model, const SsModelParams *p, const SsLogger *log)
{
    ov_output_const_port_t *port = NULL;
    ov_partial_shape_t shape = { 0 };
    const char *why = "is no picture: [1,H,W,3] or [1,3,H,W] is wanted";
    size_t n = 0;
    bool fixed = false;
    SsTensor t;
    int ret;

    if ((ret = check(log, ov_model_inputs_size(model, &n), "inputs")) < 0)
        return ret;
    if (n != 1) {
        ss_err(log, "model %s: has %zu inputs; one, a picture, is wanted", p->path, n);
        return -EPROTO;
    }
    if ((ret = check(log, ov_model_const_input(model, &port), "input")) < 0)
        return ret;
    ret = describe(port, &t, &why);
    ov_output_const_port_free(port);
    if (ret == 0)
        ret = choose_shape(&t, p, &fixed);
    if (ret < 0) {
        ss_err(log, "model %s: its input \"%s\" %s", p->path, t.name, why);
        return ret;
    }
    if (fixed)
        return 0;
    ret = check(log, ov_partial_shape_create_static(t.rank, t.dim, &shape), "shape");
    if (ret < 0)
        return ret;
    ret = check(log, ov_model_reshape_single_input(model, shape), "model %s: input of %dx%d", p->path,
                (int)t.dim[t.dim[3] == 3 ? 2 : 3], (int)t.dim[t.dim[3] == 3 ? 1 : 2]);
    ov_partial_shape_free(&shape);
    return ret;
}

/* --- the model --- */

static int compile(OvModel *ov, const char *device, const SsModelParams *p, const SsLogger *log)
{
    ov_model_t *model = NULL;
    int ret = check(log, ov_core_read_model(ov->core, p->path, NULL, &model), "model %s", p->path);

    if (ret < 0)
        return -EINVAL;
    ret = fix_shape(model, p, log);
    if (ret == 0)
        ret = check(log, ov_core_compile_model(ov->core, model, device, 0, &ov->compiled), "model %s on %s",
                    p->path, device);
    ov_model_free(model);
    return ret;
}

/* Everything a compiled model depends on; its processor is checked by OpenVINO itself. */
static int cache_key(uint64_t *key, const char *device, const SsModelParams *p)
{
    char text[128];
    ov_version_t version = { 0 };
    int n, ret;

    *key = 0;
    if ((ret = ss_modelfile_hash(key, p->path)) < 0)
        return ret;
    if (ov_get_openvino_version(&version) != OK)
        return -EIO;
    *key = ss_hash(*key, version.buildNumber, strlen(version.buildNumber));
    ov_version_free(&version);
    *key = ss_hash(*key, device, strlen(device));
    if (p->options)
        *key = ss_hash(*key, p->options, strlen(p->options));
    n = snprintf(text, sizeof text, "1 %d %d %d", p->input_width, p->input_height, p->threads);
    *key = ss_hash(*key, text, (size_t)n);
    return 0;
}

static bool load_cached(OvModel *ov, const SsCacheEntry *e, const char *device, const SsLogger *log)
{
    char why[256];
    size_t size;
    int ret = ss_cache_map(e, &ov->blob, &size);
    ov_status_e status;

    if (ret < 0) {
        if (ret != -ENOENT)
            ss_info(log, "the compiled model %s is damaged and is made again", e->path);
        return false;
    }
    status = ov_core_import_model(ov->core, (const char *)ov->blob.data, size, device, &ov->compiled);
    if (status != OK) {
        ss_mapping_close(&ov->blob);
        last_error(why, sizeof why, status);
        ss_info(log, "the compiled model %s does not suit and is made again: %s", e->path, why);
    }
    return status == OK;
}

/* A model that cannot be kept is no reason to do without it: says so and goes on. */
static void save_cached(const OvModel *ov, SsCacheEntry *e, const SsLogger *log)
{
    char why[256];
    int ret = ss_cache_begin(e);

    if (ret == 0) {
        ov_status_e status = ov_compiled_model_export_model(ov->compiled, e->draft);

        if (status != OK) {
            last_error(why, sizeof why, status);
            ss_info(log, "the compiled model cannot be kept: %s", why);
            ss_cache_abort(e);
            return;
        }
        ret = ss_cache_commit(e);
    }
    if (ret < 0)
        ss_warn(log, "cannot write %s: %s; every start will compile the model anew", e->path, strerror(-ret));
}

static int load(OvModel *ov, const char *device, const SsModelParams *p, const SsLogger *log)
{
    SsCacheEntry entry;
    uint64_t key;
    bool cached = p->cache_dir && *p->cache_dir;
    int ret;

    if (cached) {
        ret = cache_key(&key, device, p);
        if (ret == 0)
            ret = ss_cache_entry(&entry, p->cache_dir, p->path, key);
        if (ret < 0) {
            ss_warn(log, "cache %s: %s; every start will compile the model anew", p->cache_dir,
                    strerror(-ret));
            cached = false;
        }
    }
    if (cached && load_cached(ov, &entry, device, log))
        return 0;
    ret = compile(ov, device, p, log);
    if (ret == 0 && cached)
        save_cached(ov, &entry, log);
    return ret;
}

static void model_close(SsModel *m)
{
    OvModel *ov = m->priv;

    ov_compiled_model_free(ov->compiled);
    ov_core_free(ov->core);
    ss_mapping_close(&ov->blob);
    *ov = (OvModel) { 0 };
}

static int model_open(SsModel *m, const SsModelParams *p)
{
    const char *device = p->device && *p->device ? p->device : "CPU";
    OvModel *ov = m->priv;
    int ret = ss_modelfile_check(p->path, m->log);

    if (ret < 0)
        return ret;
    if ((ret = check(m->log, ov_core_create(&ov->core), "start")) < 0)
        return ret;
    if (strcmp(device, "CPU") != 0 && !has_device(ov->core, device, m->log)) {
        ret = -ENOTSUP;
        goto fail;
    }
    if ((ret = configure(ov, device, p, m->log)) < 0)
        goto fail;
    if ((ret = load(ov, device, p, m->log)) < 0)
        goto fail;
    if ((ret = describe_input(m, ov)) < 0)
        goto fail;
    if ((ret = describe_outputs(m, ov)) < 0)
        goto fail;
    return 0;
fail:
    model_close(m);
    m->n_outputs = 0;
    return ret;
}

/* --- requests --- */

static void request_close(SsRequest *r)
{
    OvRequest *rq = r->priv;

    for (int i = 0; i < SS_MAX_OUTPUTS; i++) {
        if (rq->output[i])
            ov_tensor_free(rq->output[i]);
    }
    if (rq->input)
        ov_tensor_free(rq->input);
    if (rq->request)
        ov_infer_request_free(rq->request);
    *rq = (OvRequest) { 0 };
}

static int request_open(SsRequest *r)
{
    const SsLogger *log = r->model->log;
    OvModel *ov = r->model->priv;
    OvRequest *rq = r->priv;
    int ret;

    r->input = r->model->input;
    memcpy(r->output, r->model->output, sizeof r->output);
    ret = check(log, ov_compiled_model_create_infer_request(ov->compiled, &rq->request), "inference request");
    if (ret == 0)
        ret = check(log, ov_infer_request_get_input_tensor_by_index(rq->request, 0, &rq->input), "input");
    if (ret == 0)
        ret = check(log, ov_tensor_data(rq->input, &r->input.data), "input");
    if (ret == 0)
        ret = check(log, ov_tensor_get_byte_size(rq->input, &r->input.size), "input");
    if (ret < 0)
        request_close(r);
    return ret;
}

/* OpenVINO's memory as it is; a dynamic output has its shape only now. */
static int take_output(SsTensor *out, const ov_tensor_t *t, const SsLogger *log)
{
    ov_shape_t shape = { 0 };
    int ret = check(log, ov_tensor_get_shape(t, &shape), "output \"%s\"", out->name);

    if (ret < 0)
        return ret;
    out->rank = (int)SS_MIN(shape.rank, SS_MAX_RANK);
    for (int i = 0; i < out->rank; i++)
        out->dim[i] = shape.dims[i];
    (void)ov_shape_free(&shape);
    out->data = NULL;
    ret = check(log, ov_tensor_get_byte_size(t, &out->size), "output \"%s\"", out->name);
    if (ret == 0 && out->size > 0)
        ret = check(log, ov_tensor_data(t, &out->data), "output \"%s\"", out->name);
    return ret;
}

static int request_infer(SsRequest *r)
{
    const SsLogger *log = r->model->log;
    OvModel *ov = r->model->priv;
    OvRequest *rq = r->priv;
    int ret = check(log, ov_infer_request_infer(rq->request), "inference");

    for (int i = 0; ret == 0 && i < r->model->n_outputs; i++) {
        if (rq->output[i])
            ov_tensor_free(rq->output[i]);
        rq->output[i] = NULL;
        ret =
            check(log, ov_infer_request_get_output_tensor_by_index(rq->request, ov->port[i], &rq->output[i]),
                  "output \"%s\"", r->output[i].name);
        if (ret == 0)
            ret = take_output(&r->output[i], rq->output[i], log);
    }
    return ret;
}

const SsBackend ss_backend_openvino = {
    .name = "openvino",
    .description = "OpenVINO: .xml .onnx .pb .tflite on Intel and other processors, Intel GPUs and NPUs",
    .model_size = sizeof(OvModel),
    .request_size = sizeof(OvRequest),
    .model_open = model_open,
    .model_close = model_close,
    .request_open = request_open,
    .request_infer = request_infer,
    .request_close = request_close,
};
