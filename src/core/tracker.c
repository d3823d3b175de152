/* SPDX-License-Identifier: Apache-2.0 */
#include "tracker.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "assign.h"
#include "decode/decode.h"
#include "internal.h"
#include "kalman.h"

enum { MAX_TRACKS = 2 * SS_MAX_OBJECTS };
_Static_assert((int)MAX_TRACKS <= (int)SS_MAX_ASSIGN, "every track may be a column");

/* What the filters follow: the centre and the size. */
enum { CX, CY, W, H, AXES };

/* Parts of the box's size: what a detector's box trembles by, and for each axis how fast objects are, how
 * much faster in a second. By measurement (bench/tracker.py); half or twice of each is little worse. */
static const float SEEN = 0.07f, SPEED[AXES] = { 1, 1, 0.2f, 0.2f }, PUSH[AXES] = { 0.7f, 0.7f, 0.3f, 0.3f };
/* For the faint ones; and how far apart centres may be, in parts of the size. */
static const float FAINT_IOU = 0.5f, NEAR = 0.4f;
/* Of objects followed through pictures: how unsure their place and their velocity are, what overlap with the
 * place means astray, how much of a new score counts; of those that are missed: what is left of the score,
 * and how often. */
static const float CARRIED = 0.06f, PACE = 0.2f, ASTRAY_IOU = 0.6f, SCORE = 0.8f, MISSED = 0.5f;
enum { MOST_MISSES = 2 };
/* A detection this much larger or smaller is another object. */
static const float SIZE_GATE = 2.5f;

typedef struct Track {
    uint64_t id;
    SsKalman axis[AXES]; /* at the pts of the newest update */
    SsKalman kept[AXES]; /* the same without what pictures said of it when it did not look like itself */
    SsBox predicted;     /* there, before that update's detections */
    float score;
    int class_id;
    int hits;     /* detections so far; of an object that was there at the start, enough */
    int misses;   /* updates without one since */
    bool carried; /* the pictures say where it is expected, */
    bool doubted; /* but it does not look like itself there */
    int64_t seen; /* pts of the last */
} Track;

struct SsTracker {
    SsTrackerParams params;
    uint64_t last_id;
    int64_t pts;    /* of the newest update, or what follows it was predicted for */
    bool predicted; /* since that update */
    int n;
    Track track[MAX_TRACKS];
    float gain[SS_MAX_OBJECTS * MAX_TRACKS]; /* scratch */
};

int ss_tracker_create(SsTracker **out, const SsTrackerParams *p)
{
    SsTracker *t = calloc(1, sizeof *t);

    if (!t)
        return -ENOMEM;
    t->params = *p;
    if (t->params.match_iou <= 0)
        t->params.match_iou = 0.2f;
    if (t->params.max_lost <= 0)
        t->params.max_lost = 2000000000;
    *out = t;
    return 0;
}

static float size_of(const SsBox *b)
{
    return fmaxf(sqrtf(b->w * b->h), 1);
}

static SsBox box_of(const SsKalman axis[AXES])
{
    const float w = fmaxf(axis[W].p, 1), h = fmaxf(axis[H].p, 1);

    return (SsBox) { axis[CX].p - w / 2, axis[CY].p - h / 2, w, h };
}

static void axes_of(const SsBox *b, float at[AXES])
{
    at[CX] = b->x + b->w / 2;
    at[CY] = b->y + b->h / 2;
    at[W] = b->w;
    at[H] = b->h;
}

static void start(Track *k, uint64_t id, const SsDetection *d, int64_t pts)
{
    const float size = size_of(&d->box);
    float at[AXES];

    *k = (Track) {
        .id = id, .predicted = d->box, .score = d->score, .class_id = d->class_id, .hits = 1, .seen = pts
    };
    axes_of(&d->box, at);
    for (int i = 0; i < AXES; i++)
        ss_kalman_init(&k->axis[i], at[i], SEEN * size, SPEED[i] * size);
    memcpy(k->kept, k->axis, sizeof k->kept);
}

static void predict(Track *k, float dt)
{
    const SsBox last = box_of(k->axis);
    const float size = size_of(&last);

    for (int i = 0; i < AXES; i++) {
        ss_kalman_predict(&k->axis[i], dt, PUSH[i] * size);
        ss_kalman_predict(&k->kept[i], dt, PUSH[i] * size);
    }
    k->predicted = box_of(k->axis);
    k->carried = k->doubted = false;
}

