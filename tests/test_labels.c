/* SPDX-License-Identifier: Apache-2.0 */
#include "core/labels.h"

#include <errno.h>
#include <unistd.h>

#include "test.h"

static char last_error[512];
static int errors;

static void remember(void *cookie, SsLogLevel level, const char *msg)
{
    (void)cookie;
    (void)level;
    errors++;
    snprintf(last_error, sizeof last_error, "%s", msg);
}

static const SsLogger logger = { .level = SS_LOG_WARN, .write = remember };

static SsLabels *parse(const char *text, int first)
{
    SsLabels *l = NULL;

    REQUIRE_CMP(ss_labels_parse(&l, text, strlen(text), "x.labels", first, &logger), ==, 0);
    REQUIRE(l);
    return l;
}

/* Fails with one line that holds `says`. */
static void refuse(const char *text, size_t size, const char *says)
{
    SsLabels *l = NULL;

    errors = 0;
    REQUIRE_CMP(ss_labels_parse(&l, text, size, "x.labels", 0, &logger), ==, -EINVAL);
    REQUIRE(!l);
    REQUIRE_CMP(errors, ==, 1);
    REQUIRE(strstr(last_error, "x.labels"));
    REQUIRE(strstr(last_error, says));
}

static void test_lines(void)
{
    SsLabels *l = parse("\xef\xbb\xbf# a comment\r\nperson\r\n\n  traffic light \t\n#x\nz\xc3\xa9"
                        "bre",
                        1);

    REQUIRE_STR(ss_labels_name(l, 1), "person");
    REQUIRE(!ss_labels_name(l, 0));
    REQUIRE(!ss_labels_name(l, 2)); /* the empty line counts */
    REQUIRE_STR(ss_labels_name(l, 3), "traffic light");
    REQUIRE_STR(ss_labels_name(l, 4), "z\xc3\xa9"
                                      "bre");
    REQUIRE(!ss_labels_name(l, 5));
    REQUIRE(!ss_labels_name(l, -1));
    REQUIRE(!ss_labels_name(l, 1000000));
    REQUIRE(!ss_labels_name(NULL, 0));
    ss_labels_destroy(&l);
    REQUIRE(!l);
    ss_labels_destroy(&l);
    ss_labels_destroy(NULL);
}

static void test_numbers(void)
{
    SsLabels *l = parse("7 cat\n65535:dog\n12: sports  ball\n2nd\n9\n3:\n", 0);

    REQUIRE_STR(ss_labels_name(l, 7), "cat");
    REQUIRE_STR(ss_labels_name(l, 65535), "dog");
    REQUIRE_STR(ss_labels_name(l, 12), "sports  ball");
    REQUIRE_STR(ss_labels_name(l, 0), "2nd");
    REQUIRE_STR(ss_labels_name(l, 1), "9");
    REQUIRE_STR(ss_labels_name(l, 2), "3:");
    ss_labels_destroy(&l);
}

static void test_refused(void)
{
    static const char *const not_text[] = { "a\n\x01",  "\x80",         "ab\xc3", "\xc3(",
                                            "\xe2\x82", "\xf0\x9f\x98", "\xff",   "\x7f" };

    for (size_t i = 0; i < sizeof not_text / sizeof *not_text; i++)
        refuse(not_text[i], strlen(not_text[i]), "not UTF-8");
    refuse("a\n\x01", 3, "x.labels:2:");
    refuse("a\0b", 3, "not UTF-8");
    refuse("", 0, "no class name");
    refuse("\n# nothing\n\n", 12, "no class name");
    refuse("1 a\n1 b\n", 8, "x.labels:2: class id 1 again (it is \"a\" already)");
    refuse("65536 a", 7, "over 65535");
    refuse("99999999999999999999 a", 22, "over 65535");
}

static void test_coco(void)
{
    SsLabels *yolo, *tf;
    int names[2] = { 0, 0 };

    REQUIRE_CMP(ss_labels_load(&yolo, "coco", 0, &logger), ==, 0);
    REQUIRE_CMP(ss_labels_load(&tf, "coco", 1, &logger), ==, 0);
    for (int i = 0; i < 100; i++) {
        names[0] += ss_labels_name(yolo, i) != NULL;
        names[1] += ss_labels_name(tf, i) != NULL;
    }
    REQUIRE_CMP(names[0], ==, 80);
    REQUIRE_CMP(names[1], ==, 80);
    REQUIRE_STR(ss_labels_name(yolo, 0), "person");
    REQUIRE_STR(ss_labels_name(yolo, 79), "toothbrush");
    REQUIRE_STR(ss_labels_name(yolo, 16), "dog");
    REQUIRE_STR(ss_labels_name(tf, 1), "person");
    REQUIRE_STR(ss_labels_name(tf, 90), "toothbrush");
    REQUIRE_STR(ss_labels_name(tf, 18), "dog");
    REQUIRE(!ss_labels_name(tf, 12));
    REQUIRE_STR(ss_labels_name(tf, 72), "tv");
    ss_labels_destroy(&yolo);
    ss_labels_destroy(&tf);
}

static void test_files(void)
{
    char path[] = "/tmp/ss_labels_XXXXXX";
    int fd = mkstemp(path);
    SsLabels *l = NULL;

    REQUIRE_CMP(fd, >=, 0);
    REQUIRE_CMP(write(fd, "one\ntwo\n", 8), ==, 8);
    REQUIRE_CMP(ss_labels_load(&l, path, 1, &logger), ==, 0);
    REQUIRE_STR(ss_labels_name(l, 2), "two");
    ss_labels_destroy(&l);

    errors = 0;
    REQUIRE_CMP(ftruncate(fd, (4 << 20) + 1), ==, 0);
    REQUIRE_CMP(ss_labels_load(&l, path, 1, &logger), ==, -EINVAL);
    REQUIRE(strstr(last_error, path) && strstr(last_error, "4 MiB"));
    REQUIRE_CMP(close(fd), ==, 0);
    REQUIRE_CMP(unlink(path), ==, 0);
    REQUIRE_CMP(ss_labels_load(&l, path, 1, &logger), ==, -ENOENT);
    REQUIRE(strstr(last_error, path) && strstr(last_error, "No such file"));
    REQUIRE_CMP(ss_labels_load(&l, "/", 1, &logger), ==, -EINVAL);
    REQUIRE(strstr(last_error, "cannot be read"));
    REQUIRE_CMP(errors, ==, 3);
    REQUIRE(!l);
}

int main(void)
{
    test_lines();
    test_numbers();
    test_refused();
    test_coco();
    test_files();
    return 0;
}
