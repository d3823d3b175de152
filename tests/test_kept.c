/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a device makes of a network, kept between starts. The device is one of ours, in the place of
 * TensorRT-RTX: functions of ONNX Runtime's table that do what its provider does with files, and leave
 * the rest to the processor. Skips where there is no ONNX Runtime.
 */
#include <glob.h>

#include "backend/modelfile.h"
#include "backend/ort_library.h"
#include "onnx_writer.h"

#define COMPATIBLE "ep_compatibility_info."

enum { METADATA = 14 };

static SsOrt theirs;
static char engine[512], jit[512]; /* files that the session at hand is to write; "" = none */
static int built, loaded, found_jit;
static bool refuses_engines;
static char last_warning[1024];

/* The model once more, with what a provider says of itself beside other metadata. */
static void write_engine(const char *from, const char *to)
{
    static const char *const notes[][2] = { { "author", "ep_compatibility_info. is said below" },
                                            { COMPATIBLE "NvTensorRTRTXExecutionProvider", "these GPUs" },
                                            { "made", "today" } };
    size_t size;
    char *data = read_file(from, &size);
    FILE *f = fopen(to, "wb");
    Bytes more = { 0 };

    for (size_t i = 0; i < SS_COUNTOF(notes); i++) {
        Bytes note = { 0 };

        put_text(&note, 1, notes[i][0]);
        put_text(&note, 2, notes[i][1]);
        put_bytes(&more, METADATA, note.data, note.size);
    }
    REQUIRE(f);
    REQUIRE_CMP(fwrite(more.data, 1, more.size, f), ==, more.size);
    REQUIRE_CMP(fwrite(data, 1, size, f), ==, size);
    REQUIRE_CMP(fclose(f), ==, 0);
    free(data);
}

/* As the runtime does, which asks the provider, which knows no such GPU. */
static bool is_refused(const char *path)
{
    size_t size;
    char *data = read_file(path, &size);
    const bool refused = refuses_engines || memmem(data, size, COMPATIBLE "Nv", strlen(COMPATIBLE "Nv"));

    REQUIRE(memmem(data, size, "author", 6) && memmem(data, size, "is said below", 13) &&
            memmem(data, size, "today", 5));
    free(data);
    return refused;
}

static bool is_engine(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash && strcmp(slash, "/engine.onnx") == 0;
}

static OrtStatus *create_session(const OrtEnv *env, const char *path, const OrtSessionOptions *options,
                                 OrtSession **out)
{
    OrtStatus *status;

    if (is_engine(path) && is_refused(path))
        return theirs.CreateSession(env, "/no/such/engine.onnx", options, out);
    status = theirs.CreateSession(env, path, options, out);
    if (status)
        return status;
    loaded += is_engine(path);
    if (*engine) {
        built++;
        write_engine(path, engine);
        engine[0] = '\0';
    }
    return NULL;
}

/* It writes what it compiled when it ends. */
static void release_session(OrtSession *session)
{
    FILE *f = *jit ? fopen(jit, "wb") : NULL;

    if (f) {
        REQUIRE(fputs("compiled", f) >= 0);
        REQUIRE_CMP(fclose(f), ==, 0);
        jit[0] = '\0';
    }
    theirs.ReleaseSession(session);
}

static OrtStatus *add_entry(OrtSessionOptions *options, const char *key, const char *value)
{
    if (strncmp(key, "ep.context_", 11) != 0)
        return theirs.AddSessionConfigEntry(options, key, value);
    if (strcmp(key, "ep.context_file_path") == 0)
        snprintf(engine, sizeof engine, "%s", value);
    return NULL;
}

static OrtStatus *register_library(OrtEnv *env, const char *name, const char *path)
{
    (void)env;
    (void)path;
    REQUIRE_STR(name, "NvTensorRTRTXExecutionProvider");
    return NULL;
}

static OrtStatus *get_devices(const OrtEnv *env, const OrtEpDevice *const **devices, size_t *n)
{
    static const OrtEpDevice *const one[1] = { (const OrtEpDevice *)&theirs };

    (void)env;
    *devices = one;
    *n = 1;
    return NULL;
}

