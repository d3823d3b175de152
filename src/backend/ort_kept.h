/* SPDX-License-Identifier: Apache-2.0 */
/** What a device makes of a network, for seconds or minutes, kept in the cache for the starts that follow. */
#ifndef SS_BACKEND_ORT_KEPT_H
#define SS_BACKEND_ORT_KEPT_H

#include "backend/cache_folder.h"
#include "backend/ort_plan.h"

/** Stays where it is until it is closed. */
typedef struct SsOrtKept {
    SsCacheFolder folder;
    char engine[PATH_MAX];
    SsOrtPlace place; /* for the sessions that follow the first; strings are ours */
} SsOrtKept;

/**
 * Opens a session on `device` with what the folder `dir` of the cache has for it; where that is nothing, or
 * damaged, or of another version, model, GPU or shape, the device makes it anew and it is kept. `dir` NULL,
 * or a device that keeps nothing: opens a session. Errors: -errno, logged; nothing is left open.
 */
int ss_ort_kept_open(SsOrtKept *kept, SsOrtSession *s, const SsOrtPlan *plan, const char *device,
                     const char *dir);
/** When all sessions of it are closed. */
void ss_ort_kept_close(SsOrtKept *kept);

#endif
