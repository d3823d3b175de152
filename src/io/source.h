/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One string -> a bin that delivers video at the pace of live.
 *
 *   FILE                      any video GStreamer can decode
 *   /dev/videoN[?...]         width= height= fps= format=
 *   csi://N[?...]             width= height= fps= wbmode= flip=   (Jetson; libcamera elsewhere)
 *   rtsp://... http(s)://...  a network stream
 *   test://ball[?...]         width= height= fps= format=   (any pattern of videotestsrc)
 *   gst: DESCRIPTION          as for gst-launch-1.0, ending in video
 *
 * Errors carry SsExit codes: SS_EXIT_USAGE for a wrong parameter, SS_EXIT_SOURCE else.
 */
#ifndef SS_SOURCE_H
#define SS_SOURCE_H

#include <gst/gst.h>
#include <stdbool.h>

#include "pace.h"

typedef enum SsSourceKind {
    SS_SOURCE_FILE,
    SS_SOURCE_V4L2,
    SS_SOURCE_CSI,
    SS_SOURCE_NETWORK,
    SS_SOURCE_TEST,
    SS_SOURCE_GST,
} SsSourceKind;

SsSourceKind ss_source_kind(const char *spec);
/** "camera", "file", ...: for messages. */
const char *ss_source_noun(SsSourceKind kind);
/** The source's pipeline description, ending in an element with a video pad. `exists`: is there an element of
 * that name? */
char *ss_source_text(const char *spec, bool (*exists)(const char *element), GError **error);
/** A floating bin with one pad "src": raw video in a format that ssinfer takes. */
GstElement *ss_source_new(const char *spec, const SsPaceParams *params, GError **error);
/** Of a file that has ended: why it is not all of it, or NULL. (transfer full) */
char *ss_source_cut_short(GstElement *source, const char *spec);
/** What to try when the source could not be opened; "" if nothing comes to mind. */
const char *ss_source_hint(SsSourceKind kind);
/** A copy in which user names, passwords and tokens of URLs and element properties are "***". */
char *ss_mask_credentials(const char *text);
bool ss_element_exists(const char *factory);

#endif