static const char *get_name(const OrtEpDevice *device)
{
    REQUIRE((const void *)device == &theirs);
    return "NvTensorRTRTXExecutionProvider";
}

static OrtStatus *append_provider(OrtSessionOptions *options, OrtEnv *env, const OrtEpDevice *const *devices,
                                  size_t n, const char *const *keys, const char *const *values, size_t count)
{
    (void)options;
    (void)env;
    (void)devices;
    (void)n;
    jit[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (strcmp(keys[i], "nv_runtime_cache_path") != 0)
            continue;
        snprintf(jit, sizeof jit, "%s/jit.cache", values[i]);
        found_jit += access(jit, R_OK) == 0;
    }
    return NULL;
}

/* --- TensorRT's own provider, of which only the settings are looked at --- */

static char trt_settings[512];

static OrtStatus *list_providers(char ***names, int *n)
{
    static char name[] = "TensorrtExecutionProvider", *all[] = { name };

    *names = all;
    *n = 1;
    return NULL;
}

static OrtStatus *release_providers(char **names, int n)
{
    (void)names, (void)n;
    return NULL;
}

static OrtStatus *create_trt(OrtTensorRTProviderOptionsV2 **out)
{
    *out = (void *)trt_settings;
    trt_settings[0] = '\0';
    return NULL;
}

static void leave_engine(const char *dir)
{
    char path[400];
    FILE *f;

    snprintf(path, sizeof path, "%s/network.engine", dir);
    f = fopen(path, "w");
    REQUIRE(f && fputs("built", f) >= 0 && fclose(f) == 0);
}

static OrtStatus *update_trt(OrtTensorRTProviderOptionsV2 *trt, const char *const *keys,
                             const char *const *values, size_t n)
{
    REQUIRE((void *)trt == trt_settings);
    for (size_t i = 0; i < n; i++) {
        const size_t length = strlen(trt_settings);
        snprintf(trt_settings + length, sizeof trt_settings - length, "%s=%s;", keys[i], values[i]);
        if (strcmp(keys[i], "trt_engine_cache_path") == 0)
            leave_engine(values[i]);
    }
    return NULL;
}

static void release_trt(OrtTensorRTProviderOptionsV2 *trt)
{
    REQUIRE((void *)trt == trt_settings);
}

static OrtStatus *append_trt(OrtSessionOptions *options, const OrtTensorRTProviderOptionsV2 *trt)
{
    (void)options;
    REQUIRE((const void *)trt == trt_settings);
    return NULL;
}

static void replace_trt(SsOrt *o)
{
    o->GetAvailableProviders = list_providers;
    o->ReleaseAvailableProviders = release_providers;
    o->CreateTensorRTProviderOptions = create_trt;
    o->UpdateTensorRTProviderOptions = update_trt;
    o->ReleaseTensorRTProviderOptions = release_trt;
    o->SessionOptionsAppendExecutionProvider_TensorRT_V2 = append_trt;
}

static void replace_functions(void)
{
    SsOrt *o = (SsOrt *)ss_ort_open(NULL, &logger);

    REQUIRE(o);
    theirs = *o;
    o->CreateSession = create_session;
    o->ReleaseSession = release_session;
    o->AddSessionConfigEntry = add_entry;
    o->RegisterExecutionProviderLibrary = register_library;
    o->GetEpDevices = get_devices;
    o->EpDevice_EpName = get_name;
    o->SessionOptionsAppendExecutionProvider_V2 = append_provider;
    replace_trt(o);
}

/* --- starts --- */

static void remember_more(void *cookie, SsLogLevel level, const char *text)
{
    if (level == SS_LOG_WARN)
        snprintf(last_warning, sizeof last_warning, "%s", text);
    remember(cookie, level, text);
}

static const SsLogger listener = { .level = SS_LOG_INFO, .write = remember_more };

