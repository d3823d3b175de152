/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The objects of a stream at one of its pictures, on their way from where the network saw them to the
 * present: each walks from picture to picture by what its own pixels do (motion.h), by its velocity where
 * they are lost. Pure: no clock, no thread, no lock.
 */
#ifndef SS_SCENE_H
#define SS_SCENE_H

#include "motion.h"
#include "tracker.h"

enum { SS_MAX_FOLLOWED = 64 }; /* by their pixels; all others by velocity */

typedef struct SsMoving {
    SsObject object;     /* as the tracker gave it; its box is where the network saw it */
    SsPose pose;         /* of the filtered box */
    float width, height; /* of that, at scale 1 */
    float off[4];        /* what was detected against what was filtered: centre, width, height */
    float vx, vy;        /* pixels a second */
    bool lost;           /* not found in this picture */
    int appearance;      /* index of its template; -1: none */
} SsMoving;

typedef struct SsScene {
    int64_t pts;        /* of the picture it stands at */
    int64_t source_pts; /* of the frame that the network saw last */
    int n, appearances;
    SsMoving moving[SS_MAX_OBJECTS];
    SsTemplate appearance[SS_MAX_FOLLOWED];
} SsScene;

/** One picture on. */
void ss_scene_walk(SsScene *s, const SsPicture *to);
/** The network has looked at `picture`, where `from` stands (an empty scene before the first result): `to` is
 * what then is. */
void ss_scene_update(SsScene *to, const SsScene *from, SsTracker *t, const SsPicture *picture,
                     const SsDetection *det, int n);
/** The objects as they are shown at the scene's picture; returns their count, `max` at most. */
int ss_scene_objects(const SsScene *s, SsObject *out, int max);

#endif
