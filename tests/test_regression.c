/* SPDX-License-Identifier: Apache-2.0 */
/** A detector whose boxes follow a blob that moves about in the box, and others that do not. */
#include "core/regression.h"

#include "core/picture.h"
#include "internal.h"
#include "test.h"

/* The box that was carried there; the blob is a part of it. */
static const SsBox box = { 90, 60, 60, 120 };
enum { CLASS = 1, SIGHTS = 300, SIDE = 240 };

static uint32_t seed;

/** -1 .. 1 */
static float chance(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (float)(seed >> 8) / (float)(1u << 23) - 1;
}

/** A picture in which a bright blob stands `dx` and `dy` from the box's centre, on a ground that is usual. */
static SsPicture *blob_at(SsAlbum *a, float dx, float dy)
{
    static uint8_t bytes[SIDE * SIDE];
    static int64_t pts;
    const float x = box.x + box.w / 2 + dx, y = box.y + box.h / 2 + dy;

    memset(bytes, 100, sizeof bytes);
    for (int r = SS_MAX((int)y - 40, 0); r < SIDE && (float)r < y + 40; r++)
        for (int c = SS_MAX((int)x - 15, 0); c < SIDE && (float)c < x + 15; c++)
            bytes[r * SIDE + c] = 200;
    const SsFrameDesc d = { .format = SS_PIXEL_GRAY8,
                            .width = SIDE,
                            .height = SIDE,
                            .plane = { bytes },
                            .stride = { SIDE },
                            .pts = ++pts };
    SsPicture *p = ss_album_add(a, &d);
    REQUIRE(p);
    return p;
}

/** What there is to be seen where the blob stands there. */
typedef struct Sight {
    float dx, dy;
    SsFeatures f;
} Sight;

typedef struct Rig {
    SsAlbum *album;
    SsRegression *r;
    float follows; /* how much of the blob's way the detector's box goes */
    Sight sight[SIGHTS];
} Rig;

/** The blob has stood about everywhere; `left_only`: to the left of the middle. */
static Rig *rig_new(float follows, bool left_only)
{
    static Rig rig;

    seed = 1;
    rig.follows = follows;
    REQUIRE(ss_album_create(&rig.album, 4) == 0 && ss_regression_create(&rig.r) == 0);
    for (int i = 0; i < SIGHTS; i++) {
        Sight *s = &rig.sight[i];
        s->dx = 12 * (left_only ? -fabsf(chance()) : chance());
        s->dy = 10 * chance();
        SsPicture *p = blob_at(rig.album, s->dx, s->dy);
        ss_features_of(&s->f, p, &box);
        ss_picture_unref(&p);
    }
    return &rig;
}

static void rig_free(Rig *rig)
{
    ss_regression_destroy(&rig->r);
    ss_album_destroy(&rig->album);
}

/** What the detector's box is expected to be off the carried one, with the blob there. */
static void expected(Rig *rig, int class_id, float dx, float dy, float off[SS_TARGETS])
{
    SsPicture *p = blob_at(rig->album, dx, dy);
    SsFeatures f;

    ss_features_of(&f, p, &box);
    ss_weights_apply(ss_regression_weights(rig->r), class_id, &f, &box, off);
    ss_picture_unref(&p);
}

/** What is seen, and what the detector says there. */
static void learn(Rig *rig, int pairs)
{
    for (int i = 0; i < pairs; i++) {
        const Sight *s = &rig->sight[i % SIGHTS];
        SsBox seen = box;

        seen.x += rig->follows * s->dx;
        seen.y += rig->follows * s->dy;
        ss_regression_learn(rig->r, CLASS, &s->f, &box, &seen);
    }
}

static float error_of(Rig *rig, float dx, float dy)
{
    float off[SS_TARGETS];

    expected(rig, CLASS, dx, dy, off);
    REQUIRE_NEAR(off[2], 0, 1.5);
    REQUIRE_NEAR(off[3], 0, 3);
    return fabsf(off[0] - rig->follows * dx) + fabsf(off[1] - rig->follows * dy);
}

static void nothing_learned_nothing_changed(void)
{
    Rig *rig = rig_new(1, false);
    float off[SS_TARGETS];

    expected(rig, CLASS, 8, 8, off);
    for (int t = 0; t < SS_TARGETS; t++)
        REQUIRE_CMP(off[t], ==, 0);
    rig_free(rig);
}

static void the_box_goes_with_the_blob(void)
{
    Rig *rig = rig_new(0.8f, false);
    float off[SS_TARGETS];

    learn(rig, 600);
    for (int dx = -10; dx <= 10; dx += 4)
        REQUIRE_CMP(error_of(rig, (float)dx, 0), <, 3);
    REQUIRE_CMP(error_of(rig, 0, 8), <, 3);
    expected(rig, CLASS + 1, 8, 8, off); /* another class knows nothing of it */
    REQUIRE_CMP(off[0], ==, 0);
    rig_free(rig);
}

/** What was seen to the left holds to the right, too. */
static void mirrored(void)
{
    Rig *rig = rig_new(0.8f, true);

    learn(rig, 600);
    REQUIRE_CMP(error_of(rig, 9, 0), <, 3);
    REQUIRE_CMP(error_of(rig, -9, 0), <, 3);
    rig_free(rig);
}

/** A detector that does not care: what was learned by chance moves no box by more than a pixel or two. */
static void no_dependence(void)
{
    Rig *rig = rig_new(0, false);

    learn(rig, 600);
    for (int dx = -10; dx <= 10; dx += 4)
        REQUIRE_CMP(error_of(rig, (float)dx, 0), <, 0.5);
    rig_free(rig);
}

/** Another detector, another day: the old is forgotten. If all counted alike, a third of it would be left. */
static void forgotten(void)
{
    Rig *rig = rig_new(0.8f, false);

    learn(rig, 4000);
    rig->follows = -0.4f;
    learn(rig, 8000);
    REQUIRE_CMP(error_of(rig, 9, 0), <, 3);
    rig_free(rig);
}

/** Boxes of something else, and boxes that are not numbers, teach nothing; none is moved far. */
static void strangers(void)
{
    Rig *rig = rig_new(0.8f, false);
    const SsBox elsewhere = { box.x + 50, box.y, box.w, box.h }, none = { NAN, 0, INFINITY, 1 };
    SsFeatures f;
    float off[SS_TARGETS];
    SsPicture *p = blob_at(rig->album, 5, 5);

    ss_features_of(&f, p, &box);
    for (int i = 0; i < 500; i++) {
        ss_regression_learn(rig->r, CLASS, &f, &box, &elsewhere);
        ss_regression_learn(rig->r, CLASS, &f, &box, &none);
    }
    expected(rig, CLASS, 5, 5, off);
    REQUIRE_CMP(off[0], ==, 0);
    ss_picture_unref(&p);

    rig->follows = 2; /* two thirds overlap still */
    learn(rig, 600);
    expected(rig, CLASS, 30, 0, off);
    REQUIRE_CMP(fabsf(off[0]), <=, 0.3 * box.w + 1e-3);
    rig_free(rig);
}

int main(void)
{
    nothing_learned_nothing_changed();
    the_box_goes_with_the_blob();
    mirrored();
    no_dependence();
    forgotten();
    strangers();
    return 0;
}
