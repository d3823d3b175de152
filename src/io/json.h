/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Writes JSON into a GString. Commas come by themselves; whatever bytes a string
 * holds, the output is valid UTF-8 JSON without a newline. `key` is NULL in arrays and
 * at the top. Numbers do not depend on the locale.
 */
#ifndef SS_JSON_H
#define SS_JSON_H

#include <glib.h>

void ss_json_object(GString *out, const char *key);
void ss_json_array(GString *out, const char *key);
void ss_json_end_object(GString *out);
void ss_json_end_array(GString *out);
/** NULL becomes null; invalid UTF-8 becomes U+FFFD. */
void ss_json_string(GString *out, const char *key, const char *value);
void ss_json_int(GString *out, const char *key, gint64 value);
void ss_json_uint(GString *out, const char *key, guint64 value);
/** `decimals` digits after the point, 0 .. 17; NaN and the infinities become null. */
void ss_json_double(GString *out, const char *key, double value, int decimals);

#endif
