/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include <gst/gst.h>
#include <math.h>
#include <string.h>

typedef enum Kind { STRING, DOUBLE, UINT, INT, ALIGN } Kind;

typedef struct Setting {
    const char *name, *nick, *blurb;
    Kind kind;
    gsize offset;
    double min, max, dflt; /* of numbers */
    gboolean of_engine;
} Setting;

#define FIELD(name) G_STRUCT_OFFSET(SsSettings, name)

/* In the order of the property ids. */
static const Setting settings[] = {
    { "model", "Model", "The network's file (.xml, .onnx, .pb, .tflite); not needed by the backend dummy",
      STRING, FIELD(model), 0, 0, 0, TRUE },
    { "backend", "Backend", "The runtime: openvino, onnxruntime, dummy (NULL = the first that is built in)",
      STRING, FIELD(backend), 0, 0, 0, TRUE },
    { "device", "Device", "The runtime's name of the device (NULL = CPU)", STRING, FIELD(device), 0, 0, 0,
      TRUE },
    { "decoder", "Decoder", "What the outputs mean (NULL = the first decoder that fits them)", STRING,
      FIELD(decoder), 0, 0, 0, TRUE },
    { "model-options", "Model options", "For the backend: \"key=value,key=value\"", STRING,
      FIELD(model_options), 0, 0, 0, TRUE },
    { "preprocess", "Preprocessing",
      "How a picture becomes the input: \"fit=letterbox|stretch,order=rgb|bgr,mean=M,scale=S\", M and S one "
      "number or three as 1:2:3 (NULL = what the decoder's family expects)",
      STRING, FIELD(preprocess), 0, 0, 0, TRUE },
    { "input-size", "Input size", "\"WIDTHxHEIGHT\", for models that leave it open (NULL = 640x640)", STRING,
      FIELD(input_size), 0, 0, 0, TRUE },
    { "precision", "Precision",
      "Of the network's arithmetic: fp32, fp16, bf16, int8 (NULL = the runtime's choice)", STRING,
      FIELD(precision), 0, 0, 0, TRUE },
    { "cache-dir", "Cache directory", "Compiled models are kept here (NULL = no cache)", STRING,
      FIELD(cache_dir), 0, 0, 0, TRUE },
    { "threshold", "Threshold",
      "An object appears from this confidence on; with align=live and delay it is followed down to a third "
      "of it",
      DOUBLE, FIELD(threshold), 0, 1, 0.3, TRUE },
    { "batch", "Batch",
      "Pictures that go through the network together, at most, where several are waiting; each inference "
      "costs "
      "what so many cost",
      UINT, FIELD(batch), 1, SS_MAX_BATCH, 1, TRUE },
    { "workers", "Workers", "Inferences at the same time", UINT, FIELD(workers), 1, 16, 1, TRUE },
    { "threads", "Threads", "Of the runtime's own pool (0 = the runtime chooses)", UINT, FIELD(threads), 0,
      1024, 0, TRUE },
    { "simulate-latency", "Simulated latency", "Every inference takes at least this many milliseconds", UINT,
      FIELD(simulate_latency), 0, 3600000, 0, TRUE },
    { "nice", "Nice", "Added to the workers' nice value, so that they yield to the picture (0 = leave it)",
      INT, FIELD(nice), 0, 19, 10, TRUE },
    { "labels", "Labels",
      "Class names: a file, a name a line, or \"coco\" (NULL = the file NAME.labels next to the model "
      "NAME.*, "
      "if there is one)",
      STRING, FIELD(labels), 0, 0, 0, FALSE },
    { "engine", "Engine",
      "Elements of one process that give the same name share one engine: one model, one set of workers (NULL "
      "= "
      "an engine of its own)",
      STRING, FIELD(engine), 0, 0, 0, FALSE },
    { "every", "Every", "Offer only every Nth frame to the network", UINT, FIELD(every), 1, G_MAXINT, 1,
      FALSE },
    { "max-rate", "Maximum rate", "Inferences a second of stream time, at most (0 = no limit)", DOUBLE,
      FIELD(max_rate), 0, 1000, 0, FALSE },
    { "align", "Align", "Where a box is drawn while the network is late; may change while the video runs",
      ALIGN, FIELD(align), 0, 0, SS_ALIGN_LIVE, FALSE },
    { "max-age", "Maximum age",
      "An object that is missed or can no longer be followed, with align=live also one of a network fallen "
      "silent, is gone after so many milliseconds",
      UINT, FIELD(max_age), 1, 3600000, 1000, FALSE },
    { "motion-budget", "Motion budget",
      "align=live: microseconds a frame for following objects; those that it does not suffice for move by "
      "their velocity",
      UINT, FIELD(motion_budget), 1, 1000000, 500, FALSE },
    { "max-delay", "Maximum delay",
      "align=delay: no picture waits for the network for longer than so many milliseconds; if that is not "
      "enough, "
      "boxes are carried as by live",
      UINT, FIELD(max_delay), 1, 60000, SS_DEFAULT_MAX_DELAY / 1e6, FALSE },
};

