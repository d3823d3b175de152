/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#include <math.h>

static void quoted(GString *out, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    g_string_append_c(out, '"');
    for (const char *p = valid; *p; p++) {
        switch (*p) {
        case '"':
        case '\\':
            g_string_append_c(out, '\\');
            g_string_append_c(out, *p);
            break;
        case '\n':
            g_string_append(out, "\\n");
            break;
        case '\t':
            g_string_append(out, "\\t");
            break;
        default:
            if ((guchar)*p < 0x20 || *p == 0x7f)
                g_string_append_printf(out, "\\u%04x", (guint)*p);
            else
                g_string_append_c(out, *p);
        }
    }
    g_string_append_c(out, '"');
}

/* A value follows another one exactly if the text does not end in an opening bracket:
 * strings end in a quote, so no content can fake one. */
static void begin(GString *out, const char *key)
{
    char last = out->len ? out->str[out->len - 1] : '[';
    if (last != '[' && last != '{' && last != '\n')
        g_string_append_c(out, ',');
    if (key) {
        quoted(out, key);
        g_string_append_c(out, ':');
    }
}

void ss_json_object(GString *out, const char *key)
{
    begin(out, key);
    g_string_append_c(out, '{');
}

void ss_json_array(GString *out, const char *key)
{
    begin(out, key);
    g_string_append_c(out, '[');
}

void ss_json_end_object(GString *out)
{
    g_string_append_c(out, '}');
}

void ss_json_end_array(GString *out)
{
    g_string_append_c(out, ']');
}

void ss_json_string(GString *out, const char *key, const char *value)
{
    begin(out, key);
    if (value)
        quoted(out, value);
    else
        g_string_append(out, "null");
}

void ss_json_int(GString *out, const char *key, gint64 value)
{
    begin(out, key);
    g_string_append_printf(out, "%" G_GINT64_FORMAT, value);
}

void ss_json_uint(GString *out, const char *key, guint64 value)
{
    begin(out, key);
    g_string_append_printf(out, "%" G_GUINT64_FORMAT, value);
}

void ss_json_double(GString *out, const char *key, double value, int decimals)
{
    begin(out, key);
    if (!isfinite(value)) {
        g_string_append(out, "null");
        return;
    }
    /* Beyond 2^63 fixed notation is only long; the longest fixed number fits the buffer. */
    char format[8], text[64];
    g_snprintf(format, sizeof format, fabs(value) < 1e18 ? "%%.%df" : "%%.%de", CLAMP(decimals, 0, 17));
    g_string_append(out, g_ascii_formatd(text, sizeof text, format, value));
}
