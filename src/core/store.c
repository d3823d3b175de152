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

void ss_store_clear(SsStore *s)
{
    for (int i = 0; i < 3; i++)
        ss_picture_unref(&s->buffer[i].at);
}

SsResult *ss_store_back(SsStore *s)
{
    return &s->buffer[s->back];
}

void ss_store_publish(SsStore *s)
{
    s->back = atomic_exchange_explicit(&s->between, s->back | SS_STORE_NEW, memory_order_acq_rel) & INDEX;
}

SsResult *ss_store_newest(SsStore *s)
{
    /* Only the writer sets NEW: once seen, it stays until this thread takes it. */
    if (atomic_load_explicit(&s->between, memory_order_relaxed) & SS_STORE_NEW) {
        /* An old result need not hold the pictures since. */
        ss_picture_unref(&s->buffer[s->front].at);
        s->front = atomic_exchange_explicit(&s->between, s->front, memory_order_acq_rel) & INDEX;
        s->any = true;
    }
    return s->any ? &s->buffer[s->front] : NULL;
}

void ss_store_forget(SsStore *s)
{
    ss_store_newest(s);
    ss_picture_unref(&s->buffer[s->front].at);
    s->any = false;
}
