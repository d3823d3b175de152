/* SPDX-License-Identifier: Apache-2.0 */
/** `sidestream inspect MODEL`: what it is, what decodes it, what runs it. */
#include <stdio.h>
#include <string.h>

#include "app.h"
#include "compare.h"
#include "core/labels.h"
#include "core/model.h"
#include "io/stats.h"
#include "options.h"

enum { WARM_UP = 2, TIMED = 10 }; /* inferences */

/* What the core logs last is the reason of a failure; nothing of it is printed as it comes. */
static void keep_error(void *cookie, SsLogLevel level, const char *message)
{
    char **line = cookie;
    if (level == SS_LOG_ERROR) {
        g_free(*line);
        *line = g_strdup(message);
    }
}

static void print_tensor(const char *what, const SsTensor *t)
{
    char shape[128];
    printf("  %-9s %s\n", what, ss_tensor_describe(t, shape, sizeof shape));
}

static void print_classes(const SsOptions *o, const SsModel *m, const SsDecoder *decoder)
{
    SsTensor one[SS_MAX_OUTPUTS];
    ss_model_outputs(m, one);
    int n = decoder->n_classes(one, m->n_outputs);
    SsLabels *labels = NULL;
    g_autofree char *beside = NULL;
    const char *dot = o->model ? strrchr(o->model, '.') : NULL;
    if (!o->labels && dot) {
        beside = g_strdup_printf("%.*s.labels", (int)(dot - o->model), o->model);
        if (!g_file_test(beside, G_FILE_TEST_EXISTS))
            g_clear_pointer(&beside, g_free);
    }
    const char *from = o->labels ? o->labels : beside;
    g_autofree char *line = NULL;
    SsLogger log = { .level = SS_LOG_ERROR, .write = keep_error, .cookie = &line };
    if (n > 0)
        printf("  classes   %d\n", n);
    if (!from || ss_labels_load(&labels, from, decoder->first_class_id, &log) < 0) {
        printf("  labels    %s\n",
               line ? line : "none (--labels FILE, or a file NAME.labels beside the model)");
        return;
    }
    printf("  labels    %s:", from);
    for (int id = 0, shown = 0; id < 65536 && shown < 8; id++) {
        const char *name = ss_labels_name(labels, id);
        if (name)
            printf("%s %d %s", shown++ ? "," : "", id, name);
    }
    putchar('\n');
    ss_labels_destroy(&labels);
}

static int print_decoder(const SsOptions *o, const SsModel *m)
{
    const SsDecoder *fits = NULL;
    SsTensor one[SS_MAX_OUTPUTS];
    ss_model_outputs(m, one);
    for (int i = 0; ss_decoder_nth(i); i++) {
        const SsDecoder *d = ss_decoder_nth(i);
        bool named = o->decoder && g_str_equal(o->decoder, d->name);
        bool ok = d->fits(one, m->n_outputs);
        printf("  decoder   %-12s %-4s %s\n", d->name, ok ? "fits" : "no", d->description);
        if (ok && (named || (!o->decoder && !fits)))
            fits = d;
    }
    if (!fits) {
        ss_say("%s: no decoder fits these outputs; see the shapes above",
               o->model ? o->model : m->backend->name);
        return SS_EXIT_MODEL;
    }
    printf("  takes     decoder %s, %s, %s\n", fits->name,
           fits->input.fit == SS_FIT_LETTERBOX ? "letterbox" : "stretch",
           fits->input.order == SS_ORDER_BGR ? "BGR" : "RGB");
    print_classes(o, m, fits);
    return SS_EXIT_OK;
}

static bool time_inferences(SsModel *m, SsTimes *out)
{
    SsRequest request;
    SsHistogram *times = g_new0(SsHistogram, 1);
    bool ok = ss_request_open(&request, m) == 0;
    if (ok) {
        memset(request.input.data, 0, request.input.size);
        for (int i = 0; ok && i < WARM_UP + TIMED; i++) {
            gint64 began = ss_now();
            ok = ss_request_infer(&request) == 0;
            if (i >= WARM_UP)
                ss_histogram_add(times, ss_now() - began);
        }
        ss_request_close(&request);
    }
    ss_histogram_times(times, out);
    g_free(times);
    return ok;
}

