/* SPDX-License-Identifier: Apache-2.0 */
#include "delay.h"

#include <stdlib.h>
#include <string.h>

#include "internal.h"

/* Timestamps are rounded: a picture this little early is in time. */
enum { SLACK = 1000000 };

int ss_delay_init(SsDelay *d)
{
    return ss_between_create(&d->between);
}

void ss_delay_clear(SsDelay *d)
{
    ss_delay_reset(d);
    ss_between_destroy(&d->between);
}

void ss_delay_reset(SsDelay *d)
{
    ss_picture_unref(&d->at);
    d->hung = false;
    d->seen.n = 0;
}

/* --- how long --- */

static int ascending(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/** So long 95 % of the waits were at most. */
static int64_t most_waits(const SsDelay *d)
{
    int64_t sorted[SS_DELAY_WAITS];
    const int n = SS_MIN(d->waits, SS_DELAY_WAITS);

    memcpy(sorted, d->wait, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, ascending);
    return sorted[(95 * n + 99) / 100 - 1];
}

/**
 * Every change moves the whole pipeline. So it rises at once, but falls to what was needed lately, not to
 * what is needed now, and not for a little.
 */
static void note_wait(SsDelay *d, int64_t wait)
{
    const int64_t asked = atomic_load(&d->asked);

    d->wait[d->waits++ % SS_DELAY_WAITS] = wait;
    const int64_t p95 = most_waits(d);
    d->crest = SS_MAX(d->crest, p95);
    const bool rises = p95 > asked + SLACK;
    if (!rises && ++d->since < SS_DELAY_WAITS)
        return;
    if (rises || d->crest < asked - asked / 8)
        atomic_store(&d->asked, d->crest);
    d->since = 0;
    d->crest = 0;
}

int64_t ss_delay_now(const SsDelay *d, int64_t newest, int64_t answered, int64_t most)
{
    const int64_t asked = atomic_load(&d->asked);

    if (asked > most || (answered != INT64_MIN && newest - answered > most))
        return -1;
    return asked;
}

bool ss_delay_over(int64_t pts, int64_t newest, int64_t delay)
{
    return newest - pts >= delay - SLACK;
}

int64_t ss_delay_held(int64_t delay, int64_t period)
{
    const int64_t least = SS_MAX(delay - SLACK, 0);

    return (least + period - 1) / period * period;
}

/** `first`: the oldest of the pictures that the one that was `seen` at last answers. */
static void note_result(SsDelay *d, const SsPicture *first, const SsPicture *seen, int64_t now)
{
    const bool hung = d->most > 0 && now - seen->came > d->most;

    /* Those that came while it hung waited for that. */
    if (!hung)
        note_wait(d, now - (d->hung ? seen : first)->came);
    d->hung = hung;
}

/* --- answers --- */

static bool same_box(const SsBox *a, const SsBox *b)
{
    return a->x == b->x && a->y == b->y && a->w == b->w && a->h == b->h;
}

/** What the network saw, with the ids of those that are followed. */
static void note_seen(SsSeen *s, const SsFollower *f, const SsDetection *det, int n)
{
    const SsScene *scene = &f->scene[f->now];

    s->pts = f->pts;
    s->n = n;
    for (int i = 0; i < n; i++) {
        s->object[i] = (SsObject) { 0, det[i].box, det[i].score, det[i].class_id, SS_MEASURED, f->pts };
        for (int k = 0; k < scene->n && s->object[i].id == 0; k++) {
            const SsObject *o = &scene->moving[k].object;
            if (o->state == SS_MEASURED && same_box(&o->box, &det[i].box))
                s->object[i].id = o->id;
        }
    }
}

static void write_seen(SsPicture *p, const SsSeen *s, float threshold)
{
    int n = 0;

    for (int i = 0; i < s->n; i++)
        if (s->object[i].score >= threshold)
            p->answer[n++] = s->object[i];
    atomic_store_explicit(&p->answers, n, memory_order_release);
}

/** The pictures from one to the other, both counted; 0: it does not lead there, or they are too many. */
static int gather(SsPicture *from, const SsPicture *to, SsPicture *out[SS_MAX_BETWEEN])
{
    int n = 0;

    for (; from && n < SS_MAX_BETWEEN; from = ss_picture_next(from)) {
        out[n++] = from;
        if (from == to)
            return n;
    }
    return 0;
}

static void write_between(SsDelay *d, const SsSeen *seen, SsPicture *const *picture, int n, float threshold)
{
    ss_between_set(d->between, &d->seen, seen, picture, n);
    for (int k = 1; k < n - 1; k++) {
        SsPicture *p = picture[k];
        const int found = ss_between_objects(d->between, k, threshold, p->answer, SS_MAX_OBJECTS);
        atomic_store_explicit(&p->answers, found, memory_order_release);
    }
}

void ss_delay_result(SsDelay *d, const SsFollower *f, const SsDetection *det, int n, float threshold,
                     int64_t now)
{
    SsPicture *picture[SS_MAX_BETWEEN];

    if (!f->at) {
        ss_delay_reset(d);
        return;
    }
    note_seen(&d->scratch, f, det, n);
    write_seen(f->at, &d->scratch, threshold); /* first: it needs no walk */
    const int pictures = d->at ? gather(d->at, f->at, picture) : 0;
    if (pictures > 2)
        write_between(d, &d->scratch, picture, pictures, threshold);
    note_result(d, pictures > 1 ? picture[1] : f->at, f->at, now);
    ss_picture_unref(&d->at);
    d->at = ss_picture_ref(f->at);
    d->seen = d->scratch;
}

int ss_delay_objects(const SsPicture *p, SsObject *out, int max)
{
    const int n = atomic_load_explicit(&p->answers, memory_order_acquire);

    for (int i = 0; i < SS_MIN(n, max); i++)
        out[i] = p->answer[i];
    return SS_MIN(n, max);
}
