/* SPDX-License-Identifier: Apache-2.0 */
/** The file with the names of a model's classes. */
#ifndef SS_GST_NAMES_H
#define SS_GST_NAMES_H

#include <glib.h>

#include "core/labels.h"

/* Labels as read for a model family that counts classes from 0, and from 1. */
enum { SS_ID_BASES = 2 };

/** `spec`, if it is not NULL, else the labels file next to `model`; NULL: there is none. (transfer full) */
char *ss_labels_file(const char *spec, const char *model);
/**
 * Which number the first class has is known only when the model is loaded. Reading the file
 * then would be on the stream's thread, so it is read here both ways. `spec` (as the property
 * `labels`) and `model` as for ss_labels_file().
 */
gboolean ss_labels_load_both(SsLabels *out[SS_ID_BASES], const char *spec, const char *model, GError **error);
/** At each class's number its name, or ""; `labels` may be NULL. (transfer full) */
char **ss_labels_to_strv(const SsLabels *labels);
/** Does an object of such a model ever have this name? "class 3" is that of a class without one. */
gboolean ss_names_know(const char *const *names, const char *name);

#endif
