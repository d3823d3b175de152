/* SPDX-License-Identifier: Apache-2.0 */
/** Frames and the logger: the small things that everything else leans on. */
#include "sidestream/frame.h"

#include "internal.h"
#include "test.h"

#include <unistd.h>

static const uint8_t pixels[4096];
static int released;

static void release(void *cookie)
{
    REQUIRE(cookie == &released);
    released++;
}

static bool wraps(SsFrameDesc d)
{
    SsFrame *f = ss_frame_wrap(&d, NULL, NULL);
    bool ok = f != NULL;

    ss_frame_unref(&f);
    return ok;
}

static void refuses_nonsense(void)
{
    const SsFrameDesc nv12 = {
        .format = SS_PIXEL_NV12, .width = 15, .height = 9, .plane = { pixels, pixels }, .stride = { 15, 16 }
    };
    SsFrameDesc d = nv12;

    REQUIRE(wraps(d));
    d.stride[1] = 15; /* 8 pairs need 16 */
    REQUIRE(!wraps(d));
    d = nv12;
    d.plane[1] = NULL;
    REQUIRE(!wraps(d));
    d = nv12;
    d.width = 0;
    REQUIRE(!wraps(d));
    d = nv12;
    d.height = SS_MAX_SIDE + 1;
    REQUIRE(!wraps(d));
    d = nv12;
    REQUIRE(!ss_memory_new(SIZE_MAX) && !ss_memory_new(SIZE_MAX - 100));
    d.memory = (SsMemory)2;
    REQUIRE(!wraps(d));
    d.memory = SS_MEMORY_CUDA;
    REQUIRE(wraps(d));
    d = nv12;
    d.format = (SsPixelFormat)77;
    REQUIRE(!wraps(d));

    static const int bytes[] = {
        [SS_PIXEL_RGB] = 3, [SS_PIXEL_BGR] = 3, [SS_PIXEL_RGBX] = 4, [SS_PIXEL_BGRX] = 4, [SS_PIXEL_GRAY8] = 1
    };
    for (int f = SS_PIXEL_RGB; f <= SS_PIXEL_GRAY8; f++) {
        d = (SsFrameDesc) { .format = (SsPixelFormat)f, .width = 10, .height = 2, .plane = { pixels } };
        d.stride[0] = 10 * bytes[f];
        REQUIRE(wraps(d));
        d.stride[0]--;
        REQUIRE(!wraps(d));
    }
    d = (SsFrameDesc) { SS_PIXEL_I420, 0, 7, 7, { pixels, pixels, pixels }, { 7, 4, 4 }, 0 };
    REQUIRE(wraps(d));
    d.stride[2] = 3;
    REQUIRE(!wraps(d));
}

static void last_reference_releases_once(void)
{
    const SsFrameDesc d = {
        .format = SS_PIXEL_GRAY8, .width = 4, .height = 4, .plane = { pixels }, .stride = { 4 }, .pts = 42
    };
    SsFrame *a = ss_frame_wrap(&d, release, &released), *b = ss_frame_ref(a);

    REQUIRE(ss_frame_desc(b)->pts == 42);
    ss_frame_unref(&a);
    REQUIRE(a == NULL && released == 0);
    ss_frame_unref(&b);
    REQUIRE(released == 1);
    ss_frame_unref(&b);
    ss_frame_unref(NULL);
    REQUIRE(released == 1);
}

static char last[1100];

static void keep(void *cookie, SsLogLevel level, const char *msg)
{
    REQUIRE(cookie == last);
    REQUIRE(level <= SS_LOG_INFO);
    snprintf(last, sizeof last, "%s", msg);
}

static void one_line_a_message(void)
{
    const SsLogger log = { SS_LOG_INFO, keep, last };
    char longer[3000];

    ss_info(&log, "%d\ntwo\r", 1);
    REQUIRE_STR(last, "1 two ");
    ss_debug(&log, "not even formatted");
    REQUIRE_STR(last, "1 two ");
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    ss_warn(&log, "%s", longer);
    REQUIRE_CMP(strlen(last), ==, 1023);
}

/** Without a writer, warnings and errors go to standard error; a file stands in for it here. */
static void standard_error_by_default(void)
{
    const SsLogger none = { 0 };
    char line[64] = "", *name = strdup("/tmp/ss_test_XXXXXX");
    int fd = mkstemp(name);

    REQUIRE(fd >= 0);
    FILE *before = stderr;
    stderr = fdopen(fd, "w+");
    ss_info(&none, "nobody asked");
    ss_warn(&none, "mind the %s", "gap");
    fflush(stderr);
    rewind(stderr);
    REQUIRE(fgets(line, sizeof line, stderr));
    fclose(stderr);
    stderr = before;
    REQUIRE_STR(line, "sidestream: warning: mind the gap\n");
    unlink(name);
    free(name);
}

int main(void)
{
    refuses_nonsense();
    last_reference_releases_once();
    one_line_a_message();
    standard_error_by_default();
    return 0;
}
