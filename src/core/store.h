/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The newest result of a stream, handed from the workers to the stream's thread by a
 * triple buffer: the writer fills one, the reader reads one, and one is in between.
 * Either side changes hands with a single atomic exchange, so neither ever waits for
 * the other and nothing is allocated. What the reader has it may change (a scene walks on).
 */
#ifndef SS_STORE_H
#define SS_STORE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "follow.h"

typedef struct SsStore {
    SsResult buffer[3];
    atomic_uint between; /* index, | SS_STORE_NEW if the reader has not had it */
    unsigned back;       /* --- writer only: being filled */
    unsigned front;      /* --- reader only: being read */
    bool any;            /* --- reader only: front holds a result */
} SsStore;

/** Of zeroed memory. */
void ss_store_init(SsStore *s);
/** Lets go of the pictures. Thread: control, when nobody reads or writes. */
void ss_store_clear(SsStore *s);
/** The buffer to fill, whatever it holds. Thread: writer, one at a time. */
SsResult *ss_store_back(SsStore *s);
/** Make it the newest result. Thread: writer. */
void ss_store_publish(SsStore *s);
/** The newest result, NULL before the first; valid until the next call. Thread: reader. */
SsResult *ss_store_newest(SsStore *s);
/** Forget what was published; a result still being filled is not touched. Thread: reader. */
void ss_store_forget(SsStore *s);

#endif
