/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the stream's thread pays to hand over a frame and read the newest objects, while
 * workers of a lower priority keep every processor busy: by atomic exchange (as
 * Sidestream does), and under a lock that both sides take for a few instructions (as the
 * obvious program does). The lock is cheap until its holder loses the processor.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/histogram.h"
#include "core/store.h"

enum { WORKERS = 4, OBJECTS = 10, FRAMES = 20000, NICE = 10 };
static const int64_t PERIOD = 500000; /* 2000 frames a second, so that a rare wait is met */

typedef struct Locked {
    pthread_mutex_t lock;
    int64_t slot;
    SsResult newest;
} Locked;

static Locked locked = { .lock = PTHREAD_MUTEX_INITIALIZER };
static SsStore store;
static pthread_mutex_t update = PTHREAD_MUTEX_INITIALIZER; /* workers among themselves */
static _Atomic int64_t slot;
static atomic_bool done, use_lock;

static void copy_result(SsResult *to, const SsResult *from)
{
    to->pts = from->pts;
    ss_scene_copy(&to->scene, &from->scene);
}

static void *work(void *arg)
{
    static _Thread_local SsResult result;

    (void)arg;
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
    result.scene.n = OBJECTS;
    while (!atomic_load(&done)) {
        if (atomic_load(&use_lock)) {
            pthread_mutex_lock(&locked.lock);
            result.pts = locked.slot;
            locked.slot = 0;
            copy_result(&locked.newest, &result);
            pthread_mutex_unlock(&locked.lock);
        } else {
            result.pts = atomic_exchange(&slot, 0);
            pthread_mutex_lock(&update);
            copy_result(ss_store_back(&store), &result);
            ss_store_publish(&store);
            pthread_mutex_unlock(&update);
        }
        /* Then it computes, for some 20 microseconds. */
        for (volatile int i = 0; i < 20000; i++)
            ;
    }
    return NULL;
}

static void frame_by_lock(int64_t pts, SsResult *mine)
{
    pthread_mutex_lock(&locked.lock);
    locked.slot = pts;
    copy_result(mine, &locked.newest);
    pthread_mutex_unlock(&locked.lock);
}

static void frame_by_exchange(int64_t pts, SsResult *mine)
{
    atomic_exchange(&slot, pts);
    const SsResult *r = ss_store_newest(&store);
    if (r)
        copy_result(mine, r);
}

static void measure(const char *name, bool lock)
{
    static SsHistogram h;
    static SsResult mine;
    SsTimes t;
    int64_t due = ss_now_ns();

    memset(&h, 0, sizeof h);
    atomic_store(&use_lock, lock);
    for (int i = 1; i <= FRAMES; i++) {
        due += PERIOD;
        const struct timespec at = { due / 1000000000, due % 1000000000 };
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
        int64_t start = ss_now_ns();
        if (lock)
            frame_by_lock(i, &mine);
        else
            frame_by_exchange(i, &mine);
        ss_histogram_add(&h, ss_now_ns() - start);
    }
    ss_histogram_times(&h, &t);
    printf("| %-17s | %8.2f | %8.2f | %8.1f |\n", name, (double)t.p50 / 1e3, (double)t.p99 / 1e3,
           (double)t.max / 1e3);
}

int main(void)
{
    pthread_t worker[WORKERS];

    ss_store_init(&store);
    for (int i = 0; i < WORKERS; i++)
        if (pthread_create(&worker[i], NULL, work, NULL) != 0)
            return EXIT_FAILURE;
    printf("| handover, us      |      p50 |      p99 |      max |\n|---|---|---|---|\n");
    for (int round = 0; round < 3; round++) {
        measure("a lock", true);
        measure("atomic exchange", false);
    }
    atomic_store(&done, true);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(worker[i], NULL);
    return EXIT_SUCCESS;
}
