/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What every backend promises, checked on every one of this build: argument NAME.
 * Skips where the runtime is not built in, or its model is not there.
 */
#include <glob.h>

#include "backend_rig.h"

/* --- openvino: a network written here, so that nothing need be installed but the runtime --- */

/* Passes its input through a ReLU. `shape` as in "?,3,?,?"; `type` u8 or f32. */
static const char *write_ir(const char *name, const char *shape, const char *type)
{
    char xml[4096], dims[256] = "", copy[64], *rest;
    const char *precision = strcmp(type, "u8") == 0 ? "U8" : "FP32";
    int n;

    snprintf(copy, sizeof copy, "%s", shape);
    for (char *dim = strtok_r(copy, ",", &rest); dim; dim = strtok_r(NULL, ",", &rest)) {
        size_t used = strlen(dims);

        snprintf(dims + used, sizeof dims - used, "<dim>%s</dim>", *dim == '?' ? "-1" : dim);
    }
    n = snprintf(
        xml, sizeof xml,
        "<?xml version=\"1.0\"?>\n<net name=\"test\" version=\"11\"><layers>"
        "<layer id=\"0\" name=\"image\" type=\"Parameter\" version=\"opset1\">"
        "<data shape=\"%s\" element_type=\"%s\"/>"
        "<output><port id=\"0\" precision=\"%s\" names=\"image:0\">%s</port></output></layer>"
        "<layer id=\"1\" name=\"relu\" type=\"ReLU\" version=\"opset1\">"
        "<input><port id=\"0\" precision=\"%s\">%s</port></input>"
        "<output><port id=\"1\" precision=\"%s\" names=\"a,detection_boxes:0\">%s</port></output></layer>"
        "<layer id=\"2\" name=\"out\" type=\"Result\" version=\"opset1\">"
        "<input><port id=\"0\" precision=\"%s\">%s</port></input></layer></layers>"
        "<edges><edge from-layer=\"0\" from-port=\"0\" to-layer=\"1\" to-port=\"0\"/>"
        "<edge from-layer=\"1\" from-port=\"1\" to-layer=\"2\" to-port=\"0\"/></edges></net>\n",
        shape, type, precision, dims, precision, dims, precision, dims, precision, dims);
    REQUIRE(n > 0 && n < (int)sizeof xml);
    return write_file(name, xml, (size_t)n);
}

static void require_shape(const SsBackend *backend, const SsModelParams *p, const char *want)
{
    char text[128];
    SsModel m;

    REQUIRE_CMP(ss_model_open(&m, backend, p, &logger), ==, 0);
    REQUIRE_STR(ss_tensor_describe(&m.input, text, sizeof text), want);
    REQUIRE_STR(m.output[0].name, "detection_boxes"); /* of the output's names the one that decoders know */
    ss_model_close(&m);
}

static void require_input(const SsBackend *backend, const char *shape, const char *type, int w, int h,
                          const char *want)
{
    const SsModelParams p = { .path = write_ir("shape.xml", shape, type),
                              .input_width = w,
                              .input_height = h };

    require_shape(backend, &p, want);
}

static void test_input_shapes(const SsBackend *backend)
{
    static const char empty[] = "<net name=\"n\" version=\"11\"><layers/></net>";
    SsModelParams p = { 0 };

    require_input(backend, "?,3,?,?", "f32", 0, 0, "image f32 [1,3,640,640]");
    require_input(backend, "?,3,?,?", "f32", 48, 32, "image f32 [1,3,32,48]");
    require_input(backend, "1,3,20,24", "f32", 48, 32, "image f32 [1,3,20,24]");
    require_input(backend, "?,?,?,3", "f32", 48, 32, "image f32 [1,32,48,3]");
    require_input(backend, "?,?,?,3", "u8", 0, 0, "image u8 [1,300,300,3]");
    require_input(backend, "?,?,?,?", "u8", 16, 8, "image u8 [1,8,16,3]");
    require_input(backend, "?,?,?,?", "f32", 16, 8, "image f32 [1,3,8,16]");
    require_input(backend, "4,3,20,24", "f32", 0, 0, "image f32 [1,3,20,24]");
    p = (SsModelParams) { .path = write_ir("batch.xml", "?,3,?,?", "f32"),
                          .input_width = 16,
                          .input_height = 8 };
    p.batch = 5;
    require_shape(backend, &p, "image f32 [5,3,8,16]");
    p.path = write_ir("batch.xml", "1,3,8,16", "f32");
    require_shape(backend, &p, "image f32 [5,3,8,16]");
    p.path = write_ir("rank.xml", "1,10", "f32");
    refuse(backend, &p, -EPROTO, "no picture");
    p.path = write_ir("grey.xml", "1,1,20,20", "f32");
    refuse(backend, &p, -EPROTO, "no picture");
    p.path = write_file("none.xml", empty, strlen(empty));
    refuse(backend, &p, -EPROTO, "0 inputs");
}

