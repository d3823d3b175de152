/* SPDX-License-Identifier: Apache-2.0 */
/**
 * How far boxes are from their objects, in a film whose truth is known, for networks that are late: what is
 * shown of each picture is held against where each object is in it. Prints a table, and fails where a figure
 * is worse than it was measured to be.
 */
#include "core/delay.h"
#include "core/engine_private.h"
#include "core/patience.h"
#include "internal.h"

#include "scenery.h"
#include "test.h"

enum { FILM = 480, ACTORS = 14, MOST_IDS = 256, NOBODY = -1, AWAY = 25, HALF_A_SECOND = 14 };

static const int64_t FRAME = 1000000000 / 30, MS = 1000000, MAX_AGE = 1000000000;
static const float THRESHOLD = 0.3f, VISIBLE = 0.5f;

static const Actor script[ACTORS] = {
    /* far behind, for the first ten seconds: behind the pillar for half a second, from both sides */
    { .x = -30, .y = 60, .vx = 3.4f, .width = 30, .height = 60, .until = 300 },
    { .x = 660, .y = 130, .vx = -4, .width = 20, .height = 44, .until = 300 },
    { .x = -40, .y = 180, .vx = 4, .width = 56, .height = 80, .from = 60, .until = 320, .round = true },
    /* across, one before the other */
    { .x = -30, .y = 330, .vx = 3.5f, .width = 40, .height = 90, .until = 300 },
    { .x = 670, .y = 340, .vx = -3, .width = 40, .height = 90, .until = 300 },
    /* overtaken */
    { .x = -40, .y = 400, .vx = 2, .width = 36, .height = 80, .from = 90, .until = 300, .round = true },
    { .x = -70, .y = 410, .vx = 4.5f, .width = 36, .height = 80, .from = 110, .until = 300 },
    /* faster and faster, and round and round */
    { .x = 60, .y = 440, .ax = 0.05f, .width = 50, .height = 60, .from = 150, .until = 320 },
    { .x = 540, .y = 200, .radius = 60, .turn = 100, .width = 44, .height = 44, .until = 290, .round = true },
    /* small ones */
    { .x = 660, .y = 262, .vx = -2.2f, .width = 20, .height = 20, .from = 150, .until = 310 },
    { .x = 100, .y = -20, .vx = 1.2f, .vy = 2, .width = 24, .height = 30, .from = 200, .until = 310 },
    { .x = 320, .y = 120, .width = 80, .height = 250, .until = 320, .furniture = true },
    /* towards the camera and back, to half of the picture; and another one from nearby */
    { .x = 300,
      .y = 260,
      .width = 60,
      .height = 75,
      .swell = 5.3f,
      .beat = 180,
      .from = 290,
      .until = 470,
      .round = true },
    { .x = 720, .y = 300, .vx = -6, .width = 150, .height = 260, .from = 320, .until = 480 },
};

/* --- what is played, and how good it has to be --- */

/** Errors: at most 1.5 times what was measured; a box that stays for longer than its object: so many frames.
 */
typedef struct Case {
    bool pans;
    SsAlign align;
    int latency;
    bool trembles;
    double off, worst, part, worst_part, size;
    int stale;
} Case;