/** Somebody else knows where it is, and how well. What tied the place to the velocity says nothing of this
 * one; kept, it would soon be more than both doubts allow, and the filter's steps without bound. */
static void place(Track *k, const SsBox *box, float doubt)
{
    float at[AXES];

    axes_of(box, at);
    for (int i = 0; i < AXES; i++) {
        k->axis[i].p = at[i];
        k->axis[i].pp = doubt * doubt;
        k->axis[i].pv = 0;
    }
}

static void go_on(Track *k, const SsDetection *d, int64_t pts)
{
    const float doubt = SEEN * size_of(&d->box);
    float at[AXES];

    /* What was expected by pictures and is hardly there jumped, or something else was followed. */
    if (k->carried && ss_iou(&k->predicted, &d->box) < ASTRAY_IOU)
        place(k, &d->box, doubt);
    axes_of(&d->box, at);
    for (int i = 0; i < AXES; i++) {
        ss_kalman_correct(&k->axis[i], at[i], doubt);
        ss_kalman_correct(&k->kept[i], at[i], doubt);
    }
    k->score += (k->carried ? SCORE : 1) * (d->score - k->score);
    k->misses = 0;
    k->hits++;
    k->seen = pts;
}

static void miss(Track *k)
{
    k->misses++;
    k->score *= MISSED;
    if (k->doubted && k->misses > MOST_MISSES) /* it is hidden, and something else was followed */
        memcpy(k->axis, k->kept, sizeof k->axis);
}

/** Time passes for all tracks; who has been lost for too long, or was seen but once by chance, is forgotten.
 */
void ss_tracker_predict(SsTracker *t, int64_t pts)
{
    int kept = 0;

    if (t->predicted && pts == t->pts)
        return;
    t->predicted = true;

    for (int i = 0; i < t->n; i++) {
        Track *k = &t->track[i];
        const bool unsure = k->hits < t->params.confirm && k->seen < t->pts;

        if (unsure || pts - k->seen > t->params.max_lost)
            continue;
        predict(k, (float)(pts - t->pts) * 1e-9f);
        t->track[kept++] = *k;
    }
    t->n = kept;
    t->pts = pts;
}

/* --- association, in three passes --- */

typedef struct Pass {
    float least_iou; /* 0: by the distance of the centres instead, in parts of the size */
    bool sure;       /* detections that may start a track, or those that may not */
} Pass;

static bool alike(const Track *k, const SsDetection *d)
{
    const float track = size_of(&k->predicted), seen = size_of(&d->box);

    return k->class_id == d->class_id && track < SIZE_GATE * seen && seen < SIZE_GATE * track;
}

/** How well the detection continues the track; 0: not at all. */
static float gain_of(const Pass *pass, const Track *k, const SsDetection *d)
{
    const SsBox *a = &k->predicted, *b = &d->box;

    if (!alike(k, d))
        return 0;
    if (pass->least_iou > 0) {
        const float iou = ss_iou(a, b);
        return iou >= pass->least_iou ? iou : 0;
    }
    const float dx = a->x + a->w / 2 - b->x - b->w / 2, dy = a->y + a->h / 2 - b->y - b->h / 2;
    return fmaxf(0, 1 - sqrtf(dx * dx + dy * dy) / (NEAR * fminf(size_of(a), size_of(b))));
}

