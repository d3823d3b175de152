/* SPDX-License-Identifier: Apache-2.0 */
/** What the slot notes on a frame; a frame is offered once, to one stream. */
#ifndef SS_FRAME_PRIVATE_H
#define SS_FRAME_PRIVATE_H

#include <stdatomic.h>

#include "picture.h"
#include "sidestream/frame.h"

struct SsFrame {
    SsFrameDesc desc;
    void (*release)(void *cookie);
    int (*claim)(void *cookie, SsFrameDesc *desc); /* NULL: it never changes */
    int (*fetch)(void *cookie, SsFrameDesc *desc); /* NULL: it cannot be had elsewhere */
    void *cookie;
    atomic_int refs;
    /* --- written by ss_stream_offer() before the frame is handed over, then constant */
    unsigned epoch;     /* of the stream at that moment */
    int64_t offered_ns; /* monotonic clock: when it came */
    SsPicture *picture; /* a reference, or NULL; whoever takes the frame may take it over */
};

/** `now`: where the worker may read it. Errors: claim()'s; not logged. Thread: worker. */
int ss_frame_claim(const SsFrame *frame, SsFrameDesc *now);
/** Brings the planes into the processor's memory, where `here` says they are. Errors: -ENOTSUP, fetch()'s;
 * not logged. Thread: worker. */
int ss_frame_fetch(const SsFrame *frame, SsFrameDesc *here);
/** Does the description make sense? */
bool ss_frame_desc_valid(const SsFrameDesc *d);

#endif
