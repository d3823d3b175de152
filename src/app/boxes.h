/* SPDX-License-Identifier: Apache-2.0 */
/** What eval compares, for programs of one's own: a line of JSON for each way to show each picture. */
#ifndef SS_BOXES_H
#define SS_BOXES_H

#include <glib.h>

#include "precision.h"
#include "sidestream/track.h"

typedef struct SsBoxes SsBoxes;

typedef struct SsBoxesOf {
    gint64 pts;
    const char *align; /* NULL: what the network sees in this very picture */
    int frame, latency_ms;
} SsBoxesOf;

/** `path`: "-" is standard output. NULL: `error` says why. */
SsBoxes *ss_boxes_open(const char *path, GError **error);
/** `box[i]`: what can be seen of `object[i]`; without `object` nothing but boxes is known. */
void ss_boxes_write(SsBoxes *b, const SsBoxesOf *of, const SsScored *box, const SsObject *object, int n);
/** FALSE: they could not all be written; `error` says why. */
gboolean ss_boxes_close(SsBoxes *b, GError **error);

#endif
