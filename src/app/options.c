/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "app.h"
#include "core/labels.h"
#include "core/model.h"
#include "decode/decode.h"
#include "gst/names.h"
#include "gst/privacy.h"
#include "gst/settings.h"

/* Numbers are read as text and checked here, so that every message names option, range and value. */
typedef struct Number {
    const char *name;
    gsize offset;
    gboolean whole;
    double min, max, preset;
} Number;

/* Of the threshold: who is to be pixelated is so on a fainter sight than is needed to draw a box. */
#define FAINT (1.0 / 3)

#define AT(field) G_STRUCT_OFFSET(SsOptions, field)

static const Number numbers[] = {
    { "threshold", AT(threshold), FALSE, 0, 1, 0.3 },
    { "batch", AT(batch), TRUE, 1, SS_MAX_BATCH, 1 },
    { "workers", AT(workers), TRUE, 1, 16, 1 },
    { "threads", AT(threads), TRUE, 0, 1024, 0 },
    { "every", AT(every), TRUE, 1, 1000000, 1 },
    { "max-rate", AT(max_rate), FALSE, 0, 1000, 0 },
    { "max-age", AT(max_age), TRUE, 1, 3600000, 1000 },
    { "max-delay", AT(max_delay), TRUE, 1, 60000, 2000 },
    { "simulate-latency", AT(simulate_latency), TRUE, 0, 3600000, 0 },
    { "rate", AT(rate), FALSE, 0.01, 1000, 0 },
    { "duration", AT(duration), FALSE, 0.001, 1e7, 0 },
};

static gboolean set_number(SsOptions *o, const char *name, const char *text, GError **error)
{
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
        const Number *n = &numbers[i];
        if (!g_str_equal(n->name, name))
            continue;
        char *end;
        double value = g_ascii_strtod(text, &end);
        if (end == text || *end || !(value >= n->min && value <= n->max) ||
            (n->whole && value != floor(value))) {
            g_set_error(error, SS_ERROR, SS_EXIT_USAGE,
                        "--%s must be a %snumber from %.15g to %.15g, not \"%s\"", name,
                        n->whole ? "whole " : "", n->min, n->max, text);
            return FALSE;
        }
        if (n->whole)
            G_STRUCT_MEMBER(int, o, n->offset) = (int)value;
        else
            G_STRUCT_MEMBER(double, o, n->offset) = value;
        return TRUE;
    }
    g_assert_not_reached();
}

static gboolean number_option(const char *name, const char *value, gpointer data, GError **error)
{
    return set_number(data, name + strspn(name, "-"), value, error);
}

#define ALL     (SS_FOR_RUN | SS_FOR_EVAL | SS_FOR_BENCH | SS_FOR_INSPECT | SS_FOR_BUILD)
#define SEEING  (ALL & ~SS_FOR_BUILD)
#define STREAMS (SS_FOR_RUN | SS_FOR_BENCH)
#define CLIPS   (SS_FOR_RUN | SS_FOR_EVAL | SS_FOR_BENCH)

/* A GOptionEntry whose arg_data is an offset into SsOptions, and the commands that take it. */
typedef struct Option {
    int commands;
    const char *name;
    char letter;
    GOptionArg arg;
    gsize offset; /* of numbers: none, the table above has it */
    const char *help, *value;
} Option;

#define NUMBER(commands, name, help, value)                                                                  \
    {                                                                                                        \
        commands, name, 0, G_OPTION_ARG_CALLBACK, 0, help, value                                             \
    }

