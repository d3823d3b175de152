/* SPDX-License-Identifier: Apache-2.0 */
#include "between.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "assign.h"
#include "decode/decode.h"
#include "internal.h"

enum { SIDES = 2, FORWARD = 0, BACKWARD = 1 };

/* So many a side are followed by their pixels; all others go straight. */
enum { MOST_FOLLOWED = 64 };

/* Least mean overlap of the two that are one; the tracker's word counts for so much. */
static const float LEAST_OVERLAP = 0.3f, SAME_ID = 0.3f;
/* How fast a carried box becomes unsure: the variance grows with this power of the way. One whose pixels were
 * not found is as unsure as one so many times as far away. */
static const float GROWTH = 1.5f, LOST = 3;
/* Who was seen on one side only: believed so much at once, less by e after so many seconds. */
static const float ALONE = 0.5f, FADE = 0.3f;
/* A score there says how sure the place is, too: it falls with the standard deviation of the bridge (UNSURE,
 * a root of a second), with what the two sides' boxes do not overlap there (AGREED), and is less the
 * detector's own (SURE; all three are powers or factors by measurement, docs/performance.md). */
static const float UNSURE = 4, AGREED = 0.3f, SURE = 0.4f;
/* How much of one another hides that both sides saw. */
static const float HIDDEN = 0.8f;

typedef struct Place {
    SsPose pose;
    int lost; /* pictures since it was last found */
} Place;

struct SsBetween {
    SsSeen seen[SIDES];
    int pictures;
    int64_t pts[SS_MAX_BETWEEN];
    int partner[SIDES][SS_MAX_OBJECTS]; /* index on the other side; -1: alone */
    Place place[SIDES][SS_MAX_OBJECTS][SS_MAX_BETWEEN];
    float gain[SS_MAX_OBJECTS * SS_MAX_OBJECTS]; /* scratch */
};

int ss_between_create(SsBetween **out)
{
    /* A megabyte, of which only what is used costs memory. */
    *out = calloc(1, sizeof **out);
    return *out ? 0 : -ENOMEM;
}

void ss_between_destroy(SsBetween **b)
{
    free(*b);
    *b = NULL;
}

static SsPose centre_of(const SsBox *b)
{
    return (SsPose) { b->x + b->w / 2, b->y + b->h / 2, 1 };
}

static SsBox box_at(const SsObject *o, const SsPose *pose)
{
    const float w = o->box.w * pose->scale, h = o->box.h * pose->scale;

    return (SsBox) { pose->x - w / 2, pose->y - h / 2, w, h };
}

/** Pixels from picture to picture, as the tracker's word has it; 0 where it has none. */
static SsPose pace_of(const SsBetween *b, int side, int i)
{
    const SsObject *o = &b->seen[side].object[i];
    const SsSeen *other = &b->seen[!side];
    const float steps = (float)(b->pictures - 1);

    for (int k = 0; k < other->n && o->id != 0; k++)
        if (other->object[k].id == o->id) {
            const SsPose here = centre_of(&o->box), there = centre_of(&other->object[k].box);
            return (SsPose) { (there.x - here.x) / steps, (there.y - here.y) / steps, 1 };
        }
    return (SsPose) { 0, 0, 1 };
}

/** From where it was seen to the other end. */
static void walk(SsBetween *b, int side, int i, SsPicture *const *picture)
{
    const int n = b->pictures, first = side == FORWARD ? 0 : n - 1, step = side == FORWARD ? 1 : -1;
    const SsObject *o = &b->seen[side].object[i];
    Place *at = b->place[side][i];
    SsPose pace = pace_of(b, side, i);
    SsTemplate appearance;

    at[first] = (Place) { centre_of(&o->box), 0 };
    if (i < MOST_FOLLOWED)
        ss_template_take(&appearance, picture[first], &o->box);
    for (int k = first + step; k >= 0 && k < n; k += step) {
        const Place *before = &at[k - step];
        SsPose pose = { before->pose.x + pace.x, before->pose.y + pace.y, before->pose.scale };
        const bool found = i < MOST_FOLLOWED && ss_template_find(&appearance, picture[k], &pose);

        if (found && before->lost == 0) {
            pace.x += 0.5f * (pose.x - before->pose.x - pace.x);
            pace.y += 0.5f * (pose.y - before->pose.y - pace.y);
        }
        at[k] = (Place) { pose, found ? 0 : before->lost + 1 };
    }
}

/** How much speaks for one being the other: where each stands at the other's end. */
static float gain_of(const SsBetween *b, int i, int k)
{
    const SsObject *first = &b->seen[FORWARD].object[i], *last = &b->seen[BACKWARD].object[k];

    if (first->class_id != last->class_id)
        return 0;
    const SsBox forward = box_at(first, &b->place[FORWARD][i][b->pictures - 1].pose),
                backward = box_at(last, &b->place[BACKWARD][k][0].pose);
    const float overlap = 0.5f * (ss_iou(&forward, &last->box) + ss_iou(&backward, &first->box));
    const float gain = overlap + (first->id != 0 && first->id == last->id ? SAME_ID : 0);
    return gain >= LEAST_OVERLAP ? gain : 0;
}

