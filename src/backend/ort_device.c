/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/ort_device.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/options.h"
#include "internal.h"
#ifdef SS_HAVE_CUDA_DRIVER
#include "cuda/driver.h"
#endif

enum { MAX_SETTINGS = 32, OURS = 5, MAX_TEXT = 1024, MAX_DEVICES = 16 };

/* A provider's settings, as the runtime takes them. */
typedef struct Settings {
    const char *key[MAX_SETTINGS], *value[MAX_SETTINGS];
    size_t n;
    char text[MAX_TEXT], number[16], stream[24];
} Settings;

typedef struct Call {
    const SsOrt *ort;
    OrtSessionOptions *options;
    const char *provider; /* by its own name */
    const char *file;     /* of the plug-in that holds it */
    int index;            /* which of several such devices */
    Settings set;
    char *why;
    size_t size;
} Call;

static bool is_listed(const SsOrt *ort, const char *provider)
{
    char **names = NULL;
    int n = 0;
    bool found = false;
    OrtStatus *status = ort->GetAvailableProviders(&names, &n);

    for (int i = 0; !status && i < n; i++)
        found = found || strcmp(names[i], provider) == 0;
    if (!status)
        status = ort->ReleaseAvailableProviders(names, n);
    if (status)
        ort->ReleaseStatus(status);
    return found;
}

static int not_listed(const Call *c)
{
    (void)snprintf(c->why, c->size, "this ONNX Runtime %s has no %s", c->ort->version, c->provider);
    return -ENOTSUP;
}

static int use_cuda(Call *c)
{
    const SsOrt *ort = c->ort;
    OrtCUDAProviderOptionsV2 *cuda = NULL;
    OrtStatus *status;
    int ret;

    if (!is_listed(ort, c->provider))
        return not_listed(c);
    if ((ret = ss_ort_take(ort, ort->CreateCUDAProviderOptions(&cuda), c->why, c->size)) < 0)
        return ret;
    status = ort->UpdateCUDAProviderOptions(cuda, c->set.key, c->set.value, c->set.n);
    if (!status)
        status = ort->SessionOptionsAppendExecutionProvider_CUDA_V2(c->options, cuda);
    ret = ss_ort_take(ort, status, c->why, c->size);
    ort->ReleaseCUDAProviderOptions(cuda);
    return ret;
}

static int use_tensorrt(Call *c)
{
    const SsOrt *ort = c->ort;
    OrtTensorRTProviderOptionsV2 *trt = NULL;
    OrtStatus *status;
    int ret;

    if (!is_listed(ort, c->provider))
        return not_listed(c);
    if ((ret = ss_ort_take(ort, ort->CreateTensorRTProviderOptions(&trt), c->why, c->size)) < 0)
        return ret;
    status = ort->UpdateTensorRTProviderOptions(trt, c->set.key, c->set.value, c->set.n);
    if (!status)
        status = ort->SessionOptionsAppendExecutionProvider_TensorRT_V2(c->options, trt);
    ret = ss_ort_take(ort, status, c->why, c->size);
    ort->ReleaseTensorRTProviderOptions(trt);
    return ret;
}

/* --- plug-ins: providers in libraries of their own --- */

/* Where the plug-in's file is: beside the runtime, in the wheel that brings it, or where the linker looks. */
static const char *plugin_path(const Call *c, char *path, size_t size)
{
    if (strchr(c->file, '/'))
        return c->file;
    if (snprintf(path, size, "%s/%s", c->ort->folder, c->file) < (int)size && access(path, R_OK) == 0)
        return path;
    if (snprintf(path, size, "%s/onnxruntime_ep_nv_tensorrt_rtx/%s", SS_ORT_PACKAGES, c->file) < (int)size &&
        access(path, R_OK) == 0)
        return path;
    return c->file;
}

/* Each library once a process, under its provider's name. */
static int register_plugin(const Call *c)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static char registered[MAX_DEVICES][64];
    static int n;
    char path[PATH_MAX];
    int ret = 0;

    pthread_mutex_lock(&lock);
    for (int i = 0; i < n; i++)
        if (strcmp(registered[i], c->provider) == 0)
            goto out;
    ret = ss_ort_take(
        c->ort,
        c->ort->RegisterExecutionProviderLibrary(c->ort->env, c->provider, plugin_path(c, path, sizeof path)),
        c->why, c->size);
    if (ret < 0 && strstr(c->why, "cannot open shared object file")) {
        (void)snprintf(c->why, c->size, "no %s here; model option provider=PATH says where it is", c->file);
        ret = -ENOTSUP;
    }
    if (ret == 0 && n < MAX_DEVICES)
        (void)snprintf(registered[n++], sizeof registered[0], "%s", c->provider);
out:
    pthread_mutex_unlock(&lock);
    return ret;
}

