/* SPDX-License-Identifier: Apache-2.0 */
#include "waiting.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
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
    const ssize_t n = m->account < 0 ? -1 : pread(m->account, text, sizeof text - 1, 0);

    if (n <= 0)
        return 0;
    text[n] = '\0';
    /* "ran queued slices": sscanf() takes as long as the kernel does. */
    const char *second = strchr(text, ' ');
    return second ? (int64_t)strtoull(second, NULL, 10) : 0;
}

/**
 * The three clocks at one moment. A thread that loses the processor between two of them would carry the
 * time into one and not into the other, so then it looks again.
 */
static SsWaitReading read_clocks(const SsWaitMeter *m)
{
    const int64_t moment = 100000;
    SsWaitReading r;
    int64_t before;
    int tries = 8;

    do {
        before = clock_ns(CLOCK_MONOTONIC);
        r.queued = queued_ns(m);
        r.ran = clock_ns(CLOCK_THREAD_CPUTIME_ID);
        r.wall = clock_ns(CLOCK_MONOTONIC);
    } while (r.wall - before > moment && --tries > 0);
    return r;
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
    m->entered = read_clocks(m);
}

bool ss_wait_meter_waited(const SsWaitMeter *m)
{
    const int64_t limit = 1000000;
    const SsWaitReading *in = &m->entered;

    if (clock_ns(CLOCK_MONOTONIC) - in->wall <= limit || voluntary_switches() == m->switches)
        return false;
    const SsWaitReading out = read_clocks(m);
    return (out.wall - in->wall) - (out.ran - in->ran) - (out.queued - in->queued) > limit;
}
