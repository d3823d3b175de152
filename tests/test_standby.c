/* SPDX-License-Identifier: Apache-2.0 */
/** A post is taken whenever it comes, a deadline ends the wait, and the thread may run where it might before.
 */
#include "core/standby.h"

#include <pthread.h>
#include <sched.h>

#include "core/clock.h"
#include "test.h"

static const int64_t MS = 1000000, HOUR = INT64_C(3600) * 1000000000;

static void processors(cpu_set_t *set)
{
    REQUIRE(sched_getaffinity(0, sizeof *set, set) == 0);
}

static void a_post_that_is_there(void)
{
    sem_t work;

    sem_init(&work, 0, 1);
    REQUIRE(ss_standby(&work, ss_now_ns() + HOUR, ss_now_ns() + 2 * HOUR, -1));
    REQUIRE(sem_trywait(&work) != 0); /* it took the post */
    sem_destroy(&work);
}

static void a_deadline(void)
{
    cpu_set_t before, after;
    sem_t work;

    sem_init(&work, 0, 0);
    processors(&before);
    const int64_t start = ss_now_ns();
    REQUIRE(!ss_standby(&work, start + MS, start + 3 * MS, ss_standby_processor()));
    REQUIRE_CMP(ss_now_ns() - start, >=, 3 * MS);
    processors(&after);
    REQUIRE(CPU_EQUAL(&before, &after));
    REQUIRE(!ss_standby(&work, start - MS, start, CPU_SETSIZE + 1)); /* long past; no such processor */
    sem_destroy(&work);
}

typedef struct Waiter {
    sem_t work;
    int64_t due, deadline;
    bool came;
} Waiter;

static void *wait_for_post(void *arg)
{
    Waiter *w = arg;

    w->came = ss_standby(&w->work, w->due, w->deadline, ss_standby_processor());
    return NULL;
}

/** Posted by another thread before, around and after the moment it was due: no post is lost. */
static void a_post_that_comes(void)
{
    const int64_t due_in[] = { HOUR, 0, -HOUR };

    for (int i = 0; i < 3; i++) {
        const int64_t now = ss_now_ns();
        Waiter w = { .due = now + due_in[i], .deadline = now + 2 * HOUR };
        pthread_t thread;

        sem_init(&w.work, 0, 0);
        REQUIRE(pthread_create(&thread, NULL, wait_for_post, &w) == 0);
        sem_post(&w.work);
        pthread_join(thread, NULL);
        REQUIRE(w.came);
        sem_destroy(&w.work);
    }
}

int main(void)
{
    a_post_that_is_there();
    a_deadline();
    a_post_that_comes();
    return 0;
}