static void find_partners(SsBetween *b)
{
    const int n = b->seen[FORWARD].n, m = b->seen[BACKWARD].n;

    for (int i = 0; i < n; i++)
        for (int k = 0; k < m; k++)
            b->gain[i * m + k] = gain_of(b, i, k);
    for (int k = 0; k < m; k++)
        b->partner[BACKWARD][k] = -1;
    ss_assign(b->gain, n, m, b->partner[FORWARD]);
    for (int i = 0; i < n; i++)
        if (b->partner[FORWARD][i] >= 0)
            b->partner[BACKWARD][b->partner[FORWARD][i]] = i;
}

void ss_between_set(SsBetween *b, const SsSeen *first, const SsSeen *last, SsPicture *const *picture, int n)
{
    b->seen[FORWARD] = *first;
    b->seen[BACKWARD] = *last;
    b->pictures = n;
    for (int i = 0; i < n; i++)
        b->pts[i] = picture[i]->pts;
    for (int side = 0; side < SIDES; side++)
        for (int i = 0; i < b->seen[side].n; i++)
            walk(b, side, i, picture);
    find_partners(b);
}

/* --- one picture --- */

/** Seconds from the picture to where that side saw. */
static float distance(const SsBetween *b, int side, int k)
{
    return fabsf((float)(b->pts[k] - b->seen[side].pts)) * 1e-9f;
}

static float mix(float a, float b, float share)
{
    return a + share * (b - a);
}

/** How far a side's word is to be trusted there: kriging with independent errors weighs by their variances.
 */
static float trust(const SsObject *o, const Place *p, float way)
{
    return o->score / powf(fmaxf(p->lost > 0 ? LOST * way : way, 1e-6f), GROWTH);
}

static SsObject of_both(const SsBetween *b, int i, int k)
{
    const int j = b->partner[FORWARD][i];
    const SsObject *first = &b->seen[FORWARD].object[i], *last = &b->seen[BACKWARD].object[j];
    const Place *p = &b->place[FORWARD][i][k], *q = &b->place[BACKWARD][j][k];
    const float since = distance(b, FORWARD, k), until = distance(b, BACKWARD, k);
    const float before = trust(first, p, since), after = trust(last, q, until);
    const float share = after / (before + after);
    const SsBox f = box_at(first, &p->pose), l = box_at(last, &q->pose);
    const float score = mix(first->score, last->score, since / (since + until));
    SsObject o = *first;

    o.id = first->id != 0 ? first->id : last->id;
    o.box =
        (SsBox) { mix(f.x, l.x, share), mix(f.y, l.y, share), mix(f.w, l.w, share), mix(f.h, l.h, share) };
    o.score = powf(score, SURE) * powf(ss_iou(&f, &l), AGREED) /
              (1 + UNSURE * sqrtf(since * until / (since + until)));
    o.state = p->lost > 0 && q->lost > 0 ? SS_PREDICTED : SS_TRACKED;
    return o;
}

static SsObject of_one(const SsBetween *b, int side, int i, int k)
{
    const Place *p = &b->place[side][i][k];
    SsObject o = b->seen[side].object[i];

    o.box = box_at(&o, &p->pose);
    o.score *= ALONE * expf(-distance(b, side, k) / FADE);
    o.state = p->lost > 0 ? SS_PREDICTED : SS_TRACKED;
    return o;
}

static bool is_hidden(const SsObject *o, const SsObject *by, int n)
{
    for (int i = 0; i < n; i++)
        if (by[i].class_id == o->class_id && ss_iou(&by[i].box, &o->box) > HIDDEN)
            return true;
    return false;
}

int ss_between_objects(const SsBetween *b, int k, float threshold, SsObject *out, int max)
{
    const SsSeen *first = &b->seen[FORWARD], *last = &b->seen[BACKWARD];
    int n = 0;

    for (int i = 0; i < first->n && n < max; i++) {
        const int j = b->partner[FORWARD][i];
        if (j >= 0 && SS_MAX(first->object[i].score, last->object[j].score) >= threshold)
            out[n++] = of_both(b, i, k);
    }
    const int both = n;
    for (int side = 0; side < SIDES; side++)
        for (int i = 0; i < b->seen[side].n && n < max; i++) {
            if (b->partner[side][i] >= 0 || b->seen[side].object[i].score < threshold)
                continue;
            out[n] = of_one(b, side, i, k);
            n += !is_hidden(&out[n], out, both);
        }
    return n;
}