static const Case cases[] = {
    { false, SS_ALIGN_LIVE, 40, false, 0.48, 25.8, 0.006, 0.32, 0.009, 7 },
    { false, SS_ALIGN_LIVE, 40, true, 3.11, 37.3, 0.059, 0.35, 0.030, 7 },
    { false, SS_ALIGN_LIVE, 100, false, 0.52, 45.0, 0.006, 0.16, 0.019, 16 },
    { false, SS_ALIGN_LIVE, 100, true, 2.76, 38.8, 0.052, 0.27, 0.034, 16 },
    { false, SS_ALIGN_LIVE, 200, false, 1.17, 102.9, 0.010, 0.43, 0.033, 30 },
    { false, SS_ALIGN_LIVE, 200, true, 2.66, 125.9, 0.049, 2.25, 0.045, 30 },
    { false, SS_ALIGN_HOLD, 40, false, 9.71, 31.4, 0.259, 0.84, 0.005, 7 },
    { false, SS_ALIGN_HOLD, 40, true, 11.20, 42.6, 0.275, 0.92, 0.037, 7 },
    { false, SS_ALIGN_HOLD, 100, false, 17.88, 52.4, 0.478, 1.40, 0.009, 16 },
    { false, SS_ALIGN_HOLD, 100, true, 19.17, 57.4, 0.489, 1.49, 0.041, 16 },
    { false, SS_ALIGN_HOLD, 200, false, 48.08, 144.9, 1.541, 6.44, 0.020, 30 },
    { false, SS_ALIGN_HOLD, 200, true, 50.99, 155.4, 1.546, 6.49, 0.049, 30 },
    { false, SS_ALIGN_DELAY, 40, false, 0.02, 2.1, 0.002, 0.06, 0.002, 2 },
    { false, SS_ALIGN_DELAY, 40, true, 3.76, 42.6, 0.070, 0.32, 0.033, 2 },
    { false, SS_ALIGN_DELAY, 100, false, 0.13, 6.3, 0.003, 0.28, 0.002, 14 },
    { false, SS_ALIGN_DELAY, 100, true, 3.49, 39.5, 0.066, 0.32, 0.030, 14 },
    { false, SS_ALIGN_DELAY, 200, false, 0.20, 10.3, 0.003, 0.28, 0.003, 14 },
    { false, SS_ALIGN_DELAY, 200, true, 3.45, 37.1, 0.065, 0.43, 0.031, 14 },
    { true, SS_ALIGN_LIVE, 40, false, 0.49, 26.2, 0.006, 0.32, 0.009, 7 },
    { true, SS_ALIGN_LIVE, 40, true, 3.10, 37.4, 0.059, 0.44, 0.030, 7 },
    { true, SS_ALIGN_LIVE, 100, false, 0.52, 43.7, 0.006, 0.15, 0.017, 16 },
    { true, SS_ALIGN_LIVE, 100, true, 2.72, 40.1, 0.051, 0.26, 0.033, 16 },
    { true, SS_ALIGN_LIVE, 200, false, 0.93, 125.6, 0.012, 2.25, 0.033, 30 },
    { true, SS_ALIGN_LIVE, 200, true, 2.61, 124.8, 0.051, 2.23, 0.042, 30 },
    { true, SS_ALIGN_HOLD, 40, false, 9.82, 38.5, 0.258, 1.20, 0.005, 7 },
    { true, SS_ALIGN_HOLD, 100, false, 18.09, 64.0, 0.476, 1.99, 0.009, 16 },
    { true, SS_ALIGN_HOLD, 200, false, 52.63, 181.7, 1.680, 9.09, 0.021, 32 },
    { true, SS_ALIGN_DELAY, 40, true, 3.70, 42.6, 0.070, 0.32, 0.033, 2 },
    { true, SS_ALIGN_DELAY, 100, true, 3.45, 39.5, 0.066, 0.32, 0.030, 14 },
    { true, SS_ALIGN_DELAY, 200, true, 3.41, 37.1, 0.066, 0.35, 0.031, 14 },
};

/* --- the truth --- */

typedef struct Truth {
    SsBox box;
    bool visible; /* half of it or more */
} Truth;

static Truth truth[FILM][ACTORS];
static int last_visible[ACTORS];      /* NOBODY: never so far */
static bool may_be_new[FILM][ACTORS]; /* it was not to be seen for so long */
static int hidings;                   /* objects that came out after half a second with nothing to be seen */

static void find_truth(const Scenery *s)
{
    int hidden[ACTORS] = { 0 };

    hidings = 0;
    for (int a = 0; a < ACTORS; a++)
        last_visible[a] = NOBODY;
    for (int f = 0; f < FILM; f++)
        for (int a = 0; a < ACTORS; a++) {
            const float seen = script[a].furniture ? 0 : seen_of(s, a, f);

            truth[f][a] = (Truth) { truth_of(s, a, f), seen >= VISIBLE };
            may_be_new[f][a] = false;
            hidden[a] = seen > 0 ? hidden[a] : hidden[a] + 1;
            if (!truth[f][a].visible)
                continue;
            may_be_new[f][a] = last_visible[a] == NOBODY || f - last_visible[a] > AWAY;
            hidings += !may_be_new[f][a] && hidden[a] >= HALF_A_SECOND;
            hidden[a] = 0;
            last_visible[a] = f;
        }
}

static float distance(const SsBox *a, const SsBox *b)
{
    return hypotf(a->x + a->w / 2 - b->x - b->w / 2, a->y + a->h / 2 - b->y - b->h / 2);
}

/* --- the network, and its schedule (as in an engine with one worker) --- */

