/* SPDX-License-Identifier: Apache-2.0 */
#include "scene.h"

#include <math.h>

#include "internal.h"

/* How much of a new displacement enters the velocity. */
static const float NEW_VELOCITY = 0.5f;
/* A detector's whim lasts: what a box was off from the object's own course fades over so many seconds, as
 * measured on the demo's clip (the error of a carried box grows for three frames and then no more). */
static const float FADE[4] = { 0.1f, 0.133f, 0.1f, 0.133f };

static SsBox box_at(const SsMoving *m, const float off[4])
{
    const float w = m->width * m->pose.scale + off[2], h = m->height * m->pose.scale + off[3];

    return (SsBox) { m->pose.x + off[0] - w / 2, m->pose.y + off[1] - h / 2, w, h };
}

static void walk(SsMoving *m, const SsTemplate *appearance, const SsPicture *to, float dt)
{
    SsPose pose = { m->pose.x + m->vx * dt, m->pose.y + m->vy * dt, m->pose.scale };

    m->lost = !appearance || !ss_template_find(appearance, to, &pose);
    if (!m->lost && dt > 0) {
        m->vx += NEW_VELOCITY * ((pose.x - m->pose.x) / dt - m->vx);
        m->vy += NEW_VELOCITY * ((pose.y - m->pose.y) / dt - m->vy);
    }
    m->pose = pose;
}

void ss_scene_walk(SsScene *s, const SsPicture *to)
{
    const float dt = (float)(to->pts - s->pts) * 1e-9f;

    for (int i = 0; i < s->n; i++) {
        SsMoving *m = &s->moving[i];
        walk(m, m->appearance >= 0 ? &s->appearance[m->appearance] : NULL, to, dt);
    }
    s->pts = to->pts;
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

    if (to->appearances == SS_MAX_FOLLOWED || (!seen && (!before || before->appearance < 0)))
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

static void add(SsScene *to, const SsScene *from, const SsTracker *t, const SsPicture *picture,
                const SsObject *o)
{
    const SsMoving *before = moving_of(from, o->id);
    SsMoving *m = &to->moving[to->n++];
    SsBox filtered = o->box;

    ss_tracker_filtered(t, o->id, &filtered);
    *m = (SsMoving) { .object = *o, .width = filtered.w, .height = filtered.h, .appearance = -1 };
    m->pose = (SsPose) { filtered.x + filtered.w / 2, filtered.y + filtered.h / 2, 1 };
    if (o->state == SS_MEASURED) {
        m->off[0] = o->box.x + o->box.w / 2 - m->pose.x;
        m->off[1] = o->box.y + o->box.h / 2 - m->pose.y;
        m->off[2] = o->box.w - filtered.w;
        m->off[3] = o->box.h - filtered.h;
    }
    if (before) {
        m->vx = before->vx;
        m->vy = before->vy;
        m->lost = before->lost && o->state != SS_MEASURED;
    }
    keep_appearance(to, m, from, before, picture, &filtered);
}

void ss_scene_update(SsScene *to, const SsScene *from, SsTracker *t, const SsPicture *picture,
                     const SsDetection *det, int n)
{
    static const float course[4] = { 0 };
    SsObject object[SS_MAX_OBJECTS];

    ss_tracker_predict(t, picture->pts);
    for (int i = 0; i < from->n; i++) {
        const SsBox box = box_at(&from->moving[i], course);
        ss_tracker_expect(t, from->moving[i].object.id, &box);
    }
    n = ss_tracker_update(t, picture->pts, det, n, object);
    to->pts = to->source_pts = picture->pts;
    to->n = to->appearances = 0;
    for (int i = 0; i < n; i++)
        add(to, from, t, picture, &object[i]);
}

int ss_scene_objects(const SsScene *s, SsObject *out, int max)
{
    const float age = (float)(s->pts - s->source_pts) * 1e-9f;
    const int n = SS_MIN(s->n, max);

    for (int i = 0; i < n; i++) {
        const SsMoving *m = &s->moving[i];
        float off[4];

        for (int k = 0; k < 4; k++)
            off[k] = m->off[k] * expf(-powf(age / FADE[k], 1.5f));
        out[i] = m->object;
        out[i].box = box_at(m, off);
        if (m->lost)
            out[i].state = SS_PREDICTED;
        else if (age > 0 || m->object.state != SS_MEASURED)
            out[i].state = SS_TRACKED;
    }
    return n;
}