/* What came of threads, requests and options is asked of the device itself. */
static void require_started(const SsBackend *backend, const SsModelParams *p, const char *says)
{
    SsModel m;

    REQUIRE_CMP(ss_model_open(&m, backend, p, &logger), ==, 0);
    REQUIRE(strstr(last_info, says));
    ss_model_close(&m);
}

static void test_options(const SsBackend *backend)
{
    SsModelParams p = { .path = write_ir("options.xml", "1,3,8,8", "f32"), .threads = 1 };

    require_started(backend, &p, "compiled: streams 1, threads 1");
    p.threads = 0;
    p.requests = 2;
    require_started(backend, &p, "streams 2");
    p.options = "streams=1,INFERENCE_PRECISION_HINT=f32,INFERENCE_NUM_THREADS=1";
    require_started(backend, &p, "streams 1, threads 1");
    p.options = "streams=0";
    refuse(backend, &p, -EINVAL, "streams=0");
    p.options = "speed=9";
    refuse(backend, &p, -EINVAL, "\"speed\"");
    p.options = "speed";
    refuse(backend, &p, -EINVAL, "\"speed\"");
    p.options = "NO_SUCH_THING=1";
    refuse(backend, &p, -EINVAL, "NO_SUCH_THING");
    p.options = NULL;
    p.device = "XPU";
    refuse(backend, &p, -ENOTSUP, "available: CPU");
}

/* What is asked for, or nothing; compiled and from the cache. Which of the others a processor has is its own.
 */
static void test_precision(const SsBackend *backend)
{
    static const char *const others[][2] = { { "bf16", "precision bf16" }, { "fp16", "precision f16" } };
    char cache[256];
    SsModelParams p = { .path = write_ir("precision.xml", "1,3,8,8", "f32"), .precision = "fp32" };
    SsModel m;

    require_started(backend, &p, "precision f32");
    snprintf(cache, sizeof cache, "%s", in_folder("precision"));
    p.cache_dir = cache;
    require_started(backend, &p, "compiled: ");
    require_started(backend, &p, "precision f32");
    REQUIRE(strstr(last_info, "from the cache"));
    for (int i = 0; i < 2; i++) {
        p.precision = others[i][0];
        if (ss_model_open(&m, backend, &p, &logger) < 0)
            continue;
        REQUIRE(strstr(last_info, "compiled: ")); /* not what was kept for another */
        REQUIRE(strstr(last_info, others[i][1]));
        ss_model_close(&m);
    }
    p.precision = "int8";
    refuse(backend, &p, -ENOTSUP, "int8");
    p.precision = "fp8";
    refuse(backend, &p, -EINVAL, "fp32, fp16, bf16 and int8");
}

static int count_files(const char *pattern)
{
    glob_t found;
    int ret = glob(pattern, 0, NULL, &found), n = ret == 0 ? (int)found.gl_pathc : 0;

    if (ret == 0)
        globfree(&found);
    return n;
}

static void spoil(const char *pattern, bool cut)
{
    glob_t found;
    FILE *f;

    REQUIRE_CMP(glob(pattern, 0, NULL, &found), ==, 0);
    REQUIRE_CMP(found.gl_pathc, ==, 1);
    if (cut) {
        REQUIRE_CMP(truncate(found.gl_pathv[0], 100), ==, 0);
    } else {
        REQUIRE((f = fopen(found.gl_pathv[0], "r+b")));
        REQUIRE_CMP(fseek(f, 40, SEEK_SET), ==, 0);
        REQUIRE_CMP(fputc(0xaa, f), ==, 0xaa);
        REQUIRE_CMP(fclose(f), ==, 0);
    }
    globfree(&found);
}

