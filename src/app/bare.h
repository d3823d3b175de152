/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The bare loop: the network as fast as it goes, with the same pre-processing, decoding and
 * priority as in an engine, but with no stream attached. The measure of what a stream costs the network.
 */
#ifndef SS_BARE_H
#define SS_BARE_H

#include "options.h"
#include "sidestream/engine.h"

typedef struct SsBare SsBare;

/** Decodes the first pictures of `source`, to feed the loop from. */
SsBare *ss_bare_new(const SsOptions *o, const char *source, GError **error);
/** Loads the model and starts looping; returns when the first inference is done. */
gboolean ss_bare_start(SsBare *b, GError **error);
/** Inferences so far. Any thread. */
guint64 ss_bare_count(const SsBare *b);
/** Of the network alone. */
void ss_bare_times(const SsBare *b, SsTimes *out);
void ss_bare_stop(SsBare *b);
void ss_bare_free(SsBare *b);

#endif
