/* SPDX-License-Identifier: Apache-2.0 */
/** The property that every document of io/json.c has; for the fuzzer and for test_json. */
#ifndef SS_FUZZ_JSON_H
#define SS_FUZZ_JSON_H

#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

#include "io/json.h"
#include "test.h"

/** Builds an array of values from the bytes, reads it back with json-glib, compares. Returns the number of
 * values. */
static inline guint fuzz_json_check(const guint8 *data, gsize size)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GPtrArray) strings = g_ptr_array_new_with_free_func(g_free);
    guint n = 0;

    ss_json_array(text, NULL);
    while (size > 0) {
        const guint8 kind = data[0] % 3;
        gsize length = MIN(size - 1, kind == 0 ? data[0] / 8u : sizeof(double));
        char *value = g_strndup((const char *)data + 1, length);
        gint64 number = 0;
        memcpy(&number, data + 1, MIN(length, sizeof number));
        double real;
        memcpy(&real, &number, sizeof real);
        ss_json_object(text, NULL);
        if (kind == 0)
            ss_json_string(text, value, value);
        else if (kind == 1)
            ss_json_int(text, "i", number);
        else
            ss_json_double(text, "d", real, data[0] % 20);
        ss_json_end_object(text);
        g_ptr_array_add(strings, kind == 0 ? g_utf8_make_valid(value, -1) : NULL);
        g_free(value);
        data += 1 + length;
        size -= 1 + length;
        n++;
    }
    ss_json_end_array(text);

    g_autoptr(JsonParser) parser = json_parser_new();
    REQUIRE(g_utf8_validate(text->str, (gssize)text->len, NULL));
    REQUIRE(strchr(text->str, '\n') == NULL);
    REQUIRE(json_parser_load_from_data(parser, text->str, (gssize)text->len, NULL));
    JsonArray *array = json_node_get_array(json_parser_get_root(parser));
    REQUIRE_CMP(json_array_get_length(array), ==, n);
    for (guint i = 0; i < n; i++) {
        JsonObject *object = json_array_get_object_element(array, i);
        const char *string = g_ptr_array_index(strings, i);
        REQUIRE_CMP(json_object_get_size(object), ==, 1);
        if (string)
            REQUIRE_STR(json_object_get_string_member(object, string), string);
    }
    return n;
}

#endif
