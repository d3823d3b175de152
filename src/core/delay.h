/* SPDX-License-Identifier: Apache-2.0 */
/**
 * SS_ALIGN_DELAY: pictures are held back until the network has seen one as young, and leave with an answer:
 * what it saw in them, or what stands between what it saw before and after (between.h). Whoever has a result
 * writes the answers into the pictures since the last; whoever shows them reads them there. Nobody waits.
 */
#ifndef SS_DELAY_H
#define SS_DELAY_H

#include "between.h"
#include "follow.h"

enum { SS_DELAY_WAITS = 64 };

typedef struct SsDelay {
    /* Constant; a result that is later than that is no measure but the end of a silence, which is seen
     * without it (ss_delay_now()). 0: none is. */
    int64_t most;
    /* --- whoever has a result; one thread at a time */
    SsBetween *between;
    SsPicture *at; /* a reference: the picture of `seen`; NULL: none */
    bool hung;     /* until it was answered */
    SsSeen seen, scratch;
    int64_t wait[SS_DELAY_WAITS]; /* how long the oldest picture of each result had waited for it */
    int waits;                    /* so many so far */
    int since;                    /* so many since the delay changed, or might have fallen */
    int64_t crest;                /* the most that their 95 % were meanwhile */
    /* --- written by it, read by any */
    atomic_int_fast64_t asked; /* ns */
} SsDelay;

/** Of zeroed memory. Errors: -ENOMEM. */
int ss_delay_init(SsDelay *d);
void ss_delay_clear(SsDelay *d);
/** The stream starts over; how long the network takes is remembered. */
void ss_delay_reset(SsDelay *d);
/**
 * The follower has just been given `det` of the picture where it stands. Answers that picture, and those
 * since the one before; those with a score of `threshold` or more are shown. `now`: by the clock of
 * SsPicture.came.
 */
void ss_delay_result(SsDelay *d, const SsFollower *f, const SsDetection *det, int n, float threshold,
                     int64_t now);
/**
 * So long pictures must be held back for nearly all of them (95 %) to have their answer, in ns; 0: not known
 * yet; changes seldom. -1: that is more than `most`, or the network has been silent for longer: since the
 * picture of `answered` (INT64_MIN: none that counts), when the newest is of `newest`. Thread: any.
 */
int64_t ss_delay_now(const SsDelay *d, int64_t newest, int64_t answered, int64_t most);
/** Has the picture of `pts` been held back for long enough when the newest is of `newest`? */
SS_API bool ss_delay_over(int64_t pts, int64_t newest, int64_t delay);
/** So long that takes, where a picture comes every `period`. */
SS_API int64_t ss_delay_held(int64_t delay, int64_t period);
/** The answer that was written into the picture; -1: none (yet). Else as ss_result_objects(). */
int ss_delay_objects(const SsPicture *p, SsObject *out, int max);

#endif