/* One start and an inference: so often was it built, was an engine loaded, and were its other files there. */
static void start(const SsBackend *backend, const SsModelParams *p, int want_built, int want_loaded,
                  int want_jit)
{
    SsRequest r[2];
    SsModel m;

    built = loaded = found_jit = errors = 0;
    last_warning[0] = '\0';
    REQUIRE_CMP(ss_model_open(&m, backend, p, &listener), ==, 0);
    for (int i = 0; i < 2; i++) { /* the second has a session of its own */
        REQUIRE_CMP(ss_request_open(&r[i], &m), ==, 0);
        ((float *)r[i].input.data)[0] = -5;
        ((float *)r[i].input.data)[1] = 5;
        REQUIRE_CMP(ss_request_infer(&r[i]), ==, 0);
        REQUIRE_CMP(((float *)r[i].output[0].data)[0], ==, 0);
        REQUIRE_CMP(((float *)r[i].output[0].data)[1], ==, 5);
    }
    for (int i = 0; i < 2; i++)
        ss_request_close(&r[i]);
    ss_model_close(&m);
    REQUIRE_CMP(errors, ==, 0);
    REQUIRE_CMP(built, ==, want_built);
    REQUIRE_CMP(loaded, ==, want_loaded);
    REQUIRE_CMP(found_jit, ==, want_jit);
}

/* The path of the only entry; nothing else lies there. Good until the next call. */
static const char *the_entry(const char *dir)
{
    static char path[512];
    char pattern[512];
    glob_t found;

    snprintf(pattern, sizeof pattern, "%s/*", dir);
    REQUIRE_CMP(glob(pattern, 0, NULL, &found), ==, 0);
    REQUIRE_CMP(found.gl_pathc, ==, 1);
    snprintf(path, sizeof path, "%s", found.gl_pathv[0]);
    globfree(&found);
    return path;
}

static int count_entries(const char *dir)
{
    char pattern[512];
    glob_t found;
    int n;

    snprintf(pattern, sizeof pattern, "%s/*", dir);
    n = glob(pattern, 0, NULL, &found) == 0 ? (int)found.gl_pathc : 0;
    if (n > 0)
        globfree(&found);
    return n;
}

/* The first start builds, and loads what it built; then each loads, one session a request. */
static void test_kept(const SsBackend *backend)
{
    char dir[256];
    SsModelParams p = { .path = relu("1,3,8,8"), .device = "tensorrt-rtx", .cache_dir = dir };
    struct stat st;

    snprintf(dir, sizeof dir, "%s", in_folder("kept"));
    start(backend, &p, 1, 2, 2);
    REQUIRE_CMP(stat(the_entry(dir), &st), ==, 0);
    start(backend, &p, 0, 2, 2);

    REQUIRE_CMP(truncate(the_entry(dir), st.st_size - 3), ==, 0);
    start(backend, &p, 1, 2, 2);
    start(backend, &p, 0, 2, 2);

    refuses_engines =
        true; /* of another version, say: and what it builds is no better; it works all the same */
    start(backend, &p, 1, 0, 4);
    REQUIRE(strstr(last_warning, "is built anew"));
    start(backend, &p, 0, 0, 2); /* not tried again */
    REQUIRE_STR(last_warning, "");
}

static void test_keys(const SsBackend *backend)
{
    char dir[256];
    SsModelParams p = { .path = relu("1,3,h,w"),
                        .device = "tensorrt-rtx",
                        .cache_dir = dir,
                        .input_width = 8,
                        .input_height = 8 };

    snprintf(dir, sizeof dir, "%s", in_folder("keys"));
    start(backend, &p, 1, 2, 2);
    p.input_width = 16;
    start(backend, &p, 1, 2, 2);
    p.options = "nv_cuda_graph_enable=1";
    start(backend, &p, 1, 2, 2);
    p.device = "tensorrt-rtx:0";
    start(backend, &p, 1, 2, 2);
    p.path = relu("1,3,height,width"); /* another file under the same name */
    start(backend, &p, 1, 2, 2);
    REQUIRE_CMP(count_entries(dir), ==, 5);
    start(backend, &p, 0, 2, 2);
}

