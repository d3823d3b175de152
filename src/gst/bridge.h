/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Between GStreamer's types and the core's: pictures, objects, messages.
 */
#ifndef SS_GST_BRIDGE_H
#define SS_GST_BRIDGE_H

#include <gst/video/video.h>

#include "core/labels.h"
#include "sidestream/engine.h"

GST_DEBUG_CATEGORY_EXTERN(ss_infer_debug);

/** The formats that ss_bridge_map() knows, for pad templates. */
#define SS_VIDEO_FORMATS "{ NV12, I420, BGRx, RGBx, BGRA, RGBA, BGR, RGB, GRAY8 }"

/** A template of all caps that ss_bridge_map() takes: in a GPU's memory, too, where the build can read it.
 */
GstPadTemplate *ss_bridge_pad_template(const char *name, GstPadDirection direction);

/** The core's messages: they go to the debug category "ssinfer", and the last error is remembered. */
typedef struct SsGstLog {
    GMutex lock;
    char last_error[512]; /* guarded by lock */
} SsGstLog;

void ss_gst_log_init(SsGstLog *log);
void ss_gst_log_clear(SsGstLog *log);
/** Lives as long as `log`. */
SsLogger ss_gst_log_logger(SsGstLog *log);
/** For what there is another way for: errors go to the category as information. */
extern const SsLogger ss_gst_log_aside;
/** An error of the core (-errno) with its last line as the text. */
void ss_gst_log_set_error(SsGstLog *log, int err, GError **error);

/** gst_video_info_from_caps(), and in which memory. */
gboolean ss_bridge_video_info(GstVideoInfo *info, const GstCaps *caps);
/**
 * Maps `buffer` for reading, where its pictures are, into `picture`, and tells of it in the core's words.
 * `flags`: GstVideoFrameMapFlags. FALSE: cannot be mapped.
 */
gboolean ss_bridge_map(GstVideoFrame *picture, GstBuffer *buffer, const GstVideoInfo *info, int64_t pts,
                       guint flags, SsFrameDesc *desc);
/** Brings what is mapped, and is not in the processor's memory, there. End both with gst_video_frame_unmap().
 */
gboolean ss_bridge_fetch(GstVideoFrame *here, const GstVideoFrame *picture);
/** Planes and strides of what is mapped. */
void ss_bridge_set_planes(SsFrameDesc *desc, const GstVideoFrame *picture);

/** Of a frame, by the caps; 0: they do not say. */
GstClockTime ss_bridge_period(const GstVideoInfo *info);

/** Of this frame, as it says itself, or as its caps say; 0: nobody does. */
GstClockTime ss_bridge_duration(GstBuffer *buffer, const GstVideoInfo *info);

/** FALSE: the frame has no pts, or none that the segment maps to a running time. */
gboolean ss_bridge_running_time(const GstSegment *segment, GstBuffer *buffer, int64_t *time);

/** ss_stream_see() for the picture in `buffer`. FALSE: it cannot be read. */
gboolean ss_bridge_see(SsStream *stream, GstBuffer *buffer, const GstVideoInfo *info, int64_t pts);

/** Adds so many buffers to what an answered ALLOCATION query asks of the pools. */
void ss_bridge_ask_for_buffers(GstQuery *query, guint more);

/** The names of classes as quarks, so that naming an object takes no lock that other streams want too. */
typedef struct SsNaming {
    const SsLabels *labels; /* borrowed; NULL: "class 3" */
    struct {
        int class_id;
        GQuark name; /* 0: empty */
    } known[64];     /* at class_id % 64 */
} SsNaming;

/** From now on `labels`, which may be NULL. */
void ss_naming_init(SsNaming *naming, const SsLabels *labels);

/**
 * One GstVideoRegionOfInterestMeta an object, with the structures `detection` and
 * `sidestream`; what lies outside of the picture is cut off. `buffer` is writable, `pts` is the
 * picture's. Returns how many there are.
 */
guint ss_bridge_add_objects(GstBuffer *buffer, const GstVideoInfo *info, int64_t pts, const SsObject *objects,
                            int n, SsNaming *naming);

#endif
