/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Memory of the processor in which pictures come and go, and which the GPU reads where it is, once it has
 * been page-locked ("pinned"). That takes about a millisecond a picture, so it is done by who first has a use
 * for it, and stays so.
 */
#ifndef SS_CUDA_PINNED_H
#define SS_CUDA_PINNED_H

#include <stdbool.h>
#include <stddef.h>

#include "cuda/driver.h"

/** For ss_memory_new() and ss_memory_free() of frame.h. A pinned block is unpinned, which may take the driver
 * milliseconds, by the next reader below, if there is one. */
void *ss_cuda_pinned_new(size_t bytes);
void ss_cuda_pinned_free(void *p);
/** From now on there is one reader more, which may wait for the driver; one less. */
void ss_cuda_pinned_enter(void);
void ss_cuda_pinned_leave(void);
/**
 * Can kernels read `bytes` from `p` on, memory of the processor? Of a block of ours alone, which this pins if
 * need be; false also while another thread does so, or where it cannot be done: the first time the log says
 * so. `gpu`: 0 = the first. Its primary context is current. The block is not freed meanwhile. Thread: a
 * reader's.
 */
bool ss_cuda_pinned_has(const SsCuda *cu, int gpu, const void *p, size_t bytes, const SsLogger *log);

#endif
