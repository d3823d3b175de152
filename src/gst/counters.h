/* SPDX-License-Identifier: Apache-2.0 */
/** The statistics of a stream as a structure, for the property `stats`. */
#ifndef SS_GST_COUNTERS_H
#define SS_GST_COUNTERS_H

#include <gst/gst.h>

#include "sidestream/engine.h"

/** (transfer full) */
GstStructure *ss_counters_structure(SsState state, const char *error, const SsStreamStats *st,
                                    guint64 frames_waited);

#endif