static const Option table[] = {
    { CLIPS, "model", 'm', G_OPTION_ARG_FILENAME, AT(model),
      "The network: .onnx, .xml, .pb, .tflite (default: the demo's)", "FILE" },
    { ALL, "backend", 0, G_OPTION_ARG_STRING, AT(backend), "Runtime: openvino, onnxruntime, dummy", "NAME" },
    { ALL, "device", 0, G_OPTION_ARG_STRING, AT(device),
      "Device of the runtime: CPU, GPU, NPU; auto, cpu, cuda, tensorrt, tensorrt-rtx", "NAME" },
    { SEEING, "decoder", 0, G_OPTION_ARG_STRING, AT(decoder), "Model family, if the outputs do not tell",
      "NAME" },
    { SEEING, "labels", 0, G_OPTION_ARG_FILENAME, AT(labels),
      "Class names, one a line, or \"coco\" (default: NAME.labels beside the model)", "FILE" },
    { ALL, "model-options", 0, G_OPTION_ARG_STRING, AT(model_options), "For the backend: key=value,key=value",
      "LIST" },
    { SEEING, "preprocess", 0, G_OPTION_ARG_STRING, AT(preprocess),
      "fit=letterbox|stretch,order=rgb|bgr,mean=M,scale=S", "LIST" },
    { ALL, "input-size", 0, G_OPTION_ARG_STRING, AT(input_size), "Input of models that leave it open",
      "WxH" },
    { ALL, "precision", 0, G_OPTION_ARG_STRING, AT(precision),
      "Of the network's arithmetic: fp32, fp16, bf16, int8, where the device has it", "NAME" },
    { ALL, "cache-dir", 0, G_OPTION_ARG_FILENAME, AT(cache_dir),
      "Compiled models are kept here (default: ~/.cache/sidestream; \"\": nowhere)", "DIR" },
    { SS_FOR_INSPECT, "compare", 0, G_OPTION_ARG_FILENAME, AT(compare),
      "What device and precision cost: the boxes in this clip beside those of the processor in fp32",
      "CLIP" },
    NUMBER(CLIPS, "threshold", "Least confidence (0.3; eval: 0.15)", "0..1"),
    NUMBER(SS_FOR_RUN | SS_FOR_BUILD | SS_FOR_INSPECT, "batch",
           "Pictures an inference, at most, where several streams wait (1)", "N"),
    NUMBER(STREAMS | SS_FOR_BUILD, "workers", "Inferences at a time (1)", "N"),
    NUMBER(ALL, "threads", "Threads of the runtime's pool (0: it chooses)", "N"),
    NUMBER(SS_FOR_RUN, "every", "Offer only every Nth frame to the network (1)", "N"),
    NUMBER(SS_FOR_RUN, "max-rate", "Inferences a second, at most (0: no limit)", "HZ"),
    { CLIPS, "align", 0, G_OPTION_ARG_STRING, AT(align),
      "Boxes of a late network: live (carried to the picture shown; default), hold (where it saw them), "
      "delay "
      "(the picture waits; default with --blur); eval: any of them (live,hold)",
      "MODE" },
    { SS_FOR_EVAL, "latency", 0, G_OPTION_ARG_STRING, AT(latency),
      "From a picture until its boxes are there (40,100,200)", "MS,MS" },
    { SS_FOR_EVAL, "clock", 0, G_OPTION_ARG_STRING, AT(clock),
      "virtual: as fast as possible, the same each time (default); real: live, with all threads", "WHICH" },
    NUMBER(
        SS_FOR_RUN | SS_FOR_EVAL, "max-age",
        "What can no longer be followed is gone after so long; a silent network's picture pixelated (1000)",
        "MS"),
    NUMBER(SS_FOR_RUN, "max-delay", "Delay: no picture waits for the network for longer (2000)", "MS"),
    NUMBER(STREAMS, "simulate-latency", "Let every inference take at least so long", "MS"),
    { SS_FOR_RUN, "output", 'o', G_OPTION_ARG_STRING_ARRAY, AT(outputs),
      "window, none, FILE.mp4, jsonl:FILE; repeatable (window where there is a display)", "SPEC" },
    NUMBER(CLIPS, "rate", "Play a recording at this frame rate", "HZ"),
    { SS_FOR_RUN, "loop", 0, G_OPTION_ARG_NONE, AT(loop), "Play a recording over and over", NULL },
    NUMBER(CLIPS, "duration", "End after so many seconds of video", "S"),
    { SS_FOR_RUN, "stats", 0, G_OPTION_ARG_FILENAME, AT(stats),
      "Write the counters as JSON at the end; - is standard output", "FILE" },
    { SS_FOR_EVAL | SS_FOR_BENCH, "json", 0, G_OPTION_ARG_FILENAME, AT(json),
      "Write the figures as JSON; - is standard output", "FILE" },
    { SS_FOR_BENCH, "parts", 0, G_OPTION_ARG_STRING, AT(parts),
      "Of model_alone, stream_alone, side_by_side, together (all)", "NAME,NAME" },
    { SS_FOR_EVAL, "boxes", 0, G_OPTION_ARG_FILENAME, AT(boxes),
      "Write what the network sees and what is shown as JSON lines; - is standard output", "FILE" },
    { SS_FOR_EVAL, "plot", 0, G_OPTION_ARG_FILENAME, AT(plot), "Draw AP against latency", "FILE.png|svg" },
    { SS_FOR_RUN, "style", 0, G_OPTION_ARG_STRING, AT(style), "Boxes: outline, fill", "NAME" },
    { SS_FOR_RUN, "no-labels", 0, G_OPTION_ARG_NONE, AT(no_labels), "Boxes without names", NULL },
    { SS_FOR_RUN, "blur", 0, G_OPTION_ARG_STRING, AT(blur),
      "Pixelate objects of these classes (all: of each); all of the picture where nothing is known of it",
      "NAME,NAME" },
    { SS_FOR_RUN, "hud", 0, G_OPTION_ARG_NONE, AT(hud),
      "Frames a second, the network and the age of the boxes, in the picture", NULL },
    { SS_FOR_RUN, "title", 0, G_OPTION_ARG_STRING, AT(title), "Of the window (Camera)", "TEXT" },
    { ALL, "verbose", 'v', G_OPTION_ARG_NONE, AT(verbose), "Say more", NULL },
    { SS_FOR_RUN | SS_FOR_EVAL, "quiet", 'q', G_OPTION_ARG_NONE, AT(quiet), "Say nothing but errors", NULL },
};

