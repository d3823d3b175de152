/* SPDX-License-Identifier: Apache-2.0 */
#include "register.h"

static gboolean plugin_init(GstPlugin *plugin)
{
    return ss_gst_register(plugin);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, sidestream,
                  "Live video at full rate, a neural network at its side", plugin_init, VERSION, "Apache 2.0",
                  PACKAGE, "Unknown package origin")