typedef struct Job {
    int frame; /* NOBODY: none */
    SsPicture *picture;
} Job;

typedef struct Marks {
    int boxes;        /* of visible objects; sums of theirs: */
    double off, part; /* from the centre, in pixels and in widths */
    double size;      /* how much wider or narrower than in truth, as a logarithm */
    double moved;     /* pixels that the object has gone since the network saw it */
    double worst, worst_part;
    int missing; /* boxes of visible objects that were answered */
    int changes; /* of ids */
    int shared;  /* ids */
    int stale;   /* frames, the most: a box after its object was seen last */
    int ghosts;  /* boxes of nobody */
} Marks;

typedef struct Play {
    const Case *c;
    SsAlbum *album;
    SsFollower follower;
    SsDelay delay;
    SsResult *result;
    Job slot, working;
    int64_t done;
    SsPatience patience;
    SsPicture *waiting[FILM];
    int shown;             /* so many pictures so far */
    int answered, results; /* the newest; so many */
    int result_of[FILM];
    bool detected[FILM][ACTORS];
    uint64_t id_of[ACTORS];
    int owner[MOST_IDS];
    Marks marks;
} Play;

static uint32_t dice(int frame, int actor, int use)
{
    uint32_t h = (uint32_t)frame * 2654435761u ^ (uint32_t)actor * 40503u * 65537u ^ (uint32_t)use * 97531u;

    for (int i = 0; i < 3; i++) {
        h ^= h >> 15;
        h *= 2246822519u;
        h ^= h >> 13;
    }
    return h;
}

/** About normal, deviation 1. */
static float chance(int frame, int actor, int use)
{
    float sum = 0;

    for (int i = 0; i < 12; i++)
        sum += (float)(dice(frame, actor, 100 * use + i) % 65536) / 65536;
    return sum - 6;
}

static SsBox trembling(SsBox b, int frame, int actor)
{
    const float size = 0.03f;
    const float w = b.w * (1 + size * chance(frame, actor, 1)),
                h = b.h * (1 + size * chance(frame, actor, 2));
    const float x = b.x + b.w / 2 + size * b.w * chance(frame, actor, 3),
                y = b.y + b.h / 2 + size * b.h * chance(frame, actor, 4);

    return (SsBox) { x - w / 2, y - h / 2, w, h };
}

static bool misses(const Play *p, int frame, int actor)
{
    const bool last = p->results == 0 || p->detected[p->answered][actor];

    return p->c->trembles && last && dice(frame, actor, 9) % 100 < 5;
}

static void note_ids(Play *p, const SsDetection *det, const int *actor, int n)
{
    const SsScene *s = &p->follower.scene[p->follower.now];

    for (int i = 0; i < s->n; i++) {
        const SsObject *o = &s->moving[i].object;
        for (int d = 0; d < n && o->state == SS_MEASURED; d++) {
            if (memcmp(&det[d].box, &o->box, sizeof o->box) != 0)
                continue;
            const int a = actor[d];
            REQUIRE_CMP(o->id, <, MOST_IDS);
            p->marks.changes += p->id_of[a] != 0 && p->id_of[a] != o->id;
            p->marks.shared += p->owner[o->id] != NOBODY && p->owner[o->id] != a;
            p->id_of[a] = o->id;
            p->owner[o->id] = a;
        }
    }
}

static void answer(Play *p)
{
    const int f = p->working.frame;
    SsDetection det[ACTORS];
    int actor[ACTORS], n = 0;

    for (int a = 0; a < ACTORS; a++) {
        for (int k = p->answered + 1; k <= f; k++)
            if (may_be_new[k][a])
                p->id_of[a] = 0;
        p->detected[f][a] = truth[f][a].visible && !misses(p, f, a);
        if (!p->detected[f][a])
            continue;
        actor[n] = a;
        det[n++] =
            (SsDetection) { p->c->trembles ? trembling(truth[f][a].box, f, a) : truth[f][a].box, 0.9f, 1 };
    }
    p->answered = p->result_of[p->results++] = f;
    ss_follower_result(&p->follower, f * FRAME, &p->working.picture, det, n, p->result);
    if (p->c->align == SS_ALIGN_DELAY)
        ss_delay_result(&p->delay, &p->follower, det, n, THRESHOLD, p->done);
    note_ids(p, det, actor, n);
    p->working.frame = NOBODY;
}