static const struct {
    SsOptionSet command;
    const char *name, *arguments, *summary, *description;
} commands[] = {
    { SS_FOR_RUN, "run", "SOURCE...", "Shows, records or writes down streams with their objects.",
      "SOURCE: a video file, /dev/video0, csi://0, rtsp://..., http(s)://..., test://ball, or\n"
      "  \"gst: DESCRIPTION\" as for gst-launch-1.0\n\n"
      "Exit codes: 0 ok, 1 unforeseen, 2 usage, 3 source, 4 model.  More: man sidestream" },
    { SS_FOR_EVAL, "eval", "CLIP", "How far boxes are from their objects when they are shown.",
      "CLIP: a video file. The network looks at every picture; that is the reference. Then the clip is\n"
      "  played as if the network took --latency, each way of --align, and what would be shown is compared\n"
      "  with the reference of the very picture: average precision as COCO counts it." },
    { SS_FOR_BENCH, "bench", "[SOURCE]",
      "Speed of this machine: the model alone, the stream alone, both together.",
      "SOURCE: default is the demo's clip." },
    { SS_FOR_INSPECT, "inspect", "MODEL", "What a model is, which decoder fits it, which devices run it.",
      NULL },
    { SS_FOR_BUILD, "build", "MODEL", "Compiles a model for a device ahead of time, into the cache.",
      "Give the --device, --input-size, --batch, --model-options, --workers and --threads that run\n"
      "  will get: what is kept is good for these alone, and for this machine's runtime, driver and GPU." },
};

/* GOption's own errors, without its quirks of wording. */
static void translate(GError **error, const char *command)
{
    if (!*error || (*error)->domain == SS_ERROR)
        return;
    g_autofree char *text = g_strdup((*error)->message);
    text[0] = g_ascii_tolower(text[0]);
    g_clear_error(error);
    g_set_error(error, SS_ERROR, SS_EXIT_USAGE, "%s; see sidestream %s --help", text, command);
}

