/* SPDX-License-Identifier: Apache-2.0 */
/** The regions of interest of a buffer, whoever added them, are drawn. */
#ifndef SS_GST_REGIONS_H
#define SS_GST_REGIONS_H

#include "region.h"
#include "text.h"

typedef struct SsRegionStyle {
    gboolean fill;           /* instead of an outline */
    gboolean labels;         /* a tag with name and confidence */
    int thickness;           /* of the outline; 0: by the picture's height */
    const gboolean *undrawn; /* which of the first regions are left out, as are all others; NULL: none */
    guint n_undrawn;
} SsRegionStyle;

/** About how many pixels their lines and tags cover in a picture `height` pixels high. */
guint64 ss_regions_pixels(GstBuffer *buffer, const SsRegionStyle *style, int height);
/** All regions of `buffer`, whose picture is the canvas's. */
void ss_regions_draw(const SsCanvas *canvas, GstBuffer *buffer, SsText *text, const SsRegionStyle *style);

#endif
