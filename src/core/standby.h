/* SPDX-License-Identifier: Apache-2.0 */
/**
 * How a worker waits for a frame that it knows to be due (patience.h): asleep until shortly before, then
 * awake, and on another processor than the stream's thread.
 *
 * Whoever is woken when the frame comes loses up to 0.3 ms: the kernel likes to put it behind the one that
 * woke it, which now draws for that long, and a processor that sleeps takes its time, in a virtual machine
 * above all.
 */
#ifndef SS_STANDBY_H
#define SS_STANDBY_H

#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

/** ns around the due moment that are waited through awake. */
#define SS_STANDBY_AWAKE 500000

/**
 * Takes one post of `work`. `due`, `deadline`: monotonic clock, ns. `avoid`: the processor that the stream's
 * thread was seen on; -1: unknown. Returns false when the deadline came first. Where processors cannot be
 * chosen, none is avoided.
 */
bool ss_standby(sem_t *work, int64_t due, int64_t deadline, int avoid);

/** Where the calling thread runs; -1: unknown. */
int ss_standby_processor(void);

#endif
