/* SPDX-License-Identifier: Apache-2.0 */
#include "cuda/pinned.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cuda/pixel.h"
#include "internal.h"

enum { PAGE = 4096, FIRST_ROOM = 16 };

typedef enum State { AS_IT_CAME, BEING_PINNED, PINNED, CANNOT_BE } State;

typedef struct Block {
    uint8_t *data;
    size_t size;
    atomic_int state; /* State */
    int device;       /* its primary context is retained while it is PINNED; written before that */
    struct Block *next;
} Block;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* a leaf; under it pointers are moved, no more */
/* --- guarded by it */
static Block **blocks; /* by address */
static size_t n_blocks, room;
static Block *given_up; /* pinned ones that nobody wants any more */
static int readers;

/* The first that ends behind `p`, or n_blocks. With the lock. */
static size_t place_of(const uint8_t *p)
{
    size_t low = 0, high = n_blocks;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const Block *b = blocks[middle];

        if ((uintptr_t)b->data + b->size <= (uintptr_t)p)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* With the lock. */
static void put_in(Block *b)
{
    const size_t at = place_of(b->data);

    memmove(&blocks[at + 1], &blocks[at], (n_blocks - at) * sizeof(Block *));
    blocks[at] = b;
    n_blocks++;
}

/* Room is got without the lock, and counts if it is still more than there is. false: out of memory. */
static bool note(Block *b)
{
    Block **larger = NULL;
    size_t size = 0; /* of that */

    for (;;) {
        pthread_mutex_lock(&lock);
        if (n_blocks == room && size > room) {
            Block **old = blocks;

            if (n_blocks > 0)
                memcpy(larger, blocks, n_blocks * sizeof(Block *));
            blocks = larger;
            room = size;
            larger = old;
        }
        const bool done = n_blocks < room;
        if (done)
            put_in(b);
        size = room ? 2 * room : FIRST_ROOM;
        pthread_mutex_unlock(&lock);
        free(larger);
        larger = done ? NULL : malloc(size * sizeof(Block *));
        if (!larger)
            return done;
    }
}

void *ss_cuda_pinned_new(size_t bytes)
{
    Block *b = bytes <= SIZE_MAX / 2 ? calloc(1, sizeof *b) : NULL;

    if (!b)
        return NULL;
    b->size = (bytes + SS_PIXEL_BEYOND + PAGE - 1) / PAGE * PAGE;
    b->data = aligned_alloc(PAGE, b->size);
    if (b->data && note(b))
        return b->data;
    free(b->data);
    free(b);
    return NULL;
}

static void unpin(const Block *b)
{
    const SsCuda *cu = ss_cuda(NULL);
    SsCuContext context;

    if (cu->DevicePrimaryCtxRetain(&context, b->device) != 0)
        return;
    if (ss_cuda_enter(cu, context, &ss_cuda_silent) == 0) {
        (void)cu->MemHostUnregister(b->data);
        ss_cuda_leave(cu);
    }
    (void)cu->DevicePrimaryCtxRelease(b->device);
    (void)cu->DevicePrimaryCtxRelease(b->device); /* that of pin() */
}

static void destroy(Block *b)
{
    if (atomic_load(&b->state) == PINNED)
        unpin(b);
    free(b->data);
    free(b);
}

static void destroy_given_up(void)
{
    pthread_mutex_lock(&lock);
    Block *b = given_up;
    given_up = NULL;
    pthread_mutex_unlock(&lock);
    while (b) {
        Block *next = b->next;

        destroy(b);
        b = next;
    }
}

void ss_cuda_pinned_free(void *p)
{
    Block *b = NULL, **none = NULL;
    bool later = false;

    pthread_mutex_lock(&lock);
    const size_t at = p ? place_of(p) : n_blocks;
    if (at < n_blocks && blocks[at]->data == p) {
        b = blocks[at];
        memmove(&blocks[at], &blocks[at + 1], (--n_blocks - at) * sizeof(Block *));
        later = readers > 0 && atomic_load(&b->state) == PINNED;
        if (later) {
            b->next = given_up;
            given_up = b;
        }
    }
    if (n_blocks == 0) {
        none = blocks;
        blocks = NULL;
        room = 0;
    }
    pthread_mutex_unlock(&lock);
    free(none);
    if (b && !later)
        destroy(b);
}

void ss_cuda_pinned_enter(void)
{
    pthread_mutex_lock(&lock);
    readers++;
    pthread_mutex_unlock(&lock);
}

void ss_cuda_pinned_leave(void)
{
    pthread_mutex_lock(&lock);
    readers--;
    pthread_mutex_unlock(&lock);
    destroy_given_up();
}

/* The context stays as long as the block does, since with it the block would be the processor's alone again.
 */
static bool pin(Block *b, const SsCuda *cu, int gpu, const SsLogger *log)
{
    SsCuContext context;
    int same_address = 0;

    if (ss_cuda_retain(cu, gpu, &b->device, &context, log) < 0)
        return false;
    if (cu->DeviceGetAttribute(&same_address, SS_CU_HOST_POINTERS, b->device) == 0 && same_address &&
        ss_cuda_check(cu, cu->MemHostRegister(b->data, b->size, SS_CU_HOST_PORTABLE),
                      "a picture's memory cannot be pinned", log) == 0)
        return true;
    (void)cu->DevicePrimaryCtxRelease(b->device);
    return false;
}

bool ss_cuda_pinned_has(const SsCuda *cu, int gpu, const void *p, size_t bytes, const SsLogger *log)
{
    static atomic_bool told;
    Block *b = NULL;
    int state = AS_IT_CAME;

    pthread_mutex_lock(&lock);
    const size_t at = place_of(p);
    if (at < n_blocks && (uintptr_t)p >= (uintptr_t)blocks[at]->data)
        b = blocks[at];
    const bool tidy = given_up;
    pthread_mutex_unlock(&lock);
    if (tidy)
        destroy_given_up();
    if (!b || bytes > b->size - (size_t)((const uint8_t *)p - b->data))
        return false;
    if (!atomic_compare_exchange_strong(&b->state, &state, BEING_PINNED))
        return state == PINNED;
    const bool pinned = pin(b, cu, gpu, atomic_load(&told) ? &ss_cuda_silent : log);
    if (!pinned)
        atomic_store(&told, true);
    atomic_store(&b->state, pinned ? PINNED : CANNOT_BE);
    return pinned;
}