static void take(Play *p, int64_t now)
{
    p->working = p->slot;
    p->slot = (Job) { .frame = NOBODY };
    p->done = now + (p->c->latency * MS);
}

/** Until the picture of `now` comes. Times are rounded: what is a microsecond away is at the same instant. */
static void catch_up(Play *p, int64_t now)
{
    const int64_t instant = 1000;

    while (p->working.frame != NOBODY && p->done <= now + instant) {
        answer(p);
        if (p->slot.frame != NOBODY && p->done < now - instant &&
            ss_patience(&p->patience, p->c->align, FRAME, (p->c->latency * MS),
                        p->done - p->slot.frame * FRAME) == 0)
            take(p, p->done);
    }
}

static void offer(Play *p, int frame, SsPicture *picture)
{
    ss_picture_unref(&p->slot.picture);
    p->slot = (Job) { frame, p->c->align == SS_ALIGN_HOLD ? NULL : ss_picture_ref(picture) };
    if (p->working.frame == NOBODY)
        take(p, frame * FRAME);
}

/* --- what is shown --- */

/** The result that says most of the picture: the newest, or with delay the first that saw it or one after it.
 */
static int source_of(const Play *p, int frame, int *before)
{
    int k = p->results - 1;

    while (p->c->align == SS_ALIGN_DELAY && k > 0 && p->result_of[k - 1] >= frame)
        k--;
    *before = k > 0 ? p->result_of[k - 1] : NOBODY;
    return k < 0 ? NOBODY : p->result_of[k];
}

static bool must_be_shown(const Play *p, int frame, int actor)
{
    int before, source = source_of(p, frame, &before);

    if (source == NOBODY || !truth[frame][actor].visible || !truth[source][actor].visible)
        return false;
    return p->detected[source][actor] ||
           (p->c->align == SS_ALIGN_LIVE && before != NOBODY && p->detected[before][actor]);
}

static void mark_box(Play *p, int frame, int actor, const SsObject *o)
{
    Marks *m = &p->marks;
    const Truth *t = &truth[frame][actor];
    const double off = distance(&o->box, &t->box), part = off / t->box.w;

    if (!t->visible) {
        if (frame > last_visible[actor])
            m->stale = SS_MAX(m->stale, frame - last_visible[actor]);
        return;
    }
    m->boxes++;
    m->off += off;
    m->part += part;
    m->worst = fmax(m->worst, off);
    m->worst_part = fmax(m->worst_part, part);
    m->size += fabs(log(o->box.w / t->box.w));
    m->moved += distance(&truth[o->source_pts / FRAME][actor].box, &t->box);
}

static void mark(Play *p, int frame, const SsObject *o, int n)
{
    bool shown[ACTORS] = { false };

    for (int i = 0; i < n; i++) {
        const int a = o[i].id < MOST_IDS ? p->owner[o[i].id] : NOBODY;
        if (a == NOBODY) {
            p->marks.ghosts++;
            continue;
        }
        shown[a] = true;
        mark_box(p, frame, a, &o[i]);
    }
    for (int a = 0; a < ACTORS; a++)
        p->marks.missing += !shown[a] && must_be_shown(p, frame, a);
}

static bool leaves(Play *p, int newest)
{
    if (p->c->align != SS_ALIGN_DELAY || newest == FILM - 1)
        return true;
    const int64_t delay = ss_delay_now(
        &p->delay, newest * FRAME, p->results > 0 ? p->answered * FRAME : INT64_MIN, SS_DEFAULT_MAX_DELAY);
    p->follower.delayed = delay >= 0;
    return ss_delay_over(p->shown * FRAME, newest * FRAME, delay);
}

static void show(Play *p, int newest)
{
    const SsShow how = { p->c->align, THRESHOLD, MAX_AGE, NULL };
    SsObject o[SS_MAX_OBJECTS];

    while (p->shown <= newest && leaves(p, newest)) {
        const int f = p->shown++;
        int n = ss_delay_objects(p->waiting[f], o, SS_MAX_OBJECTS);
        if (n < 0)
            n = p->results > 0
                    ? ss_result_objects(p->result, f * FRAME, p->waiting[f], &how, o, SS_MAX_OBJECTS)
                    : 0;
        mark(p, f, o, n);
        ss_picture_unref(&p->waiting[f]);
    }
}

