/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ONNX Runtime's devices beside its processor, one table row a run, as JSON; needs no GStreamer.
 *
 *   gpu compare MODEL DEVICE OPTIONS FRAMES WIDTHxHEIGHT    results and times of one device against cpu
 *   gpu engine MODEL DEVICE OPTIONS FRAMES WIDTHxHEIGHT WORKERS SECONDS
 *                                                           a bare loop of as many threads, then the engine
 *
 * MODEL, DEVICE, OPTIONS, FRAMES: gpu_common.h.
 */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu_common.h"

#include "core/clock.h"
#include "core/image.h"
#include "core/model.h"
#include "internal.h"

enum { ROUNDS = 1000, FEWEST = 20, WARM_UP = 10, MOST_WORKERS = 16 };

static const float THRESHOLD = 0.3f, SAME_BOX = 0.98f;
static const int64_t MOST_TIME = 5000000000; /* ns that a row of times may take */
static const int64_t START = 3000000000;     /* ns that a worker may need until it infers */

typedef struct Network {
    SsModel model;
    SsRequest request;
    SsImage *image;
    const SsDecoder *decoder;
    double load_s;
} Network;

/* As the model's family wants its pictures; `decoder` NULL: as most do. */
static SsImage *new_image(const SsModel *m, const SsDecoder *decoder)
{
    const SsInputParams most = { .fit = SS_FIT_STRETCH, .order = SS_ORDER_RGB, .scale = { 255, 255, 255 } };
    SsImage *image;

    if (ss_image_create(&image, &m->input, decoder ? &decoder->input : &most, &logger) < 0)
        exit(1);
    return image;
}

static void open_network(Network *n, const SsModelParams *p)
{
    const SsBackend *backend = ss_backend_find("onnxruntime");
    const int64_t began = ss_now_ns();

    if (ss_model_open(&n->model, backend, p, &logger) < 0 || ss_request_open(&n->request, &n->model) < 0)
        exit(1);
    n->load_s = (double)(ss_now_ns() - began) / 1e9;
    n->decoder = ss_model_decoder(&n->model, NULL);
    n->image = new_image(&n->model, n->decoder);
}

static void close_network(Network *n)
{
    ss_image_destroy(&n->image);
    ss_request_close(&n->request);
    ss_model_close(&n->model);
}

/* --- compare --- */

/* A picture's way from the processor's memory to boxes. */
enum { CONVERT, INFER, DECODE, STEPS };

static void feed(Network *n, int nth, const SsFrameDesc *f)
{
    SsGeometry g;

    if (ss_image_feed(n->image, f, &n->request, nth, &g) < 0)
        exit(1);
}

static void infer(Network *n)
{
    if (ss_request_infer(&n->request) < 0)
        exit(1);
}

static int decode(const Network *n, int nth, SsDetection *found)
{
    const SsDecodeParams p = { ss_tensor_width(&n->model.input), ss_tensor_height(&n->model.input), THRESHOLD,
                               0.45f };
    const int count =
        n->decoder ? ss_request_decode(&n->request, nth, n->decoder, &p, found, SS_MAX_OBJECTS) : 0;

    if (count < 0)
        fail("cannot be decoded", n->decoder->name);
    return count;
}

/* One picture; `at`: when each step was over. */
static void look(Network *n, const SsFrameDesc *f, SsDetection *found, int64_t *at)
{
    feed(n, 0, f);
    at[CONVERT] = ss_now_ns();
    infer(n);
    at[INFER] = ss_now_ns();
    (void)decode(n, 0, found);
    at[DECODE] = ss_now_ns();
}

/* Boxes of `a` that `b` has too. */
static int matched(const SsDetection *a, int n_a, const SsDetection *b, int n_b)
{
    int found = 0;

    for (int i = 0; i < n_a; i++) {
        bool here = false;

        for (int k = 0; k < n_b; k++)
            here = here || (a[i].class_id == b[k].class_id && ss_iou(&a[i].box, &b[k].box) >= SAME_BOX);
        found += here;
    }
    return found;
}

/* The largest difference, and the largest number there is, of all outputs: of a's picture `nth`, b's only. */
static void differ(const Network *a, int nth, const Network *b, double *most, double *largest)
{
    for (int i = 0; i < a->model.n_outputs; i++) {
        const SsTensor *x = &a->request.output[i], *y = &b->request.output[i];
        const size_t one = ss_tensor_elements(x) / (size_t)ss_tensor_batch(&a->model.input);
        const size_t n = SS_MIN(one, ss_tensor_elements(y));

        for (size_t k = 0; k < n; k++) {
            const double p = ss_tensor_value(x, (size_t)nth * one + k), q = ss_tensor_value(y, k),
                         d = fabs(p - q);

            *most = isfinite(d) ? SS_MAX(*most, d) : INFINITY;
            *largest = SS_MAX(*largest, fabs(q));
        }
    }
}

