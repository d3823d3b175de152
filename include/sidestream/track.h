/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the network saw (detections) and what is shown (objects).
 */
#ifndef SIDESTREAM_TRACK_H
#define SIDESTREAM_TRACK_H

#include <stdbool.h>
#include <stdint.h>

#include "log.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SS_MAX_OBJECTS = 256 }; /* a frame; the best by score are kept */

/** Pixels of the source frame, top-left origin; may reach over the picture's edge. */
typedef struct SsBox {
    float x, y, w, h;
} SsBox;

typedef struct SsDetection {
    SsBox box;
    float score;  /* 0 .. 1 */
    int class_id; /* as the model numbers its classes */
} SsDetection;

typedef enum SsObjectState {
    SS_MEASURED,  /* the network looked at this very frame */
    SS_HELD,      /* an older frame's box, unmoved */
    SS_TRACKED,   /* carried here by the picture's motion */
    SS_PREDICTED, /* carried here by velocity alone */
} SsObjectState;

/** Stable lower-case word for JSON and metadata: "measured", "held", ... */
SS_API const char *ss_object_state_name(SsObjectState state);

typedef struct SsObject {
    uint64_t id; /* of the track: stable while the object is followed, from 1 up, never reused in a stream */
    SsBox box;
    float score; /* 0 .. 1; of a carried box: how sure it still is */
    int class_id;
    SsObjectState state;
    int64_t source_pts; /* of the frame the network looked at */
} SsObject;

typedef struct SsTrackerParams {
    float match_iou;   /* least overlap with where an object is expected, to be it; 0 = 0.2 */
    float start_score; /* a detection below may continue a track, not start one */
    int confirm;       /* detections until an object is shown, all but the first in a row; 0 or 1 = at once */
    int64_t coast; /* ns; an object unseen for no longer is shown where it is expected; 0 = it is not shown */
    int64_t max_lost; /* ns; an object unseen for longer is forgotten; 0 = 2 s */
    bool smooth;      /* boxes as the filter has them: calmer; else as they were detected */
} SsTrackerParams;

#ifdef __cplusplus
}
#endif
#endif
