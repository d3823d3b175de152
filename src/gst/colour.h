/* SPDX-License-Identifier: Apache-2.0 */
/** A class's colour: the same in every run, bright enough for any ground. */
#ifndef SS_GST_COLOUR_H
#define SS_GST_COLOUR_H

#include <glib.h>

enum { SS_N_COLOURS = 20 };

/** 0xRRGGBB; any id, also a negative one. */
guint32 ss_colour_of_class(int class_id);
/** For objects that have only a name. */
guint32 ss_colour_of_name(const char *name);
/** Black or white, whichever is easier to read on `rgb`. */
guint32 ss_colour_of_text_on(guint32 rgb);

#endif
