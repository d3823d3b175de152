/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/ort_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* What the library exports: the way to the table. */
typedef struct OrtApiBase {
    const void *const *(*GetApi)(uint32_t version);
    const char *(*GetVersionString)(void);
} OrtApiBase;

static struct {
    pthread_mutex_t lock;
    bool open;
    char folder[PATH_MAX];
    SsOrt ort;
} library = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* --- errors and the log --- */

/* Their messages have lines, and tell of the C++ file that noticed. */
static void one_line(char *text)
{
    for (; *text; text++)
        if (*text == '\n' || *text == '\r' || *text == '\t')
            *text = ' ';
}

static int to_errno(int code, const char *message)
{
    enum {
        INVALID_ARGUMENT = 2,
        NO_SUCHFILE = 3,
        INVALID_PROTOBUF = 7,
        NOT_IMPLEMENTED = 9,
        INVALID_GRAPH = 10
    };

    if (strstr(message, "out of memory") || strstr(message, "Failed to allocate memory") ||
        strstr(message, "bad_alloc"))
        return -ENOMEM;
    switch (code) {
    case NO_SUCHFILE:
        return -ENOENT;
    case INVALID_ARGUMENT:
    case INVALID_PROTOBUF:
    case INVALID_GRAPH:
        return -EINVAL;
    case NOT_IMPLEMENTED:
        return -ENOTSUP;
    default:
        return -EIO;
    }
}

int ss_ort_take(const SsOrt *ort, OrtStatus *status, char *why, size_t size)
{
    int ret;

    why[0] = '\0';
    if (!status)
        return 0;
    (void)snprintf(why, size, "%s", ort->GetErrorMessage(status));
    one_line(why);
    ret = to_errno(ort->GetErrorCode(status), why);
    ort->ReleaseStatus(status);
    return ret;
}

int ss_ort_check(const SsOrt *ort, const SsLogger *log, OrtStatus *status, const char *fmt, ...)
{
    char what[512], why[512];
    va_list args;
    int ret;

    if (!status)
        return 0;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    ret = ss_ort_take(ort, status, why, sizeof why);
    ss_err(log, "ONNX Runtime: %s: %s", what, why);
    return ret;
}

void ss_ort_log(void *cookie, int severity, const char *category, const char *id, const char *place,
                const char *message)
{
    char line[1024];

    (void)severity;
    (void)id;
    (void)place;
    (void)snprintf(line, sizeof line, "%s", message);
    one_line(line);
    ss_debug((const SsLogger *)cookie, "ONNX Runtime, %s: %s", category, line);
}

/* The environment outlives every logger of ours; what it says of itself helps nobody. */
static void say_nothing(void *cookie, int severity, const char *category, const char *id, const char *place,
                        const char *message)
{
    (void)cookie;
    (void)severity;
    (void)category;
    (void)id;
    (void)place;
    (void)message;
}

/* --- finding and loading --- */

/* Loads the newest of those that match. */
static void *load_matching(const char *pattern)
{
    glob_t found;
    void *handle = NULL;

    if (glob(pattern, 0, NULL, &found) != 0)
        return NULL;
    for (size_t i = found.gl_pathc; i > 0 && !handle; i--)
        handle = dlopen(found.gl_pathv[i - 1], RTLD_NOW | RTLD_LOCAL);
    globfree(&found);
    return handle;
}

static void *load(const char *path)
{
    static const char *const names[] = { "libonnxruntime.so.1", "libonnxruntime.so" };
    void *handle = NULL;

    if (!path || !*path)
        path = getenv("SIDESTREAM_ONNXRUNTIME");
    if (path && *path)
        return dlopen(path, RTLD_NOW | RTLD_LOCAL);
    for (size_t i = 0; i < SS_COUNTOF(names) && !handle; i++)
        handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    return handle ? handle : load_matching(SS_ORT_PACKAGES "/onnxruntime/capi/libonnxruntime.so.*");
}

static void note_folder(const void *symbol)
{
    Dl_info info;
    char *slash;

    library.folder[0] = '\0';
    if (dladdr(symbol, &info) && info.dli_fname)
        (void)snprintf(library.folder, sizeof library.folder, "%s", info.dli_fname);
    slash = strrchr(library.folder, '/');
    if (slash)
        *slash = '\0';
    else
        library.folder[0] = '\0';
}

/* A function's pointer out of the table of pointers: what POSIX does with dlsym(). */
#define SS_ORT_FILL(place, type, name, ...) memcpy(&o->name, &table[place], sizeof o->name);

static int start(void *handle, char *why, size_t size)
{
    const OrtApiBase *(*get_base)(void);
    void *symbol = dlsym(handle, "OrtGetApiBase");
    const OrtApiBase *base;
    SsOrt *o = &library.ort;
    const void *const *table;

    if (!symbol) {
        (void)snprintf(why, size, "a libonnxruntime without OrtGetApiBase");
        return -ENOTSUP;
    }
    memcpy(&get_base, &symbol, sizeof get_base);
    base = get_base();
    table = base ? base->GetApi(SS_ORT_API) : NULL;
    if (!table) {
        (void)snprintf(why, size, "version %s; 1.%d or newer is wanted",
                       base ? base->GetVersionString() : "?", SS_ORT_API);
        return -ENOTSUP;
    }
    SS_ORT_CALLS(SS_ORT_FILL)
    note_folder(symbol);
    o->version = base->GetVersionString();
    o->folder = library.folder;
    return 0;
}

static bool open_once(const char *path, char *why, size_t size)
{
    void *handle = load(path);
    const char *message;

    if (!handle) {
        message = dlerror();
        (void)snprintf(why, size, "%s", message ? message : "libonnxruntime.so: not found");
        one_line(why);
        return false;
    }
    if (start(handle, why, size) < 0) {
        dlclose(handle);
        return false;
    }
    return true;
}

/* Nobody who shows a video has asked for reports to be sent. */
static int start_environment(SsOrt *o, char *why, size_t size)
{
    int ret = ss_ort_take(
        o, o->CreateEnvWithCustomLogger(say_nothing, NULL, ORT_FATAL, "sidestream", &o->env), why, size);

    return ret < 0 ? ret : ss_ort_take(o, o->DisableTelemetryEvents(o->env), why, size);
}

/* `use`: with its environment, which takes threads; to ask for its version needs none. */
static const SsOrt *opened(const char *path, bool use, char *why, size_t size)
{
    SsOrt *o = &library.ort;
    bool good;

    why[0] = '\0';
    pthread_mutex_lock(&library.lock);
    library.open = library.open || open_once(path, why, size);
    good = library.open;
    if (good && use && !o->env)
        good = start_environment(o, why, size) == 0;
    pthread_mutex_unlock(&library.lock);
    return good ? o : NULL;
}

const SsOrt *ss_ort_probe(char *why, size_t size)
{
    return opened(NULL, false, why, size);
}

const SsOrt *ss_ort_open(const char *path, const SsLogger *log)
{
    char why[512];
    const SsOrt *ort = opened(path, true, why, sizeof why);

    if (!ort)
        ss_err(log,
               "no ONNX Runtime here (%s): pip install onnxruntime (or onnxruntime-gpu), or set "
               "SIDESTREAM_ONNXRUNTIME to the path of its libonnxruntime.so",
               why);
    return ort;
}