static gboolean parse(SsOptions *o, SsOptionSet command, int argc, char **argv, GError **error)
{
    gsize which = 0;
    while (commands[which].command != command)
        which++;
    g_autofree GOptionEntry *entries = g_new0(GOptionEntry, G_N_ELEMENTS(table) + 2);
    guint n = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
        const Option *t = &table[i];
        if (!(t->commands & (int)command))
            continue;
        gpointer data = t->arg == G_OPTION_ARG_CALLBACK ? (gpointer)(GCallback)number_option
                                                        : G_STRUCT_MEMBER_P(o, t->offset);
        entries[n++] = (GOptionEntry) { t->name, t->letter, 0, t->arg, data, t->help, t->value };
    }
    entries[n] =
        (GOptionEntry) { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &o->rest, NULL, NULL };

    g_autoptr(GOptionContext) context = g_option_context_new(commands[which].arguments);
    GOptionGroup *group = g_option_group_new("", "", "", o, NULL);
    g_option_group_add_entries(group, entries);
    g_option_context_set_main_group(context, group);
    g_option_context_set_summary(context, commands[which].summary);
    g_option_context_set_description(context, commands[which].description);
    g_autofree char *name = g_strdup_printf("sidestream %s", commands[which].name);
    g_set_prgname(name); /* for --help */
    gboolean ok = g_option_context_parse(context, &argc, &argv, error);
    g_set_prgname("sidestream");
    if (!ok)
        translate(error, commands[which].name);
    return ok;
}

/* --- values --- */

static gboolean usage(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static gboolean usage(GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, SS_ERROR, SS_EXIT_USAGE, text);
    return FALSE;
}

static gboolean check_backend(const SsOptions *o, GError **error)
{
    if (!o->backend || ss_backend_find(o->backend))
        return TRUE;
    g_autoptr(GString) names = g_string_new(NULL);
    for (int i = 0; ss_backend_nth(i); i++)
        g_string_append_printf(names, "%s%s", i ? ", " : "", ss_backend_nth(i)->name);
    return usage(error, "--backend: this build has no \"%s\"; it has %s", o->backend, names->str);
}

static gboolean check_decoder(const SsOptions *o, GError **error)
{
    if (!o->decoder || ss_decoder_find(o->decoder))
        return TRUE;
    g_autoptr(GString) names = g_string_new(NULL);
    for (int i = 0; ss_decoder_nth(i); i++)
        g_string_append_printf(names, "%s%s", i ? ", " : "", ss_decoder_nth(i)->name);
    return usage(error, "--decoder: there is no \"%s\"; there are %s", o->decoder, names->str);
}

static void keep_line(void *cookie, SsLogLevel level, const char *message)
{
    char **line = cookie;
    if (level == SS_LOG_ERROR) {
        g_free(*line);
        *line = g_strdup(message);
    }
}

static gboolean load_labels(SsLabels **out, const char *file, int first_id, GError **error)
{
    g_autofree char *line = NULL;
    SsLogger log = { .level = SS_LOG_ERROR, .write = keep_line, .cookie = &line };
    if (ss_labels_load(out, file, first_id, &log) < 0)
        return usage(error, "--labels: %s", line ? line : "cannot be read");
    return TRUE;
}

static gboolean check_labels(const SsOptions *o, GError **error)
{
    SsLabels *labels = NULL;
    if (o->labels && !load_labels(&labels, o->labels, 0, error))
        return FALSE;
    ss_labels_destroy(&labels);
    return TRUE;
}

/* Of the model's first classes, for a message. */
static char *some_names(char **names)
{
    enum { MOST = 8 };
    g_autoptr(GString) text = g_string_new(NULL);
    guint n = 0;
    for (; *names && n < MOST; names++)
        if (**names)
            g_string_append_printf(text, "%s%s", n++ > 0 ? ", " : "", *names);
    if (n == 0)
        return g_strdup("its classes have no names (--labels), so they are \"class 1\" and so on");
    return g_strdup_printf("it has %s%s", text->str, *names ? " ..." : "");
}

/* A name misspelt would be a face that all can see. */
static gboolean check_blur(const SsOptions *o, GError **error)
{
    g_autoptr(GArray) names = ss_privacy_names(o->blur);
    g_autoptr(GPtrArray) models = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    g_autofree char *file = ss_labels_file(o->labels, o->model);
    if (!o->blur)
        return TRUE;
    if (!names || o->blur[strspn(o->blur, " ,\t")] == '\0')
        return usage(error, "--blur needs the names of classes, such as person,face; or all");
    for (int first_id = 0; first_id < SS_ID_BASES; first_id++) {
        SsLabels *labels = NULL;
        if (file && !load_labels(&labels, file, first_id, error))
            return FALSE;
        g_ptr_array_add(models, ss_labels_to_strv(labels));
        ss_labels_destroy(&labels);
    }
    const char *unknown = ss_privacy_unknown(names, models);
    if (!unknown)
        return TRUE;
    g_autofree char *known = some_names(g_ptr_array_index(models, 0));
    return usage(error, "--blur: the model has no class \"%s\"; %s", unknown, known);
}

