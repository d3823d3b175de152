/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

/** Length of the "key=value" at `p`, up to a comma or the end. */
static size_t item_length(const char *p)
{
    return strcspn(p, ",");
}

bool ss_option_get(const char *options, const char *key, char *value, size_t size)
{
    size_t key_length = strlen(key);

    value[0] = '\0';
    for (const char *p = options ? options : ""; *p;) {
        size_t length = item_length(p);
        if (length > key_length && strncmp(p, key, key_length) == 0 && p[key_length] == '=') {
            snprintf(value, size, "%.*s", (int)(length - key_length - 1), p + key_length + 1);
            return true;
        }
        p += length + (p[length] == ',');
    }
    return false;
}

int ss_option_int(const char *options, const char *key, int min, int max, int dflt, int *value,
                  const SsLogger *log)
{
    char text[32], *end;

    *value = dflt;
    if (!ss_option_get(options, key, text, sizeof text))
        return 0;
    errno = 0;
    long n = strtol(text, &end, 10);
    if (end == text || *end || errno || n < min || n > max) {
        ss_log(log, SS_LOG_ERROR, "model option %s=%s: expected a whole number from %d to %d", key, text, min,
               max);
        return -EINVAL;
    }
    *value = (int)n;
    return 0;
}

static bool is_known(const char *item, size_t length, const char *const *known)
{
    const char *equals = memchr(item, '=', length);

    if (!equals)
        return false;
    for (; *known; known++)
        if (strlen(*known) == (size_t)(equals - item) && strncmp(item, *known, strlen(*known)) == 0)
            return true;
    return false;
}

int ss_options_check(const char *options, const char *const *known, const SsLogger *log)
{
    for (const char *p = options ? options : ""; *p;) {
        size_t length = item_length(p);
        if (!is_known(p, length, known)) {
            char list[256] = "";
            for (size_t n = 0; *known && n < sizeof list; known++)
                n += (size_t)snprintf(list + n, sizeof list - n, " %s=", *known);
            ss_log(log, SS_LOG_ERROR, "model option '%.*s' is not known here; expected%s", (int)length, p,
                   *list ? list : " none");
            return -EINVAL;
        }
        p += length + (p[length] == ',');
    }
    return 0;
}

const char *ss_precision_known(const char *name)
{
    static const char *const known[] = { "fp32", "fp16", "bf16", "int8" };

    for (size_t i = 0; i < SS_COUNTOF(known); i++)
        if (strcmp(known[i], name) == 0)
            return known[i];
    return NULL;
}
