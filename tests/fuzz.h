/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a libFuzzer harness needs: LLVMFuzzerTestOneInput() and fuzz_seed(). The seeds are
 * made by code: they are inserted through a custom mutator, so no corpus folder is needed.
 */
#ifndef SS_FUZZ_H
#define SS_FUZZ_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include "test.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { FUZZ_MAX_SEED = 4096 };

/** Writes seed `n` (at most FUZZ_MAX_SEED bytes), returns its size; 0 past the end. */
size_t fuzz_seed(int n, uint8_t *seed);

static int fuzz_seeds;

/** Every seed is run as it is first: a harness whose seeds fail says so at once. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    uint8_t seed[FUZZ_MAX_SEED];
    size_t size;

    (void)argc;
    (void)argv;
    for (fuzz_seeds = 0; (size = fuzz_seed(fuzz_seeds, seed)) > 0; fuzz_seeds++)
        (void)LLVMFuzzerTestOneInput(seed, size);
    REQUIRE(fuzz_seeds > 0);
    return 0;
}

/** One mutation in eight starts from a seed again. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    if (seed % 8 == 0 && max_size >= FUZZ_MAX_SEED)
        size = fuzz_seed((int)(seed / 8 % (unsigned)fuzz_seeds), data);
    return LLVMFuzzerMutate(data, size, max_size);
}

#endif
