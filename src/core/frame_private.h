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
    void *cookie;
    atomic_int refs;
    /* --- written by ss_stream_offer() before the frame is handed over, then constant */
    unsigned epoch;     /* of the stream at that moment */
    int64_t offered_ns; /* monotonic clock: when it came */
    SsPicture *picture; /* a reference, or NULL; whoever takes the frame may take it over */
};

/** Does the description make sense? */
bool ss_frame_desc_valid(const SsFrameDesc *d);

#endif
