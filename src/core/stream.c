/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The stream's side. What its thread calls takes no lock and waits for nobody: the frame
 * goes into the slot, and results come out of the store, by one atomic exchange each.
 */
#include "engine_private.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "internal.h"
#include "standby.h"

enum { SPARE_PICTURES = 8, RATE_KNOWN = 16 /* pictures */, LONG_ENOUGH = 1000000000 /* ns */ };

static void add_one(atomic_uint_fast64_t *counter)
{
    atomic_fetch_add(counter, 1);
}

int ss_stream_create(SsStream **out, SsEngine *e, const SsStreamParams *p)
{
    SsStream *s;

    if (p->every < 0 || p->max_rate < 0 || p->max_rate != p->max_rate || p->max_age < 0 || p->budget < 0 ||
        p->max_delay < 0) {
        ss_err(&e->log, "every, max-rate, max-age, budget and max-delay must not be negative");
        return -EINVAL;
    }
    s = calloc(1, sizeof *s);
    if (!s || ss_album_create(&s->album, SS_LONGEST_CHAIN) < 0 || ss_delay_init(&s->delay) < 0 ||
        ss_follower_init(&s->follower, &e->params.tracker) < 0) {
        if (s) {
            ss_follower_clear(&s->follower);
            ss_delay_clear(&s->delay);
            ss_album_destroy(&s->album);
        }
        free(s);
        ss_err(&e->log, "out of memory for one more stream");
        return -ENOMEM;
    }
    s->engine = e;
    s->params = *p;
    s->params.every = SS_MAX(p->every, 1);
    if (p->max_age == 0)
        s->params.max_age = 1000000000;
    if (p->budget == 0)
        s->params.budget = 500000;
    if (p->max_delay == 0)
        s->params.max_delay = SS_DEFAULT_MAX_DELAY;
    s->due = s->first = INT64_MIN;
    s->delay.most = s->params.max_delay;
    atomic_init(&s->align, (int)p->align);
    atomic_init(&s->refs, 1);
    atomic_init(&s->processor, -1);
    ss_store_init(&s->store);
    ss_reach_init(&s->reach, SS_PICTURE_RESERVE - SS_PICTURE_ALONE, SS_LONGEST_CHAIN);
    pthread_mutex_init(&s->update, NULL);

    pthread_mutex_lock(&e->lock);
    s->next = e->streams;
    s->last_served = e->served; /* a newcomer queues up behind those already here */
    e->streams = s;
    pthread_mutex_unlock(&e->lock);
    *out = s;
    return 0;
}

/** The pictures of frames that are still to be shown: the oldest goes. */
static void forget_oldest(SsStream *s)
{
    ss_picture_unref(&s->held[s->first_held]);
    s->first_held = (s->first_held + 1) % SS_LONGEST_CHAIN;
    s->n_held--;
}

static void forget_held(SsStream *s)
{
    while (s->n_held > 0)
        forget_oldest(s);
}

void ss_stream_unref(SsStream *s)
{
    if (atomic_fetch_sub(&s->refs, 1) > 1)
        return;
    SsFrame *unread = atomic_load(&s->slot);
    ss_frame_unref(&unread);
    ss_picture_unref(&s->picture);
    forget_held(s);
    ss_store_clear(&s->store);
    ss_delay_clear(&s->delay);
    ss_follower_clear(&s->follower);
    ss_album_destroy(&s->album);
    ss_gpu_sight_clear(&s->gpu_sight);
    pthread_mutex_destroy(&s->update);
    free(s);
}

void ss_stream_destroy(SsStream **stream)
{
    if (!stream || !*stream)
        return;
    SsStream *s = *stream;
    SsEngine *e = s->engine;
    *stream = NULL;

    pthread_mutex_lock(&e->lock);
    for (SsStream **p = &e->streams; *p; p = &(*p)->next) {
        if (*p == s) {
            *p = s->next;
            break;
        }
    }
    pthread_mutex_unlock(&e->lock);
    ss_stream_unref(s);
}

