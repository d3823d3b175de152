/* SPDX-License-Identifier: Apache-2.0 */
/** A SOURCE on its way through the network and the overlay to the outputs: one pipeline. */
#ifndef SS_APP_STREAM_H
#define SS_APP_STREAM_H

#include "io/output.h"
#include "io/source.h"
#include "io/stats.h"
#include "options.h"

typedef enum SsStreamEvent {
    SS_STREAM_ENDED,            /* every output has finished */
    SS_STREAM_FAILED,           /* with an error; its code is an SsExit. The outputs are not finished yet */
    SS_STREAM_STAND_IN_RUNNING, /* another device answers until the model's own is ready */
    SS_STREAM_MODEL_RUNNING,
    SS_STREAM_MODEL_FAILED, /* with an error */
    SS_STREAM_WARNED,       /* with an error; the stream goes on */
} SsStreamEvent;

typedef struct SsAppStream SsAppStream;

typedef struct SsStreamSetup {
    const SsOptions *options;
    const char *source;
    guint index;
    GPtrArray *outputs; /* SsOutput */
    gboolean infer;     /* FALSE: the same chain without network */
    /* Main thread. */
    void (*event)(void *cookie, SsAppStream *s, SsStreamEvent event, const GError *error);
    void *cookie;
} SsStreamSetup;

SsAppStream *ss_app_stream_new(const SsStreamSetup *setup, GError **error);
/** FALSE: it could not be opened, and SS_STREAM_FAILED has been told. */
gboolean ss_app_stream_start(SsAppStream *s);
/** SS_STREAM_FAILED if not one picture has come; it is told by itself some seconds after the start. */
void ss_app_stream_require_picture(SsAppStream *s);
/** Ends the video here and now; what is under way to the outputs is finished, then SS_STREAM_ENDED follows.
 */
void ss_app_stream_end(SsAppStream *s);
gboolean ss_app_stream_ended(const SsAppStream *s);
SsMeter *ss_app_stream_meter(SsAppStream *s);
/** ssinfer's statistics; NULL without network. (transfer full) */
GstStructure *ss_app_stream_infer_stats(SsAppStream *s);
const char *ss_app_stream_name(const SsAppStream *s);
void ss_app_stream_json(SsAppStream *s, GString *out);
/** Stops the pipeline: waits for an inference or load in progress. Any thread. */
void ss_app_stream_stop(SsAppStream *s);
/** It has been stopped, or never started. */
void ss_app_stream_free(SsAppStream *s);

#endif
