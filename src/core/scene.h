/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The objects of a stream at one of its pictures, on their way from where the network saw them to the
 * present: each walks from picture to picture by what its own pixels do (motion.h), by its velocity where
 * they are lost, or where time is short. Pure: a clock only where it is given one, no thread, no lock.
 */
#ifndef SS_SCENE_H
#define SS_SCENE_H

#include "motion.h"
#include "regression.h"
#include "tracker.h"

enum { SS_MAX_FOLLOWED = 64 }; /* by their pixels; all others by velocity */

typedef struct SsMoving {
    SsObject object;     /* as the tracker gave it; its box is where the network saw it */
    SsPose pose;         /* of the filtered box */
    float width, height; /* of that, at scale 1 */
    /* Centre, width, height, in pixels: what was detected against what was filtered, and how much of that the
     * picture of then explains (regression.h). */
    float off[SS_TARGETS], explained[SS_TARGETS];
    float vx, vy;   /* pixels a second */
    bool paced;     /* by its pixels; else by the tracker's filter */
    bool lost;      /* not found in this picture, or not looked for */
    int64_t found;  /* pts of the last picture where it was seen or found */
    int appearance; /* index of its template; -1: none */
} SsMoving;

typedef struct SsScene {
    int64_t pts;        /* of the picture it stands at */
    int64_t source_pts; /* of the frame that the network saw last */
    int n, appearances;
    SsWeights weights; /* what explains how detections are off what is followed */
    int turn;          /* who is looked for first in the next picture, so that short time is shared */
    SsMoving moving[SS_MAX_OBJECTS];
    SsTemplate appearance[SS_MAX_FOLLOWED];
} SsScene;

/** For whoever has no time to lose: past `end`, objects move by their velocity. */
typedef struct SsBudget {
    int64_t (*now)(void); /* ns */
    int64_t end;
} SsBudget;

/** One picture on. `budget` may be NULL: there is time. */
void ss_scene_walk(SsScene *s, const SsPicture *to, const SsBudget *budget);
/**
 * From picture to picture until `to`, or until the newest one if that is NULL. `*at`: where the scene stands;
 * the reference moves along. If the chain does not lead there (it was cut): at once, by velocity.
 */
void ss_scene_walk_to(SsScene *s, SsPicture **at, SsPicture *to, const SsBudget *budget);
/** Who learns from results: the tracker who is who, the regression how boxes lie about their objects. */
typedef struct SsLearners {
    SsTracker *tracker;
    SsRegression *regression;
} SsLearners;

/**
 * The network has looked at the frame of `pts`: `to` is what then is. `from`: what was until then (empty
 * before the first result); if it stands there too, its objects are expected where it has them. `picture`:
 * of that frame; NULL: there is none, and `to` cannot walk but by velocity.
 */
void ss_scene_update(SsScene *to, const SsScene *from, const SsLearners *l, int64_t pts,
                     const SsPicture *picture, const SsDetection *det, int n);
/**
 * The objects as they are shown at the scene's picture (NULL: there is none), `max` at most; who has been
 * lost for longer than `max_lost` is not. Returns their count. `budget` as for ss_scene_walk().
 */
int ss_scene_objects(const SsScene *s, const SsPicture *picture, int64_t max_lost, const SsBudget *budget,
                     SsObject *out, int max);
void ss_scene_copy(SsScene *to, const SsScene *from);
void ss_scene_clear(SsScene *s);

#endif