/* Made once, used again, made anew when it is damaged or when what it depends on has changed. */
static void test_cache(const SsBackend *backend)
{
    SsModelParams p = { .path = write_ir("cached.xml", "?,3,?,?", "f32"),
                        .input_width = 32,
                        .input_height = 32 };
    char cache[256], pattern[300];
    struct stat made, now;
    Run run[4];
    SsModel m;

    snprintf(cache, sizeof cache, "%s", in_folder("cache/deep"));
    snprintf(pattern, sizeof pattern, "%s/*", cache);
    for (int i = 0; i < 4; i++) { /* 0: none, 1: made, 2: used, 3: damaged */
        run[i] = (Run) { .model = &m, .fill = 3, .inferences = 1 };
        p.cache_dir = i == 0 ? NULL : cache;
        if (i == 3)
            spoil(pattern, false);
        REQUIRE_CMP(ss_model_open(&m, backend, &p, &logger), ==, 0);
        run_request(&run[i]);
        ss_model_close(&m);
        REQUIRE_CMP(count_files(pattern), ==, i == 0 ? 0 : 1);
        REQUIRE_CMP(run[i].size, ==, run[0].size);
        REQUIRE(memcmp(run[i].result, run[0].result, run[0].size) == 0);
    }
    for (int i = 0; i < 4; i++)
        free(run[i].result);

    REQUIRE_CMP(stat(cache, &made), ==, 0); /* a folder's time changes when an entry is made or replaced */
    REQUIRE_CMP(ss_model_open(&m, backend, &p, &logger), ==, 0);
    ss_model_close(&m);
    REQUIRE_CMP(stat(cache, &now), ==, 0);
    REQUIRE(made.st_mtim.tv_sec == now.st_mtim.tv_sec && made.st_mtim.tv_nsec == now.st_mtim.tv_nsec);

    require_started(backend, &p, "from the cache: streams 1");

    spoil(pattern, true);
    REQUIRE_CMP(ss_model_open(&m, backend, &p, &logger), ==, 0);
    ss_model_close(&m);
    REQUIRE_CMP(count_files(pattern), ==, 1);
    p.input_width = 64;
    REQUIRE_CMP(ss_model_open(&m, backend, &p, &logger), ==, 0);
    REQUIRE_CMP(ss_tensor_width(&m.input), ==, 64);
    ss_model_close(&m);
    REQUIRE_CMP(count_files(pattern), ==, 2);
    p.batch = 3;
    REQUIRE_CMP(ss_model_open(&m, backend, &p, &logger), ==, 0);
    REQUIRE_CMP(ss_tensor_batch(&m.input), ==, 3);
    ss_model_close(&m);
    REQUIRE_CMP(count_files(pattern), ==, 3);
    p.batch = 0;
    p.path = write_ir("cached.xml", "1,3,64,64", "f32"); /* other contents, same name */
    REQUIRE_CMP(ss_model_open(&m, backend, &p, &logger), ==, 0);
    ss_model_close(&m);
    REQUIRE_CMP(count_files(pattern), ==, 4);

    p.requests = 2;
    require_started(backend, &p, "compiled: streams 2");
    require_started(backend, &p, "from the cache: streams 2");
    p.requests = 0;

    p.cache_dir = p.path; /* no folder can be made there: a warning, and a model all the same */
    errors = 0;
    REQUIRE_CMP(ss_model_open(&m, backend, &p, &logger), ==, 0);
    REQUIRE_CMP(errors, ==, 0);
    ss_model_close(&m);
}

static void test_openvino(const SsBackend *backend)
{
    SsModelParams p = { .path = write_ir("test.xml", "?,3,?,?", "f32"),
                        .input_width = 40,
                        .input_height = 24 };

    test_open_close(backend, &p);
    test_requests(backend, &p);
    test_bad_files(backend, p.path, ".xml");
    test_input_shapes(backend);
    test_options(backend);
    test_precision(backend);
    test_cache(backend);
}

/* The demo's detector, where it has been fetched. */
static void test_demo_model(const SsBackend *backend)
{
    const char *path = demo_file("pedestrians.pb");
    char cache[256];
    SsModelParams p = { .path = path, .cache_dir = cache };
    SsModel m;

    if (!path)
        return;
    snprintf(cache, sizeof cache, "%s", in_folder("demo"));
    test_open_close(backend, &p);
    test_requests(backend, &p);
    test_bad_files(backend, path, ".pb");
    REQUIRE_CMP(ss_model_open(&m, backend, &p, &logger), ==, 0);
    REQUIRE_CMP(ss_tensor_width(&m.input), ==, 300);
    REQUIRE_STR(ss_model_decoder(&m, NULL)->name, "tf-ssd");
    ss_model_close(&m);
}

static void test_dummy(const SsBackend *backend)
{
    SsModelParams p = { .options = "boxes=3" };

    test_open_close(backend, &p);
    test_requests(backend, &p);
    p.options = "broken=load";
    refuse(backend, &p, -EIO, "");
    p.options = NULL;
    p.precision = "fp32";
    refuse(backend, &p, -ENOTSUP, "computes nothing");
}

int main(int argc, char **argv)
{
    const SsBackend *backend = argc > 1 ? ss_backend_find(argv[1]) : NULL;
    struct stat st;

    REQUIRE_CMP(argc, ==, 2);
    if (!backend)
        return SKIP;
    REQUIRE(mkdtemp(folder));
    catch_output();
    if (strcmp(argv[1], "openvino") == 0) {
        test_openvino(backend);
        test_demo_model(backend);
    } else {
        test_dummy(backend);
    }
    REQUIRE_CMP(fflush(NULL), ==, 0);
    REQUIRE_CMP(fstat(printed, &st), ==, 0);
    REQUIRE_CMP(st.st_size, ==, 0);
    remove_all();
    return 0;
}
