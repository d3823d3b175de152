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
} Block;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* a leaf; what takes long is done without it */
static Block **blocks;                                   /* by address; guarded by `lock`, as are the next */
static size_t n_blocks, room;

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

static bool make_room(void)
{
    const size_t more = room ? 2 * room : FIRST_ROOM;
    Block **larger = n_blocks < room ? blocks : realloc(blocks, more * sizeof(Block *));

    if (!larger)
        return false;
    if (n_blocks == room)
        room = more;
    blocks = larger;
    return true;
}

static bool note(Block *b)
{
    pthread_mutex_lock(&lock);
    const bool ok = make_room();
    if (ok) {
        const size_t at = place_of(b->data);

        memmove(&blocks[at + 1], &blocks[at], (n_blocks - at) * sizeof(Block *));
        blocks[at] = b;
        n_blocks++;
    }
    pthread_mutex_unlock(&lock);
    return ok;
}

static Block *take(const void *p)
{
    Block *b = NULL;

    pthread_mutex_lock(&lock);
    const size_t at = place_of(p);
    if (at < n_blocks && blocks[at]->data == p) {
        b = blocks[at];
        memmove(&blocks[at], &blocks[at + 1], (--n_blocks - at) * sizeof(Block *));
    }
    if (n_blocks == 0) {
        free(blocks);
        blocks = NULL;
        room = 0;
    }
    pthread_mutex_unlock(&lock);
    return b;
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
    if (ss_cuda_enter(cu, context, NULL) == 0) {
        (void)cu->MemHostUnregister(b->data);
        ss_cuda_leave(cu);
    }
    (void)cu->DevicePrimaryCtxRelease(b->device);
    (void)cu->DevicePrimaryCtxRelease(b->device); /* that of pin() */
}

void ss_cuda_pinned_free(void *p)
{
    Block *b = p ? take(p) : NULL;

    if (!b)
        return;
    if (atomic_load(&b->state) == PINNED)
        unpin(b);
    free(b->data);
    free(b);
}

/* The context stays as long as the block does, since with it the block would be the processor's alone again.
 */
static bool pin(Block *b, const SsCuda *cu, int gpu, const SsLogger *log)
{
    SsCuContext context;

    if (ss_cuda_retain(cu, gpu, &b->device, &context, log) < 0)
        return false;
    if (ss_cuda_check(cu, cu->MemHostRegister(b->data, b->size, SS_CU_HOST_PORTABLE),
                      "a picture's memory cannot be pinned", log) == 0)
        return true;
    (void)cu->DevicePrimaryCtxRelease(b->device);
    return false;
}

bool ss_cuda_pinned_has(const SsCuda *cu, int gpu, const void *p, size_t bytes, const SsLogger *log)
{
    Block *b = NULL;
    int state = AS_IT_CAME;

    pthread_mutex_lock(&lock);
    const size_t at = place_of(p);
    if (at < n_blocks && (uintptr_t)p >= (uintptr_t)blocks[at]->data)
        b = blocks[at];
    pthread_mutex_unlock(&lock);
    if (!b || bytes > b->size - (size_t)((const uint8_t *)p - b->data))
        return false;
    if (!atomic_compare_exchange_strong(&b->state, &state, BEING_PINNED))
        return state == PINNED;
    state = pin(b, cu, gpu, log) ? PINNED : CANNOT_BE;
    atomic_store(&b->state, state);
    return state == PINNED;
}
