/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A libcuda.so.1 whose GPU is this processor, for tests without a GPU. Work on a stream is not done before
 * something waits for it, so that a buffer that is used again too early shows. Calls without a current
 * context fail, as with the real one. $SS_FAKE_CUDA_VERSION: what cuDriverGetVersion() says; 13000 if not
 * set.
 */
#ifndef SS_FAKE_CUDA_H
#define SS_FAKE_CUDA_H

typedef struct FakeCuda {
    int calls;           /* that could fail, since it was last set */
    int fail_at;         /* the call of this number, from 1, fails with "out of memory"; 0: none */
    int live;            /* contexts retained, pieces of memory, events, modules */
    int other_addresses; /* not 0: pinned memory is elsewhere for kernels */
    int pinned;          /* pieces of memory of others' */
    int current;         /* depth of the stack of contexts */
    int waits;           /* of the host that work had to be done for */
    int foreign; /* not 0: memory that is asked about belongs to a context of somebody else; negative: to none
                  */
    int peers;   /* copies from there */
    int registered; /* images of EGL, ever */
    int images;     /* of EGL that are registered; what stands for one is a FakeEglImage */
    int lazy;       /* not 0: cuEventQuery() does no work, so that what it asks for is not ready */
} FakeCuda;

typedef struct FakeEglImage {
    void *plane[3];
    int type; /* of the frame */
} FakeEglImage;

#endif
