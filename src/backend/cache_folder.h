/* SPDX-License-Identifier: Apache-2.0 */
/**
 * For runtimes that keep files of their own in a folder: such a folder as one entry of the cache
 * (cache.h), so that it appears whole, is sealed, and is found by everything it depends on. The runtime works
 * in a copy that no other process touches.
 */
#ifndef SS_BACKEND_CACHE_FOLDER_H
#define SS_BACKEND_CACHE_FOLDER_H

#include "backend/cache.h"

/** {0} with lock = -1 = none is open. */
typedef struct SsCacheFolder {
    SsCacheEntry entry;
    char path[PATH_MAX]; /* the copy, for the runtime to read and to write */
    int lock; /* held as long as this process uses it: what a dead one left is removed by the next */
} SsCacheFolder;

/**
 * A copy of the entry's files; an empty folder where there is no good entry. Returns how many files there
 * are. Errors: -errno, nothing is left behind.
 */
int ss_cache_folder_open(SsCacheFolder *f, const SsCacheEntry *e);
/** What is in the folder now becomes the entry; folders in it are left out. Errors: -errno. */
int ss_cache_folder_keep(SsCacheFolder *f);
/** Removes the copy's files, so that the runtime makes them anew. */
void ss_cache_folder_empty(const SsCacheFolder *f);
/** Removes the copy. Nothing happens where none is open. */
void ss_cache_folder_close(SsCacheFolder *f);

#endif
