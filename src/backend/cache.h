/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Compiled models on disk: one file an entry, found by a hash of everything it depends
 * on, sealed with a hash of itself. A damaged or foreign entry is as good as none.
 * Several processes may share a folder: entries appear whole, by rename.
 */
#ifndef SS_BACKEND_CACHE_H
#define SS_BACKEND_CACHE_H

#include <limits.h>

#include "backend/modelfile.h"

typedef struct SsCacheEntry {
    uint64_t key;
    char path[PATH_MAX];
    char draft[PATH_MAX]; /* where ss_cache_begin() wants it written */
} SsCacheEntry;

/** Names the entry for `key`; makes the folder. `model`: its path, for a readable name. Errors: -errno. */
int ss_cache_entry(SsCacheEntry *e, const char *dir, const char *model, uint64_t key);
/** Maps a good entry; the blob is `m->data`, `*size` bytes (the mapping is longer). Errors: -ENOENT, -EINVAL.
 */
int ss_cache_map(const SsCacheEntry *e, SsMapping *m, size_t *size);
/** An empty file at e->draft for the caller to write to. Errors: -errno. */
int ss_cache_begin(SsCacheEntry *e);
/** Seals what was written and puts it in place. The draft is gone in either case. Errors: -errno. */
int ss_cache_commit(SsCacheEntry *e);
void ss_cache_abort(SsCacheEntry *e);

#endif