/** match[d] = index of the track that detection d continues, -1: none. */
static void associate(SsTracker *t, const Pass *pass, const SsDetection *det, int n, int *match)
{
    int free_det[SS_MAX_OBJECTS], free_track[MAX_TRACKS], pair[SS_MAX_OBJECTS], dets = 0, tracks = 0;
    bool taken[MAX_TRACKS] = { false };

    for (int d = 0; d < n; d++)
        if (match[d] >= 0)
            taken[match[d]] = true;
        else if ((det[d].score >= t->params.start_score) == pass->sure)
            free_det[dets++] = d;
    for (int i = 0; i < t->n; i++)
        if (!taken[i])
            free_track[tracks++] = i;
    for (int d = 0; d < dets; d++)
        for (int i = 0; i < tracks; i++)
            t->gain[d * tracks + i] = gain_of(pass, &t->track[free_track[i]], &det[free_det[d]]);
    ss_assign(t->gain, dets, tracks, pair);
    for (int d = 0; d < dets; d++)
        if (pair[d] >= 0)
            match[free_det[d]] = free_track[pair[d]];
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

static SsObject object_of(const Track *k, SsBox box, SsObjectState state)
{
    return (SsObject) { k->id, box, k->score, k->class_id, state, k->seen };
}

/** The tracks that nobody saw this time, for a while: where they should be by now. */
static int add_coasting(const SsTracker *t, SsObject *out, int n)
{
    for (int i = 0; i < t->n && n < SS_MAX_OBJECTS; i++) {
        const Track *k = &t->track[i];

        if (k->misses > 0 && k->misses <= MOST_MISSES && k->hits >= t->params.confirm &&
            t->pts - k->seen <= t->params.coast)
            out[n++] = object_of(k, k->predicted, SS_PREDICTED);
    }
    return n;
}

int ss_tracker_update(SsTracker *t, int64_t pts, const SsDetection *det, int n, SsObject *out)
{
    /* ByteTrack's order: who is surely there first, then the faint ones to continue what is left. */
    const Pass passes[] = { { t->params.match_iou, true }, { 0, true }, { FAINT_IOU, false } };
    const bool first = t->last_id == 0; /* who is there then has not just appeared */
    int match[SS_MAX_OBJECTS], shown = 0;

    n = SS_MIN(n, SS_MAX_OBJECTS);
    ss_tracker_predict(t, pts);
    t->predicted = false;
    for (int d = 0; d < n; d++)
        match[d] = -1;
    for (size_t i = 0; i < SS_COUNTOF(passes); i++)
        associate(t, &passes[i], det, n, match);
    /* First the tracks that go on, so that a new one cannot take their place. */
    for (int d = 0; d < n; d++)
        if (match[d] >= 0)
            go_on(&t->track[match[d]], &det[d], pts);
    for (int d = 0; d < n; d++) {
        if (match[d] < 0 && det[d].score < t->params.start_score)
            continue;
        Track *k = match[d] >= 0 ? &t->track[match[d]] : new_track(t);
        if (match[d] < 0)
            start(k, ++t->last_id, &det[d], pts);
        if (first)
            k->hits = SS_MAX(k->hits, t->params.confirm);
        if (k->hits >= t->params.confirm)
            out[shown++] = object_of(k, t->params.smooth ? box_of(k->axis) : det[d].box, SS_MEASURED);
    }
    for (int i = 0; i < t->n; i++)
        if (t->track[i].seen < pts)
            miss(&t->track[i]);
    return add_coasting(t, out, shown);
}

static Track *track_of(SsTracker *t, uint64_t id)
{
    for (int i = 0; i < t->n; i++)
        if (t->track[i].id == id)
            return &t->track[i];
    return NULL;
}

void ss_tracker_expect(SsTracker *t, uint64_t id, const SsBox *box, float vx, float vy, bool alike)
{
    const float v[AXES] = { [CX] = vx, [CY] = vy }, doubt = PACE * size_of(box);
    Track *k = track_of(t, id);

    if (!k)
        return;
    /* Of one that was seen but once, the detection itself is what one is least sure of. */
    place(k, box, (k->hits == 1 ? SEEN : CARRIED) * size_of(box));
    for (int i = 0; i < AXES; i++) {
        k->axis[i].v = v[i];
        k->axis[i].vv = doubt * doubt;
    }
    k->predicted = *box;
    k->carried = true;
    k->doubted = !alike;
    if (alike)
        memcpy(k->kept, k->axis, sizeof k->kept);
}

bool ss_tracker_filtered(const SsTracker *t, uint64_t id, SsBox *box, float *vx, float *vy)
{
    const Track *k = track_of((SsTracker *)t, id);

    if (!k)
        return false;
    *box = box_of(k->axis);
    *vx = k->axis[CX].v;
    *vy = k->axis[CY].v;
    return true;
}

void ss_tracker_reset(SsTracker *t)
{
    t->n = 0;
    t->predicted = false;
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
