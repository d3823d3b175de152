/* SPDX-License-Identifier: Apache-2.0 */
/** model.c and the backends' options, with a backend that says whatever a test wants. */
#include "core/model.h"

#include <errno.h>

#include "backend/options.h"
#include "test.h"

static char last[512];

static void keep(void *cookie, SsLogLevel level, const char *msg)
{
    (void)cookie, (void)level;
    snprintf(last, sizeof last, "%s", msg);
}

static const SsLogger log_ = { SS_LOG_INFO, keep, NULL };

static SsTensor said; /* the input that the backend below claims to have */
static const SsTensor of_one = { "boxes", SS_F32, 3, { 1, -1, 4 }, NULL, 0 };
static SsTensor gives = { "boxes", SS_F32, 3, { 1, -1, 4 }, NULL, 0 }; /* and its first output */
static int open_models, fail_request;

static int model_open(SsModel *m, const SsModelParams *p)
{
    (void)p;
    open_models++;
    m->input = said;
    m->output[0] = gives;
    m->output[1] = (SsTensor) { "", SS_I64, 0, { 0 }, NULL, 0 };
    m->n_outputs = said.dim[0] > 1 ? 1 : 2;
    return 0;
}

static void model_close(SsModel *m)
{
    (void)m;
    open_models--;
}

static int request_open(SsRequest *r)
{
    (void)r;
    return fail_request;
}

static int request_infer(SsRequest *r)
{
    (void)r;
    return 0;
}

static void request_close(SsRequest *r)
{
    (void)r;
}

static const SsBackend fake = { "fake",        "",           1, 1, model_open, model_close, request_open,
                                request_infer, request_close };

static int opens(SsTensor input)
{
    SsModel m;

    said = input;
    int ret = ss_model_open(&m, &fake, &(SsModelParams) { 0 }, &log_);
    ss_model_close(&m);
    ss_model_close(&m);
    REQUIRE(open_models == 0);
    return ret;
}

static void only_pictures_go_in(void)
{
    REQUIRE(opens((SsTensor) { "i", SS_F32, 4, { 1, 3, 10, 20 }, NULL, 0 }) == 0);
    REQUIRE(opens((SsTensor) { "i", SS_U8, 4, { 1, 10, 20, 3 }, NULL, 0 }) == 0);
    REQUIRE(opens((SsTensor) { "i", SS_F16, 4, { 1, 3, 3, 3 }, NULL, 0 }) == 0);
    REQUIRE(opens((SsTensor) { "i", SS_F32, 3, { 3, 10, 20 }, NULL, 0 }) == -EPROTO);
    REQUIRE_STR(last, "fake: the input i f32 [3,10,20] is not a picture; "
                      "expected [N,3,height,width] or [N,height,width,3], N at most 32");
    REQUIRE(opens((SsTensor) { "i", SS_F32, 4, { SS_MAX_BATCH + 1, 3, 10, 20 }, NULL, 0 }) == -EPROTO);
    REQUIRE(opens((SsTensor) { "i", SS_F32, 4, { 0, 3, 10, 20 }, NULL, 0 }) == -EPROTO);
    REQUIRE(opens((SsTensor) { "i", SS_F32, 4, { 1, 3, -1, 20 }, NULL, 0 }) == -EPROTO);
    REQUIRE(opens((SsTensor) { "i", SS_F32, 4, { 1, 1, 10, 20 }, NULL, 0 }) == -EPROTO);
    REQUIRE(opens((SsTensor) { "i", SS_I64, 4, { 1, 3, 10, 20 }, NULL, 0 }) == -EPROTO);
    REQUIRE(opens((SsTensor) { "i", SS_F32, 4, { 1, 3, 100000, 20 }, NULL, 0 }) == -EPROTO);
}

/** Several pictures go in where each has a part of what comes out. */
static void batches(void)
{
    static float out[2][6] = { { 0, 1, 2, 3, 4, 5 }, { 6, 7, 8, 9, 10, 11 } };
    const SsTensor two = { "i", SS_F32, 4, { 2, 3, 10, 20 }, NULL, 0 };
    SsDetection det[2];
    SsModel m;
    SsRequest r = { .model = &m };

    REQUIRE(opens(two) == -EPROTO);
    REQUIRE_STR(last,
                "fake: takes 2 pictures at a time, but its output boxes f32 [1,?,4] has no part for each; "
                "try batch 1");
    gives = (SsTensor) { "boxes", SS_F32, 3, { -1, 1, 6 }, NULL, 0 };
    REQUIRE(opens(two) == 0);
    gives.dim[0] = 2;
    REQUIRE(opens(two) == 0);

    said = two;
    REQUIRE(ss_model_open(&m, &fake, &(SsModelParams) { .batch = 2 }, &log_) == 0);
    REQUIRE(ss_tensor_batch(&m.input) == 2);
    const SsDecoder *d = ss_model_decoder(&m, NULL);
    REQUIRE_STR(d->name, "yolo-e2e");
    r.input = two;
    r.output[0] = gives;
    r.output[0].data = out;
    r.output[0].size = sizeof out;
    for (int i = 0; i < 2; i++) {
        out[i][2] = (float)(30 + i);
        out[i][3] = 40;
        out[i][4] = 0.9F;
        REQUIRE(ss_request_decode(&r, i, d, &(SsDecodeParams) { 20, 10, 0.5F, 0.5F }, det, 2) == 1);
        REQUIRE_NEAR(det[0].box.x, 6 * i, 1e-6);
        REQUIRE_NEAR(det[0].box.w, 30 + i - 6 * i, 1e-6);
    }
    r.output[0].dim[0] = 1; /* an inference gave less */
    REQUIRE(ss_request_decode(&r, 1, d, &(SsDecodeParams) { 20, 10, 0.5F, 0.5F }, det, 2) == -EPROTO);
    ss_model_close(&m);
    REQUIRE(ss_model_open(&m, &fake, &(SsModelParams) { .batch = SS_MAX_BATCH + 1 }, &log_) == -EINVAL);
    REQUIRE_STR(last, "batch 33: a network takes 1 to 32 pictures at a time");
    gives = of_one;
}

