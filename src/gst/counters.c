/* SPDX-License-Identifier: Apache-2.0 */
#include "counters.h"

static void add_times(GstStructure *s, const char *name, const SsTimes *t)
{
    const struct {
        const char *suffix;
        gint64 value;
    } times[] = {
        { "p50", t->p50 }, { "p95", t->p95 }, { "p99", t->p99 }, { "max", t->max }, { "mean", t->mean }
    };
    char field[32];

    g_snprintf(field, sizeof field, "%s-count", name);
    gst_structure_set(s, field, G_TYPE_UINT64, (guint64)t->count, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(times); i++) {
        g_snprintf(field, sizeof field, "%s-%s", name, times[i].suffix);
        gst_structure_set(s, field, G_TYPE_INT64, times[i].value, NULL);
    }
}

GstStructure *ss_counters_structure(SsState state, const char *error, const SsStreamStats *st,
                                    guint64 frames_waited)
{
    GstStructure *s = gst_structure_new(
        "application/x-sidestream-stats", "state", G_TYPE_STRING, ss_state_name(state), "error",
        G_TYPE_STRING, error, "offered", G_TYPE_UINT64, (guint64)st->offered, "skipped", G_TYPE_UINT64,
        (guint64)st->skipped, "replaced", G_TYPE_UINT64, (guint64)st->replaced, "inferred", G_TYPE_UINT64,
        (guint64)st->inferred, "late", G_TYPE_UINT64, (guint64)st->late, "failed", G_TYPE_UINT64,
        (guint64)st->failed, "in-flight", G_TYPE_UINT64, (guint64)st->in_flight, "waits", G_TYPE_UINT64,
        (guint64)st->waits, "fetched", G_TYPE_UINT64, (guint64)st->fetched, "unseen", G_TYPE_UINT64,
        (guint64)st->unseen, "frames-waited", G_TYPE_UINT64, frames_waited, NULL);

    add_times(s, "inference", &st->inference);
    add_times(s, "take", &st->take);
    add_times(s, "age", &st->age);
    return s;
}
