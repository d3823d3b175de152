/* SPDX-License-Identifier: Apache-2.0 */
/** What is asked of a buffer pool in more than one place. */
#ifndef SS_GST_POOL_H
#define SS_GST_POOL_H

#include <gst/gst.h>
#include <stdbool.h>

/** It may not grow: who keeps its buffers for a while makes it run dry. `pool` may be NULL. Any thread. */
static inline bool ss_pool_is_bounded(GstBufferPool *pool)
{
    guint most = 0;

    if (!pool)
        return false;
    g_autoptr(GstStructure) config = gst_buffer_pool_get_config(pool);
    gst_buffer_pool_config_get_params(config, NULL, NULL, NULL, &most);
    return most > 0;
}

#endif
