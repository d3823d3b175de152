/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Did this frame wait? The promise of `ssinfer` is that none does, and this is what would
 * catch it lying, so it asks the kernel and not our own code.
 *
 * A frame's time inside of an element has three parts: the thread ran; it could have run, but the
 * processor was given to others; it slept, because it blocked on something (a lock, a condition,
 * a read). Only the third is waiting. It is what is left of the time by the clock when the kernel's
 * account of the other two is taken off, and there is none without a voluntary context switch. More
 * than 1 ms of it is counted: less is no network, but an allocator's lock that two threads wanted at
 * once. Whatever blocks is caught, ours or not: tests/check_elements.c does it with a memory.
 */
#ifndef SS_GST_WAITING_H
#define SS_GST_WAITING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct SsWaitReading {
    int64_t wall, ran, queued;
} SsWaitReading;

/** For one thread at a time; it follows when the stream moves to another. */
typedef struct SsWaitMeter {
    int account;  /* this thread's file of the kernel's; -1: none */
    pid_t thread; /* whose it is */
    /* --- at ss_wait_meter_enter() */
    SsWaitReading entered;
    long switches;
} SsWaitMeter;

void ss_wait_meter_init(SsWaitMeter *m);
void ss_wait_meter_clear(SsWaitMeter *m);
void ss_wait_meter_enter(SsWaitMeter *m);
/** Has the calling thread slept for more than 1 ms since ss_wait_meter_enter()? */
bool ss_wait_meter_waited(const SsWaitMeter *m);

#endif
