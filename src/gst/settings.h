/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a user sets on `ssinfer`: one table of the properties, from which they are
 * installed, read, written, compared and turned into the engine's parameters.
 */
#ifndef SS_GST_SETTINGS_H
#define SS_GST_SETTINGS_H

#include <glib-object.h>

#include "sidestream/engine.h"

typedef struct SsSettings {
    /* --- of the engine: elements that share one must agree on them */
    char *model, *backend, *device, *decoder, *model_options, *preprocess, *input_size, *precision,
        *cache_dir;
    double threshold;
    guint batch, workers, threads, simulate_latency;
    int nice;
    /* --- of the stream */
    char *labels, *engine;
    guint every;
    double max_rate;
    int align; /* SsAlign */
    guint max_age, motion_budget, max_delay;
} SsSettings;

/* Property ids; SS_SETTING_END is the next one free. */
enum { SS_SETTING_FIRST = 1, SS_SETTING_ALIGN = 20, SS_SETTING_END = 24 };

void ss_settings_install(GObjectClass *klass);
/** The defaults. */
void ss_settings_init(SsSettings *s);
void ss_settings_clear(SsSettings *s);
void ss_settings_copy(SsSettings *to, const SsSettings *from);
/** Fills `s` with what an element has been set to. */
void ss_settings_read(SsSettings *s, GObject *element);
/** FALSE: `id` is none of ours. */
gboolean ss_settings_set(SsSettings *s, guint id, const GValue *value);
gboolean ss_settings_get(const SsSettings *s, guint id, GValue *value);
/** The first property of the engine in which they differ, as "name (a, not b)"; NULL: none. (transfer full)
 */
char *ss_settings_difference(const SsSettings *a, const SsSettings *b);
/** What they say of the stream. */
SsStreamParams ss_settings_to_stream(const SsSettings *s);
/** Fills `p`, which borrows the strings of `s`. Errors: GST_LIBRARY_ERROR_SETTINGS. */
gboolean ss_settings_to_params(const SsSettings *s, SsEngineParams *p, GError **error);

#endif
