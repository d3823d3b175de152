/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The newest result of a stream, handed from the workers to the stream's thread by a
 * triple buffer: the writer fills one, the reader reads one, and one is in between.
 * Either side changes hands with a single atomic exchange, so neither ever waits for
 * the other and nothing is allocated.
 */
#ifndef SS_STORE_H
#define SS_STORE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "sidestream/track.h"

typedef struct SsResult {
    int64_t pts;    /* of the frame the network saw */
    unsigned epoch; /* of the stream when that frame was offered */
    int n;
    SsObject object[SS_MAX_OBJECTS];
} SsResult;

typedef struct SsStore {
    SsResult buffer[3];
    atomic_uint between; /* index, | SS_STORE_NEW if the reader has not had it */
    unsigned back;       /* --- writer only: being filled */
    unsigned front;      /* --- reader only: being read */
    bool any;            /* --- reader only: front holds a result */
} SsStore;

void ss_store_init(SsStore *s);
/** The buffer to fill, whatever it holds. Thread: writer, one at a time. */
SsResult *ss_store_back(SsStore *s);
/** Make it the newest result. Thread: writer. */
void ss_store_publish(SsStore *s);
/** The newest result, NULL before the first; valid until the next call. Thread: reader. */
const SsResult *ss_store_newest(SsStore *s);
/** Forget what was published; a result still being filled is not touched. Thread: reader. */
void ss_store_forget(SsStore *s);

#endif
