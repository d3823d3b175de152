/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Pictures lent to the core, and drawing on them while they are.
 *
 * The newest frame waits in the slot until a worker is free, and most are replaced there unread. Meanwhile
 * the stream shows it. Whoever draws on it then need not copy it: what the drawing covers is kept, and only
 * if a worker takes the frame after all does that worker make a copy, in which it is put back.
 */
#ifndef SS_GST_LOAN_H
#define SS_GST_LOAN_H

#include "bridge.h"
#include "ink.h"

/** What the loans of one stream share: memory that they use in turn. */
typedef struct SsLender SsLender;
typedef struct SsLoan SsLoan;

SsLender *ss_lender_new(void);
/** Its loans may live on. Thread: any. */
void ss_lender_unref(SsLender *lender);

/**
 * Lends `buffer` to the core without copying it, where its pictures are: holds a reference and keeps it
 * mapped for reading until the last user of the frame is done. Of `lender`, others may draw on it; NULL:
 * nobody may. NULL: cannot be mapped, out of memory.
 */
SsFrame *ss_loan_wrap(SsLender *lender, GstBuffer *buffer, const GstVideoInfo *info, int64_t pts);

/**
 * May the holder of `buffer`, which is lent, write to its pixels, laid out as `info` says, though it is not
 * writable? Yes as long as no worker reads it and nobody else holds it, or its one memory, which is the
 * processor's own. Then nobody reads it until ss_loan_end_drawing(), and what is written to is first kept in
 * the loan's ink. NULL: no. Waits for nobody, and nobody waits for it but a worker. Thread: one at a time.
 */
SsLoan *ss_loan_draw(GstBuffer *buffer, const GstVideoInfo *info);
SsInk *ss_loan_ink(SsLoan *loan);
/** NULL: nothing. */
void ss_loan_end_drawing(SsLoan *loan);

#endif