bool ss_stream_wants(SsStream *s, int64_t pts)
{
    /* A camera's timestamps jitter; a frame this little early is in time. */
    const int64_t slack = 1000000;
    bool wanted = s->seen++ % (uint64_t)s->params.every == 0;

    if (wanted && s->params.max_rate > 0) {
        const double longest = 1e18; /* 31 years; a rate near 0 gives more than an int64_t holds */
        int64_t period = (int64_t)SS_MIN(1e9 / s->params.max_rate, longest);
        wanted = s->due == INT64_MIN || pts >= s->due - slack;
        if (wanted) {
            bool in_step = s->due != INT64_MIN && pts < s->due + period;
            s->due = (in_step ? s->due : pts) + period;
        }
    }
    if (!wanted) {
        add_one(&s->offered);
        add_one(&s->skipped);
    }
    return wanted;
}

/** How often frames come and on which processor, for the workers' patience. */
static void note_rhythm(SsStream *s, int64_t now)
{
    const int64_t pause = 1000000000; /* longer than this is no period but a stop */
    int64_t gap = now - s->last_offer, period = atomic_load_explicit(&s->period, memory_order_relaxed);

    if (s->last_offer == 0 || gap > pause)
        period = 0;
    else
        period = period == 0 ? gap : period + (gap - period) / 8;
    s->last_offer = now;
    atomic_store_explicit(&s->period, period, memory_order_relaxed);
    atomic_store_explicit(&s->processor, ss_standby_processor(), memory_order_relaxed);
}

void ss_stream_offer(SsStream *s, SsFrame *frame)
{
    frame->epoch = atomic_load_explicit(&s->epoch, memory_order_relaxed);
    frame->offered_ns = ss_now_ns();
    if (s->picture && s->picture->pts == frame->desc.pts)
        frame->picture = ss_picture_ref(s->picture);
    note_rhythm(s, frame->offered_ns);
    add_one(&s->offered);
    add_one(&s->in_flight);

    SsFrame *unread = atomic_exchange(&s->slot, frame);
    if (!unread) {
        sem_post(&s->engine->work);
        return;
    }
    add_one(&s->replaced);
    atomic_fetch_sub(&s->in_flight, 1);
    ss_frame_unref(&unread);
}

void ss_stream_set_align(SsStream *s, SsAlign align)
{
    atomic_store(&s->align, (int)align);
}

/** Until its frame is shown. */
static void hold_picture(SsStream *s, SsPicture *p)
{
    if (s->n_held == SS_LONGEST_CHAIN)
        forget_oldest(s);
    s->held[(s->first_held + s->n_held++) % SS_LONGEST_CHAIN] = ss_picture_ref(p);
}

/** What hangs together at most, and with it what is there from the start. */
static void keep_pictures(SsStream *s, SsAlign align)
{
    const int reach = ss_reach_pictures(&s->reach);
    /* What is delayed waits for its answer: a gap would be seen. Its pictures come as they are needed. */
    ss_album_set_longest(s->album, align == SS_ALIGN_DELAY ? SS_LONGEST_CHAIN : reach);
    ss_album_set_reserve(s->album, reach + SS_PICTURE_ALONE);
}

/** From the first pictures, whose average holds for a camera that keeps no even time, too. */
static void learn_rate(SsStream *s)
{
    const int64_t seen = s->picture->pts - s->first;

    if (s->paced < RATE_KNOWN && ++s->paced == RATE_KNOWN && seen > 0)
        ss_reach_span(&s->reach, SS_MIN(s->params.max_age, LONG_ENOUGH), SS_MAX(seen / (RATE_KNOWN - 1), 1));
}

/** Errors: -EAGAIN: a GPU that is busy has not made it in time. */
static int add_picture(SsStream *s, const SsFrameDesc *frame)
{
    int ret;

    if (frame->memory == SS_MEMORY_HOST) {
        s->picture = ss_album_add(s->album, frame);
        return s->picture ? 0 : -ENOMEM;
    }
    ret = ss_gpu_sight_add(&s->gpu_sight, s->album, frame, s->params.budget, &s->picture);
    if (ret == -EAGAIN)
        add_one(&s->unseen);
    return ret;
}

