/* SPDX-License-Identifier: Apache-2.0 */
#include "replay.h"

#include <glib.h>
#include <string.h>

#include "core/delay.h"
#include "core/engine_private.h"
#include "core/patience.h"
#include "io/stats.h"

/** A picture on its way through the network, and what will come of it. */
typedef struct Job {
    gboolean there;
    int64_t pts;
    SsPicture *picture; /* a reference; NULL: hold */
    int n;
    SsDetection det[SS_MAX_OBJECTS];
} Job;

struct SsReplay {
    SsReplayParams params;
    SsEngineParams engine; /* an engine's defaults at this threshold */
    SsAlbum *album;
    SsFollower follower;
    SsDelay delay;
    SsResult *result;
    gboolean any;   /* result is one */
    GQueue waiting; /* SsPicture with a reference: to leave, oldest first */
    gboolean ended;
    Job slot, working;
    int64_t done;         /* when `working` will be; when the worker became free */
    int64_t last, period; /* of the pictures */
    SsPatience patience;
    int64_t seeing; /* time spent on making the newest picture */
    SsHistogram cost;
};

static SsEngineParams engine_defaults(float threshold)
{
    SsEngineParams p = { .threshold = threshold };
    ss_engine_defaults(&p);
    return p;
}

float ss_replay_faintest(float threshold)
{
    const SsEngineParams p = engine_defaults(threshold);
    return MIN(p.faint, p.threshold);
}

SsReplay *ss_replay_new(const SsReplayParams *p)
{
    SsReplay *r = g_new0(SsReplay, 1);
    r->params = *p;
    r->engine = engine_defaults(p->threshold);
    r->result = g_new0(SsResult, 1);
    r->last = -1;
    r->follower.delayed = p->align == SS_ALIGN_DELAY;
    g_queue_init(&r->waiting);
    if (ss_album_create(&r->album, p->longest_chain) == 0 && ss_delay_init(&r->delay) == 0 &&
        ss_follower_init(&r->follower, &r->engine.tracker) == 0)
        return r;
    ss_replay_free(r);
    return NULL;
}

static void take(SsReplay *r, int64_t now)
{
    r->working = r->slot;
    r->slot = (Job) { .there = FALSE };
    r->done = now + r->params.latency;
}

/* Timestamps are rounded: what is this near is at the same instant. */
enum { INSTANT = 1000 };

/**
 * What happens until the picture of `now` comes: a result arrives, and the worker takes the picture that lies
 * there; not if it had better wait for the next, or if that comes this very instant (see offer()).
 */
static void catch_up(SsReplay *r, int64_t now)
{
    while (r->working.there && r->done <= now + INSTANT) {
        Job *job = &r->working;
        job->there = FALSE;
        ss_follower_result(&r->follower, job->pts, &job->picture, job->det, job->n, r->result);
        if (r->params.align == SS_ALIGN_DELAY)
            ss_delay_result(&r->delay, &r->follower, job->det, job->n, r->engine.threshold, r->done);
        r->any = TRUE;
        if (r->slot.there && r->done < now - INSTANT &&
            ss_patience(&r->patience, r->params.align, r->period, r->params.latency, r->done - r->slot.pts) ==
                0)
            take(r, r->done);
    }
}

static void offer(SsReplay *r, SsPicture *picture, const SsDetection *det, int n)
{
    const gboolean moves = r->params.align != SS_ALIGN_HOLD;
    Job *slot = &r->slot;
    ss_picture_unref(&slot->picture);
    *slot = (Job) { .there = TRUE, .pts = picture->pts, .picture = moves ? ss_picture_ref(picture) : NULL };
    for (int i = 0; i < n; i++)
        if (moves || det[i].score >= r->engine.threshold)
            slot->det[slot->n++] = det[i];
    if (!r->working.there)
        take(r, picture->pts);
}

gboolean ss_replay_see(SsReplay *r, const SsFrameDesc *frame, const SsDetection *det, int n)
{
    const gint64 began = ss_now();
    SsPicture *picture = ss_album_add(r->album, frame);
    if (!picture)
        return FALSE;
    r->seeing = r->params.align != SS_ALIGN_HOLD ? ss_now() - began : 0; /* hold needs none */
    picture->came = frame->pts;
    if (r->last >= 0)
        r->period = frame->pts - r->last;
    r->last = frame->pts;
    catch_up(r, frame->pts);
    offer(r, picture, det, n);
    g_queue_push_tail(&r->waiting, picture);
    return TRUE;
}

static gboolean leaves(SsReplay *r, const SsPicture *p)
{
    if (r->params.align != SS_ALIGN_DELAY || r->ended)
        return TRUE;
    const int64_t delay =
        ss_delay_now(&r->delay, r->last, r->any ? r->result->pts : INT64_MIN, SS_DEFAULT_MAX_DELAY);
    r->follower.delayed = delay >= 0;
    return ss_delay_over(p->pts, r->last, delay);
}

int ss_replay_show(SsReplay *r, int64_t *pts, SsObject *out)
{
    const SsShow show = { r->params.align, r->engine.threshold, r->params.max_age, NULL };
    SsPicture *p = g_queue_peek_head(&r->waiting);
    if (!p || !leaves(r, p))
        return -1;
    g_queue_pop_head(&r->waiting);
    *pts = p->pts;
    const gint64 began = ss_now();
    int n = ss_delay_objects(p, out, SS_MAX_OBJECTS);
    if (n < 0)
        n = r->any ? ss_result_objects(r->result, p->pts, p, &show, out, SS_MAX_OBJECTS) : 0;
    ss_histogram_add(&r->cost, r->seeing + ss_now() - began);
    ss_picture_unref(&p);
    return n;
}

void ss_replay_cost(const SsReplay *r, SsTimes *out)
{
    ss_histogram_times(&r->cost, out);
}

void ss_replay_end(SsReplay *r)
{
    r->ended = TRUE;
}

void ss_replay_free(SsReplay *r)
{
    ss_picture_unref(&r->slot.picture);
    ss_picture_unref(&r->working.picture);
    ss_picture_unref(&r->result->at);
    for (SsPicture *p; (p = g_queue_pop_head(&r->waiting));)
        ss_picture_unref(&p);
    ss_delay_clear(&r->delay);
    ss_follower_clear(&r->follower);
    ss_album_destroy(&r->album);
    g_free(r->result);
    g_free(r);
}
