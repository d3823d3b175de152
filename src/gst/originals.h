/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Buffers of which we passed a copy on that shares their memory.
 *
 * A decoder may still need the picture that it gave us: what we change (times, metas) is then changed in a
 * copy, of the buffer but not of its memory. Were the decoder the last to let go of its buffer, and the copy
 * still on its way, the pool would take back a buffer whose memory is in use: it throws such a buffer away
 * and makes another. So the original stays with us until its memory is nobody else's. (A parent meta on the
 * copy does not help: up to GStreamer 1.22 it lets go of the parent before the memory.)
 *
 * Thread: the stream's.
 */
#ifndef SS_GST_ORIGINALS_H
#define SS_GST_ORIGINALS_H

#include <gst/gst.h>

typedef struct SsOriginals {
    GQueue kept; /* GstBuffer, a reference each */
} SsOriginals;

void ss_originals_init(SsOriginals *o);
/** Lets go of all, whether shared or not. */
void ss_originals_clear(SsOriginals *o);

/**
 * `*out`: `in` itself where it is writable, a copy otherwise, which is the caller's. Both may have their
 * times and metas changed, not their pixels. To be called with every buffer: it also lets go of what can go.
 * GST_FLOW_ERROR: it cannot be copied, and `*out` is NULL.
 */
GstFlowReturn ss_originals_writable(SsOriginals *o, GstBuffer *in, GstBuffer **out);

#endif
