/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The monotonic clock of the code under test stands still, and moves when told. For executables that have
 * this code inside (a shared library reads the real clock) and are linked with -Wl,--wrap=clock_gettime.
 * Timed waits of the kernel go by the real clock all the same.
 */
#ifndef SS_TEST_FAKE_CLOCK_H
#define SS_TEST_FAKE_CLOCK_H

#include <stdint.h>

/** ns since it began. Thread: any. */
void fake_clock_set(int64_t ns);
int64_t fake_clock_now(void);

#endif
