/* SPDX-License-Identifier: Apache-2.0 */
#include "tracker.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "decode/decode.h"
#include "internal.h"

enum { MAX_TRACKS = 2 * SS_MAX_OBJECTS };

typedef struct Track {
    uint64_t id;
    SsBox box; /* where it was seen last */
    int class_id;
    int64_t seen; /* pts of that */
} Track;

typedef struct Pair {
    float iou;
    int track, det;
} Pair;

struct SsTracker {
    SsTrackerParams params;
    uint64_t last_id;
    int n;
    Track track[MAX_TRACKS];
    Pair pair[MAX_TRACKS * SS_MAX_OBJECTS]; /* scratch */
};

int ss_tracker_create(SsTracker **out, const SsTrackerParams *p)
{
    SsTracker *t = calloc(1, sizeof *t);

    if (!t)
        return -ENOMEM;
    t->params = *p;
    if (t->params.match_iou <= 0)
        t->params.match_iou = 0.3f;
    if (t->params.max_lost <= 0)
        t->params.max_lost = 1000000000;
    *out = t;
    return 0;
}

static void forget_lost(SsTracker *t, int64_t pts)
{
    int kept = 0;

    for (int i = 0; i < t->n; i++)
        if (pts - t->track[i].seen <= t->params.max_lost)
            t->track[kept++] = t->track[i];
    t->n = kept;
}

/** Best overlap first; equal ones in order of age and score, so that runs repeat. */
static int compare_pairs(const void *a, const void *b)
{
    const Pair *p = a, *q = b;

    if (p->iou != q->iou)
        return p->iou > q->iou ? -1 : 1;
    if (p->track != q->track)
        return p->track - q->track;
    return p->det - q->det;
}

/** match[d] = index of the track that detection d continues, or -1. */
static void associate(SsTracker *t, const SsDetection *det, int n, int *match)
{
    bool taken[MAX_TRACKS] = { false };
    size_t pairs = 0;

    for (int d = 0; d < n; d++) {
        match[d] = -1;
        for (int i = 0; i < t->n; i++) {
            if (t->track[i].class_id != det[d].class_id)
                continue;
            float iou = ss_iou(&t->track[i].box, &det[d].box);
            if (iou >= t->params.match_iou)
                t->pair[pairs++] = (Pair) { iou, i, d };
        }
    }
    qsort(t->pair, pairs, sizeof t->pair[0], compare_pairs);
    for (size_t i = 0; i < pairs; i++) {
        const Pair *p = &t->pair[i];
        if (taken[p->track] || match[p->det] >= 0)
            continue;
        taken[p->track] = true;
        match[p->det] = p->track;
    }
}

/** The slot for a new track: a free one, else that of the track unseen for longest. */
static Track *new_track(SsTracker *t)
{
    int oldest = 0;

    if (t->n < MAX_TRACKS)
        return &t->track[t->n++];
    for (int i = 1; i < t->n; i++)
        if (t->track[i].seen < t->track[oldest].seen)
            oldest = i;
    return &t->track[oldest];
}

int ss_tracker_update(SsTracker *t, int64_t pts, const SsDetection *det, int n, SsObject *out)
{
    int match[SS_MAX_OBJECTS];

    n = SS_MIN(n, SS_MAX_OBJECTS);
    forget_lost(t, pts);
    associate(t, det, n, match);
    /* First the tracks that go on, so that a new one cannot take their place. */
    for (int d = 0; d < n; d++) {
        if (match[d] < 0)
            continue;
        t->track[match[d]].box = det[d].box;
        t->track[match[d]].seen = pts;
    }
    for (int d = 0; d < n; d++) {
        Track *k = match[d] >= 0 ? &t->track[match[d]] : new_track(t);
        if (match[d] < 0)
            *k = (Track) { ++t->last_id, det[d].box, det[d].class_id, pts };
        out[d] = (SsObject) { k->id, det[d].box, det[d].score, det[d].class_id, SS_MEASURED, pts };
    }
    return n;
}

void ss_tracker_reset(SsTracker *t)
{
    t->n = 0;
}

void ss_tracker_destroy(SsTracker **t)
{
    free(*t);
    *t = NULL;
}

const char *ss_object_state_name(SsObjectState state)
{
    static const char *const name[] = { "measured", "held", "tracked", "predicted" };

    return (unsigned)state < SS_COUNTOF(name) ? name[state] : "unknown";
}
