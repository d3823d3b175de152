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
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cache.h"
#include "backend/modelfile.h"
#include "backend/openvino_ports.h"
#include "backend/options.h"
#include "backend/table.h"
#include "internal.h"

static const char PRECISION[] = "INFERENCE_PRECISION_HINT";

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
    return ss_ov_check(log, ov_core_set_property(ov->core, device, key, value), "device %s, %s=%s", device,
                       key, value);
}

static const char *ov_precision(const char *precision)
{
    return strcmp(precision, "fp32") == 0 ? "f32" : strcmp(precision, "fp16") == 0 ? "f16" : precision;
}

static int set_precision(OvModel *ov, const char *device, const char *precision, const SsLogger *log)
{
    if (strcmp(precision, "int8") == 0) {
        ss_err(log,
               "precision int8: OpenVINO computes in int8 where the model was quantised (NNCF does it), and "
               "then by itself; it has fp32, fp16 and bf16");
        return -ENOTSUP;
    }
    return set_property(ov, device, PRECISION, ov_precision(precision), log);
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
    if (strcmp(key, "streams") == 0) /* dealt with already */
        return 0;
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
    int streams, ret = ss_option_int(p->options, "streams", 1, 64, SS_MAX(p->requests, 1), &streams, log);

    if (ret == 0)
        ret = set_property(ov, device, "PERFORMANCE_HINT", "LATENCY", log);

    /* Requests of one stream take turns. */
    if (ret == 0 && streams > 1) {
        (void)snprintf(number, sizeof number, "%d", streams);
        ret = set_property(ov, device, "NUM_STREAMS", number, log);
    }
    if (ret == 0 && p->threads > 0) {
        (void)snprintf(number, sizeof number, "%d", p->threads);
        if (strcmp(device, "CPU") == 0)
            ret = set_property(ov, device, "INFERENCE_NUM_THREADS", number, log);
        else
            ss_warn(log, "threads=%d is for the device CPU; %s ignores it", p->threads, device);
    }
    if (ret == 0 && p->precision)
        ret = set_precision(ov, device, p->precision, log);
    if (ret < 0 || !p->options || !*p->options)
        return ret;

    copy = strdup(p->options);
    if (!copy)
        return ss_ov_check(log, NOT_ALLOCATED, "options");
    for (option = strtok_r(copy, ",", &rest); option && ret == 0; option = strtok_r(NULL, ",", &rest))
        ret = set_option(ov, device, option, log);
    free(copy);
    if (ret < 0)
        return ret;
    ret = ss_ov_check(log, ov_core_get_property(ov->core, device, "FULL_DEVICE_NAME", &name),
                      "model options \"%s\"", p->options);
    ov_free(name);
    return ret < 0 ? -EINVAL : 0;
}

/* --- the model --- */