static int use_plugin(Call *c)
{
    const SsOrt *ort = c->ort;
    const OrtEpDevice *const *devices = NULL;
    size_t n = 0;
    int ret, seen = 0;

    if ((ret = register_plugin(c)) < 0)
        return ret;
    if ((ret = ss_ort_take(ort, ort->GetEpDevices(ort->env, &devices, &n), c->why, c->size)) < 0)
        return ret;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(ort->EpDevice_EpName(devices[i]), c->provider) != 0 || seen++ != c->index)
            continue;
        return ss_ort_take(ort,
                           ort->SessionOptionsAppendExecutionProvider_V2(c->options, ort->env, &devices[i], 1,
                                                                         c->set.key, c->set.value, c->set.n),
                           c->why, c->size);
    }
    (void)snprintf(c->why, c->size, "%s finds %d devices here, and number %d is wanted", c->provider, seen,
                   c->index);
    return -ENOTSUP;
}

/* Whatever else the library holds, or a plug-in given with provider=PATH. */
static int use_named(Call *c)
{
    const SsOrt *ort = c->ort;

    if (c->file)
        return use_plugin(c);
    if (!is_listed(ort, c->provider))
        return not_listed(c);
    return ss_ort_take(ort,
                       ort->SessionOptionsAppendExecutionProvider(c->options, c->provider, c->set.key,
                                                                  c->set.value, c->set.n),
                       c->why, c->size);
}

static int use_cpu(Call *c)
{
    if (c->set.n == 0)
        return 0;
    (void)snprintf(c->why, c->size,
                   "model options: the device cpu knows library=, provider=, graph=, spinning= and the "
                   "runtime's own session.*, not \"%s\"",
                   c->set.key[0]);
    return -EINVAL;
}

static const struct {
    const char *name, *provider, *file;
    int (*use)(Call *c);
    bool nvidia;   /* the Nth such device is the driver's Nth */
    bool parallel; /* sessions there need not take turns */
    bool stream;   /* one of ours may be given */
    SsOrtKeeps keeps;
    const char *folder, *enable; /* settings: where it keeps its files, and that it shall ("1") */
} devices[] = {
    { "tensorrt-rtx", "NvTensorRTRTXExecutionProvider", "libonnxruntime_providers_nv_tensorrt_rtx.so",
      use_plugin, true, false, true, SS_ORT_KEEPS_ENGINE, "nv_runtime_cache_path", NULL },
    { "tensorrt", "TensorrtExecutionProvider", NULL, use_tensorrt, true, false, false, SS_ORT_KEEPS_FILES,
      "trt_engine_cache_path", "trt_engine_cache_enable" },
    { "cuda", "CUDAExecutionProvider", NULL, use_cuda, true, false, false, SS_ORT_KEEPS_NOTHING, NULL, NULL },
    { "cpu", "CPUExecutionProvider", NULL, use_cpu, false, true, false, SS_ORT_KEEPS_NOTHING, NULL, NULL },
};

/* What a device can be told to compute in, whatever the model is written in, and by which setting; key NULL:
 * it does anyway. */
static const struct {
    const char *device, *precision, *key, *value;
} precisions[] = {
    { "tensorrt", "fp32", NULL, NULL },
    { "tensorrt", "fp16", "trt_fp16_enable", "1" },
    { "tensorrt", "bf16", "trt_bf16_enable", "1" },
    { "tensorrt", "int8", "trt_int8_enable", "1" },
    { "cuda", "fp32", "use_tf32", "0" },
    { "cpu", "fp32", NULL, NULL },
};

/* What is built for the network at hand first. */
const char *const ss_ort_devices[] = { "tensorrt-rtx", "tensorrt", "cuda", "cpu", NULL };

/* --- settings --- */

/* What the backend itself understands; all else is a provider's. */
static bool is_own_setting(const char *item, size_t length)
{
    static const char *const own[] = { "library", "provider", "graph", "spinning" };

    for (size_t i = 0; i < SS_COUNTOF(own); i++)
        if (strlen(own[i]) < length && strncmp(item, own[i], strlen(own[i])) == 0 &&
            item[strlen(own[i])] == '=')
            return true;
    return length > 8 && strncmp(item, "session.", 8) == 0;
}

static void add_setting(Settings *s, const char *key, const char *value)
{
    s->key[s->n] = key;
    s->value[s->n++] = value;
}

static void set_stream(Settings *s, void *stream)
{
    (void)snprintf(s->stream, sizeof s->stream, "%" PRIuPTR, (uintptr_t)stream);
    add_setting(s, "has_user_compute_stream", "1");
    add_setting(s, "user_compute_stream", s->stream);
}

static int read_settings(Call *c, const char *settings)
{
    Settings *s = &c->set;
    char *item, *rest, *equals;

    if (c->index > 0) {
        (void)snprintf(s->number, sizeof s->number, "%d", c->index);
        add_setting(s, "device_id", s->number);
    }
    if (settings && strlen(settings) >= sizeof s->text) {
        (void)snprintf(c->why, c->size, "model options: longer than %d bytes", MAX_TEXT - 1);
        return -EINVAL;
    }
    (void)snprintf(s->text, sizeof s->text, "%s", settings ? settings : "");
    for (item = strtok_r(s->text, ",", &rest); item; item = strtok_r(NULL, ",", &rest)) {
        if (is_own_setting(item, strlen(item)))
            continue;
        equals = strchr(item, '=');
        if (!equals || equals == item || s->n >= MAX_SETTINGS - OURS) {
            (void)snprintf(c->why, c->size, "model options: \"%s\" is %s", item,
                           s->n >= MAX_SETTINGS - OURS ? "one too many" : "not key=value");
            return -EINVAL;
        }
        *equals = '\0';
        add_setting(s, item, equals + 1);
    }
    return 0;
}

