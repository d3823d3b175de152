/* SPDX-License-Identifier: Apache-2.0 */
/** The command line of `run`, `eval`, `bench`, `inspect` and `build`: one structure, one table of what each
 * takes. */
#ifndef SS_OPTIONS_H
#define SS_OPTIONS_H

#include <gst/gst.h>

#include "sidestream/engine.h"

typedef enum SsOptionSet {
    SS_FOR_RUN = 1 << 0,
    SS_FOR_BENCH = 1 << 1,
    SS_FOR_INSPECT = 1 << 2,
    SS_FOR_EVAL = 1 << 3,
    SS_FOR_BUILD = 1 << 4,
} SsOptionSet;

typedef struct SsOptions {
    /* the network */
    char *model, *backend, *device, *decoder, *labels, *model_options, *preprocess, *input_size, *precision,
        *cache_dir, *compare;
    double threshold, max_rate;
    int batch, workers, threads, every, simulate_latency, max_age, max_delay;
    /* the picture */
    char **outputs;
    char *align, *blur, *latency, *clock, *parts, *style, *title, *stats, *json, *plot, *boxes;
    double rate, duration;
    gboolean loop, no_labels, hud, verbose, quiet;
    char **rest; /* SOURCEs, or the MODEL of inspect and build; never NULL */
} SsOptions;

/** FALSE: `error` (SS_EXIT_USAGE, SS_EXIT_MODEL) says why. --help and --version print and exit. */
gboolean ss_options_parse(SsOptions *o, SsOptionSet command, int argc, char **argv, GError **error);
/** One of --align's words. FALSE: `error` (SS_EXIT_USAGE) lists them. */
gboolean ss_options_align(const char *name, SsAlign *out, GError **error);
void ss_options_clear(SsOptions *o);
/** The backend; `model` and `input` of `out` for those who open a model without an engine; strings are the
 * options'. */
const SsBackend *ss_options_to_model(const SsOptions *o, SsEngineParams *out);
/** Sets the properties of an ssinfer. */
void ss_options_to_infer(const SsOptions *o, GstElement *infer);
/** Sets the properties of an ssoverlay. */
void ss_options_to_overlay(const SsOptions *o, GstElement *overlay);
/** $SIDESTREAM_DATA or its default, and a file in it. */
char *ss_data_path(const char *name);

#endif