G_STATIC_ASSERT(G_N_ELEMENTS(settings) == SS_SETTING_END - SS_SETTING_FIRST);

#define STRING_AT(s, setting) G_STRUCT_MEMBER(char *, (s), (setting)->offset)
#define DOUBLE_AT(s, setting) G_STRUCT_MEMBER(double, (s), (setting)->offset)
#define UINT_AT(s, setting)   G_STRUCT_MEMBER(guint, (s), (setting)->offset)
#define INT_AT(s, setting)    G_STRUCT_MEMBER(int, (s), (setting)->offset)

static GType align_type(void)
{
    static const char *const blurb[] = {
        [SS_ALIGN_HOLD] = "where the network saw its object",
        [SS_ALIGN_LIVE] = "where its object is now, by what its pixels did since",
        [SS_ALIGN_DELAY] =
            "exactly there: the picture waits for the network, but not for longer than max-delay",
    };
    static GEnumValue values[G_N_ELEMENTS(blurb) + 1];
    static GType type;

    if (g_once_init_enter(&type)) {
        for (guint i = 0; i < G_N_ELEMENTS(blurb); i++)
            values[i] = (GEnumValue) { (int)i, blurb[i], ss_align_name((SsAlign)i) };
        g_once_init_leave(&type, g_enum_register_static("SsAlign", values));
    }
    return type;
}

static GParamSpec *make_spec(const Setting *f)
{
    const GParamFlags always = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS,
                      flags = always | GST_PARAM_MUTABLE_READY;

    switch (f->kind) {
    case ALIGN:
        return g_param_spec_enum(f->name, f->nick, f->blurb, align_type(), (int)f->dflt,
                                 always | GST_PARAM_MUTABLE_PLAYING);
    case DOUBLE:
        return g_param_spec_double(f->name, f->nick, f->blurb, f->min, f->max, f->dflt, flags);
    case UINT:
        return g_param_spec_uint(f->name, f->nick, f->blurb, (guint)f->min, (guint)f->max, (guint)f->dflt,
                                 flags);
    case INT:
        return g_param_spec_int(f->name, f->nick, f->blurb, (int)f->min, (int)f->max, (int)f->dflt, flags);
    case STRING:
        break;
    }
    return g_param_spec_string(f->name, f->nick, f->blurb, NULL, flags);
}

void ss_settings_install(GObjectClass *klass)
{
    for (guint i = 0; i < G_N_ELEMENTS(settings); i++)
        g_object_class_install_property(klass, SS_SETTING_FIRST + i, make_spec(&settings[i]));
}

void ss_settings_init(SsSettings *s)
{
    *s = (SsSettings) { 0 };
    for (guint i = 0; i < G_N_ELEMENTS(settings); i++) {
        const Setting *f = &settings[i];
        if (f->kind == DOUBLE)
            DOUBLE_AT(s, f) = f->dflt;
        else if (f->kind == UINT)
            UINT_AT(s, f) = (guint)f->dflt;
        else if (f->kind == INT || f->kind == ALIGN)
            INT_AT(s, f) = (int)f->dflt;
    }
}

