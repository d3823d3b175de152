/* SPDX-License-Identifier: Apache-2.0 */
/** A film of a drawn object, a network that answers late, no thread and no clock. */
#include "core/follow.h"

#include "drawn.h"
#include "test.h"

static const int64_t FRAME = 1000000000 / 30, MAX_AGE = 1000000000;

enum { LONGEST = 100, FILM = 400 };

typedef struct Film {
    SsAlbum *album;
    SsFollower follower;
    SsResult *result;
    SsPicture *picture;       /* of the newest frame */
    SsPicture *waiting[FILM]; /* of the frames that the network has not answered, by frame */
    Drawn truth[FILM];
    int frame;    /* the newest */
    int answered; /* the newest that the network answered; -1: none */
    bool silent;  /* the network */
    bool misses;  /* it answers, but has not seen the object */
    bool empty;   /* nothing moves */
} Film;

static Film *film_new(int longest)
{
    Film *f = calloc(1, sizeof *f);

    REQUIRE(f && ss_album_create(&f->album, longest) == 0);
    REQUIRE(ss_follower_init(&f->follower, &(SsTrackerParams) { .start_score = 0.3f, .coast = MAX_AGE }) ==
            0);
    f->result = calloc(1, sizeof *f->result);
    REQUIRE(f->result);
    f->frame = f->answered = -1;
    return f;
}

static void film_free(Film *f)
{
    for (int i = 0; i < FILM; i++)
        ss_picture_unref(&f->waiting[i]);
    ss_picture_unref(&f->picture);
    ss_picture_unref(&f->result->at);
    ss_follower_clear(&f->follower);
    ss_album_destroy(&f->album);
    free(f->result);
    free(f);
}

/** The next frame, in which the object is three pixels on; the network answers `late` frames late, then
 * looks at the newest. */
static void next(Film *f, int late)
{
    const int i = ++f->frame, seen = i - late;

    f->truth[i] = middle;
    f->truth[i].x = (float)(60 + 3 * i);
    f->truth[i].gone = f->empty;
    ss_picture_unref(&f->picture);
    f->picture = draw(f->album, &f->truth[i], i * FRAME);
    f->waiting[i] = ss_picture_ref(f->picture);
    if (f->silent || seen < 0 || (f->answered >= 0 && seen - f->answered < late))
        return;
    const SsDetection d = { box_around(&f->truth[seen], 1), 0.9f, 1 };
    ss_follower_result(&f->follower, seen * FRAME, &f->waiting[seen], &d, f->misses ? 0 : 1, f->result);
    for (int k = f->answered + 1; k < seen; k++)
        ss_picture_unref(&f->waiting[k]); /* replaced before anybody looked */
    f->answered = seen;
}

static int show(Film *f, SsAlign align, const SsBudget *budget, SsObject *out, int max)
{
    const SsShow how = { align, 0.3f, MAX_AGE, budget };

    return f->answered < 0 ? 0 : ss_result_objects(f->result, f->frame * FRAME, f->picture, &how, out, max);
}

static float off(const Film *f, const SsObject *o)
{
    const Drawn *d = &f->truth[f->frame];

    return hypotf(o->box.x + o->box.w / 2 - d->x, o->box.y + o->box.h / 2 - d->y);
}

/** Whatever the network takes: live, the box is where the object is; held, it trails behind. */
static void live_and_held(void)
{
    for (int late = 1; late <= 12; late += 3) {
        Film *f = film_new(LONGEST);
        SsObject o[4];

        for (int i = 0; i < 60; i++) {
            next(f, late);
            const SsAlign align = i % 10 == 9 ? SS_ALIGN_HOLD : SS_ALIGN_LIVE;
            const int n = show(f, align, NULL, o, 4);

            REQUIRE_CMP(n, ==, i >= late);
            if (n == 0)
                continue;
            REQUIRE_CMP(o[0].id, ==, 1);
            REQUIRE_CMP(o[0].source_pts, ==, f->answered * FRAME);
            if (align == SS_ALIGN_LIVE) {
                REQUIRE(o[0].state == SS_TRACKED);
                REQUIRE_NEAR(off(f, &o[0]), 0, 1);
            } else {
                REQUIRE(o[0].state == SS_HELD);
                REQUIRE_NEAR(off(f, &o[0]), 3 * (i - f->answered), 0.01);
            }
        }
        film_free(f);
    }
}

/** More pictures passed than are kept: by velocity, which the results tell. */
static void the_chain_was_cut(void)
{
    Film *f = film_new(3);
    SsObject o[4];

    for (int i = 0; i < 60; i++) {
        next(f, 6);
        if (show(f, SS_ALIGN_LIVE, NULL, o, 4) == 0)
            continue;
        REQUIRE_CMP(o[0].id, ==, 1);
        REQUIRE(o[0].state == SS_PREDICTED);
        if (i >= 30)
            REQUIRE_NEAR(off(f, &o[0]), 0, 4);
    }
    film_free(f);
}

/** The network falls silent: the box goes on for a while, then it is gone; and comes back. */
static void silence(void)
{
    Film *f = film_new(LONGEST);
    SsObject o[4];

    for (int i = 0; i < 20; i++)
        next(f, 2);
    f->silent = true;
    for (int i = 20; i < 70; i++) {
        next(f, 2);
        const int64_t age = i * FRAME - f->result->pts;
        REQUIRE_CMP(show(f, SS_ALIGN_LIVE, NULL, o, 4), ==, age <= MAX_AGE + 2 * f->result->interval);
    }
    f->silent = false;
    next(f, 2);
    REQUIRE_CMP(show(f, SS_ALIGN_LIVE, NULL, o, 4), ==, 1);
    film_free(f);
}

