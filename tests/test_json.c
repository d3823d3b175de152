/* SPDX-License-Identifier: Apache-2.0 */
#include <json-glib/json-glib.h>
#include <locale.h>
#include <math.h>

#include "fuzz_json.h"
#include "io/json.h"
#include "test.h"

static void test_shape(void)
{
    g_autoptr(GString) s = g_string_new(NULL);
    ss_json_object(s, NULL);
    ss_json_array(s, "a");
    ss_json_int(s, NULL, -1);
    ss_json_uint(s, NULL, G_MAXUINT64);
    ss_json_array(s, NULL);
    ss_json_end_array(s);
    ss_json_end_array(s);
    ss_json_string(s, "b", NULL);
    ss_json_object(s, "c");
    ss_json_end_object(s);
    ss_json_end_object(s);
    REQUIRE_STR(s->str, "{\"a\":[-1,18446744073709551615,[]],\"b\":null,\"c\":{}}");
}

static void test_lines_follow_each_other(void)
{
    g_autoptr(GString) s = g_string_new(NULL);
    for (int i = 0; i < 2; i++) {
        ss_json_object(s, NULL);
        ss_json_int(s, "i", i);
        ss_json_end_object(s);
        g_string_append_c(s, '\n');
    }
    REQUIRE_STR(s->str, "{\"i\":0}\n{\"i\":1}\n");
}

static void check_string(const char *value, const char *expected)
{
    g_autoptr(GString) s = g_string_new(NULL);
    ss_json_string(s, NULL, value);
    REQUIRE_STR(s->str, expected);
}

static void test_strings(void)
{
    check_string("", "\"\"");
    check_string("a\"b\\c/", "\"a\\\"b\\\\c/\"");
    check_string("\n\t\r\x01\x7f", "\"\\n\\t\\u000d\\u0001\\u007f\"");
    check_string("m\xc3\xa4nnchen \xf0\x9f\x9a\xb6", "\"m\xc3\xa4nnchen \xf0\x9f\x9a\xb6\"");
    check_string("[", "\"[\""); /* a string's content must not look like an opened array */
    check_string("\xff\xc3", "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    g_autoptr(GString) s = g_string_new(NULL);
    ss_json_array(s, NULL);
    ss_json_string(s, NULL, "[");
    ss_json_string(s, NULL, "x\n");
    ss_json_end_array(s);
    REQUIRE_STR(s->str, "[\"[\",\"x\\n\"]");
}

static void check_double(double value, int decimals, const char *expected)
{
    g_autoptr(GString) s = g_string_new(NULL);
    ss_json_double(s, NULL, value, decimals);
    REQUIRE_STR(s->str, expected);
}

static void test_numbers(void)
{
    check_double(1.5, 3, "1.500");
    check_double(-0.0625, 4, "-0.0625");
    check_double(NAN, 3, "null");
    check_double(INFINITY, 3, "null");
    check_double(-INFINITY, 3, "null");
    check_double(2, 0, "2");
    check_double(1e300, 2, "1.00e+300");
}

/* A comma for the decimal point would end the number. */
static void test_locale(void)
{
    static const char *const comma[] = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8" };
    gboolean set = FALSE;
    for (gsize i = 0; !set && i < G_N_ELEMENTS(comma); i++)
        set = setlocale(LC_NUMERIC, comma[i]) != NULL;
    check_double(1.25, 2, "1.25");
    setlocale(LC_NUMERIC, "C");
}

/* The fuzzer's own check, on inputs that are the same each time. */
static void test_random_documents(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    guint8 data[256];
    guint accepted = 0;
    for (int round = 0; round < 4000; round++) {
        gsize size = (gsize)g_rand_int_range(rand, 0, sizeof data);
        for (gsize i = 0; i < size; i++)
            data[i] = (guint8)g_rand_int_range(rand, 0, 256);
        accepted += fuzz_json_check(data, size);
    }
    REQUIRE_CMP(accepted, >, 40000);
}

int main(void)
{
    test_shape();
    test_lines_follow_each_other();
    test_strings();
    test_numbers();
    test_locale();
    test_random_documents();
    return 0;
}