void ss_settings_clear(SsSettings *s)
{
    for (guint i = 0; i < G_N_ELEMENTS(settings); i++)
        if (settings[i].kind == STRING)
            g_clear_pointer(&STRING_AT(s, &settings[i]), g_free);
}

void ss_settings_copy(SsSettings *to, const SsSettings *from)
{
    *to = *from;
    for (guint i = 0; i < G_N_ELEMENTS(settings); i++)
        if (settings[i].kind == STRING)
            STRING_AT(to, &settings[i]) = g_strdup(STRING_AT(from, &settings[i]));
}

static const Setting *find(guint id)
{
    return id >= SS_SETTING_FIRST && id < SS_SETTING_END ? &settings[id - SS_SETTING_FIRST] : NULL;
}

gboolean ss_settings_set(SsSettings *s, guint id, const GValue *value)
{
    const Setting *f = find(id);

    if (!f)
        return FALSE;
    switch (f->kind) {
    case STRING: {
        const char *text = g_value_get_string(value);
        g_free(STRING_AT(s, f));
        STRING_AT(s, f) = text && *text ? g_strdup(text) : NULL; /* "" takes a property back */
        break;
    }
    case DOUBLE:
        DOUBLE_AT(s, f) = g_value_get_double(value);
        break;
    case UINT:
        UINT_AT(s, f) = g_value_get_uint(value);
        break;
    case INT:
        INT_AT(s, f) = g_value_get_int(value);
        break;
    case ALIGN:
        INT_AT(s, f) = g_value_get_enum(value);
        break;
    }
    return TRUE;
}

void ss_settings_read(SsSettings *s, GObject *element)
{
    ss_settings_init(s);
    for (guint i = 0; i < G_N_ELEMENTS(settings); i++) {
        g_auto(GValue) value = G_VALUE_INIT;
        g_object_get_property(element, settings[i].name, &value);
        ss_settings_set(s, SS_SETTING_FIRST + i, &value);
    }
}

gboolean ss_settings_get(const SsSettings *s, guint id, GValue *value)
{
    const Setting *f = find(id);

    if (!f)
        return FALSE;
    switch (f->kind) {
    case STRING:
        g_value_set_string(value, STRING_AT(s, f));
        break;
    case DOUBLE:
        g_value_set_double(value, DOUBLE_AT(s, f));
        break;
    case UINT:
        g_value_set_uint(value, UINT_AT(s, f));
        break;
    case INT:
        g_value_set_int(value, INT_AT(s, f));
        break;
    case ALIGN:
        g_value_set_enum(value, INT_AT(s, f));
        break;
    }
    return TRUE;
}

static char *to_text(const SsSettings *s, const Setting *f)
{
    switch (f->kind) {
    case DOUBLE:
        return g_strdup_printf("%g", DOUBLE_AT(s, f));
    case UINT:
        return g_strdup_printf("%u", UINT_AT(s, f));
    case INT:
    case ALIGN:
        return g_strdup_printf("%d", INT_AT(s, f));
    case STRING:
        break;
    }
    return g_strdup(STRING_AT(s, f) ? STRING_AT(s, f) : "unset");
}

char *ss_settings_difference(const SsSettings *a, const SsSettings *b)
{
    for (guint i = 0; i < G_N_ELEMENTS(settings); i++) {
        const Setting *f = &settings[i];
        if (!f->of_engine)
            continue;
        g_autofree char *text_a = to_text(a, f);
        g_autofree char *text_b = to_text(b, f);
        if (strcmp(text_a, text_b) != 0)
            return g_strdup_printf("%s (%s, not %s)", f->name, text_a, text_b);
    }
    return NULL;
}

/* --- to the engine's parameters --- */

/** "1.5" or "1:2:3" (one a channel). */
static gboolean parse_channels(const char *text, float out[3])
{
    g_auto(GStrv) part = g_strsplit(text, ":", 4);
    const guint n = g_strv_length(part);

    if (n != 1 && n != 3)
        return FALSE;
    for (guint i = 0; i < 3; i++) {
        const char *number = part[n == 3 ? i : 0];
        char *end;
        out[i] = (float)g_ascii_strtod(number, &end);
        if (end == number || *end || !isfinite(out[i]))
            return FALSE;
    }
    return TRUE;
}

