/* SPDX-License-Identifier: Apache-2.0 */
/**
 * ONNX Runtime's backend: what every backend promises, its own options and devices, and the same results as
 * OpenVINO's. Skips where there is no library of it. Argument `missing`: as on a machine without.
 */
#include <math.h>
#include <stdatomic.h>

#include "backend/ort_library.h"
#include "backend_rig.h"
#include "onnx_writer.h"

/* --- all that is made is released: functions of the runtime's table, counted --- */

static SsOrt theirs;
static atomic_int alive[7];
enum { SESSIONS, OPTIONS, BINDINGS, VALUES, MEMORIES, TYPES, SHAPES };

/* Makers give the object as their last argument, here `out`. */
#define COUNT(kind, Make, parameters, arguments, Release, Type)                                              \
    static OrtStatus *make_##Release parameters                                                              \
    {                                                                                                        \
        OrtStatus *status = theirs.Make arguments;                                                           \
                                                                                                             \
        if (!status)                                                                                         \
            atomic_fetch_add(&alive[kind], 1);                                                               \
        return status;                                                                                       \
    }                                                                                                        \
    static void count_##Release(Type *object)                                                                \
    {                                                                                                        \
        atomic_fetch_sub(&alive[kind], 1);                                                                   \
        theirs.Release(object);                                                                              \
    }

COUNT(SESSIONS, CreateSession,
      (const OrtEnv *e, const char *path, const OrtSessionOptions *o, OrtSession **out), (e, path, o, out),
      ReleaseSession, OrtSession)
COUNT(OPTIONS, CreateSessionOptions, (OrtSessionOptions * *out), (out), ReleaseSessionOptions,
      OrtSessionOptions)
COUNT(BINDINGS, CreateIoBinding, (OrtSession * s, OrtIoBinding **out), (s, out), ReleaseIoBinding,
      OrtIoBinding)
COUNT(VALUES, CreateTensorWithDataAsOrtValue,
      (const OrtMemoryInfo *m, void *data, size_t bytes, const int64_t *dim, size_t rank, int type,
       OrtValue **out),
      (m, data, bytes, dim, rank, type, out), ReleaseValue, OrtValue)
COUNT(MEMORIES, CreateCpuMemoryInfo, (int a, int m, OrtMemoryInfo **out), (a, m, out), ReleaseMemoryInfo,
      OrtMemoryInfo)
COUNT(TYPES, SessionGetOutputTypeInfo, (const OrtSession *s, size_t i, OrtTypeInfo **out), (s, i, out),
      ReleaseTypeInfo, OrtTypeInfo)
COUNT(SHAPES, GetTensorTypeAndShape, (const OrtValue *v, OrtTensorTypeAndShapeInfo **out), (v, out),
      ReleaseTensorTypeAndShapeInfo, OrtTensorTypeAndShapeInfo)

static OrtStatus *get_input_type(const OrtSession *s, size_t i, OrtTypeInfo **out)
{
    atomic_fetch_add(&alive[TYPES], 1);
    return theirs.SessionGetInputTypeInfo(s, i, out);
}

static OrtStatus *get_values(const OrtIoBinding *b, OrtAllocator *a, OrtValue ***out, size_t *n)
{
    OrtStatus *status = theirs.GetBoundOutputValues(b, a, out, n);

    if (!status)
        atomic_fetch_add(&alive[VALUES], (int)*n);
    return status;
}

static void count_objects(void)
{
    SsOrt *o = (SsOrt *)ss_ort_open(NULL, &logger);

    REQUIRE(o);
    theirs = *o;
    o->CreateSession = make_ReleaseSession;
    o->ReleaseSession = count_ReleaseSession;
    o->CreateSessionOptions = make_ReleaseSessionOptions;
    o->ReleaseSessionOptions = count_ReleaseSessionOptions;
    o->CreateIoBinding = make_ReleaseIoBinding;
    o->ReleaseIoBinding = count_ReleaseIoBinding;
    o->CreateTensorWithDataAsOrtValue = make_ReleaseValue;
    o->ReleaseValue = count_ReleaseValue;
    o->CreateCpuMemoryInfo = make_ReleaseMemoryInfo;
    o->ReleaseMemoryInfo = count_ReleaseMemoryInfo;
    o->SessionGetOutputTypeInfo = make_ReleaseTypeInfo;
    o->SessionGetInputTypeInfo = get_input_type;
    o->ReleaseTypeInfo = count_ReleaseTypeInfo;
    o->GetTensorTypeAndShape = make_ReleaseTensorTypeAndShapeInfo;
    o->ReleaseTensorTypeAndShapeInfo = count_ReleaseTensorTypeAndShapeInfo;
    o->GetBoundOutputValues = get_values;
}

