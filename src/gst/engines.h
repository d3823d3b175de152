/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The engines of this process that elements share by name, reference-counted.
 */
#ifndef SS_GST_ENGINES_H
#define SS_GST_ENGINES_H

#include "settings.h"

typedef struct SsSharedEngine SsSharedEngine;

/**
 * The running engine called `s->engine`, made and started by the first who asks; without a name,
 * one that nobody else gets. Returns at once: the model loads aside. Errors: as the core says, and
 * GST_LIBRARY_ERROR_SETTINGS where the named engine runs with other settings. Thread: any.
 */
SsSharedEngine *ss_shared_engine_acquire(const SsSettings *s, GError **error);
/** Borrowed. */
SsEngine *ss_shared_engine_get(SsSharedEngine *shared);
/** The last one out stops it, and waits for the load or inference in progress. Thread: any. */
void ss_shared_engine_release(SsSharedEngine **shared);

#endif