/* TensorRT is told, and what it makes for one precision is not taken for another's. TensorRT-RTX has none. */
static void test_precisions(const SsBackend *backend)
{
    static const char *const cases[][2] = { { NULL, "" },
                                            { "fp32", "" },
                                            { "fp16", "trt_fp16_enable=1;" },
                                            { "bf16", "trt_bf16_enable=1;" },
                                            { "int8", "trt_int8_enable=1;" } };
    char dir[256];
    SsModelParams p = { .path = relu("1,3,8,8"), .device = "tensorrt", .cache_dir = dir };
    SsModel m;

    snprintf(dir, sizeof dir, "%s", in_folder("precisions"));
    for (size_t i = 0; i < SS_COUNTOF(cases); i++) {
        p.precision = cases[i][0];
        REQUIRE_CMP(ss_model_open(&m, backend, &p, &listener), ==, 0);
        ss_model_close(&m);
        REQUIRE(strstr(trt_settings, "trt_engine_cache_enable=1;"));
        REQUIRE(strstr(trt_settings, cases[i][1]));
        for (size_t k = 2; k < SS_COUNTOF(cases); k++)
            REQUIRE(!strstr(trt_settings, cases[k][1]) == (k != i));
        REQUIRE_CMP(count_entries(dir), ==, i + 1);
    }
    p.device = "tensorrt-rtx";
    p.precision = "fp16";
    REQUIRE_CMP(ss_model_open(&m, backend, &p, &listener), ==, -ENOTSUP);
    engine[0] = '\0'; /* it was told where to, and came to no session */
}

/* A file that is none stays as it is. */
static void test_odd_engines(void)
{
    static const char odd[] = "\x72\x7f"
                              "no such length";
    const char *path = write_file("odd-engine.onnx", odd, strlen(odd));
    size_t size;

    REQUIRE_CMP(ss_modelfile_drop_notes(path, COMPATIBLE), ==, -EPROTO);
    char *data = read_file(path, &size);
    REQUIRE(size == strlen(odd) && memcmp(data, odd, size) == 0);
    free(data);
    REQUIRE_CMP(ss_modelfile_drop_notes(in_folder("no-engine.onnx"), COMPATIBLE), ==, -ENOENT);
}

static void test_not_kept(const SsBackend *backend)
{
    SsModelParams p = { .path = relu("1,3,8,8"), .device = "tensorrt-rtx" };
    char options[300];

    start(backend, &p, 0, 0, 0);
    p.cache_dir = "";
    start(backend, &p, 0, 0, 0);
    p.cache_dir = p.path; /* no folder can be made there: a warning, and a model all the same */
    start(backend, &p, 0, 0, 0);
    REQUIRE(strstr(last_warning, "every start will build"));
    p.cache_dir = in_folder("unused");
    snprintf(options, sizeof options, "nv_runtime_cache_path=%s", folder); /* the user's own */
    p.options = options;
    start(backend, &p, 0, 0, 0);
    p.options = NULL;
    p.device = "cpu";
    start(backend, &p, 0, 0, 0);
    REQUIRE_CMP(count_entries(in_folder("unused")), ==, 0);
}

/* `auto` finds the device, checks it against the processor, and keeps what it made. */
static void test_auto(const SsBackend *backend)
{
    SsModelParams p = { .path = relu("1,3,8,8"), .cache_dir = in_folder("auto") };

    start(backend, &p, 1, 2, 2);
    start(backend, &p, 0, 2, 2);
}

int main(void)
{
    const SsBackend *backend = ss_backend_find("onnxruntime");
    char why[256];

    REQUIRE(backend);
    if (!ss_ort_probe(why, sizeof why)) {
        printf("skipped: %s\n", why);
        return SKIP;
    }
    REQUIRE(mkdtemp(folder));
    replace_functions();
    test_kept(backend);
    refuses_engines = false;
    test_precisions(backend);
    test_keys(backend);
    test_not_kept(backend);
    test_odd_engines();
    test_auto(backend);
    remove_all();
    return 0;
}