bool ss_ort_device_is_cpu(const char *device)
{
    return strcasecmp(device, "cpu") == 0;
}

/* Is `device`, less its ":N", that name? */
static bool is_called(const char *device, const char *name)
{
    const size_t length = strcspn(device, ":");

    return strlen(name) == length && strncasecmp(device, name, length) == 0;
}

/* N of "cuda:N"; 0 where there is none. */
static int number_of(const char *device)
{
    const char *colon = strchr(device, ':');

    return colon ? atoi(colon + 1) : 0;
}

/* Its place in the table; -1: a provider by its own name. */
static int find(const char *device)
{
    for (size_t i = 0; i < SS_COUNTOF(devices); i++)
        if (is_called(device, devices[i].name))
            return (int)i;
    return -1;
}

/* Of the plug-in that holds the provider, which the user may give; NULL: it is in none. */
static const char *file_of(int i, const char *settings, char *given, size_t size)
{
    if (ss_option_get(settings, "provider", given, size))
        return given;
    return i >= 0 ? devices[i].file : NULL;
}

SsOrtTurn *ss_ort_device_turn(const char *device)
{
    static SsOrtTurn turn = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

    for (size_t i = 0; i < SS_COUNTOF(devices); i++)
        if (devices[i].parallel &&
            (is_called(device, devices[i].name) || is_called(device, devices[i].provider)))
            return NULL;
    return &turn;
}

int ss_ort_device_gpu(const char *device)
{
    const int i = find(device);

    return i >= 0 && devices[i].nvidia ? number_of(device) : -1;
}

bool ss_ort_device_any_gpu(void)
{
#ifdef SS_HAVE_CUDA_DRIVER
    return ss_cuda(NULL);
#else
    return false;
#endif
}

bool ss_ort_device_takes_stream(const char *device)
{
    const int i = find(device);

    return i >= 0 && devices[i].stream;
}

SsOrtKeeps ss_ort_device_keeps(const char *device, const char *settings)
{
    const int i = find(device);
    char folder[PATH_MAX];

    if (i < 0 || (devices[i].folder && ss_option_get(settings, devices[i].folder, folder, sizeof folder)))
        return SS_ORT_KEEPS_NOTHING;
    return devices[i].keeps;
}

void ss_ort_device_identity(const SsOrt *ort, const char *device, const char *settings, char *text,
                            size_t size)
{
    const int i = find(device);
    char plugin[PATH_MAX], path[PATH_MAX];
    Call c = { .ort = ort };
    struct stat st = { 0 };
    int n;

    c.file = file_of(i, settings, plugin, sizeof plugin);
    if (c.file)
        (void)stat(plugin_path(&c, path, sizeof path), &st); /* linked in, or found by the linker: no size */
    n = snprintf(text, size, "%s, provider of %lld bytes from %lld", device, (long long)st.st_size,
                 (long long)st.st_mtime);
#ifdef SS_HAVE_CUDA_DRIVER
    if (i >= 0 && devices[i].nvidia && n > 0 && (size_t)n < size)
        ss_cuda_identity(number_of(device), text + n, size - (size_t)n);
#endif
}

static int set_precision(Call *c, const char *device, const char *precision)
{
    if (!precision)
        return 0;
    for (size_t i = 0; i < SS_COUNTOF(precisions); i++) {
        if (!is_called(device, precisions[i].device) || strcmp(precisions[i].precision, precision) != 0)
            continue;
        if (precisions[i].key)
            add_setting(&c->set, precisions[i].key, precisions[i].value);
        return 0;
    }
    (void)snprintf(c->why, c->size,
                   "it has no precision %s but what the model is written in: export the model in %s",
                   precision, precision);
    return -ENOTSUP;
}

int ss_ort_device_use(const SsOrt *ort, OrtSessionOptions *options, const char *device, const SsOrtUse *use,
                      char *why, size_t size)
{
    char name[64], plugin[PATH_MAX];
    Call c = { .ort = ort, .options = options, .provider = name, .why = why, .size = size };
    const int i = find(device);
    int ret;

    why[0] = '\0';
    (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(device, ":"), device);
    c.index = number_of(device);
    if ((ret = read_settings(&c, use->settings)) < 0 || (ret = set_precision(&c, device, use->precision)) < 0)
        return ret;
    c.file = file_of(i, use->settings, plugin, sizeof plugin);
    if (i < 0)
        return use_named(&c);
    c.provider = devices[i].provider;
    if (use->folder && devices[i].folder)
        add_setting(&c.set, devices[i].folder, use->folder);
    if (use->folder && devices[i].enable)
        add_setting(&c.set, devices[i].enable, "1");
    if (use->stream)
        set_stream(&c.set, use->stream);
    return devices[i].use(&c);
}
