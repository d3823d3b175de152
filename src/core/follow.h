/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the network saw of a stream -> what is shown of it now, in two halves: the follower, where results
 * arrive, and the result, which it hands to whoever shows the pictures. A follower is used by one thread at a
 * time, a result by one; neither waits for the other. No clock but that of the budget.
 */
#ifndef SS_FOLLOW_H
#define SS_FOLLOW_H

#include "scene.h"
#include "sidestream/engine.h"

typedef struct SsFollower {
    SsLearners learn;
    SsScene scene[2]; /* the objects as of the newest result, on their way to the next; and scratch */
    int now;
    SsPicture *at; /* where they stand; with it all pictures since. NULL: pictures are not followed */
    /* The same, carried to the picture that was the newest when that result came. The network mostly looks at
     * that one next, or one after it: then that way is not walked twice. */
    SsScene ahead;
    SsPicture *ahead_at; /* NULL: there is none */
    int64_t pts;         /* of the newest result; INT64_MIN: none */
    bool delayed;        /* pictures are shown late: a result stays where the network saw it */
} SsFollower;

typedef struct SsResult {
    int64_t pts;      /* of the frame that the network saw */
    int64_t interval; /* since the one it saw before; 0: it was the first */
    int64_t came;     /* by the clock, when that frame came; for whoever publishes it */
    unsigned epoch;   /* of the stream when that frame was offered */
    SsPicture *at;    /* a reference: where the scene stands; NULL: it cannot walk */
    SsScene scene;
} SsResult;

/** How a result is shown. */
typedef struct SsShow {
    SsAlign align;
    float threshold;        /* SS_ALIGN_HOLD: objects below are not shown */
    int64_t max_age;        /* ns */
    const SsBudget *budget; /* NULL: there is time */
} SsShow;

/** Errors: -ENOMEM. */
int ss_follower_init(SsFollower *f, const SsTrackerParams *p);
void ss_follower_clear(SsFollower *f);
/** The stream starts over. */
void ss_follower_reset(SsFollower *f);
/**
 * The network saw `det` in the frame of `pts`, later than the last. `*picture`: a reference to that frame's,
 * taken over, or NULL. Fills `r` (whatever it holds) with what is there to be shown, carried to the newest
 * picture.
 */
void ss_follower_result(SsFollower *f, int64_t pts, SsPicture **picture, const SsDetection *det, int n,
                        SsResult *r);

/**
 * The objects for the frame of `pts`, whose picture is `picture` (NULL: none was made), `max` at most;
 * returns their count. The result's scene goes there with them.
 */
int ss_result_objects(SsResult *r, int64_t pts, SsPicture *picture, const SsShow *show, SsObject *out,
                      int max);

#endif
