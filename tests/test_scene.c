/* SPDX-License-Identifier: Apache-2.0 */
/** The network answers some pictures late; the boxes stand where the drawn object is. */
#include "core/scene.h"

#include "drawn.h"
#include "test.h"

static const int64_t FRAME = 1000000000 / 30;

typedef struct Rig {
    SsAlbum *album;
    SsTracker *tracker;
    SsPicture *picture;
    SsScene scene, before;
    Drawn drawn;
    int frame;
} Rig;

static Rig *rig_new(void)
{
    Rig *r = calloc(1, sizeof *r);

    REQUIRE(r && ss_album_create(&r->album, 100) == 0);
    REQUIRE(ss_tracker_create(&r->tracker, &(SsTrackerParams) { .start_score = 0.3f, .coast = 1000000000 }) ==
            0);
    r->drawn = middle;
    r->drawn.x = 100;
    r->picture = draw(r->album, &r->drawn, 0);
    return r;
}

static void rig_free(Rig *r)
{
    ss_picture_unref(&r->picture);
    ss_album_destroy(&r->album);
    ss_tracker_destroy(&r->tracker);
    free(r);
}

/** The next picture, three pixels on; the scene walks there. */
static void step(Rig *r)
{
    SsPicture *last = r->picture;

    r->drawn.x += 3;
    r->drawn.ground += 1;
    r->picture = draw(r->album, &r->drawn, ++r->frame * FRAME);
    REQUIRE(ss_picture_next(last) == r->picture);
    ss_picture_unref(&last);
    ss_scene_walk(&r->scene, r->picture, NULL);
}

/** The network has looked at the picture that the scene stands at. */
static void result(Rig *r, const SsDetection *det, int n)
{
    r->before = r->scene;
    ss_scene_update(&r->scene, &r->before, r->tracker, r->picture->pts, r->picture, det, n);
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
    return ss_scene_objects(&r->scene, 2000000000, o, max);
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
    REQUIRE_CMP(ss_scene_objects(&r->scene, 2000000000, o, 0), ==, 0);
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
        if (i >= 18 && i < 24) /* less and less sure, and half as sure at once where it is hidden */
            REQUIRE_NEAR(o[0].score, (i > 20 ? 0.45 : 0.9) * exp(-(i - 18) / 30.0), 1e-3);
        if (i > 20 && i <= 30)
            REQUIRE_NEAR(o[0].box.x + o[0].box.w / 2, r->drawn.x, 6);
        if (i == 30)
            REQUIRE_CMP(o[0].score, <, 0.3); /* missed twice */
        if (i >= 36)
            REQUIRE(n == 1 && o[0].id == 1);
    }
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
            REQUIRE_NEAR(o[0].score, 0.9 / (1 << i / 6) * exp(-(i % 6) / 30.0), 1e-3);
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
    REQUIRE_CMP(ss_scene_objects(&r->scene, 2000000000, o, SS_MAX_OBJECTS), ==, SS_MAX_OBJECTS);
    REQUIRE_CMP(r->scene.appearances, ==, SS_MAX_FOLLOWED);
    REQUIRE(o[SS_MAX_OBJECTS - 1].state == SS_PREDICTED);
    rig_free(r);
}

int main(void)
{
    boxes_are_where_the_object_is();
    hidden();
    missed();
    a_crowd();
    return 0;
}