/* The element has the one parser of these; it is asked before anything starts. */
static gboolean check_settings(const SsOptions *o, GError **error)
{
    SsSettings settings;
    SsEngineParams params;
    g_autofree char *line = NULL;
    const SsLogger log = { .level = SS_LOG_ERROR, .write = keep_line, .cookie = &line };
    g_autoptr(GError) wrong = NULL;
    ss_settings_init(&settings);
    settings.preprocess = o->preprocess;
    settings.input_size = o->input_size;
    if (o->precision && ss_model_check_params(&(SsModelParams) { .precision = o->precision }, &log) < 0)
        return usage(error, "--%s", line);
    if (ss_settings_to_params(&settings, &params, &wrong))
        return TRUE;
    return usage(error, "--%s", wrong->message);
}

static gboolean needs_no_model(const SsOptions *o)
{
    const char *backend = o->backend ? o->backend : ss_backend_nth(0) ? ss_backend_nth(0)->name : "";
    return g_str_equal(backend, "dummy");
}

static gboolean check_model(SsOptions *o, GError **error)
{
    if (!o->model && needs_no_model(o))
        return TRUE;
    gboolean demo = o->model == NULL;
    if (demo)
        o->model = ss_data_path("demo/pedestrians.pb");
    GStatBuf st;
    const char *why = g_stat(o->model, &st) < 0      ? "no such file"
                      : !S_ISREG(st.st_mode)         ? "is not a file"
                      : st.st_size == 0              ? "the file is empty"
                      : g_access(o->model, R_OK) < 0 ? "may not be read by you"
                                                     : NULL;
    if (!why)
        return TRUE;
    g_set_error(error, SS_ERROR, SS_EXIT_MODEL, "model %s: %s; %s", o->model, why,
                demo ? "run tools/demo.sh to get the demo's, or give one with --model"
                     : "give a .onnx, .xml, .pb or .tflite file with --model");
    return FALSE;
}

char *ss_data_path(const char *name)
{
    const char *data = g_getenv("SIDESTREAM_DATA");
    return data && *data ? g_build_filename(data, name, NULL)
                         : g_build_filename(g_get_user_data_dir(), "sidestream", name, NULL);
}

gboolean ss_options_align(const char *name, SsAlign *out, GError **error)
{
    g_autoptr(GString) ways = g_string_new(NULL);

    if (ss_align_from_name(name, out) == 0)
        return TRUE;
    for (int i = 0; ss_align_name((SsAlign)i); i++)
        g_string_append_printf(ways, "%s%s", i > 0 ? ", " : "", ss_align_name((SsAlign)i));
    return usage(error, "--align: \"%s\" is none of %s", name, ways->str);
}

