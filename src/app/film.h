/* SPDX-License-Identifier: Apache-2.0 */
/** The pictures of a source one by one. */
#ifndef SS_FILM_H
#define SS_FILM_H

#include <gst/video/video.h>

/** FALSE: enough. On a thread of the film's; `pts` in ns, from 0. The buffer is the film's. */
typedef gboolean (*SsFilmFunc)(void *cookie, GstBuffer *picture, const GstVideoInfo *info, gint64 pts);

typedef struct SsFilmParams {
    const char *source;
    double rate;         /* pictures a second; 0 = the recording's own */
    double duration;     /* seconds; 0 = all of it */
    GstElement *through; /* pictures come at the pace of live and pass this element first (transfer floating);
                            NULL: without a clock, the next when this one has been dealt with */
} SsFilmParams;

/**
 * Blocks until the source ends, or the function has enough. Errors: SS_EXIT_SOURCE, SS_EXIT_USAGE; none if
 * there was a picture and an error came later.
 */
gboolean ss_film_read(const SsFilmParams *p, SsFilmFunc func, void *cookie, GError **error);

#endif