/* --- its own --- */

static void fill(const SsTensor *t)
{
    for (size_t i = 0; i < t->size / sizeof(float); i++)
        ((float *)t->data)[i] = (float)(i * 2654435761u >> 8 & 255) / 255;
}

static void require_input(const SsBackend *backend, const char *shape, uint64_t type, int w, int h,
                          const char *want, const char *want_out)
{
    const Net net = { .shape = shape, .op = "Identity", .type = type, .out_type = type };
    SsModelParams p = { .path = write_onnx("shape.onnx", &net), .input_width = w, .input_height = h };
    char text[128];
    SsModel m;

    REQUIRE_CMP(ss_model_open(&m, backend, &p, &logger), ==, 0);
    REQUIRE_STR(ss_tensor_describe(&m.input, text, sizeof text), want);
    REQUIRE_STR(ss_tensor_describe(&m.output[0], text, sizeof text), want_out);
    ss_model_close(&m);
    test_requests(backend, &p);
}

/* So many pictures go in, and come out again. */
static void require_batch(const SsBackend *backend, const SsModelParams *p, int batch)
{
    SsRequest r;
    SsModel m;

    REQUIRE_CMP(ss_model_open(&m, backend, p, &logger), ==, 0);
    REQUIRE_CMP(ss_tensor_batch(&m.input), ==, batch);
    REQUIRE_CMP(ss_request_open(&r, &m), ==, 0);
    REQUIRE_CMP(r.input.size, ==, (size_t)batch * 3 * 20 * 24 * sizeof(float));
    fill(&r.input);
    REQUIRE_CMP(ss_request_infer(&r), ==, 0);
    REQUIRE_CMP(r.output[0].dim[0], ==, batch);
    REQUIRE_CMP(r.output[0].size, ==, r.input.size);
    REQUIRE(memcmp(r.output[0].data, r.input.data, r.input.size) == 0);
    ss_request_close(&r);
    ss_model_close(&m);
}

static void test_input_shapes(const SsBackend *backend)
{
    SsModelParams p = { 0 };

    /* Named dimensions are settled for the whole network, nameless ones with each picture. */
    require_input(backend, "n,3,height,width", FLOAT, 0, 0, "image f32 [1,3,640,640]",
                  "detections f32 [1,3,640,640]");
    require_input(backend, "n,3,height,width", FLOAT, 48, 32, "image f32 [1,3,32,48]",
                  "detections f32 [1,3,32,48]");
    require_input(backend, "?,3,?,?", FLOAT, 48, 32, "image f32 [1,3,32,48]", "detections f32 [?,3,?,?]");
    require_input(backend, "1,3,20,24", FLOAT, 48, 32, "image f32 [1,3,20,24]", "detections f32 [1,3,20,24]");
    require_input(backend, "1,h,w,3", FLOAT, 48, 32, "image f32 [1,32,48,3]", "detections f32 [1,32,48,3]");
    require_input(backend, "n,h,w,3", UINT8, 0, 0, "image u8 [1,300,300,3]", "detections u8 [1,300,300,3]");
    p.path = relu("1,10");
    refuse(backend, &p, -EPROTO, "no picture");
    p.path = relu("1,1,20,20");
    refuse(backend, &p, -EPROTO, "no picture");
    p.path = relu("4,3,20,24"); /* as it is, whatever is asked for */
    require_batch(backend, &p, 4);
    p.batch = 2;
    require_batch(backend, &p, 4);
    REQUIRE(strstr(last_warning, "takes 4 at a time, not 2"));
    p.path = relu("n,3,20,24");
    require_batch(backend, &p, 2);
    p.path = relu("?,3,20,24");
    require_batch(backend, &p, 2);
    p.path = relu("1,3,20,24");
    require_batch(backend, &p, 1);
    p.batch = 0;
    p.path =
        write_onnx("two.onnx", &(Net) { .shape = "1,3,8,8", .op = "Add", .type = FLOAT, .out_type = FLOAT });
    refuse(backend, &p, -EPROTO, "2 inputs");
    p.path = write_onnx("odd.onnx",
                        &(Net) { .shape = "1,3,8,8", .op = "NoSuchThing", .type = FLOAT, .out_type = FLOAT });
    refuse(backend, &p, -EINVAL, "NoSuchThing");
}

