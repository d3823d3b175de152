/* SPDX-License-Identifier: Apache-2.0 */
/** In drawn pictures whose truth is known. */
#include "core/motion.h"

#include "drawn.h"
#include "test.h"

/** Looks in the scene `to` for what `from` shows in its box, from where it was; returns whether it was found.
 */
static bool look(const Drawn *from, const Drawn *to, float larger, SsPose *pose)
{
    SsAlbum *a;
    SsTemplate t;
    const SsBox box = box_around(from, larger);

    REQUIRE(ss_album_create(&a, 10) == 0);
    SsPicture *before = draw(a, from, 0), *after = draw(a, to, 1);
    ss_template_take(&t, before, &box);
    *pose = (SsPose) { from->x, from->y, 1 };
    const bool found = ss_template_find(&t, after, pose);
    ss_picture_unref(&before);
    ss_picture_unref(&after);
    ss_album_destroy(&a);
    return found;
}

static void moved(void)
{
    static const float steps[][2] = { { 0, 0 }, { 0.7f, -0.4f }, { 3.3f, 1.1f }, { -6, 2 }, { 5, -7 } };

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        Drawn to = middle;
        SsPose pose;

        to.x += steps[i][0];
        to.y += steps[i][1];
        to.ground = 2; /* the camera moves, too */
        REQUIRE(look(&middle, &to, 1, &pose));
        REQUIRE_NEAR(pose.x, to.x, 0.5);
        REQUIRE_NEAR(pose.y, to.y, 0.5);
        REQUIRE_NEAR(pose.scale, 1, 0.03);
    }
}

/** A quarter of the box is ground that stays where it is, and the object walks before it. */
static void ground_in_the_box(void)
{
    Drawn to = middle;
    SsPose pose;

    to.x += 5;
    REQUIRE(look(&middle, &to, 1.15f, &pose));
    REQUIRE_NEAR(pose.x, to.x, 1);
    REQUIRE_NEAR(pose.y, to.y, 1);
}

static void another_light(void)
{
    Drawn to = middle;
    SsPose pose;

    to.x += 3;
    to.light = 25;
    REQUIRE(look(&middle, &to, 1, &pose));
    REQUIRE_NEAR(pose.x, to.x, 0.6);
}

/** Large as a face before the camera: coarser levels are used, and a longer way is found. */
static void large(void)
{
    Drawn from = { .x = 300, .y = 240, .width = 300, .height = 380 }, to = from;
    SsPose pose;

    to.x += 18;
    to.y -= 9;
    REQUIRE(look(&from, &to, 1, &pose));
    REQUIRE_NEAR(pose.x, to.x, 2);
    REQUIRE_NEAR(pose.y, to.y, 2);
}

/** Followed from picture to picture while it walks and comes nearer. */
static void followed(void)
{
    SsAlbum *a;
    SsTemplate t;
    Drawn s = middle;
    SsBox box = box_around(&s, 1);

    REQUIRE(ss_album_create(&a, 10) == 0);
    SsPicture *p = draw(a, &s, 0);
    ss_template_take(&t, p, &box);
    ss_picture_unref(&p);
    SsPose pose = { s.x, s.y, 1 };
    for (int i = 0; i < 30; i++) {
        s.x += 3.1f;
        s.y -= 1.3f;
        s.width *= 1.005f;
        s.height *= 1.005f;
        p = draw(a, &s, i + 1);
        REQUIRE(ss_template_find(&t, p, &pose));
        ss_picture_unref(&p);
        REQUIRE_NEAR(pose.x, s.x, 1.5);
        REQUIRE_NEAR(pose.y, s.y, 1.5);
    }
    REQUIRE_CMP(pose.scale, >, 1.05); /* 1.16 in truth: it follows reluctantly */
    REQUIRE_CMP(pose.scale, <, 1.2);
    ss_album_destroy(&a);
}

static void not_there(void)
{
    Drawn to = middle;
    SsPose pose;

    to.gone = true;
    REQUIRE(!look(&middle, &to, 1, &pose));
    REQUIRE(pose.x == middle.x && pose.y == middle.y && pose.scale == 1); /* as it was */
    to.gone = false;
    to.x += 200; /* too far */
    REQUIRE(!look(&middle, &to, 1, &pose));
}

/** Nothing to hold on to, nothing there at all, or hardly a picture: not found, no harm. */
static void edges(void)
{
    static const uint8_t grey[640 * 480];
    static const int sizes[][2] = { { 640, 480 }, { 1, 1 }, { 2, 300 }, { 17, 16 } };
    static const SsBox boxes[] = { { 100, 100, 50, 80 }, { -30, -40, 60, 80 }, { 630, 470, 50, 50 },
                                   { 5, 5, 0, 0 },       { -1e9f, 4, 10, 10 }, { 0, 0, 1e9f, 1e9f } };

    for (size_t i = 0; i < 4 * 6; i++) {
        const SsFrameDesc d = { .format = SS_PIXEL_GRAY8,
                                .width = sizes[i % 4][0],
                                .height = sizes[i % 4][1],
                                .plane = { grey },
                                .stride = { 640 } };
        const SsBox *b = &boxes[i / 4];
        SsPose pose = { b->x + b->w / 2, b->y + b->h / 2, 1 };
        const SsPose before = pose;
        SsAlbum *a;
        SsTemplate t;

        REQUIRE(ss_album_create(&a, 2) == 0);
        SsPicture *p = ss_album_add(a, &d);
        ss_template_take(&t, p, b);
        REQUIRE(!ss_template_find(&t, p, &pose));
        REQUIRE(pose.x == before.x && pose.y == before.y);
        ss_picture_unref(&p);
        ss_album_destroy(&a);
    }
}

int main(void)
{
    moved();
    ground_in_the_box();
    another_light();
    large();
    followed();
    not_there();
    edges();
    return 0;
}
