/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a run measures of one stream, by probes on the pads; and the JSON of --stats.
 * Times since start count from the start of the process.
 */
#ifndef SS_STATS_H
#define SS_STATS_H

#include <gst/gst.h>
#include <stdbool.h>

#include "core/histogram.h"

typedef struct SsMeter SsMeter;

/** Monotonic nanoseconds. */
gint64 ss_now(void);

/** `process_start`: ss_now() as main() began. */
SsMeter *ss_meter_new(gint64 process_start);
/** No pad of it carries data any more. */
void ss_meter_free(SsMeter *m);

/** Frames that come in, and the time they spend between these two pads (same thread). */
void ss_meter_watch_work(SsMeter *m, GstPad *first_sink, GstPad *last_src);
/** An output made by ss_output_stream(); the first one counts as "the" output. */
void ss_meter_watch_output(SsMeter *m, GstElement *output, const char *spec);

/** Numbers that others need too; any thread. */
typedef struct SsMeterReading {
    guint64 frames_in, frames_out;
    double fps_in, fps_out;                  /* 0 before the second frame */
    double first_frame_ms, first_objects_ms; /* negative: none yet */
    SsTimes interval, cost;                  /* ns */
} SsMeterReading;
void ss_meter_read(SsMeter *m, SsMeterReading *out);

/** Times of ssinfer's `stats` property: `name` is "inference", "take" or "age". */
void ss_stats_times(const GstStructure *stats, const char *name, SsTimes *out);
guint64 ss_stats_count(const GstStructure *stats, const char *name);

/** One element of "streams". `infer`: ssinfer's stats; NULL = there was no network. */
void ss_meter_json(SsMeter *m, GString *out, const char *name, const char *source, const GstStructure *infer);
/** An object {"p50":...}, each value divided by `unit`. */
void ss_stats_json_times(GString *out, const char *key, const SsTimes *t, double unit, bool mean);
/** rss_kb and threads of this process. */
void ss_stats_json_process(GString *out);

#endif