static void next(Play *p, const SsFrameDesc *d, int frame)
{
    SsPicture *picture = ss_album_add(p->album, d);

    REQUIRE(picture);
    picture->came = d->pts;
    p->waiting[frame] = picture;
    catch_up(p, d->pts);
    offer(p, frame, picture);
    show(p, frame);
}

static Play *play_new(const Case *c)
{
    Play *p = calloc(1, sizeof *p);
    SsEngineParams e = { .threshold = THRESHOLD };

    REQUIRE(p && (p->result = calloc(1, sizeof *p->result)));
    p->c = c;
    p->slot.frame = p->working.frame = p->answered = NOBODY;
    for (int i = 0; i < MOST_IDS; i++)
        p->owner[i] = NOBODY;
    ss_engine_defaults(&e);
    REQUIRE(ss_album_create(&p->album, SS_LONGEST_CHAIN) == 0 && ss_delay_init(&p->delay) == 0);
    REQUIRE(ss_follower_init(&p->follower, &e.tracker) == 0);
    p->follower.delayed = c->align == SS_ALIGN_DELAY;
    return p;
}

static void play_free(Play *p)
{
    ss_picture_unref(&p->slot.picture);
    ss_picture_unref(&p->working.picture);
    ss_picture_unref(&p->result->at);
    ss_delay_clear(&p->delay);
    ss_follower_clear(&p->follower);
    ss_album_destroy(&p->album);
    free(p->result);
    free(p);
}

/* --- the marks --- */

static void report(const Play *p)
{
    const Case *c = p->c;
    const Marks *m = &p->marks;
    const double n = m->boxes;

    printf("%-6s %-5s %3d ms %-8s %6.2f /%6.2f %6.1f /%6.1f %6.3f /%6.3f %6.3f /%6.3f %6.3f /%6.3f %6.2f %5d "
           "%4d %3d %3d %3d\n",
           c->pans ? "pans" : "stands", ss_align_name(c->align), c->latency,
           c->trembles ? "trembles" : "exact", m->off / n, c->off, m->worst, c->worst, m->part / n, c->part,
           m->worst_part, c->worst_part, m->size / n, c->size, m->moved / n, m->boxes, m->missing, m->changes,
           m->shared, m->stale);
}

/** Who is not followed by the pictures is lost where it moves further than it is large. */
static void check(const Play *p)
{
    const Case *c = p->c;
    const Marks *m = &p->marks;
    const double n = m->boxes;

    REQUIRE_CMP(m->boxes, >, 1800);
    REQUIRE_CMP(m->off / n, <=, c->off);
    REQUIRE_CMP(m->worst, <=, c->worst);
    REQUIRE_CMP(m->part / n, <=, c->part);
    REQUIRE_CMP(m->worst_part, <=, c->worst_part);
    REQUIRE_CMP(m->size / n, <=, c->size);
    REQUIRE_CMP(m->stale, <=, c->stale);
    REQUIRE_CMP(m->shared, <=, c->align == SS_ALIGN_HOLD ? MOST_IDS : 0);
    REQUIRE_CMP(m->changes, <=, c->align == SS_ALIGN_HOLD ? MOST_IDS : 0);
    REQUIRE_CMP(m->missing, ==, 0);
    REQUIRE_CMP(m->ghosts, ==, 0);
    if (c->align == SS_ALIGN_HOLD && !c->trembles) /* what the speed predicts: it can fail */
        REQUIRE_NEAR(m->off / m->moved, 1, 0.01);
}

enum { CASES = sizeof cases / sizeof cases[0] };

static void play_all(bool pans)
{
    const Scenery s = { script, ACTORS, pans ? 80 : 0 };
    Play *play[CASES];
    int n = 0;

    find_truth(&s);
    REQUIRE_CMP(hidings, >=, 2);
    for (size_t i = 0; i < CASES; i++)
        if (cases[i].pans == pans)
            play[n++] = play_new(&cases[i]);
    for (int f = 0; f < FILM; f++) {
        const SsFrameDesc d = film(&s, f, f * FRAME);

        for (int i = 0; i < n; i++)
            next(play[i], &d, f);
    }
    for (int i = 0; i < n; i++)
        report(play[i]);
    for (int i = 0; i < n; i++) {
        check(play[i]);
        play_free(play[i]);
    }
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    puts("camera align  late network  mean px / bound  worst / bound mean w. / bound  worst / bound   size / "
         "bound"
         "   went boxes miss new two old");
    play_all(false);
    play_all(true);
    return 0;
}
