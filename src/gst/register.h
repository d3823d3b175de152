/* SPDX-License-Identifier: Apache-2.0 */
/** The elements, for the plugin and for programs that carry them inside. */
#ifndef SS_GST_REGISTER_H
#define SS_GST_REGISTER_H

#include <gst/gst.h>

/** Registers ssinfer and ssoverlay; `plugin` may be NULL (elements of the program itself). */
gboolean ss_gst_register(GstPlugin *plugin);

#endif
