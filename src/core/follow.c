/* SPDX-License-Identifier: Apache-2.0 */
#include "follow.h"

#include "internal.h"

int ss_follower_init(SsFollower *f, const SsTrackerParams *p)
{
    const int ret = ss_tracker_create(&f->learn.tracker, p);

    ss_follower_reset(f);
    return ret < 0 ? ret : ss_regression_create(&f->learn.regression);
}

void ss_follower_clear(SsFollower *f)
{
    ss_picture_unref(&f->at);
    ss_picture_unref(&f->ahead_at);
    ss_tracker_destroy(&f->learn.tracker);
    ss_regression_destroy(&f->learn.regression);
}

void ss_follower_reset(SsFollower *f)
{
    if (f->learn.tracker)
        ss_tracker_reset(f->learn.tracker);
    ss_scene_clear(&f->scene[f->now]);
    ss_picture_unref(&f->at);
    ss_picture_unref(&f->ahead_at);
    f->pts = INT64_MIN;
}

/** The objects of the last result, carried to the picture that the network has now seen. */
static const SsScene *carried_to(SsFollower *f, SsPicture *picture)
{
    if (f->ahead_at && picture && ss_picture_leads_to(f->ahead_at, picture)) {
        ss_scene_walk_to(&f->ahead, &f->ahead_at, picture, NULL);
        return &f->ahead;
    }
    if (f->at && picture)
        ss_scene_walk_to(&f->scene[f->now], &f->at, picture, NULL);
    return &f->scene[f->now];
}

/** To the newest picture, for who shows it. */
static void go_ahead(SsFollower *f)
{
    ss_picture_unref(&f->ahead_at);
    if (!f->at || f->delayed)
        return;
    ss_scene_copy(&f->ahead, &f->scene[f->now]);
    f->ahead_at = ss_picture_ref(f->at);
    ss_scene_walk_to(&f->ahead, &f->ahead_at, NULL, NULL);
}

void ss_follower_result(SsFollower *f, int64_t pts, SsPicture **picture, const SsDetection *det, int n,
                        SsResult *r)
{
    const SsScene *before = carried_to(f, *picture);

    ss_scene_update(&f->scene[!f->now], before, &f->learn, pts, *picture, det, n);
    r->interval = f->pts == INT64_MIN ? 0 : pts - f->pts;
    r->pts = f->pts = pts;
    f->now = !f->now;
    ss_picture_unref(&f->at);
    f->at = *picture;
    *picture = NULL;
    go_ahead(f);

    SsPicture *at = f->ahead_at ? f->ahead_at : f->at;
    ss_picture_unref(&r->at);
    r->at = at ? ss_picture_ref(at) : NULL;
    ss_scene_copy(&r->scene, f->ahead_at ? &f->ahead : &f->scene[f->now]);
}

/** As they were seen, unmoved; whom the network missed, where it was to be expected then. */
static int held(const SsResult *r, int64_t pts, const SsShow *show, SsObject *out, int max)
{
    int n = 0;

    for (int i = 0; i < r->scene.n && n < max; i++) {
        const SsObject *o = &r->scene.moving[i].object;
        const bool seen = o->state == SS_MEASURED;

        if (seen ? o->score < show->threshold : pts - o->source_pts > show->max_age)
            continue;
        out[n] = *o;
        out[n++].state = !seen ? SS_PREDICTED : r->pts == pts ? SS_MEASURED : SS_HELD;
    }
    return n;
}

int ss_result_objects(SsResult *r, int64_t pts, SsPicture *picture, const SsShow *show, SsObject *out,
                      int max)
{
    if (show->align == SS_ALIGN_HOLD || !r->at || !picture)
        return held(r, pts, show, out, max);
    ss_scene_walk_to(&r->scene, &r->at, picture, show->budget);
    /* Nothing is followed for ever on the word of a network that has fallen silent. */
    if (pts - r->pts > show->max_age + 2 * r->interval)
        return 0;
    return ss_scene_objects(&r->scene, picture, show->max_age, show->budget, out, max);
}
