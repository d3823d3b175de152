/* SPDX-License-Identifier: Apache-2.0 */
/** The network answers some pictures late; the boxes stand where the drawn object is. */
#include "core/scene.h"

#include "drawn.h"
#include "test.h"

static const int64_t FRAME = 1000000000 / 30;

typedef struct Rig {
    SsAlbum *album;
    SsLearners learn;
    SsPicture *picture;
    SsScene scene, before;
    Drawn drawn;
    float ground; /* how far it moves at each step */
    int frame;
} Rig;

static Rig *rig_new(void)
{
    Rig *r = calloc(1, sizeof *r);

    REQUIRE(r && ss_album_create(&r->album, 100) == 0);
    REQUIRE(ss_tracker_create(&r->learn.tracker,
                              &(SsTrackerParams) { .start_score = 0.3f, .coast = 1000000000 }) == 0);
    REQUIRE(ss_regression_create(&r->learn.regression) == 0);
    r->ground = 1;
    r->drawn = middle;
    r->drawn.x = 100;
    r->picture = draw(r->album, &r->drawn, 0);
    return r;
}

static void rig_free(Rig *r)
{
    ss_picture_unref(&r->picture);
    ss_album_destroy(&r->album);
    ss_tracker_destroy(&r->learn.tracker);
    ss_regression_destroy(&r->learn.regression);
    free(r);
}

/** The next picture, three pixels on; the scene walks there. */
static void step(Rig *r)
{
    SsPicture *last = r->picture;

    r->drawn.x += 3;
    r->drawn.ground += r->ground;
    r->picture = draw(r->album, &r->drawn, ++r->frame * FRAME);
    REQUIRE(ss_picture_next(last) == r->picture);
    ss_picture_unref(&last);
    ss_scene_walk(&r->scene, r->picture, NULL);
}

/** The network has looked at the picture that the scene stands at. */
static void result(Rig *r, const SsDetection *det, int n)
{
    r->before = r->scene;
    ss_scene_update(&r->scene, &r->before, &r->learn, r->picture->pts, r->picture, det, n);
}

static void seen(Rig *r)
{
    const SsDetection d = { box_around(&r->drawn, 1), 0.9f, 1 };
    result(r, &d, 1);
}

/** A step, and every sixth picture a result: of the object, if it is to be seen. */
static int step_or_result(Rig *r, int i, bool visible, SsObject *o, int max)
{
    step(r);
    if (i % 6 == 0 && visible)
        seen(r);
    else if (i % 6 == 0)
        result(r, NULL, 0);
    return ss_scene_objects(&r->scene, r->picture, 2000000000, NULL, o, max);
}

static void boxes_are_where_the_object_is(void)
{
    Rig *r = rig_new();
    SsObject o[4];

    seen(r);
    for (int i = 1; i <= 60; i++) {
        REQUIRE_CMP(step_or_result(r, i, true, o, 4), ==, 1);
        REQUIRE_CMP(o[0].id, ==, 1);
        REQUIRE_NEAR(o[0].box.x + o[0].box.w / 2, r->drawn.x, 1);
        REQUIRE_NEAR(o[0].box.y + o[0].box.h / 2, r->drawn.y, 1);
        REQUIRE_NEAR(o[0].box.w, r->drawn.width, 2);
        REQUIRE(o[0].state == (i % 6 == 0 ? SS_MEASURED : SS_TRACKED));
        REQUIRE(o[0].source_pts == i / 6 * 6 * FRAME);
    }
    REQUIRE_CMP(ss_scene_objects(&r->scene, r->picture, 2000000000, NULL, o, 0), ==, 0);
    rig_free(r);
}

/** As sure as its age allows, or somewhat less: what is found is never wholly what was seen. */
static void sure_by(const SsObject *o, double most)
{
    REQUIRE_CMP(o->score, <=, most + 1e-3);
    REQUIRE_CMP(o->score, >=, 0.7 * most);
}

/** The score of an object after three steps, half of whose box is ground that moves by so much a step. */
static float score_on(float ground)
{
    Rig *r = rig_new();
    const SsDetection d = { box_around(&r->drawn, 1.4f), 0.9f, 1 };
    SsObject o[4];

    r->ground = ground;
    result(r, &d, 1);
    for (int i = 0; i < 3; i++)
        step(r);
    REQUIRE_CMP(ss_scene_objects(&r->scene, r->picture, 2000000000, NULL, o, 4), ==, 1);
    REQUIRE(o[0].state == SS_TRACKED);
    rig_free(r);
    return o[0].score;
}

/** What looks another way than it did may be another thing. */
static void less_alike_less_sure(void)
{
    REQUIRE_CMP(score_on(3), >, 0.7); /* all of it goes along */
    REQUIRE_CMP(score_on(-2), <, 0.9 * score_on(3));
}