static int compile(OvModel *ov, const char *device, const SsModelParams *p, const SsLogger *log)
{
    ov_model_t *model = NULL;
    int ret = ss_ov_check(log, ov_core_read_model(ov->core, p->path, NULL, &model), "model %s", p->path);

    if (ret < 0)
        return -EINVAL;
    ret = ss_ov_fix_shape(model, p, log);
    if (ret == 0)
        ret = ss_ov_check(log, ov_core_compile_model(ov->core, model, device, 0, &ov->compiled),
                          "model %s on %s", p->path, device);
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
    if (p->precision)
        *key = ss_hash(*key, p->precision, strlen(p->precision));
    n = snprintf(text, sizeof text, "3 %d %d %d %d %d", p->batch, p->input_width, p->input_height, p->threads,
                 p->requests);
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
        ss_ov_last_error(why, sizeof why, status);
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
            ss_ov_last_error(why, sizeof why, status);
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

/* What the device made of it all, for those who ask with --verbose. */
static void report(const OvModel *ov, const char *device, const SsModelParams *p, const SsLogger *log)
{
    char *streams = NULL, *threads = NULL, *precision = NULL;

    if (log->level < SS_LOG_INFO)
        return;
    (void)ov_compiled_model_get_property(ov->compiled, "NUM_STREAMS", &streams);
    (void)ov_compiled_model_get_property(ov->compiled, "INFERENCE_NUM_THREADS", &threads);
    (void)ov_compiled_model_get_property(ov->compiled, PRECISION, &precision);
    ss_info(log, "OpenVINO: %s on %s, %s: streams %s, threads %s, precision %s", p->path, device,
            ov->blob.data ? "from the cache" : "compiled", streams ? streams : "?", threads ? threads : "?",
            precision ? precision : "?");
    ov_free(streams);
    ov_free(threads);
    ov_free(precision);
}

static void model_close(SsModel *m)
{
    OvModel *ov = m->priv;

    ov_compiled_model_free(ov->compiled);
    ov_core_free(ov->core);
    ss_mapping_close(&ov->blob);
    *ov = (OvModel) { 0 };
}

/* A device takes some wishes for hints, and computes in what it has. */
static int check_precision(const OvModel *ov, const char *device, const char *precision, const SsLogger *log)
{
    char *has = NULL;
    int ret = ss_ov_check(log, ov_compiled_model_get_property(ov->compiled, PRECISION, &has),
                          "device %s, precision", device);

    if (ret == 0 && strcmp(has, ov_precision(precision)) != 0) {
        ss_err(log, "precision %s: OpenVINO's device %s computes this model in %s", precision, device, has);
        ret = -ENOTSUP;
    }
    ov_free(has);
    return ret;
}

static int model_open(SsModel *m, const SsModelParams *p)
{
    const char *device = p->device && *p->device ? p->device : "CPU";
    OvModel *ov = m->priv;
    int ret = ss_modelfile_check(p->path, m->log);

    if (ret < 0)
        return ret;
    if ((ret = ss_ov_check(m->log, ov_core_create(&ov->core), "start")) < 0)
        return ret;
    if (strcmp(device, "CPU") != 0 && !has_device(ov->core, device, m->log)) {
        ret = -ENOTSUP;
        goto fail;
    }
    if ((ret = configure(ov, device, p, m->log)) < 0)
        goto fail;
    if ((ret = load(ov, device, p, m->log)) < 0)
        goto fail;
    if (p->precision && (ret = check_precision(ov, device, p->precision, m->log)) < 0)
        goto fail;
    if ((ret = ss_ov_describe_input(m, ov->compiled)) < 0)
        goto fail;
    if ((ret = ss_ov_describe_outputs(m, ov->compiled, ov->port)) < 0)
        goto fail;
    report(ov, device, p, m->log);
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
    ret = ss_ov_check(log, ov_compiled_model_create_infer_request(ov->compiled, &rq->request),
                      "inference request");
    if (ret == 0)
        ret =
            ss_ov_check(log, ov_infer_request_get_input_tensor_by_index(rq->request, 0, &rq->input), "input");
    if (ret == 0)
        ret = ss_ov_check(log, ov_tensor_data(rq->input, &r->input.data), "input");
    if (ret == 0)
        ret = ss_ov_check(log, ov_tensor_get_byte_size(rq->input, &r->input.size), "input");
    if (ret < 0)
        request_close(r);
    return ret;
}

/* OpenVINO's memory as it is; a dynamic output has its shape only now. */
static int take_output(SsTensor *out, const ov_tensor_t *t, const SsLogger *log)
{
    ov_shape_t shape = { 0 };
    int ret = ss_ov_check(log, ov_tensor_get_shape(t, &shape), "output \"%s\"", out->name);

    if (ret < 0)
        return ret;
    out->rank = (int)SS_MIN(shape.rank, SS_MAX_RANK);
    for (int i = 0; i < out->rank; i++)
        out->dim[i] = shape.dims[i];
    (void)ov_shape_free(&shape);
    out->data = NULL;
    ret = ss_ov_check(log, ov_tensor_get_byte_size(t, &out->size), "output \"%s\"", out->name);
    if (ret == 0 && out->size > 0)
        ret = ss_ov_check(log, ov_tensor_data(t, &out->data), "output \"%s\"", out->name);
    return ret;
}

static int request_infer(SsRequest *r)
{
    const SsLogger *log = r->model->log;
    OvModel *ov = r->model->priv;
    OvRequest *rq = r->priv;
    int ret = ss_ov_check(log, ov_infer_request_infer(rq->request), "inference");

    for (int i = 0; ret == 0 && i < r->model->n_outputs; i++) {
        if (rq->output[i])
            ov_tensor_free(rq->output[i]);
        rq->output[i] = NULL;
        ret = ss_ov_check(
            log, ov_infer_request_get_output_tensor_by_index(rq->request, ov->port[i], &rq->output[i]),
            "output \"%s\"", r->output[i].name);
        if (ret == 0)
            ret = take_output(&r->output[i], rq->output[i], log);
    }
    return ret;
}

static bool available(char *text, size_t size)
{
    ov_version_t version = { 0 };

    (void)snprintf(text, size, "its version is not known");
    if (ov_get_openvino_version(&version) == OK)
        (void)snprintf(text, size, "%s", version.buildNumber);
    ov_version_free(&version);
    return true;
}

static const char *const devices[] = { "CPU", "GPU", "NPU", NULL };

const SsBackend ss_backend_openvino = {
    .name = "openvino",
    .description = "OpenVINO: .xml .onnx .pb .tflite on Intel and other processors, Intel GPUs and NPUs",
    .devices = devices,
    .available = available,
    .model_size = sizeof(OvModel),
    .request_size = sizeof(OvRequest),
    .model_open = model_open,
    .model_close = model_close,
    .request_open = request_open,
    .request_infer = request_infer,
    .request_close = request_close,
};
