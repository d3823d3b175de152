/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The turns that sessions take where a provider is not safe in several threads: one at a time, in the order
 * in which they came. ONNX Runtime's functions are replaced.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "backend/ort_session.h"
#include "test.h"

enum { THREADS = 4, ROUNDS = 200 };

static SsOrtTurn turn = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
static atomic_int inside;
static atomic_int order[THREADS * ROUNDS], n_order;
static pthread_barrier_t together;

static OrtStatus *bind_input(OrtIoBinding *b, const char *name, const OrtValue *v)
{
    (void)b;
    (void)name;
    (void)v;
    return NULL;
}

static OrtStatus *synchronize(OrtIoBinding *b)
{
    (void)b;
    return NULL;
}

/* Until all threads that have inferences left wait for this one: their order is known then. */
static void let_others_queue(int done)
{
    const int last_round = THREADS * (ROUNDS - 1),
              left = done > last_round ? THREADS - (done - last_round) : THREADS;
    unsigned queued;

    do {
        sched_yield();
        pthread_mutex_lock(&turn.lock);
        queued = turn.next - turn.now;
        pthread_mutex_unlock(&turn.lock);
    } while (queued < (unsigned)left);
}

/* The binding's address is the thread's number. */
static OrtStatus *run(OrtSession *s, const OrtRunOptions *o, const OrtIoBinding *b)
{
    (void)s;
    (void)o;
    const int done = atomic_fetch_add(&n_order, 1);

    REQUIRE_CMP(atomic_fetch_add(&inside, 1), ==, 0);
    order[done] = (int)(intptr_t)b;
    let_others_queue(done);
    REQUIRE_CMP(atomic_fetch_sub(&inside, 1), ==, 1);
    return NULL;
}

static const SsOrt ort = { .BindInput = bind_input,
                           .SynchronizeBoundInputs = synchronize,
                           .SynchronizeBoundOutputs = synchronize,
                           .RunWithBinding = run };

static void *infer(void *arg)
{
    const SsOrtSession s = { .ort = &ort, .turn = &turn, .gpu = -1 };
    SsOrtRun r = { .binding = arg };

    pthread_barrier_wait(&together);
    for (int i = 0; i < ROUNDS; i++)
        REQUIRE_CMP(ss_ort_run_infer(&r, &s, NULL), ==, 0);
    return NULL;
}

int main(void)
{
    pthread_t thread[THREADS];

    REQUIRE_CMP(pthread_barrier_init(&together, NULL, THREADS), ==, 0);
    for (intptr_t i = 0; i < THREADS; i++)
        REQUIRE_CMP(pthread_create(&thread[i], NULL, infer, (void *)(i + 1)), ==, 0);
    for (int i = 0; i < THREADS; i++)
        REQUIRE_CMP(pthread_join(thread[i], NULL), ==, 0);
    REQUIRE_CMP(n_order, ==, THREADS * ROUNDS);
    for (int i = THREADS; i < THREADS * ROUNDS; i++)
        REQUIRE_CMP(order[i], ==, order[i - THREADS]);
    return 0;
}
