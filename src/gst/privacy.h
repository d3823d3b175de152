/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Which parts of a picture must not be recognised: the objects of some classes, with a margin for what is not
 * known of them; those that have just vanished, where they were, ever larger; and all of it where the
 * network's word is not good enough. So it remembers the frames before. Time is an argument, of the stream.
 */
#ifndef SS_GST_PRIVACY_H
#define SS_GST_PRIVACY_H

#include "region.h"

enum { SS_MOST_PLACES = 512 };

/** An object of the last frames. */
typedef struct SsPlace {
    GQuark name;
    int id;
    float x, y, w, h; /* its box */
    float vx, vy;     /* of that, in pixels a second */
    gint64 boxed;     /* when it stood there */
    gint64 seen;      /* when it was last on a buffer */
    guint64 frame;    /* the number of that */
    guint64 age;      /* of the box then, ns */
    gboolean held;    /* and had not been moved since */
    gboolean sure;    /* it once had the confidence to be drawn */
} SsPlace;

typedef struct SsPrivacy {
    gboolean goes_on; /* FALSE: whatever was seen says nothing of the next frame */
    gint64 since;     /* of the first frame after that */
    gint64 time;      /* of the last frame */
    guint64 age;    /* of the last frame's boxes, as its network says: of those that do not say themselves */
    guint64 frames; /* so many so far */
    guint n;
    SsPlace place[SS_MOST_PLACES];
} SsPrivacy;

typedef struct SsPrivacyParams {
    const GArray *names;   /* of GQuark, as ss_privacy_names() made it; NULL: nobody is hidden */
    double min_confidence; /* who never had as much is not drawn */
    gint64 max_age;    /* ns; a network may be silent for so long, and so long the vanished are remembered */
    int width, height; /* of the picture */
} SsPrivacyParams;

typedef struct SsCover {
    const char *all; /* why all of the picture is to be pixelated; NULL: the parts are */
    guint n;
    struct {
        SsRect area;
        int block;
    } part[SS_MOST_PLACES];
    gboolean undrawn[SS_MOST_PLACES]; /* the regions, in their order, that are not to be drawn */
} SsCover;

/** "person,face"; "all" or "*" is everybody. NULL or "": nobody, and NULL. (transfer full) */
GArray *ss_privacy_names(const char *text);
/** The first name that no object of these models (a GStrv of classes each) ever has; NULL: there is none. */
const char *ss_privacy_unknown(const GArray *names, const GPtrArray *models);
/** Of zeroed memory, or again. The stream jumped: another scene may come. */
void ss_privacy_jump(SsPrivacy *p);
/** The next frame. */
void ss_privacy_frame(SsPrivacy *p, GstBuffer *buffer, gint64 time, const SsPrivacyParams *params,
                      SsCover *out);

#endif