static void layout(void)
{
    const SsTensor nchw = { "", SS_F32, 4, { 1, 3, 10, 20 }, NULL, 0 };
    const SsTensor nhwc = { "", SS_U8, 4, { 1, 10, 20, 3 }, NULL, 0 };

    REQUIRE(!ss_tensor_is_nhwc(&nchw) && ss_tensor_is_nhwc(&nhwc));
    REQUIRE(ss_tensor_width(&nchw) == 20 && ss_tensor_height(&nchw) == 10);
    REQUIRE(ss_tensor_width(&nhwc) == 20 && ss_tensor_height(&nhwc) == 10);
}

static void description(void)
{
    char text[64], cut[12];
    const SsTensor t = { "detections", SS_F32, 3, { 1, -1, 7 }, NULL, 0 };

    REQUIRE_STR(ss_tensor_describe(&t, text, sizeof text), "detections f32 [1,?,7]");
    REQUIRE_STR(ss_tensor_describe(&t, cut, sizeof cut), "detections ");
}

static void requests(void)
{
    SsModel m;
    SsRequest r;

    said = (SsTensor) { "i", SS_F32, 4, { 1, 3, 10, 20 }, NULL, 0 };
    REQUIRE(ss_model_open(&m, &fake, &(SsModelParams) { 0 }, &log_) == 0);
    REQUIRE(ss_request_open(&r, &m) == 0);
    REQUIRE(r.model == &m && ss_request_infer(&r) == 0);
    ss_request_close(&r);
    ss_request_close(&r);
    fail_request = -EIO;
    REQUIRE(ss_request_open(&r, &m) == -EIO && r.priv == NULL);

    REQUIRE(ss_model_decoder(&m, NULL) == NULL);
    REQUIRE_STR(last, "no decoder fits the model's outputs: boxes f32 [1,?,4], i64 []; "
                      "tried: tf-ssd, detection-output, yolo-e2e, rt-detr, yolo");
    ss_model_close(&m);
}

static void backends(void)
{
    int n = 0;

    for (const SsBackend *b; (b = ss_backend_nth(n)); n++)
        REQUIRE(ss_backend_find(b->name) == b);
    REQUIRE(n >= 1 && ss_backend_nth(-1) == NULL);
    REQUIRE(ss_backend_find("dummy") && !ss_backend_find("dum"));
}

static void options(void)
{
    static const char *const known[] = { "latency", "gate", NULL };
    char value[16], tiny[3];
    int n;

    REQUIRE(ss_option_get("a=1,latency=40,b=", "latency", value, sizeof value));
    REQUIRE_STR(value, "40");
    REQUIRE(ss_option_get("a=123456", "a", tiny, sizeof tiny));
    REQUIRE_STR(tiny, "12");
    REQUIRE(ss_option_get("b=,a=1", "b", value, sizeof value) && *value == '\0');
    REQUIRE(!ss_option_get("late=4,latency2=3", "latency", value, sizeof value));
    REQUIRE(!ss_option_get(NULL, "a", value, sizeof value));

    REQUIRE(ss_option_int("x=5", "x", 0, 5, 1, &n, &log_) == 0 && n == 5);
    REQUIRE(ss_option_int("y=5", "x", 0, 5, 1, &n, &log_) == 0 && n == 1);
    static const char *const wrong[] = { "x=6", "x=-1", "x=", "x=4k", "x=99999999999999999999" };
    for (int i = 0; i < 5; i++) {
        REQUIRE(ss_option_int(wrong[i], "x", 0, 5, 1, &n, &log_) == -EINVAL);
        REQUIRE(strstr(last, "whole number from 0 to 5"));
    }

    REQUIRE(ss_options_check(NULL, known, &log_) == 0);
    REQUIRE(ss_options_check("gate=1,latency=2", known, &log_) == 0);
    REQUIRE(ss_options_check("gate=1,laten=2", known, &log_) == -EINVAL);
    REQUIRE_STR(last, "model option 'laten=2' is not known here; expected latency= gate=");
    REQUIRE(ss_options_check("gate", known, &log_) == -EINVAL);
}

int main(void)
{
    only_pictures_go_in();
    batches();
    layout();
    description();
    requests();
    backends();
    options();
    return 0;
}
