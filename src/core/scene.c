/* SPDX-License-Identifier: Apache-2.0 */
#include "scene.h"

#include <math.h>
#include <string.h>

#include "decode/decode.h"
#include "internal.h"

/* How much of a new displacement enters the velocity, where what is found looks like what was seen. */
static const float NEW_VELOCITY = 0.5f;
/* It does up to here (SsPose.unlike). Whoever does not, and looks less like itself than one that covers so
 * much of it, by this factor, is behind that one. */
static const float ALIKE = 0.65f, COVERED = 0.4f, FRONT = 0.4f;
/* Up to here it is surely the object that is found, not what has come before it. */
static const float SAME = 0.4f;
/* How much two objects of a class overlap that are one. */
static const float GHOST = 0.6f;
/* A detector's whim lasts: what a box was off from the object's own course fades over so many seconds, as
 * measured on the demo's clip (the error of a carried box grows for three frames and then no more). */
static const float FADE[SS_TARGETS] = { 0.1f, 0.133f, 0.1f, 0.133f };

/* How sure a box is falls as its object goes on unseen by the network: to 1/e in so many seconds; and the
 * less what is found there looks like it, the more: by e to so many times the difference. Whose pixels are
 * lost has this much left. Two that overlap are taken for one another, or hide one another: each loses this
 * part of how much they do. By measurement (docs/performance.md). */
static const float SURE = 1, UNLIKE = 0.7f, LOST = 0.5f, CROWD = 0.35f;

/* ns: an object by its velocity, and against the others, where caches are cold (docs/performance.md). */
static const int64_t IN_ANY_CASE = 100;

static const float course[SS_TARGETS]; /* nothing off */

static SsBox box_at(const SsMoving *m, const float off[SS_TARGETS])
{
    const float w = m->width * m->pose.scale + off[2], h = m->height * m->pose.scale + off[3];

    return (SsBox) { m->pose.x + off[0] - w / 2, m->pose.y + off[1] - h / 2, w, h };
}

/** `appearance` NULL: by velocity. */
static void walk(SsMoving *m, const SsTemplate *appearance, const SsPicture *to, float dt)
{
    SsPose pose = { m->pose.x + m->vx * dt, m->pose.y + m->vy * dt, m->pose.scale };

    m->lost = !appearance || !ss_template_find(appearance, to, &pose);
    if (!m->lost && dt > 0) {
        const float news = NEW_VELOCITY * (1 - pose.unlike); /* half of another thing tells but half */

        m->vx += news * ((pose.x - m->pose.x) / dt - m->vx);
        m->vy += news * ((pose.y - m->pose.y) / dt - m->vy);
        m->paced = true;
    }
    m->pose = pose;
}

/** The part of `a` that lies in `b`. */
static float covered_by(const SsBox *a, const SsBox *b)
{
    const float w = fminf(a->x + a->w, b->x + b->w) - fmaxf(a->x, b->x),
                h = fminf(a->y + a->h, b->y + b->h) - fmaxf(a->y, b->y);

    return w > 0 && h > 0 ? w * h / (a->w * a->h) : 0;
}

/** What was found is the one that hides it, more likely. */
static bool is_behind_another(const SsScene *s, const SsMoving *m)
{
    const SsBox box = box_at(m, course);

    if (m->lost || m->pose.unlike < ALIKE)
        return false;
    for (int i = 0; i < s->n; i++) {
        const SsMoving *o = &s->moving[i];
        const SsBox front = box_at(o, course);

        if (o != m && !o->lost && o->pose.unlike < FRONT * m->pose.unlike &&
            covered_by(&box, &front) > COVERED)
            return true;
    }
    return false;
}

/** Where a walk begins. */
typedef struct Start {
    SsPose pose;
    float vx, vy;
} Start;

/** What was found is forgotten. */
static void go_straight(SsMoving *m, const Start *from, float dt)
{
    m->pose = from->pose;
    m->vx = from->vx;
    m->vy = from->vy;
    walk(m, NULL, NULL, dt);
}

/** Whether to look for one more of `n`. What each costs in any case is kept back of the time there is. */
static bool in_time(const SsBudget *budget, int n)
{
    return !budget || budget->now() < budget->end - n * IN_ANY_CASE;
}

