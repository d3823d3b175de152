/* SPDX-License-Identifier: Apache-2.0 */
/** The model that the command line names, run on one picture after another by whoever asks. */
#ifndef SS_NETWORK_H
#define SS_NETWORK_H

#include "options.h"
#include "sidestream/engine.h"

typedef struct SsNetwork SsNetwork;

/** Loads it. Used from the calling thread only, which gives way to others as an engine's worker does. Errors:
 * SS_EXIT_MODEL. */
SsNetwork *ss_network_open(const SsOptions *o, GError **error);
/**
 * Writes up to SS_MAX_OBJECTS detections of at least `threshold` (pixels of the frame) and returns their
 * count; negative: it failed (see ss_network_error()). `took`: ns of the network alone.
 */
int ss_network_look(SsNetwork *n, const SsFrameDesc *frame, float threshold, SsDetection *out, int64_t *took);
/** SS_EXIT_MODEL with the last line of the log. */
void ss_network_error(SsNetwork *n, GError **error);
void ss_network_close(SsNetwork *n);

#endif
