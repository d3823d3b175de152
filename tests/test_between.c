/* SPDX-License-Identifier: Apache-2.0 */
/** A drawn object, seen in the first and the last of seven pictures; between them it is where it was drawn.
 */
#include "core/between.h"

#include "drawn.h"
#include "test.h"

enum { PICTURES = 7, LAST = PICTURES - 1 };

static const int64_t FRAME = 1000000000 / 30;
static const float THRESHOLD = 0.3f;

typedef struct Walk {
    SsAlbum *album;
    SsPicture *picture[PICTURES];
    Drawn truth[PICTURES];
    SsSeen first, last;
    SsBetween *between;
} Walk;

/** The object goes `step` pixels a picture; nobody has seen it yet. */
static Walk *walk_new(float step)
{
    Walk *w = calloc(1, sizeof *w);

    REQUIRE(w && ss_album_create(&w->album, 100) == 0 && ss_between_create(&w->between) == 0);
    for (int i = 0; i < PICTURES; i++) {
        w->truth[i] = middle;
        w->truth[i].x += step * (float)i;
        w->picture[i] = draw(w->album, &w->truth[i], i * FRAME);
    }
    w->last.pts = LAST * FRAME;
    return w;
}

static void walk_free(Walk *w)
{
    for (int i = 0; i < PICTURES; i++)
        ss_picture_unref(&w->picture[i]);
    ss_between_destroy(&w->between);
    ss_album_destroy(&w->album);
    free(w);
}

/** One that was seen `off` pixels beside where it is. */
static void saw(SsSeen *s, uint64_t id, const Drawn *d, float off, float score)
{
    SsObject *o = &s->object[s->n++];

    *o = (SsObject) { id, box_around(d, 1), score, 1, SS_MEASURED, s->pts };
    o->box.x += off;
}

static int between(Walk *w, int k, SsObject *out, int max)
{
    return ss_between_objects(w->between, k, THRESHOLD, out, max);
}

static float off(const Walk *w, int k, const SsObject *o)
{
    return o->box.x + o->box.w / 2 - w->truth[k].x;
}

/** Up to ten pixels a picture: where it is seen last it does not overlap with where it was first. */
static void where_it_is(void)
{
    for (int step = -10; step <= 10; step += 5) {
        Walk *w = walk_new((float)step);
        SsObject o[4];

        saw(&w->first, 7, &w->truth[0], 0, 0.9f);
        saw(&w->last, 0, &w->truth[LAST], 0, 0.7f); /* the tracker does not know it again */
        ss_between_set(w->between, &w->first, &w->last, w->picture, PICTURES);
        for (int k = 1; k < LAST; k++) {
            REQUIRE_CMP(between(w, k, o, 4), ==, 1);
            REQUIRE(o[0].id == 7 && o[0].state == SS_TRACKED);
            REQUIRE_NEAR(off(w, k, &o[0]), 0, 1);
            REQUIRE_NEAR(o[0].box.w, middle.width, 1);
            REQUIRE_NEAR(o[0].box.h, middle.height, 2);
            REQUIRE_CMP(o[0].score, <, 0.9);
        }
        walk_free(w);
    }
}

/** It was seen 4 pixels to the left, then 4 to the right: the nearer says more, in the middle none is wrong.
 */
static void both_are_heard(void)
{
    Walk *w = walk_new(3);
    SsObject o[4];
    float before = -4;

    saw(&w->first, 7, &w->truth[0], -4, 0.9f);
    saw(&w->last, 7, &w->truth[LAST], 4, 0.9f);
    ss_between_set(w->between, &w->first, &w->last, w->picture, PICTURES);
    for (int k = 1; k < LAST; k++) {
        REQUIRE_CMP(between(w, k, o, 4), ==, 1);
        REQUIRE_CMP(off(w, k, &o[0]), >, before);
        before = off(w, k, &o[0]);
        if (k == LAST / 2)
            REQUIRE_NEAR(before, 0, 0.7);
    }
    REQUIRE_CMP(before, <, 4);
    walk_free(w);
}

/** Who was seen by one side only is believed less and less; by the other only, more and more. */
static void by_one_side(void)
{
    for (int side = 0; side < 2; side++) {
        Walk *w = walk_new(3);
        SsObject o[4];
        float score = side == 0 ? 0.9f : 0;

        saw(side == 0 ? &w->first : &w->last, 7, &w->truth[side == 0 ? 0 : LAST], 0, 0.9f);
        ss_between_set(w->between, &w->first, &w->last, w->picture, PICTURES);
        for (int k = 1; k < LAST; k++) {
            REQUIRE_CMP(between(w, k, o, 4), ==, 1);
            REQUIRE_NEAR(off(w, k, &o[0]), 0, 1);
            REQUIRE(side == 0 ? o[0].score < score : o[0].score > score);
            score = o[0].score;
        }
        REQUIRE_CMP(between(w, 1, o, 0), ==, 0);
        walk_free(w);
    }
}

/** A faint sight is enough where the other is sure, but two are none; and another class is another thing. */
static void who_is_one(void)
{
    Walk *w = walk_new(3);
    SsObject o[4];

    saw(&w->first, 0, &w->truth[0], 0, 0.2f);
    saw(&w->last, 8, &w->truth[LAST], 0, 0.9f);
    ss_between_set(w->between, &w->first, &w->last, w->picture, PICTURES);
    REQUIRE_CMP(between(w, 3, o, 4), ==, 1);
    REQUIRE_CMP(o[0].id, ==, 8);

    w->last.object[0].score = 0.2f;
    ss_between_set(w->between, &w->first, &w->last, w->picture, PICTURES);
    REQUIRE_CMP(between(w, 3, o, 4), ==, 0);

    w->first.object[0].score = w->last.object[0].score = 0.9f;
    w->last.object[0].class_id = 2;
    ss_between_set(w->between, &w->first, &w->last, w->picture, PICTURES);
    REQUIRE_CMP(between(w, 3, o, 4), ==, 2);
    walk_free(w);
}

/** More than are followed, and none of it is there to be found: everybody still comes to the other end. */
static void a_crowd(void)
{
    Walk *w = walk_new(0);
    static SsObject o[SS_MAX_OBJECTS];

    for (int side = 0; side < 2; side++) {
        SsSeen *s = side == 0 ? &w->first : &w->last;
        for (int i = 0; i < SS_MAX_OBJECTS; i++)
            s->object[s->n++] = (SsObject) { .id = (uint64_t)i + 1,
                                             .box = { (float)(i % 16 * 40), (float)(i / 16 * 30), 30, 25 },
                                             .score = 0.9f,
                                             .class_id = 1 };
    }
    ss_between_set(w->between, &w->first, &w->last, w->picture, PICTURES);
    REQUIRE_CMP(between(w, 3, o, SS_MAX_OBJECTS), ==, SS_MAX_OBJECTS);
    REQUIRE_NEAR(o[SS_MAX_OBJECTS - 1].box.x, 600, 1e-3);
    REQUIRE(o[SS_MAX_OBJECTS - 1].state == SS_PREDICTED);
    walk_free(w);
}

int main(void)
{
    where_it_is();
    both_are_heard();
    by_one_side();
    who_is_one();
    a_crowd();
    return 0;
}