void ss_scene_walk(SsScene *s, const SsPicture *to, const SsBudget *budget)
{
    const float dt = (float)(to->pts - s->pts) * 1e-9f;
    const int first = s->n > 0 ? s->turn % s->n : 0;
    int without = -1; /* the first that time did not reach */
    Start start[SS_MAX_OBJECTS];

    for (int i = 0; i < s->n; i++) {
        const int k = (first + i) % s->n;
        SsMoving *m = &s->moving[k];
        const bool can = m->appearance >= 0, look = can && without < 0 && in_time(budget, s->n);

        if (can && !look && without < 0)
            without = k;
        start[k] = (Start) { m->pose, m->vx, m->vy };
        walk(m, look ? &s->appearance[m->appearance] : NULL, to, dt);
    }
    for (int i = 0; i < s->n; i++) {
        SsMoving *m = &s->moving[i];

        if (is_behind_another(s, m))
            go_straight(m, &start[i], dt);
        if (!m->lost)
            m->found = to->pts;
    }
    if (without >= 0)
        s->turn = without;
    s->pts = to->pts;
}

static void drift(SsScene *s, int64_t pts)
{
    for (int i = 0; i < s->n; i++)
        walk(&s->moving[i], NULL, NULL, (float)(pts - s->pts) * 1e-9f);
    s->pts = pts;
}

static void step(SsPicture **at, SsPicture *to)
{
    SsPicture *from = *at;

    *at = ss_picture_ref(to); /* first: who lets go of `from` may let go of `to` */
    ss_picture_unref(&from);
}

void ss_scene_walk_to(SsScene *s, SsPicture **at, SsPicture *to, const SsBudget *budget)
{
    SsPicture *next;

    if (to && !ss_picture_leads_to(*at, to)) {
        drift(s, to->pts);
        step(at, to);
    }
    while (*at != to && (next = ss_picture_next(*at))) {
        ss_scene_walk(s, next, budget);
        step(at, next);
    }
}

static const SsMoving *moving_of(const SsScene *s, uint64_t id)
{
    for (int i = 0; i < s->n; i++)
        if (s->moving[i].object.id == id)
            return &s->moving[i];
    return NULL;
}

/** The object's template for the walk that begins: what it looks like now, or did when it was last seen. */
static void keep_appearance(SsScene *to, SsMoving *m, const SsScene *from, const SsMoving *before,
                            const SsPicture *picture, const SsBox *filtered)
{
    const bool seen = m->object.state == SS_MEASURED;

    if (!picture || to->appearances == SS_MAX_FOLLOWED || (!seen && (!before || before->appearance < 0)))
        return;
    m->appearance = to->appearances++;
    if (seen) {
        ss_template_take(&to->appearance[m->appearance], picture, filtered);
        return;
    }
    to->appearance[m->appearance] = from->appearance[before->appearance];
    m->pose = before->pose;
    m->width = before->width;
    m->height = before->height;
}

/** By how much the picture says that the detector's box would be off the course. */
static void explain(const SsMoving *m, const SsWeights *w, const SsPicture *picture, float off[SS_TARGETS])
{
    const SsBox box = box_at(m, course);
    SsFeatures f;

    ss_features_of(&f, picture, &box);
    ss_weights_apply(w, m->object.class_id, &f, &box, off);
}

/** From those that were carried to the picture where the network has now seen them. */
static void learn(SsRegression *r, const SsScene *from, const SsPicture *picture, const SsObject *object,
                  int n)
{
    for (int i = 0; i < n; i++) {
        const SsMoving *m = object[i].state == SS_MEASURED ? moving_of(from, object[i].id) : NULL;

        if (!m || m->lost)
            continue;
        const SsBox box = box_at(m, course);
        SsFeatures f;
        ss_features_of(&f, picture, &box);
        ss_regression_learn(r, object[i].class_id, &f, &box, &object[i].box);
    }
}

static void add(SsScene *to, const SsScene *from, const SsTracker *t, const SsPicture *picture,
                const SsObject *o)
{
    const bool seen = o->state == SS_MEASURED;
    const SsMoving *before = moving_of(from, o->id);
    SsMoving *m = &to->moving[to->n++];
    SsBox filtered = o->box;
    float vx = 0, vy = 0;

    ss_tracker_filtered(t, o->id, &filtered, &vx, &vy);
    *m = (SsMoving) {
        .object = *o, .width = filtered.w, .height = filtered.h, .vx = vx, .vy = vy, .appearance = -1
    };
    m->pose = (SsPose) { filtered.x + filtered.w / 2, filtered.y + filtered.h / 2, 1 };
    if (seen) {
        m->off[0] = o->box.x + o->box.w / 2 - m->pose.x;
        m->off[1] = o->box.y + o->box.h / 2 - m->pose.y;
        m->off[2] = o->box.w - filtered.w;
        m->off[3] = o->box.h - filtered.h;
    }
    if (before && before->paced) {
        m->paced = true;
        m->vx = before->vx;
        m->vy = before->vy;
    }
    m->lost = before && before->lost && !seen;
    m->found = seen || !before ? o->source_pts : before->found;
    keep_appearance(to, m, from, before, picture, &filtered);
    if (seen && picture)
        explain(m, &to->weights, picture, m->explained);
}