void ss_stream_see(SsStream *s, const SsFrameDesc *frame)
{
    const SsAlign align = (SsAlign)atomic_load(&s->align);
    const int64_t previous = s->picture ? s->picture->pts : INT64_MIN;
    bool late = false; /* the next one hangs together with those before it all the same */

    ss_picture_unref(&s->picture);
    keep_pictures(s, align);
    if (frame && align != SS_ALIGN_HOLD && ss_frame_desc_valid(frame))
        late = add_picture(s, frame) == -EAGAIN;
    if (!s->picture) {
        if (!late)
            ss_album_cut(s->album);
        return;
    }
    if (s->first == INT64_MIN) {
        s->first = s->picture->pts;
        s->paced = 0;
    }
    learn_rate(s);
    if (previous != INT64_MIN)
        s->gap += (s->picture->pts - previous - s->gap) / (s->gap > 0 ? 8 : 1);
    s->picture->came = ss_now_ns(); /* in any case: the network may answer it after a switch to delay */
    if (align == SS_ALIGN_DELAY)
        hold_picture(s, s->picture);
}

/** The picture of the frame that is shown now, borrowed; those of older frames are not asked for any more. */
static SsPicture *picture_of(SsStream *s, int64_t pts)
{
    while (s->n_held > 0 && s->held[s->first_held]->pts < pts)
        forget_oldest(s);
    if (s->n_held > 0 && s->held[s->first_held]->pts == pts)
        return s->held[s->first_held];
    return s->picture && s->picture->pts == pts ? s->picture : NULL;
}

static SsResult *newest_result(SsStream *s)
{
    SsResult *r = ss_store_newest(&s->store);

    return r && r->epoch == atomic_load_explicit(&s->epoch, memory_order_relaxed) ? r : NULL;
}

int64_t ss_stream_delay(SsStream *s)
{
    const SsResult *r = newest_result(s);

    if (atomic_load(&s->align) != SS_ALIGN_DELAY)
        return 0;
    /* What was asked for before a flush is held back after it, too; then the network may hang in it. */
    const int64_t answered = r ? r->pts : atomic_load(&s->delay.asked) > 0 ? s->first : INT64_MIN;
    const int64_t newest = s->picture ? s->picture->pts : answered;
    /* Of so many pictures in a row at most a result can be carried. */
    const int64_t most = SS_MIN(s->params.max_delay, (SS_LONGEST_CHAIN - SPARE_PICTURES) * s->gap);
    const int64_t delay = ss_delay_now(&s->delay, newest, answered, s->gap > 0 ? most : s->params.max_delay);
    atomic_store(&s->delays, delay >= 0);
    return delay;
}

static void note_told(SsStream *s, int64_t pts, const SsResult *r, int64_t age)
{
    s->told = (SsTold) {
        .any = true, .pts = r->pts, .came = r->came, .interval = r->interval, .at = pts, .age = SS_MAX(age, 0)
    };
    ss_histogram_add(&s->age, age);
}

int ss_stream_objects_at(SsStream *s, int64_t pts, SsObject *out, int max)
{
    SsResult *r = newest_result(s);
    SsPicture *picture = picture_of(s, pts);
    const SsAlign align = (SsAlign)atomic_load(&s->align);

    s->told.any = false;
    if (!r)
        return 0;
    int n = align == SS_ALIGN_DELAY && picture ? ss_delay_objects(picture, out, max) : -1;
    if (n >= 0) {
        note_told(s, pts, r, n > 0 ? pts - out[0].source_pts : 0);
        return n;
    }
    /* The network is beyond it: nothing is known of this one, and boxes are not walked back. */
    if (align == SS_ALIGN_DELAY && r->pts > pts)
        return 0;
    const SsBudget budget = { ss_now_ns, ss_now_ns() + s->params.budget };
    const SsShow show = { .align = align,
                          .threshold = s->engine->params.threshold,
                          .max_age = s->params.max_age,
                          .budget = &budget };
    note_told(s, pts, r, pts - r->pts);
    return ss_result_objects(r, pts, picture, &show, out, max);
}

