/* SPDX-License-Identifier: Apache-2.0 */
/**
 * How a network gets on, told with each buffer: a GstCustomMeta "sidestream-status", whose structure this
 * file writes and reads. It has the tags of the regions of interest, so that an element which lets go of
 * those lets go of it, too: whoever finds none knows that it knows nothing.
 */
#ifndef SS_GST_STATUS_H
#define SS_GST_STATUS_H

#include <gst/gst.h>

typedef struct SsStatus {
    const char *state, *error; /* as ss_state_name() says; NULL: no error */
    const char *align;         /* as ss_align_name() says */
    gboolean live;             /* "delay" does as "live": the network is silent, or too slow to wait for */
    guint64 delay;             /* ns; what frames are held back for */
    /* --- of this frame, ns */
    guint64 silent; /* since the one that the newest result is of; G_MAXUINT64: there is none */
    guint64 age;    /* of its boxes */
    guint objects;  /* so many regions of interest were added */
    /* --- of the network */
    guint64 interval, inference; /* ns: between two results; what one inference takes */
    guint64 preparing; /* ns; for so long another device has answered in place of its own; 0: its own does */
    guint64 frames, inferences; /* so many so far: that came in, that were looked at */
} SsStatus;

/** Makes the meta known; once is enough, more do no harm. */
void ss_status_register(void);
/** `buffer` is writable. */
void ss_status_add(GstBuffer *buffer, const SsStatus *status);
/**
 * One status after another: there may be several networks. `*iterator`: NULL at first. FALSE: there are no
 * more. What a status does not say is as if the network had stopped, and 0. Strings live as long as the
 * buffer's metas.
 */
gboolean ss_status_next(GstBuffer *buffer, gpointer *iterator, SsStatus *out);

#endif
