/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Where the pictures go. One file an output, one table (output.c). A new output is a file
 * output_NAME.c with an SsOutputClass, and a line in the table.
 */
#ifndef SS_OUTPUT_H
#define SS_OUTPUT_H

#include <gst/gst.h>
#include <stdbool.h>

typedef struct SsOutput SsOutput;

/** What all outputs of a run are told. */
typedef struct SsOutputParams {
    const char *title; /* of the window */
    guint n_streams;
    GPtrArray *files; /* names of files that the run reads or writes; outputs add theirs */
    void (*quit)(void *cookie,
                 const GError *error); /* the user closed the output, or (error) it failed; any thread */
    void *cookie;
} SsOutputParams;

enum { SS_WAITING_FRAMES = 3 }; /* in front of an output without patience */

typedef struct SsOutputClass {
    const char *name; /* "FILE.mp4" */
    bool (*claims)(const char *spec);
    /** Once a run, before any stream. */
    bool (*open)(SsOutput *o, GError **error);
    /** A floating bin or element with a pad "sink" for raw video, whose sinks neither sync nor preroll. */
    GstElement *(*stream)(SsOutput *o, guint index, const char *name, GError **error);
    /** Main thread, when the pipelines are playing; may be NULL. */
    void (*started)(SsOutput *o);
    /** Every stream has ended. Main thread; may be NULL. */
    void (*close)(SsOutput *o);
    GstClockTime patience; /* a frame may wait so long in front of it; 0 = SS_WAITING_FRAMES may */
} SsOutputClass;

struct SsOutput {
    const SsOutputClass *klass;
    char *spec;
    SsOutputParams params;
    void *priv;
};

/** Errors carry SsExit codes. */
SsOutput *ss_output_new(const char *spec, const SsOutputParams *params, GError **error);
/** A floating bin with a pad "sink": a queue named "queue", and the output behind it. */
GstElement *ss_output_stream(SsOutput *o, guint index, const char *name, GError **error);
/** Adds `path`, which `option` is about to write; fails where one of `files` is that very file. */
bool ss_claim_file(GPtrArray *files, const char *option, const char *path, GError **error);
void ss_output_started(SsOutput *o);
void ss_output_free(SsOutput *o);

extern const SsOutputClass ss_output_none, ss_output_file, ss_output_jsonl;
#ifdef SS_HAVE_WINDOW
extern const SsOutputClass ss_output_window;
/** Is there a display? Main thread. */
bool ss_output_window_possible(void);
#endif

#endif
