/* SPDX-License-Identifier: Apache-2.0 */
#include "register.h"

#include "infer.h"
#include "overlay.h"

gboolean ss_gst_register(GstPlugin *plugin)
{
    return GST_ELEMENT_REGISTER(ssinfer, plugin) && GST_ELEMENT_REGISTER(ssoverlay, plugin);
}