static void print_device(const char *device, gint64 load_ns, SsModel *m, const char *const *line)
{
    SsTimes times;
    if (time_inferences(m, &times))
        printf("  device    %-12s runs: loaded in %.1f s, %.2f ms an inference (p50 of %d, max %.2f)\n",
               device, (double)load_ns / 1e9, (double)times.p50 / 1e6, TIMED, (double)times.max / 1e6);
    else
        printf("  device    %-12s loads, but does not infer: %s\n", device,
               *line ? *line : "no reason given");
}

/* Opens the model on `device`; NULL logger line says why not. */
static int open_on(SsModel *m, const SsBackend *backend, const SsModelParams *params, const char *device,
                   const SsLogger *log, gint64 *load_ns)
{
    SsModelParams p = *params;
    p.device = device;
    gint64 began = ss_now();
    int ret = ss_model_open(m, backend, &p, log);
    *load_ns = ss_now() - began;
    return ret;
}

/* On the first of `devices` that takes it; NULL: none does, and *line says why not the first, which is the
 * one to be expected. */
static const char *open_first(SsModel *m, const SsBackend *backend, const SsModelParams *params,
                              const char *const *devices, char **line, gint64 *load_ns)
{
    const SsLogger log = { .level = SS_LOG_ERROR, .write = keep_error, .cookie = line };
    g_autofree char *why = NULL;

    for (int i = 0; devices[i]; i++) {
        if (open_on(m, backend, params, devices[i], &log, load_ns) == 0)
            return devices[i];
        if (!why)
            why = g_steal_pointer(line);
    }
    g_free(*line);
    *line = g_steal_pointer(&why);
    return NULL;
}

static int inspect(const SsOptions *o, const SsBackend *backend, const SsModelParams *params)
{
    const char *const one[] = { o->device ? o->device : "CPU", NULL };
    const char *const *devices = backend->devices && !o->device ? backend->devices : one;
    g_autofree char *line = NULL;
    SsLogger log = { .level = SS_LOG_ERROR, .write = keep_error, .cookie = &line };
    SsModel m;
    gint64 load_ns;
    const char *first = open_first(&m, backend, params, devices, &line, &load_ns);
    if (!first) {
        ss_say("%s", line ? line : "the model cannot be loaded");
        return SS_EXIT_MODEL;
    }
    printf("%s\n  backend   %s: %s\n", o->model ? o->model : "(no file)", backend->name,
           backend->description);
    print_tensor("input", &m.input);
    for (int i = 0; i < m.n_outputs; i++)
        print_tensor("output", &m.output[i]);
    int code = print_decoder(o, &m);
    print_device(first, load_ns, &m, (const char *const *)&line);
    ss_model_close(&m);
    for (int i = 0; devices[i]; i++) {
        if (devices[i] == first)
            continue;
        g_clear_pointer(&line, g_free);
        if (open_on(&m, backend, params, devices[i], &log, &load_ns) < 0) {
            printf("  device    %-12s not here%s%s\n", devices[i], o->verbose && line ? ": " : "",
                   o->verbose && line ? line : "");
            continue;
        }
        print_device(devices[i], load_ns, &m, (const char *const *)&line);
        ss_model_close(&m);
    }
    return code;
}

int ss_command_inspect(int argc, char **argv)
{
    SsOptions o;
    g_autoptr(GError) error = NULL;
    int code;
    if (!ss_options_parse(&o, SS_FOR_INSPECT, argc, argv, &error)) {
        code = ss_say_error(error);
    } else {
        SsEngineParams params;
        const SsBackend *backend = ss_options_to_model(&o, &params);
        code = inspect(&o, backend, &params.model);
        if (code == SS_EXIT_OK && o.compare && !(ss_app_init_gst(&error) && ss_compare(&o, &error)))
            code = ss_say_error(error);
    }
    ss_options_clear(&o);
    return code;
}
