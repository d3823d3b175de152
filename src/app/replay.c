/* SPDX-License-Identifier: Apache-2.0 */
#include "replay.h"

#include <glib.h>
#include <string.h>

#include "core/engine_private.h"
#include "core/patience.h"

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
    SsFollower follower;
    SsResult *result;
    gboolean any; /* result is one */
    Job slot, working;
    int64_t done;         /* when `working` will be; when the worker became free */
    int64_t last, period; /* of the pictures */
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
    if (ss_follower_init(&r->follower, &r->engine.tracker) == 0)
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
        r->any = TRUE;
        if (r->slot.there && r->done < now - INSTANT &&
            ss_patience(r->period, r->params.latency, r->done - r->slot.pts) == 0)
            take(r, r->done);
    }
}

static void offer(SsReplay *r, int64_t pts, SsPicture *picture, const SsDetection *det, int n)
{
    const gboolean live = r->params.align == SS_ALIGN_LIVE;
    Job *slot = &r->slot;
    ss_picture_unref(&slot->picture);
    *slot = (Job) { .there = TRUE, .pts = pts, .picture = live ? ss_picture_ref(picture) : NULL };
    for (int i = 0; i < n; i++)
        if (live || det[i].score >= r->engine.threshold)
            slot->det[slot->n++] = det[i];
    if (!r->working.there)
        take(r, pts);
}

int ss_replay_show(SsReplay *r, int64_t pts, SsPicture *picture, const SsDetection *det, int n, SsObject *out)
{
    const SsShow show = { r->params.align, r->engine.threshold, r->params.max_age, NULL };
    if (r->last >= 0)
        r->period = pts - r->last;
    r->last = pts;
    catch_up(r, pts);
    const int shown = r->any ? ss_result_objects(r->result, pts, picture, &show, out, SS_MAX_OBJECTS) : 0;
    offer(r, pts, picture, det, n);
    return shown;
}

void ss_replay_free(SsReplay *r)
{
    ss_picture_unref(&r->slot.picture);
    ss_picture_unref(&r->working.picture);
    ss_picture_unref(&r->result->at);
    ss_follower_clear(&r->follower);
    g_free(r->result);
    g_free(r);
}
