/* SPDX-License-Identifier: Apache-2.0 */
/** A region of interest of a buffer (GstVideoRegionOfInterestMeta), whoever added it, as it is read. */
#ifndef SS_GST_REGION_H
#define SS_GST_REGION_H

#include <gst/video/video.h>

#include "draw.h"
#include "sidestream/track.h"

typedef struct SsRegion {
    GQuark name; /* roi_type */
    int id;
    SsRect rect;       /* signed, and no side so large that a sum overflows */
    const char *label; /* of the object, else the name; lives as long as the meta */
    gboolean classed;  /* class_id is known */
    int class_id;
    double confidence;                 /* negative: unknown */
    gboolean exact;                    /* these are known: */
    double x_min, x_max, y_min, y_max; /* in parts of the picture */
    gboolean stated;                   /* the state is known */
    SsObjectState state;               /* else SS_MEASURED */
    guint64 age;                       /* ns; 0 where nobody says */
    GstClockTime source_pts;           /* GST_CLOCK_TIME_NONE where nobody says */
} SsRegion;

/** One after another; `*iterator`: NULL at first. FALSE: there are no more. */
gboolean ss_region_next(GstBuffer *buffer, gpointer *iterator, SsRegion *out);

/** As the core has objects. FALSE: class, confidence or exact place are unknown; it is somebody else's.
 * `pts`: the picture's, which counts as the one that was seen where nobody says. */
gboolean ss_region_object(const SsRegion *region, const GstVideoInfo *info, int64_t pts, SsObject *out);

#endif