gboolean ss_options_parse(SsOptions *o, SsOptionSet command, int argc, char **argv, GError **error)
{
    SsAlign align;

    *o = (SsOptions) { 0 };
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
        const Number *n = &numbers[i];
        if (n->whole)
            G_STRUCT_MEMBER(int, o, n->offset) = (int)n->preset;
        else
            G_STRUCT_MEMBER(double, o, n->offset) = n->preset;
    }
    if (command == SS_FOR_EVAL) /* a score counts faint boxes for little, missing ones for much */
        o->threshold = 0.15;
    if (!parse(o, command, argc, argv, error))
        return FALSE;
    if (!o->rest)
        o->rest = g_new0(char *, 1);
    if (command == SS_FOR_RUN && !o->rest[0])
        return usage(error,
                     "run: needs a SOURCE: a video file, /dev/video0, csi://0, rtsp://..., test://ball; see "
                     "sidestream run --help");
    if (command == SS_FOR_EVAL && (!o->rest[0] || o->rest[1]))
        return usage(error, "eval: needs one CLIP, a video file; see sidestream eval --help");
    if (command == SS_FOR_BENCH && o->rest[0] && o->rest[1])
        return usage(error, "bench: takes one SOURCE; see sidestream bench --help");
    if (command == SS_FOR_BUILD && (!o->rest[0] || o->rest[1]))
        return usage(error, "build: needs one MODEL; see sidestream build --help");
    if (command == SS_FOR_BUILD && o->cache_dir && !*o->cache_dir)
        return usage(error, "build: --cache-dir \"\" leaves nowhere to keep what is built");
    if (command == SS_FOR_INSPECT && (!o->rest[0] || o->rest[1]) && !(needs_no_model(o) && !o->rest[0]))
        return usage(error, "inspect: needs one MODEL; see sidestream inspect --help");
    if (command == SS_FOR_INSPECT || command == SS_FOR_BUILD)
        o->model = g_strdup(o->rest[0]);
    if (o->style && !g_str_equal(o->style, "outline") && !g_str_equal(o->style, "fill"))
        return usage(error, "--style must be outline or fill, not \"%s\"", o->style);
    if (command != SS_FOR_EVAL && o->align && !ss_options_align(o->align, &align, error))
        return FALSE;
    if (o->blur && !o->align) /* only so objects that appear are never seen */
        o->align = g_strdup(ss_align_name(SS_ALIGN_DELAY));
    if (!o->cache_dir)
        o->cache_dir = g_build_filename(g_get_user_cache_dir(), "sidestream", NULL);
    return check_backend(o, error) && check_decoder(o, error) && check_labels(o, error) &&
           check_settings(o, error) && check_model(o, error) && check_blur(o, error);
}

void ss_options_to_overlay(const SsOptions *o, GstElement *overlay)
{
    g_object_set(overlay, "labels", !o->no_labels, "hud", o->hud, "blur", o->blur, "max-age",
                 (guint)o->max_age, "min-confidence", o->blur ? o->threshold : 0, NULL);
    gst_util_set_object_arg(G_OBJECT(overlay), "style", o->style ? o->style : "outline");
}

void ss_options_clear(SsOptions *o)
{
    for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
        if (table[i].arg == G_OPTION_ARG_STRING || table[i].arg == G_OPTION_ARG_FILENAME)
            g_clear_pointer(&G_STRUCT_MEMBER(char *, o, table[i].offset), g_free);
        else if (table[i].arg == G_OPTION_ARG_STRING_ARRAY)
            g_clear_pointer(&G_STRUCT_MEMBER(char **, o, table[i].offset), g_strfreev);
    }
    g_clear_pointer(&o->rest, g_strfreev);
}

const SsBackend *ss_options_to_model(const SsOptions *o, SsEngineParams *out)
{
    SsSettings settings;

    ss_settings_init(&settings);
    settings.preprocess = o->preprocess;
    settings.input_size = o->input_size;
    ss_settings_to_params(&settings, out, NULL); /* checked with the options */
    out->model.path = o->model;
    out->model.device = o->device;
    out->model.precision = o->precision;
    out->model.options = o->model_options;
    out->model.cache_dir = *o->cache_dir ? o->cache_dir : NULL;
    out->model.batch = o->batch;
    out->model.threads = o->threads;
    out->model.requests = o->workers;
    return o->backend ? ss_backend_find(o->backend) : ss_backend_nth(0);
}

void ss_options_to_infer(const SsOptions *o, GstElement *infer)
{
    g_object_set(infer, "model", o->model, "backend", o->backend, "device", o->device, "decoder", o->decoder,
                 "labels", o->labels, "model-options", o->model_options, "preprocess", o->preprocess,
                 "input-size", o->input_size, "precision", o->precision, "cache-dir", o->cache_dir,
                 "threshold", o->blur ? o->threshold * FAINT : o->threshold, "batch", (guint)o->batch,
                 "workers", (guint)o->workers, "threads", (guint)o->threads, "every", (guint)o->every,
                 "max-rate", o->max_rate, "simulate-latency", (guint)o->simulate_latency, "max-age",
                 (guint)o->max_age, "max-delay", (guint)o->max_delay, NULL);
    gst_util_set_object_arg(G_OBJECT(infer), "align", o->align ? o->align : "live");
}