/* As many results as the picture has: their size is known only after each inference. */
static void test_open_outputs(const SsBackend *backend)
{
    const Net net = {
        .shape = "1,3,8,8", .op = "NonZero", .type = FLOAT, .out_shape = "4,found", .out_type = INT64
    };
    SsModelParams p = { .path = write_onnx("open.onnx", &net) };
    SsRequest r;
    SsModel m;

    test_requests(backend, &p);
    REQUIRE_CMP(ss_model_open(&m, backend, &p, &logger), ==, 0);
    REQUIRE_CMP(ss_request_open(&r, &m), ==, 0);
    for (int n = 0; n < 40; n += 13) {
        float *in = r.input.data;

        for (int i = 0; i < 192; i++)
            in[i] = i < n ? 1.0f : 0.0f;
        REQUIRE_CMP(ss_request_infer(&r), ==, 0);
        REQUIRE_CMP(r.output[0].rank, ==, 2);
        REQUIRE_CMP(r.output[0].dim[1], ==, n);
        REQUIRE_CMP(r.output[0].size, ==, (size_t)n * 4 * 8);
        if (n > 0) /* the column of the last one */
            REQUIRE_CMP(((int64_t *)r.output[0].data)[4 * n - 1], ==, (n - 1) % 8);
    }
    ss_request_close(&r);
    ss_model_close(&m);
}

static void test_options(const SsBackend *backend)
{
    static const char net[] = "<net name=\"n\" version=\"11\"></net>";
    SsModelParams p = { .path = relu("1,3,8,8"), .threads = 1 };
    SsModel m;

    REQUIRE_CMP(ss_model_open(&m, backend, &p, &logger), ==, 0); /* auto: only the processor is here */
    REQUIRE(strstr(last_info, "relu.onnx on "));
    ss_model_close(&m);
    p.options = "enable_cuda_graph=1"; /* for a GPU, if one is there */
    REQUIRE_CMP(ss_model_open(&m, backend, &p, &logger), ==, 0);
    ss_model_close(&m);
    p.device = "CPU";
    p.options = "graph=off,spinning=1,session.disable_prepacking=1";
    REQUIRE_CMP(ss_model_open(&m, backend, &p, &logger), ==, 0);
    REQUIRE(strstr(last_info, "relu.onnx on CPU"));
    ss_model_close(&m);
    p.options = "enable_cuda_graph=1"; /* of the GPU that it stands in for */
    p.stand_in = true;
    REQUIRE_CMP(ss_model_open(&m, backend, &p, &logger), ==, 0);
    ss_model_close(&m);
    p.stand_in = false;
    refuse(backend, &p, -EINVAL, "\"enable_cuda_graph\"");
    p.options = "graph=fast";
    refuse(backend, &p, -EINVAL, "graph=fast");
    p.options = "spinning=2";
    refuse(backend, &p, -EINVAL, "spinning=2");
    p.options = "speed=9";
    refuse(backend, &p, -EINVAL, "\"speed\"");
    p.options = "speed";
    refuse(backend, &p, -EINVAL, "\"speed\"");
    p.options = NULL;
    p.device = "XPU";
    refuse(backend, &p, -ENOTSUP, "has no XPU");
    p.options = "provider=/no/such/plugin.so";
    refuse(backend, &p, -ENOTSUP, "/no/such/plugin.so");
    p.options = NULL;
    p.device = "cpu";
    p.precision = "fp32";
    REQUIRE_CMP(ss_model_open(&m, backend, &p, &logger), ==, 0);
    ss_model_close(&m);
    p.precision = "fp16";
    refuse(backend, &p, -ENOTSUP, "export the model in fp16");
    p.stand_in = true; /* whatever the device that it stands in for is to compute in */
    REQUIRE_CMP(ss_model_open(&m, backend, &p, &logger), ==, 0);
    ss_model_close(&m);
    p.stand_in = false;
    p.device = "auto";
    refuse(backend, &p, -EIO, "export the model in fp16");
    p.precision = NULL;
    p.path = write_file("model.xml", net, strlen(net));
    refuse(backend, &p, -EINVAL, "--backend openvino");
}

/* The processor stands in for whatever is not it. */
static void test_stand_in(const SsBackend *backend)
{
    static const struct {
        const char *device, *other;
    } cases[] = { { NULL, NULL },      { "auto", NULL }, /* no GPU is here */
                  { "cpu", NULL },     { "CPU", NULL },  { "tensorrt-rtx", "cpu" },
                  { "cuda:1", "cpu" }, { "XPU", "cpu" } };

    for (size_t i = 0; i < SS_COUNTOF(cases); i++) {
        const char *other = backend->stand_in(&(SsModelParams) { .device = cases[i].device });
        REQUIRE(other ? cases[i].other && strcmp(other, cases[i].other) == 0 : !cases[i].other);
    }
}

