/* SPDX-License-Identifier: Apache-2.0 */
#include "waiting.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static int64_t clock_ns(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static long voluntary_switches(void)
{
    struct rusage usage;

    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

/**
 * Nanoseconds that the thread has spent ready to run, in the processor's queue. 0 from a kernel
 * without this account: then a frame that slept briefly and queued for long counts as one that waited.
 */
static int64_t queued_ns(const SsWaitMeter *m)
{
    char text[96];
    uint64_t queued;
    const ssize_t n = m->account < 0 ? -1 : pread(m->account, text, sizeof text - 1, 0);

    if (n <= 0)
        return 0;
    text[n] = '\0';
    return sscanf(text, "%*u %" SCNu64, &queued) == 1 ? (int64_t)queued : 0;
}

void ss_wait_meter_init(SsWaitMeter *m)
{
    *m = (SsWaitMeter) { .account = -1 };
}

void ss_wait_meter_clear(SsWaitMeter *m)
{
    if (m->account >= 0)
        close(m->account);
    ss_wait_meter_init(m);
}

void ss_wait_meter_enter(SsWaitMeter *m)
{
    const pid_t self = gettid();

    if (m->thread != self) {
        ss_wait_meter_clear(m);
        m->account = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
        m->thread = self;
    }
    m->switches = voluntary_switches();
    m->queued = queued_ns(m);
    m->ran = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    m->wall = clock_ns(CLOCK_MONOTONIC);
}

bool ss_wait_meter_waited(const SsWaitMeter *m)
{
    const int64_t limit = 1000000, wall = clock_ns(CLOCK_MONOTONIC) - m->wall;

    if (wall <= limit || voluntary_switches() == m->switches)
        return false;
    const int64_t ran = clock_ns(CLOCK_THREAD_CPUTIME_ID) - m->ran, queued = queued_ns(m) - m->queued;
    return wall - ran - queued > limit;
}
