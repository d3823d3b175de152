/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The names of the metadata's fields, made once. GLib turns a name into a quark under one lock for
 * the whole process: a dozen a box, ten boxes a frame, and streams whose frames come at the same
 * moment put one another to sleep.
 */
#ifndef SS_GST_QUARKS_H
#define SS_GST_QUARKS_H

#include <gst/gst.h>

typedef struct SsQuarks {
    GQuark detection, label_id, confidence, x_min, x_max, y_min, y_max, label;
    GQuark sidestream, source_pts, age, state;
    GQuark error, align, live, delay, silent, objects, interval, inference, preparing, frames, inferences;
} SsQuarks;

/** Constant after the first call. Thread: any. */
const SsQuarks *ss_quarks(void);

#endif