/** What has no pixels of its own any more is shown no longer than max_age. */
static void lost(void)
{
    Film *f = film_new(LONGEST);
    SsObject o[4];
    int shown = 0;

    for (int i = 0; i < 20; i++)
        next(f, 2);
    f->silent = true; /* and the film is cut: nothing can be followed */
    for (int i = 20; i < 60; i++) {
        ss_album_cut(f->album);
        next(f, 2);
        f->result->interval = 100 * FRAME; /* a slow network: it is not its silence that ends it */
        if (show(f, SS_ALIGN_LIVE, NULL, o, 4) == 0)
            continue;
        REQUIRE(o[0].state == SS_PREDICTED);
        shown++;
    }
    REQUIRE_NEAR(shown, 30, 1);
    film_free(f);
}

/** The network misses the object once, and sees it again: the box does not blink, whose it is stays known. */
static void missed_once(void)
{
    const SsAlign ways[] = { SS_ALIGN_LIVE, SS_ALIGN_HOLD };

    for (int way = 0; way < 2; way++) {
        Film *f = film_new(LONGEST);
        int guessed = 0;

        for (int i = 0; i < 60; i++) {
            SsObject o[4];

            f->misses = i == 30; /* every third frame is answered, this is one */
            next(f, 3);
            const int n = show(f, ways[way], NULL, o, 4);
            REQUIRE_CMP(n, ==, i >= 3);
            if (n == 0)
                continue;
            REQUIRE_CMP(o[0].id, ==, 1);
            guessed += o[0].state == SS_PREDICTED;
            REQUIRE_CMP(o[0].source_pts, ==, (f->answered == 27 ? 24 : f->answered) * FRAME);
            if (ways[way] == SS_ALIGN_LIVE) { /* its pixels are still there */
                REQUIRE(o[0].state == SS_TRACKED);
                REQUIRE_NEAR(off(f, &o[0]), 0, 2);
            } else { /* where it was to be expected when the network looked */
                REQUIRE(o[0].state == (f->answered == 27 ? SS_PREDICTED : SS_HELD));
                REQUIRE_NEAR(off(f, &o[0]), 3 * (i - f->answered), 2);
            }
        }
        REQUIRE_CMP(guessed, ==, ways[way] == SS_ALIGN_HOLD ? 3 : 0);
        film_free(f);
    }
}

/** It has really gone: a guess for as long as max_age, or until the network has missed it again and again. */
static void gone(void)
{
    enum { LEAVES = 48 };
    const SsAlign ways[] = { SS_ALIGN_LIVE, SS_ALIGN_HOLD };

    for (int way = 0; way < 2; way++)
        for (int late = 3; late <= 12; late += 9) {
            Film *f = film_new(LONGEST);
            SsObject o[4];
            int guessed = 0, last = 0;

            for (int i = 0; i < LEAVES + 80; i++) {
                f->misses = f->empty = i >= LEAVES;
                next(f, late);
                const int n = show(f, ways[way], NULL, o, 4);
                if (n == 0)
                    continue;
                last = i;
                if (o[0].state != SS_PREDICTED)
                    continue;
                guessed++;
                REQUIRE_CMP(i, >=, LEAVES);
                if (ways[way] == SS_ALIGN_HOLD)
                    REQUIRE_CMP(i * FRAME - o[0].source_pts, <=, MAX_AGE);
            }
            REQUIRE_CMP(guessed, >, 0);
            REQUIRE_CMP(last, <=, LEAVES + 30 + late);
            film_free(f);
        }
}

/** Each look at this clock takes a microsecond. */
static int64_t fake_ns;

static int64_t fake_now(void)
{
    return fake_ns += 1000;
}

/** Time for three: each gets its turn, the others go by velocity, all are there. */
static void short_of_time(void)
{
    enum { MANY = 9, TIME_FOR = 3 };
    Film *f = film_new(LONGEST);
    SsDetection d[MANY];
    SsObject o[MANY];
    int found[MANY] = { 0 };

    for (int i = 0; i < MANY; i++)
        d[i] = (SsDetection) { { (float)(20 + 60 * i), 200, 40, 80 }, 0.9f, 1 };
    f->silent = f->empty = true;
    next(f, 1);
    ss_follower_result(&f->follower, 0, &f->waiting[0], d, MANY, f->result);
    f->answered = 0;
    for (int i = 1; i <= 2 * MANY; i++) {
        const SsBudget budget = { fake_now, fake_ns + TIME_FOR * 1000 + 500 };
        int now = 0;

        next(f, 1);
        REQUIRE_CMP(show(f, SS_ALIGN_LIVE, &budget, o, MANY), ==, MANY);
        for (int k = 0; k < MANY; k++) {
            found[k] += o[k].state == SS_TRACKED;
            now += o[k].state == SS_TRACKED;
        }
        REQUIRE_CMP(now, <=, TIME_FOR);
    }
    for (int k = 0; k < MANY; k++)
        REQUIRE_CMP(found[k], >=, 4);
    film_free(f);
}

int main(void)
{
    live_and_held();
    the_chain_was_cut();
    silence();
    lost();
    missed_once();
    gone();
    short_of_time();
    return 0;
}
