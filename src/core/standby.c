/* SPDX-License-Identifier: Apache-2.0 */
#include "standby.h"

#include <errno.h>
#include <sched.h>
#include <time.h>

#include "clock.h"

static bool sleep_until(sem_t *work, int64_t deadline)
{
    const struct timespec t = { deadline / 1000000000, deadline % 1000000000 };
    int ret;

    while ((ret = sem_clockwait(work, CLOCK_MONOTONIC, &t)) != 0 && errno == EINTR)
        ;
    return ret == 0;
}

/** Yields at every turn: a stream's thread that comes to this processor all the same has it at once. */
static bool stay_awake_until(sem_t *work, int64_t deadline)
{
    while (sem_trywait(work) != 0) {
        if (ss_now_ns() >= deadline)
            return false;
        sched_yield();
    }
    return true;
}

static bool wait_well(sem_t *work, int64_t due, int64_t deadline)
{
    return sleep_until(work, due - SS_STANDBY_AWAKE) || stay_awake_until(work, due + SS_STANDBY_AWAKE) ||
           sleep_until(work, deadline);
}

#ifdef __linux__

int ss_standby_processor(void)
{
    return sched_getcpu();
}

bool ss_standby(sem_t *work, int64_t due, int64_t deadline, int avoid)
{
    cpu_set_t all, others;
    bool moved = false;

    if (avoid >= 0 && avoid < CPU_SETSIZE && sched_getaffinity(0, sizeof all, &all) == 0) {
        others = all;
        CPU_CLR(avoid, &others);
        moved = CPU_COUNT(&others) > 0 && sched_setaffinity(0, sizeof others, &others) == 0;
    }
    const bool came = wait_well(work, due, deadline);
    if (moved)
        sched_setaffinity(0, sizeof all, &all);
    return came;
}

#else

int ss_standby_processor(void)
{
    return -1;
}

bool ss_standby(sem_t *work, int64_t due, int64_t deadline, int avoid)
{
    (void)avoid;
    return wait_well(work, due, deadline);
}

#endif
