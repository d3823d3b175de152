/* SPDX-License-Identifier: Apache-2.0 */
#include "nvmm.h"

gboolean ss_nvmm_supported(void)
{
    return FALSE;
}

gboolean ss_nvmm_map(GstVideoFrame *picture, GstBuffer *buffer, const GstVideoInfo *info, guint flags)
{
    (void)picture, (void)buffer, (void)info, (void)flags;
    return FALSE;
}

gboolean ss_nvmm_fetch(GstVideoFrame *here, const GstVideoFrame *picture)
{
    (void)here, (void)picture;
    return FALSE;
}