static int by_size(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

typedef struct Times {
    double p50, p99; /* ms */
} Times;

static Times times_of(int64_t *took, int n)
{
    qsort(took, (size_t)n, sizeof took[0], by_size);
    return (Times) { (double)took[n / 2] / 1e6, (double)took[n * 99 / 100] / 1e6 };
}

/* So many, or as many as fit in some seconds; what comes before is not counted. */
static bool goes_on(int i, int64_t end)
{
    return i < ROUNDS && (i < FEWEST || ss_now_ns() < end);
}

/* Of the network alone, its input where the last picture left it. */
static Times time_calls(Network *n)
{
    static int64_t took[ROUNDS];
    const int64_t end = ss_now_ns() + MOST_TIME;
    int done = 0;

    for (int i = -WARM_UP; goes_on(i, end); i++) {
        const int64_t began = ss_now_ns();

        infer(n);
        if (i >= 0)
            took[done++] = ss_now_ns() - began;
    }
    return times_of(took, done);
}

/* Of whole frames, and of the steps of each. */
static Times time_frames(Network *n, const Film *film, Times *step)
{
    static SsDetection found[SS_MAX_OBJECTS];
    static int64_t whole[ROUNDS], took[STEPS][ROUNDS];
    const int64_t end = ss_now_ns() + MOST_TIME;
    int done = 0;

    for (int i = -WARM_UP; goes_on(i, end); i++) {
        const SsFrameDesc f = picture(film, i + WARM_UP);
        const int64_t began = ss_now_ns();
        int64_t at[STEPS];

        look(n, &f, found, at);
        if (i < 0)
            continue;
        for (int k = 0; k < STEPS; k++)
            took[k][done] = at[k] - (k > 0 ? at[k - 1] : began);
        whole[done++] = at[DECODE] - began;
    }
    for (int k = 0; k < STEPS; k++)
        step[k] = times_of(took[k], done);
    return times_of(whole, done);
}

static void compare(const SsModelParams *p, const Film *film)
{
    static SsDetection one[SS_MAX_OBJECTS], other[SS_MAX_OBJECTS];
    SsModelParams on_cpu = *p;
    double most = 0, largest = 0;
    Times call, frame, step[STEPS];
    int boxes = 0, same = 0;
    Network cpu, device;

    on_cpu.device = "cpu";
    on_cpu.options = NULL;
    on_cpu.batch = 1;
    open_network(&cpu, &on_cpu);
    open_network(&device, p);
    const int batch = ss_tensor_batch(&device.model.input);
    for (int i = 0; i < film->n; i++) {
        const SsFrameDesc f = picture(film, i);

        if (i % batch == 0) {
            for (int k = 0; k < batch; k++) {
                const SsFrameDesc next = picture(film, i + k);
                feed(&device, k, &next);
            }
            infer(&device);
        }
        feed(&cpu, 0, &f);
        infer(&cpu);
        const int n = decode(&cpu, 0, one), m = decode(&device, i % batch, other);

        differ(&device, i % batch, &cpu, &most, &largest);
        boxes += n + m;
        same += matched(one, n, other, m) + matched(other, m, one, n);
    }
    call = time_calls(&device);
    frame = time_frames(&device, film, step);
    printf(
        "{\"device\": \"%s\", \"load_s\": %.3f, \"p50_ms\": %.4f, \"p99_ms\": %.4f, \"frame_p50_ms\": %.4f, "
        "\"frame_p99_ms\": %.4f, \"convert_p50_ms\": %.4f, \"infer_p50_ms\": %.4f, \"decode_p50_ms\": %.4f, "
        "\"max_error\": %g, \"largest\": %g, \"pictures\": %d, \"boxes\": %d, "
        "\"matched\": %d}\n",
        p->device, device.load_s, call.p50, call.p99, frame.p50, frame.p99, step[CONVERT].p50,
        step[INFER].p50, step[DECODE].p50, most, largest, film->n, boxes, same);
    close_network(&device);
    close_network(&cpu);
}

/* --- engine --- */

typedef struct Bare {
    SsModel *model;
    const Film *film;
    pthread_barrier_t *ready;
    atomic_bool *stop;
    uint64_t inferences;
} Bare;

static void *run_bare(void *arg)
{
    Bare *b = arg;
    const SsFrameDesc f = picture(b->film, 0);
    SsImage *image = new_image(b->model, ss_model_decoder(b->model, NULL));
    SsGeometry g;
    SsRequest r;

    /* The first inference may take seconds: a provider looks for its best kernels. */
    if (ss_request_open(&r, b->model) < 0 || ss_image_feed(image, &f, &r, 0, &g) < 0 ||
        ss_request_infer(&r) < 0)
        exit(1);
    pthread_barrier_wait(b->ready);
    while (!atomic_load(b->stop)) {
        if (ss_request_infer(&r) < 0)
            exit(1);
        b->inferences++;
    }
    ss_image_destroy(&image);
    ss_request_close(&r);
    return NULL;
}

/* Inferences a second of `workers` threads that do nothing else, the input where the device wants it. */
static double bare_rate(const SsModelParams *p, const Film *film, int workers, double seconds)
{
    Bare bare[MOST_WORKERS];
    pthread_t thread[MOST_WORKERS];
    pthread_barrier_t ready;
    atomic_bool stop = false;
    uint64_t n = 0;
    int64_t began;
    double took;
    SsModel m;

    if (ss_model_open(&m, ss_backend_find("onnxruntime"), p, &logger) < 0)
        exit(1);
    pthread_barrier_init(&ready, NULL, (unsigned)workers + 1);
    for (int i = 0; i < workers; i++) {
        bare[i] = (Bare) { &m, film, &ready, &stop, 0 };
        if (pthread_create(&thread[i], NULL, run_bare, &bare[i]) != 0)
            fail("no thread", "bare");
    }
    pthread_barrier_wait(&ready);
    began = ss_now_ns();
    sleep_for(seconds);
    atomic_store(&stop, true);
    for (int i = 0; i < workers; i++) {
        pthread_join(thread[i], NULL);
        n += bare[i].inferences;
    }
    took = (double)(ss_now_ns() - began) / 1e9;
    pthread_barrier_destroy(&ready);
    ss_model_close(&m);
    return (double)n / took;
}

/* A stream whose pictures come faster than they can be looked at; `offered`: pictures a second. */
static double engine_rate(const SsModelParams *p, const Film *film, int workers, double seconds,
                          double *offered)
{
    const SsEngineParams params = {
        .backend = "onnxruntime", .model = *p, .workers = workers, .nice = -1, .log = logger
    };
    SsStreamStats before, after;
    SsEngine *e;
    SsStream *s;
    int64_t began = 0, now;

    if (ss_engine_create(&e, &params) < 0 || ss_engine_start(e) < 0 ||
        ss_engine_wait_loaded(e) != SS_RUNNING ||
        ss_stream_create(&s, e, &(SsStreamParams) { .align = SS_ALIGN_HOLD }) < 0)
        exit(1);
    const int64_t start = ss_now_ns();
    for (int i = 0;; i++) {
        SsFrameDesc f = picture(film, i);

        now = ss_now_ns();
        if (began == 0 && now - start > workers * START) { /* what starting costs is not counted */
            ss_stream_stats(s, &before);
            began = now;
        } else if (began > 0 && (double)(now - began) / 1e9 > seconds) {
            break;
        }
        f.pts = now;
        ss_stream_offer(s, ss_frame_wrap(&f, NULL, NULL));
        sleep_for(50e-6);
    }
    ss_stream_stats(s, &after);
    *offered = (double)(after.offered - before.offered) / ((double)(now - began) / 1e9);
    ss_stream_destroy(&s);
    ss_engine_destroy(&e);
    return (double)(after.inferred - before.inferred) / ((double)(now - began) / 1e9);
}

static void engine(const SsModelParams *p, const Film *film, int workers, double seconds)
{
    double offered, bare, ours;

    if (workers < 1 || workers > MOST_WORKERS)
        fail("1 to 16 workers", "engine");
    bare = bare_rate(p, film, workers, seconds);
    ours = engine_rate(p, film, workers, seconds, &offered);
    printf("{\"device\": \"%s\", \"workers\": %d, \"bare_per_s\": %.1f, \"engine_per_s\": %.1f, "
           "\"offered_per_s\": %.1f}\n",
           p->device, workers, bare, ours, offered);
}

int main(int argc, char **argv)
{
    SsModelParams p;
    Film film;

    if (argc != 7 && argc != 9) {
        fputs("gpu compare MODEL DEVICE OPTIONS FRAMES WIDTHxHEIGHT\n"
              "gpu engine MODEL DEVICE OPTIONS FRAMES WIDTHxHEIGHT WORKERS SECONDS\n",
              stderr);
        return 2;
    }
    p = read_model(argv + 2);
    film = read_film(argv[5], argv[6]);
    if (strcmp(argv[1], "compare") == 0 && argc == 7)
        compare(&p, &film);
    else if (strcmp(argv[1], "engine") == 0 && argc == 9)
        engine(&p, &film, atoi(argv[7]), atof(argv[8]));
    else
        fail("no such measurement", argv[1]);
    ss_memory_free(film.data);
    return 0;
}
