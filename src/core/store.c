/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <stddef.h>

enum { SS_STORE_NEW = 4, INDEX = 3 };

void ss_store_init(SsStore *s)
{
    s->back = 0;
    atomic_init(&s->between, 1);
    s->front = 2;
    s->any = false;
}

SsResult *ss_store_back(SsStore *s)
{
    return &s->buffer[s->back];
}

void ss_store_publish(SsStore *s)
{
    s->back = atomic_exchange_explicit(&s->between, s->back | SS_STORE_NEW, memory_order_acq_rel) & INDEX;
}

const SsResult *ss_store_newest(SsStore *s)
{
    /* Only the writer sets NEW: once seen, it stays until this thread takes it. */
    if (atomic_load_explicit(&s->between, memory_order_relaxed) & SS_STORE_NEW) {
        s->front = atomic_exchange_explicit(&s->between, s->front, memory_order_acq_rel) & INDEX;
        s->any = true;
    }
    return s->any ? &s->buffer[s->front] : NULL;
}

void ss_store_forget(SsStore *s)
{
    ss_store_newest(s);
    s->any = false;
}
