/* SPDX-License-Identifier: Apache-2.0 */
#include "originals.h"

#include "pool.h"

void ss_originals_init(SsOriginals *o)
{
    g_queue_init(&o->kept);
}

void ss_originals_clear(SsOriginals *o)
{
    g_queue_clear_full(&o->kept, (GDestroyNotify)gst_buffer_unref);
}

static void let_go(SsOriginals *o)
{
    for (GList *link = o->kept.head, *next; link; link = next) {
        GstBuffer *buffer = link->data;

        next = link->next;
        if (!gst_buffer_is_all_memory_writable(buffer))
            continue;
        g_queue_delete_link(&o->kept, link);
        gst_buffer_unref(buffer);
    }
}

GstFlowReturn ss_originals_writable(SsOriginals *o, GstBuffer *in, GstBuffer **out)
{
    let_go(o);
    *out = gst_buffer_is_writable(in) ? in : gst_buffer_copy(in);
    if (*out != in && in->pool && !ss_pool_is_bounded(in->pool)) /* a bounded one would run dry */
        g_queue_push_tail(&o->kept, gst_buffer_ref(in));
    return *out ? GST_FLOW_OK : GST_FLOW_ERROR;
}
