/* SPDX-License-Identifier: Apache-2.0 */
/** The pictures of a source one by one, without a clock: the next comes when this one has been dealt with. */
#ifndef SS_FILM_H
#define SS_FILM_H

#include <gst/video/video.h>

/** FALSE: enough. On a thread of the film's; `pts` in ns, from 0. The buffer is the film's. */
typedef gboolean (*SsFilmFunc)(void *cookie, GstBuffer *picture, const GstVideoInfo *info, gint64 pts);

/**
 * Blocks until the source ends, or `end` (ns; GST_CLOCK_TIME_NONE: never), or the function has enough.
 * `rate`: pictures a second, 0 = the recording's own. Errors: SS_EXIT_SOURCE, SS_EXIT_USAGE; none if there
 * was a picture and an error came later.
 */
gboolean ss_film_read(const char *source, double rate, GstClockTime end, SsFilmFunc func, void *cookie,
                      GError **error);

#endif