/* --- the same network on both runtimes --- */

static void require_same_numbers(const SsRequest *a, const SsRequest *b)
{
    REQUIRE_CMP(a->model->n_outputs, ==, b->model->n_outputs);
    for (int i = 0; i < a->model->n_outputs; i++) {
        const SsTensor *x = &a->output[i], *y = &b->output[i];

        REQUIRE_CMP(x->dtype, ==, SS_F32);
        REQUIRE_CMP(x->size, ==, y->size);
        for (size_t k = 0; k < x->size / sizeof(float); k++) {
            const float p = ((const float *)x->data)[k], q = ((const float *)y->data)[k];

            REQUIRE(fabsf(p - q) <= 1e-3f * fmaxf(1, fabsf(q)));
        }
    }
}

static void test_same_results(const SsBackend *one, const char *path, int batch)
{
    const SsBackend *backend[2] = { one, ss_backend_find("openvino") };
    SsModelParams p = {
        .path = path, .device = "CPU", .input_width = 320, .input_height = 320, .batch = batch
    };
    SsRequest r[2];
    SsModel m[2];

    if (!backend[1])
        return;
    for (int i = 0; i < 2; i++) {
        p.options =
            i == 0 ? NULL : "INFERENCE_PRECISION_HINT=f32"; /* some processors have OpenVINO take bf16 */
        REQUIRE_CMP(ss_model_open(&m[i], backend[i], &p, &logger), ==, 0);
        REQUIRE_CMP(ss_request_open(&r[i], &m[i]), ==, 0);
        REQUIRE_CMP(r[i].input.dtype, ==, SS_F32);
        REQUIRE_CMP(ss_tensor_batch(&r[i].input), ==, batch);
        fill(&r[i].input);
        REQUIRE_CMP(ss_request_infer(&r[i]), ==, 0);
    }
    require_same_model(&m[0], &m[1]);
    require_same_numbers(&r[0], &r[1]);
    for (int i = 0; i < 2; i++) {
        ss_request_close(&r[i]);
        ss_model_close(&m[i]);
    }
}

/* Detectors of the YOLO family, where they have been fetched: one that takes what it is given, and one of
 * fixed size that segments, too. */
static void test_real_models(const SsBackend *backend)
{
    const char *path = demo_file("320n.onnx");

    for (int batch = 1; path && batch <= 3; batch += 2)
        test_same_results(backend, path, batch);
    path = demo_file("slider.onnx");
    if (path)
        test_same_results(backend, path, 1);
}

/* As on a machine that has none: said once, and what to do. */
static void test_missing(const SsBackend *backend)
{
    SsModelParams p = { .path = relu("1,3,8,8") };

    REQUIRE_CMP(setenv("SIDESTREAM_ONNXRUNTIME", "/no/such/libonnxruntime.so", 1), ==, 0);
    refuse(backend, &p, -ENOTSUP, "pip install onnxruntime");
    REQUIRE(strstr(last_error, "/no/such/libonnxruntime.so"));
    p.options = "library=/bin/sh";
    refuse(backend, &p, -ENOTSUP, "/bin/sh");
}

int main(int argc, char **argv)
{
    const SsBackend *backend = ss_backend_find("onnxruntime");
    const bool missing = argc > 1 && strcmp(argv[1], "missing") == 0;
    char why[256];
    struct stat st;
    SsModelParams p;

    REQUIRE(backend);
    if (!missing && !ss_ort_probe(why, sizeof why)) {
        printf("skipped: %s\n", why);
        return SKIP;
    }
    REQUIRE(mkdtemp(folder));
    catch_output();
    if (missing) {
        test_missing(backend);
    } else {
        count_objects();
        p = (SsModelParams) { .path = relu("n,3,height,width"), .input_width = 40, .input_height = 24 };
        test_open_close(backend, &p);
        test_requests(backend, &p);
        test_bad_files(backend, p.path, ".onnx");
        test_input_shapes(backend);
        test_open_outputs(backend);
        test_options(backend);
        test_stand_in(backend);
        test_real_models(backend);
        for (size_t i = 0; i < SS_COUNTOF(alive); i++)
            REQUIRE_CMP(alive[i], ==, 0);
    }
    REQUIRE_CMP(fflush(NULL), ==, 0);
    REQUIRE_CMP(fstat(printed, &st), ==, 0);
    REQUIRE_CMP(st.st_size, ==, 0);
    remove_all();
    return 0;
}