/** Missed, where another of its kind was seen: more likely the same one than one behind it. */
static bool is_ghost(const SsObject *object, int i)
{
    if (object[i].state == SS_MEASURED)
        return false;
    for (int k = 0; k < i; k++)
        if (object[k].state == SS_MEASURED && object[k].class_id == object[i].class_id &&
            ss_iou(&object[k].box, &object[i].box) > GHOST)
            return true;
    return false;
}

void ss_scene_update(SsScene *to, const SsScene *from, const SsLearners *l, int64_t pts,
                     const SsPicture *picture, const SsDetection *det, int n)
{
    const bool met = from->pts == pts;
    SsObject object[SS_MAX_OBJECTS];
    SsTracker *t = l->tracker;

    ss_tracker_predict(t, pts);
    for (int i = 0; i < from->n && met; i++) {
        const SsMoving *m = &from->moving[i];
        const SsBox box = box_at(m, course);

        if (m->paced) /* else the filter's velocity is the better one */
            ss_tracker_expect(t, m->object.id, &box, m->vx, m->vy, !m->lost && m->pose.unlike < SAME);
    }
    n = ss_tracker_update(t, pts, det, n, object);
    if (met && picture)
        learn(l->regression, from, picture, object, n);
    to->pts = to->source_pts = pts;
    to->weights = *ss_regression_weights(l->regression);
    ss_scene_clear(to);
    for (int i = 0; i < n; i++)
        if (!is_ghost(object, i))
            add(to, from, t, picture, &object[i]);
}

/** What the detector would now be off: what is explained, by the picture of now; of the rest, what has not
 * faded yet. */
static void off_now(const SsMoving *m, const SsWeights *w, const SsPicture *picture,
                    const float left[SS_TARGETS], float off[SS_TARGETS])
{
    float explained[SS_TARGETS] = { 0 };

    if (picture)
        explain(m, w, picture, explained);
    for (int k = 0; k < SS_TARGETS; k++)
        off[k] = explained[k] + (m->off[k] - (picture ? m->explained[k] : 0)) * left[k];
}

/** Who stand in one another's way are each less sure. As many as are followed by their pixels: it is each
 * with each. */
static void doubt_crowds(SsObject *object, int n)
{
    float crowd[SS_MAX_FOLLOWED] = { 0 };

    n = SS_MIN(n, SS_MAX_FOLLOWED);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++) {
            const SsBox *a = &object[i].box, *b = &object[k].box;

            if (a->x >= b->x + b->w || b->x >= a->x + a->w || a->y >= b->y + b->h || b->y >= a->y + a->h ||
                object[i].class_id != object[k].class_id)
                continue; /* most of them */
            const float overlap = ss_iou(a, b);
            crowd[i] = SS_MAX(crowd[i], overlap);
            crowd[k] = SS_MAX(crowd[k], overlap);
        }
    for (int i = 0; i < n; i++)
        object[i].score *= 1 - CROWD * crowd[i];
}

int ss_scene_objects(const SsScene *s, const SsPicture *picture, int64_t max_lost, const SsBudget *budget,
                     SsObject *out, int max)
{
    const float age = fmaxf((float)(s->pts - s->source_pts) * 1e-9f, 0); /* if it was walked back */
    const float sure = expf(-age / SURE);
    float left[SS_TARGETS], off[SS_TARGETS];
    int n = 0;

    for (int k = 0; k < SS_TARGETS; k++)
        left[k] = expf(-powf(age / FADE[k], 1.5f));
    for (int i = 0; i < s->n && n < max; i++) {
        const SsMoving *m = &s->moving[i];
        SsObject *o = &out[n];

        if (m->lost && s->pts - m->found > max_lost)
            continue;
        off_now(m, &s->weights, m->lost || !in_time(budget, s->n) ? NULL : picture, left, off);
        *o = m->object;
        o->box = box_at(m, off);
        o->score *= sure * (m->lost ? LOST : expf(-UNLIKE * m->pose.unlike));
        if (m->lost)
            o->state = SS_PREDICTED;
        else if (age > 0 || m->object.state != SS_MEASURED)
            o->state = SS_TRACKED;
        n++;
    }
    if (age > 0)
        doubt_crowds(out, n);
    return n;
}

void ss_scene_copy(SsScene *to, const SsScene *from)
{
    to->pts = from->pts;
    to->source_pts = from->source_pts;
    to->n = from->n;
    to->appearances = from->appearances;
    to->turn = from->turn;
    to->weights = from->weights;
    memcpy(to->moving, from->moving, (size_t)from->n * sizeof *to->moving);
    memcpy(to->appearance, from->appearance, (size_t)from->appearances * sizeof *to->appearance);
}

void ss_scene_clear(SsScene *s)
{
    s->n = s->appearances = s->turn = 0;
}