void ss_stream_status(const SsStream *s, int64_t came, SsStreamStatus *out)
{
    const SsTold *t = &s->told;

    *out = (SsStreamStatus) {
        .silent = INT64_MAX,
        .inference = atomic_load(&s->inference_now),
        .inferred = atomic_load(&s->inferred),
    };
    if (!t->any)
        return;
    /* Not by pts alone: those of a stream may stand still, or stop with it while the world goes on. */
    out->silent = SS_MAX(SS_MAX(t->at - t->pts, came - t->came), 0);
    out->age = t->age;
    out->interval = t->interval;
}

void ss_stream_flush(SsStream *s)
{
    atomic_fetch_add(&s->epoch, 1);
    s->due = s->first = INT64_MIN;
    ss_store_forget(&s->store);
    ss_picture_unref(&s->picture);
    forget_held(s);
    ss_album_cut(s->album);

    SsFrame *unread = atomic_exchange(&s->slot, NULL);
    if (!unread)
        return;
    add_one(&s->replaced);
    atomic_fetch_sub(&s->in_flight, 1);
    ss_frame_unref(&unread);
}

void ss_stream_give_up(SsStream *s, SsFrame **frame)
{
    add_one(&s->replaced);
    atomic_fetch_sub(&s->in_flight, 1);
    ss_frame_unref(frame);
    ss_stream_unref(s);
}

/** Under `update`. */
static void start_over(SsStream *s)
{
    ss_follower_reset(&s->follower);
    ss_delay_reset(&s->delay);
}

/** Under `update`. */
static void follow(SsStream *s, int64_t pts, SsPicture **picture, const SsDetection *det, int n, SsResult *r)
{
    const bool delays = atomic_load(&s->align) == SS_ALIGN_DELAY;

    if (s->follower.at)
        ss_reach_note(&s->reach, 1 + ss_picture_followers(s->follower.at));
    s->follower.delayed = delays && atomic_load(&s->delays);
    ss_follower_result(&s->follower, pts, picture, det, n, r);
    if (delays)
        ss_delay_result(&s->delay, &s->follower, det, n, s->engine->params.threshold, ss_now_ns());
    else
        ss_delay_reset(&s->delay); /* or it would hold all pictures from here on */
}

/** Two workers may take one another's word; a figure for people loses nothing by it. */
void ss_stream_note_inference(SsStream *s, int64_t ns)
{
    const int64_t now = atomic_load(&s->inference_now);

    atomic_store(&s->inference_now, now == 0 ? ns : now + (ns - now) / 8);
    ss_histogram_add(&s->inference, ns);
}

void ss_stream_publish(SsStream *s, SsLook *look, const SsDetection *det, int n)
{
    pthread_mutex_lock(&s->update);
    if (look->epoch != atomic_load(&s->epoch) ||
        (look->epoch == s->follower_epoch && look->pts <= s->follower.pts)) {
        pthread_mutex_unlock(&s->update);
        add_one(&s->late);
        return;
    }
    if (look->epoch != s->follower_epoch)
        start_over(s);
    s->follower_epoch = look->epoch;

    SsResult *r = ss_store_back(&s->store);
    r->epoch = look->epoch;
    r->came = look->came;
    follow(s, look->pts, &look->picture, det, n, r);
    ss_store_publish(&s->store);
    pthread_mutex_unlock(&s->update);
    add_one(&s->inferred);
}

void ss_stream_stats(SsStream *s, SsStreamStats *out)
{
    /* First: a frame leaves this count after it entered another, so whoever reads 0 here reads every fate. */
    const uint64_t in_flight = atomic_load(&s->in_flight);

    *out = (SsStreamStats) {
        .offered = atomic_load(&s->offered),
        .skipped = atomic_load(&s->skipped),
        .replaced = atomic_load(&s->replaced),
        .inferred = atomic_load(&s->inferred),
        .late = atomic_load(&s->late),
        .failed = atomic_load(&s->failed),
        .in_flight = in_flight,
        .fetched = atomic_load(&s->fetched),
        .unseen = atomic_load(&s->unseen),
        .waits = atomic_load(&s->waits),
    };
    ss_histogram_times(&s->inference, &out->inference);
    ss_histogram_times(&s->take, &out->take);
    ss_histogram_times(&s->age, &out->age);
}
