/* SPDX-License-Identifier: Apache-2.0 */
/** The regions of interest of a buffer (GstVideoRegionOfInterestMeta), whoever added them: read, and drawn.
 */
#ifndef SS_GST_REGIONS_H
#define SS_GST_REGIONS_H

#include "draw.h"
#include "text.h"

typedef struct SsRegion {
    GQuark name; /* roi_type */
    int id;
    SsRect rect;       /* signed, and no side so large that a sum overflows */
    const char *label; /* of the object, else the name; lives as long as the meta */
    gboolean classed;  /* class_id is known */
    int class_id;
    double confidence;        /* negative: unknown */
    gboolean held, predicted; /* an older frame's box, unmoved; moved by its velocity alone */
    guint64 age;              /* ns; 0 where nobody says */
} SsRegion;

/** One after another; `*iterator`: NULL at first. FALSE: there are no more. */
gboolean ss_region_next(GstBuffer *buffer, gpointer *iterator, SsRegion *out);

typedef struct SsRegionStyle {
    gboolean fill;   /* instead of an outline */
    gboolean labels; /* a tag with name and confidence */
    int thickness;   /* of the outline; 0: by the picture's height */
} SsRegionStyle;

/** All regions of `buffer`, whose mapped picture is `frame`. */
void ss_regions_draw(GstVideoFrame *frame, GstBuffer *buffer, SsText *text, const SsRegionStyle *style);

#endif
