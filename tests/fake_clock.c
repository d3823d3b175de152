/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_clock.h"

#include <stdatomic.h>
#include <time.h>

enum { SECOND = 1000000000 };

/* Not 0, which the code may take for "never". */
static const int64_t BEGAN = 10 * (int64_t)SECOND;

static atomic_int_fast64_t now;

int __real_clock_gettime(clockid_t clock, struct timespec *t);
int __wrap_clock_gettime(clockid_t clock, struct timespec *t);

int __wrap_clock_gettime(clockid_t clock, struct timespec *t)
{
    const int64_t ns = BEGAN + atomic_load(&now);

    if (clock != CLOCK_MONOTONIC)
        return __real_clock_gettime(clock, t);
    *t = (struct timespec) { ns / SECOND, ns % SECOND };
    return 0;
}

void fake_clock_set(int64_t ns)
{
    atomic_store(&now, ns);
}

int64_t fake_clock_now(void)
{
    return atomic_load(&now);
}