static gboolean parse_preprocess_pair(const char *key, const char *value, SsInputParams *in)
{
    if (strcmp(key, "fit") == 0) {
        in->fit = strcmp(value, "letterbox") == 0 ? SS_FIT_LETTERBOX
                  : strcmp(value, "stretch") == 0 ? SS_FIT_STRETCH
                                                  : SS_FIT_DEFAULT;
        return in->fit != SS_FIT_DEFAULT;
    }
    if (strcmp(key, "order") == 0) {
        in->order = strcmp(value, "rgb") == 0   ? SS_ORDER_RGB
                    : strcmp(value, "bgr") == 0 ? SS_ORDER_BGR
                                                : SS_ORDER_DEFAULT;
        return in->order != SS_ORDER_DEFAULT;
    }
    if (strcmp(key, "mean") == 0)
        return parse_channels(value, in->mean);
    if (strcmp(key, "scale") == 0)
        return parse_channels(value, in->scale) && in->scale[0] != 0 && in->scale[1] != 0 &&
               in->scale[2] != 0;
    return FALSE;
}

static gboolean parse_preprocess(const char *text, SsInputParams *in, GError **error)
{
    g_auto(GStrv) pair = g_strsplit(text, ",", -1);

    for (guint i = 0; pair[i]; i++) {
        g_auto(GStrv) half = g_strsplit(g_strstrip(pair[i]), "=", 2);
        if (g_strv_length(half) == 2 && parse_preprocess_pair(half[0], half[1], in))
            continue;
        g_set_error(
            error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
            "preprocess: \"%s\" is none of fit=letterbox|stretch, order=rgb|bgr, mean=M, scale=S (not 0; "
            "M and S one number, or three as 1:2:3)",
            pair[i]);
        return FALSE;
    }
    if (in->scale[0] == 0 && (in->mean[0] != 0 || in->mean[1] != 0 || in->mean[2] != 0))
        in->scale[0] = in->scale[1] = in->scale[2] =
            1; /* a mean alone: do not fall back to the family's both */
    return TRUE;
}

static gboolean parse_size(const char *text, int *width, int *height, GError **error)
{
    char *end;
    const guint64 w = g_ascii_strtoull(text, &end, 10);
    const guint64 h = *end == 'x' ? g_ascii_strtoull(end + 1, &end, 10) : 0;

    if (*end || w < 1 || w > SS_MAX_SIDE || h < 1 || h > SS_MAX_SIDE) {
        g_set_error(error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
                    "input-size: \"%s\" is not WIDTHxHEIGHT in pixels, such as 640x640", text);
        return FALSE;
    }
    *width = (int)w;
    *height = (int)h;
    return TRUE;
}

SsStreamParams ss_settings_to_stream(const SsSettings *s)
{
    return (SsStreamParams) { .every = (int)s->every,
                              .max_rate = s->max_rate,
                              .align = (SsAlign)s->align,
                              .max_age = (int64_t)s->max_age * GST_MSECOND,
                              .budget = (int64_t)s->motion_budget * GST_USECOND,
                              .max_delay = (int64_t)s->max_delay * GST_MSECOND };
}

gboolean ss_settings_to_params(const SsSettings *s, SsEngineParams *p, GError **error)
{
    *p = (SsEngineParams) {
        .backend = s->backend,
        .decoder = s->decoder,
        .model = { .path = s->model,
                   .device = s->device,
                   .precision = s->precision,
                   .cache_dir = s->cache_dir,
                   .options = s->model_options,
                   .batch = (int)s->batch,
                   .threads = (int)s->threads },
        /* The engine reads 0 as its default; a user who sets 0 wants every detection. */
        .threshold = MAX((float)s->threshold, G_MINFLOAT),
        .workers = (int)s->workers,
        .nice = s->nice == 0 ? -1 : s->nice,
        .simulate_latency = (int64_t)s->simulate_latency * GST_MSECOND,
    };
    if (s->preprocess && !parse_preprocess(s->preprocess, &p->input, error))
        return FALSE;
    return !s->input_size || parse_size(s->input_size, &p->model.input_width, &p->model.input_height, error);
}
