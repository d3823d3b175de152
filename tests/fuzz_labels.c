/* SPDX-License-Identifier: Apache-2.0 */
/** Labels files of any content: either every name can be looked up, or one line says why not. */
#include "core/labels.h"
#include "fuzz.h"

static int lines;

static void count(void *cookie, SsLogLevel level, const char *msg)
{
    (void)cookie;
    (void)level;
    REQUIRE(!strchr(msg, '\n'));
    lines++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const SsLogger log = { .level = SS_LOG_WARN, .write = count };
    SsLabels *l = NULL;
    int first = size > 0 ? data[0] % 2 : 0, names = 0, ret;

    lines = 0;
    ret = ss_labels_parse(&l, (const char *)data, size, "fuzz", first, &log);
    REQUIRE((ret == 0) == (l != NULL));
    REQUIRE_CMP(lines, ==, ret == 0 ? 0 : 1);
    REQUIRE(ret == 0 || ret == -EINVAL);
    for (int id = 0; l && id <= 65535; id++) {
        const char *name = ss_labels_name(l, id);

        if (!name)
            continue;
        names++;
        REQUIRE(name[0] != '\0' && name[0] != '\n');
    }
    REQUIRE(!l || names > 0);
    ss_labels_destroy(&l);
    return 0;
}

size_t fuzz_seed(int n, uint8_t *seed)
{
    static const char *const text[] = { "person\ncar\n\n# comment\ntraffic light\n",
                                        "1 person\n2: car\n65535 x\n",
                                        "\xef\xbb\xbf\xc3\xa9t\xc3\xa9\r\n\xe2\x82\xac\n\xf0\x9f\x9a\x97\n",
                                        "1 a\n1 b\n", "70000 far\n" };

    if (n >= (int)(sizeof text / sizeof *text))
        return 0;
    memcpy(seed, text[n], strlen(text[n]));
    return strlen(text[n]);
}
