/* SPDX-License-Identifier: Apache-2.0 */
/** "key=value,key=value": the options a user hands to a backend. */
#ifndef SS_BACKEND_OPTIONS_H
#define SS_BACKEND_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "sidestream/log.h"

/** Copies the value of `key` to `value`, cut to `size`; false (and value "") if it is not there. `options`
 * may be NULL. */
bool ss_option_get(const char *options, const char *key, char *value, size_t size);
/** A whole number within [min, max]; `dflt` if the key is absent. -EINVAL and a line in the log if it is no
 * such number. */
int ss_option_int(const char *options, const char *key, int min, int max, int dflt, int *value,
                  const SsLogger *log);
/** Every key must be one of `known` (NULL-terminated). -EINVAL and a line in the log naming the stranger. */
int ss_options_check(const char *options, const char *const *known, const SsLogger *log);

/** The name of a precision (SsModelParams.precision) as one that is never freed; NULL: it is none of them. */
const char *ss_precision_known(const char *name);

#endif