/** Two of a class where one was may be the same one; two of two classes are not. */
static void crowds_are_doubted(void)
{
    Rig *r = rig_new();
    SsDetection d[3] = { { box_around(&r->drawn, 1), 0.9f, 1 }, { box_around(&r->drawn, 1), 0.9f, 2 } };
    SsObject o[4];

    d[2] = d[0];
    d[2].box.x += 20; /* a third of both overlaps */
    for (int n = 2; n <= 3; n++) {
        result(r, d, n);
        step(r);
        REQUIRE_CMP(ss_scene_objects(&r->scene, r->picture, 2000000000, NULL, o, 4), ==, n);
        for (int i = 0; i < 3 && n == 3; i++)
            for (int k = 0; k < 3; k++)
                if (o[i].class_id == 1 && o[k].class_id == 2)
                    REQUIRE_CMP(o[i].score, <, 0.95 * o[k].score);
        for (int k = 0; k < 2; k++)
            d[k].box.x += 3;
    }
    rig_free(r);
}

/** Behind something for half a second: on by its velocity, and the same one when it comes out. */
static void hidden(void)
{
    Rig *r = rig_new();
    SsObject o[4];

    seen(r);
    for (int i = 1; i <= 60; i++) {
        r->drawn.gone = i > 20 && i <= 35;
        const int n = step_or_result(r, i, !r->drawn.gone, o, 4);
        if (i > 20 && i < 36 && n > 0)
            REQUIRE(o[0].state == SS_PREDICTED);
        if (i >= 18 && i <= 20) /* less and less sure, and half as sure at once where it is hidden */
            sure_by(&o[0], 0.9 * exp(-(i - 18) / 30.0));
        if (i > 20 && i < 24)
            REQUIRE_NEAR(o[0].score, 0.45 * exp(-(i - 18) / 30.0), 1e-3);
        if (i > 20 && i <= 30)
            REQUIRE_NEAR(o[0].box.x + o[0].box.w / 2, r->drawn.x, 6);
        if (i == 30)
            REQUIRE_CMP(o[0].score, <, 0.3); /* missed twice */
        if (i >= 36)
            REQUIRE(n == 1 && o[0].id == 1);
    }
    rig_free(r);
}

/** Another one passes before it, to the other side: it goes on to its own, unseen, and comes out there. */
static void behind_another(void)
{
    Rig *r = rig_new();
    Drawn front = middle;
    SsObject o[4];

    r->drawn.front = &front;
    front.x = r->drawn.x + 60;
    step(r); /* the first picture is without it */
    for (int i = 0; i < 30; i++) {
        const SsDetection d[2] = { { box_around(&front, 1), 0.9f, 1 },
                                   { box_around(&r->drawn, 1), 0.9f, 1 } };

        if (i <= 4)
            result(r, d, 2);
        front.x -= 3;
        step(r);
        REQUIRE_CMP(ss_scene_objects(&r->scene, r->picture, 2000000000, NULL, o, 4), ==, 2);
        REQUIRE(o[0].id == 1 && o[1].id == 2 && o[0].state == SS_TRACKED);
        REQUIRE_NEAR(o[0].box.x + o[0].box.w / 2, front.x, 1);
        REQUIRE_NEAR(o[1].box.x + o[1].box.w / 2, r->drawn.x, 5);
        if (i == 9) /* they stand in one place */
            REQUIRE(o[1].state == SS_PREDICTED);
    }
    REQUIRE(o[1].state == SS_TRACKED);
    rig_free(r);
}

/** The detector misses it for once: it is still followed, its score halved; three times: it is gone. */
static void missed(void)
{
    Rig *r = rig_new();
    SsObject o[4];

    seen(r);
    for (int i = 1; i <= 18; i++) {
        REQUIRE_CMP(step_or_result(r, i, false, o, 4), ==, i < 18);
        if (i < 18) {
            REQUIRE(o[0].state == SS_TRACKED && o[0].source_pts == 0);
            sure_by(&o[0], 0.9 / (1 << i / 6) * exp(-(i % 6) / 30.0));
            REQUIRE_NEAR(o[0].box.x + o[0].box.w / 2, r->drawn.x, 1.5);
        }
    }
    rig_free(r);
}

/** More than can be followed by their pixels: the others go on by velocity, none is lost on the way. */
static void a_crowd(void)
{
    Rig *r = rig_new();
    static SsObject o[SS_MAX_OBJECTS];
    static SsDetection d[SS_MAX_OBJECTS];

    for (int i = 0; i < SS_MAX_OBJECTS; i++)
        d[i] = (SsDetection) { { (float)(i % 16 * 40), (float)(i / 16 * 30), 30, 25 }, 0.9f, 1 };
    for (int k = 0; k < 3; k++) {
        result(r, d, SS_MAX_OBJECTS);
        step(r);
    }
    REQUIRE_CMP(ss_scene_objects(&r->scene, r->picture, 2000000000, NULL, o, SS_MAX_OBJECTS), ==,
                SS_MAX_OBJECTS);
    REQUIRE_CMP(r->scene.appearances, ==, SS_MAX_FOLLOWED);
    REQUIRE(o[SS_MAX_OBJECTS - 1].state == SS_PREDICTED);
    rig_free(r);
}

int main(void)
{
    boxes_are_where_the_object_is();
    less_alike_less_sure();
    crowds_are_doubted();
    hidden();
    behind_another();
    missed();
    a_crowd();
    return 0;
}
