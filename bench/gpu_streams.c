/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams that share a GPU, each paced as a camera by a thread of its own; needs no GStreamer. Prints JSON.
 *
 *   gpu_streams MODEL DEVICE OPTIONS FRAMES WIDTHxHEIGHT STREAMS FPS SECONDS WORKERS LATENCY_MS [START_S]
 *
 * MODEL, DEVICE, OPTIONS, FRAMES: gpu_common.h. LATENCY_MS: every inference takes at least so long. START_S:
 * the figures are of what comes so long after the first worker is there (3), so that the others are, too.
 */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "core/clock.h"
#include "core/histogram.h"
#include "gpu_common.h"
#include "internal.h"

enum { MOST_STREAMS = 256 };

/* One camera's thread. What a frame does to it is what ssinfer and ssoverlay do, less the drawing. */
typedef struct Camera {
    SsStream *stream;
    const Film *film;
    int64_t first, period, begin, end; /* ns; figures are of frames that come from `begin` on */
    SsHistogram interval, spent;
    uint64_t frames, slept; /* frames in whose calls the thread gave up the processor by itself */
    SsStreamStats before, after;
    double cpu_s;
} Camera;

static void *run_camera(void *arg)
{
    Camera *c = arg;
    int64_t last = 0, due = c->first;
    bool counts = false;

    for (int i = 0; due < c->end; i++, due += c->period) {
        sleep_until(due);
        const int64_t now = ss_now_ns();

        if (!counts && due >= c->begin) {
            counts = true;
            ss_stream_stats(c->stream, &c->before);
            c->cpu_s = -own_cpu(RUSAGE_THREAD);
        }
        const long slept = show_frame(c->stream, c->film, i, due);

        if (counts) {
            c->frames++;
            c->slept += slept > 0;
            ss_histogram_add(&c->spent, ss_now_ns() - now);
            if (last > 0)
                ss_histogram_add(&c->interval, now - last);
            last = now;
        }
    }
    c->cpu_s += own_cpu(RUSAGE_THREAD);
    sleep_until(due); /* the last frame has its period, too */
    ss_stream_stats(c->stream, &c->after);
    return NULL;
}

static SsEngine *start_engine(const SsModelParams *p, int workers, double latency_ms)
{
    const SsEngineParams params = { .backend = "onnxruntime",
                                    .model = *p,
                                    .workers = workers,
                                    .nice = -1,
                                    .simulate_latency = (int64_t)(latency_ms * 1e6),
                                    .log = logger };
    SsEngine *e;

    if (ss_engine_create(&e, &params) < 0 || ss_engine_start(e) < 0 || ss_engine_wait_loaded(e) != SS_RUNNING)
        fail("the network does not start", p->path);
    return e;
}

typedef struct Sum {
    double fps, inferred, fewest, most, age, worst_age, camera_cpu, whole_share; /* a second; ns; s */
    uint64_t frames, slept, failed;
    int64_t interval_p99, spent_p50, spent_p99;
} Sum;

static Sum sum_up(const Camera *camera, int n, double seconds)
{
    Sum s = { .fewest = INFINITY };

    for (int i = 0; i < n; i++) {
        const Camera *c = &camera[i];
        SsTimes interval, spent;
        const double rate = (double)(c->after.inferred - c->before.inferred) / seconds;

        ss_histogram_times(&c->interval, &interval);
        ss_histogram_times(&c->spent, &spent);
        s.frames += c->frames;
        s.slept += c->slept;
        s.failed += c->after.failed;
        s.inferred += rate;
        s.fewest = fmin(s.fewest, rate);
        s.most = fmax(s.most, rate);
        s.age += (double)c->after.age.mean / n;
        s.worst_age = fmax(s.worst_age, (double)c->after.age.p99);
        s.camera_cpu += c->cpu_s / n;
        s.interval_p99 = SS_MAX(s.interval_p99, interval.p99);
        s.spent_p50 = SS_MAX(s.spent_p50, spent.p50);
        s.spent_p99 = SS_MAX(s.spent_p99, spent.p99);
    }
    s.fps = (double)s.frames / n / seconds;
    s.whole_share = s.inferred * seconds / (double)s.frames;
    return s;
}

int main(int argc, char **argv)
{
    static Camera camera[MOST_STREAMS];
    pthread_t thread[MOST_STREAMS];

    if (argc != 11 && argc != 12) {
        fputs("gpu_streams MODEL DEVICE OPTIONS FRAMES WIDTHxHEIGHT STREAMS FPS SECONDS WORKERS LATENCY_MS "
              "[START_S]\n",
              stderr);
        return 2;
    }
    const SsModelParams p = read_model(argv + 1);
    const Film film = read_film(argv[4], argv[5]);
    const int n = atoi(argv[6]), workers = atoi(argv[9]);
    const double fps = atof(argv[7]), seconds = atof(argv[8]), latency_ms = atof(argv[10]);
    const double start_s = argc == 12 ? atof(argv[11]) : 3;

    if (n < 1 || n > MOST_STREAMS || !(fps > 0) || !(seconds > 0))
        fail("1 to 256 streams, a rate and seconds", argv[6]);
    SsEngine *engine = start_engine(&p, workers, latency_ms);
    const int64_t period = (int64_t)(1e9 / fps), first = ss_now_ns() + 100000000;

    for (int i = 0; i < n; i++) { /* cameras are not in step */
        const int64_t own = first + period * i / n;

        camera[i] = (Camera) { .film = &film, .first = own, .period = period };
        camera[i].begin = own + (int64_t)(start_s * 1e9);
        camera[i].end = camera[i].begin + (int64_t)(seconds * 1e9);
        if (ss_stream_create(&camera[i].stream, engine, &(SsStreamParams) { .align = SS_ALIGN_LIVE }) < 0 ||
            pthread_create(&thread[i], NULL, run_camera, &camera[i]) != 0)
            fail("no stream", argv[6]);
    }
    sleep_until(first + (int64_t)(start_s * 1e9));
    double cpu = -own_cpu(RUSAGE_SELF), calls = -(double)ss_engine_calls(engine);
    sleep_until(first + (int64_t)((start_s + seconds) * 1e9));
    cpu += own_cpu(RUSAGE_SELF);
    calls += (double)ss_engine_calls(engine);
    for (int i = 0; i < n; i++)
        pthread_join(thread[i], NULL);
    const Sum s = sum_up(camera, n, seconds);

    printf("{\"streams\": %d, \"fps\": %.2f, \"frames\": %llu, \"slept\": %llu, \"failed\": %llu, "
           "\"interval_p99_ms\": %.3f, \"spent_p50_us\": %.1f, \"spent_p99_us\": %.1f, "
           "\"inferences_per_s\": %.1f, \"fewest\": %.2f, \"most\": %.2f, \"share\": %.5f, \"age_ms\": %.2f, "
           "\"age_p99_ms\": %.2f, \"pictures_a_call\": %.2f, \"camera_cpu\": %.4f, "
           "\"process_cpu\": %.3f}\n",
           n, s.fps, (unsigned long long)s.frames, (unsigned long long)s.slept, (unsigned long long)s.failed,
           (double)s.interval_p99 / 1e6, (double)s.spent_p50 / 1e3, (double)s.spent_p99 / 1e3, s.inferred,
           s.fewest, s.most, s.whole_share, s.age / 1e6, s.worst_age / 1e6,
           s.inferred * seconds / fmax(calls, 1), s.camera_cpu / seconds, cpu / seconds);
    for (int i = 0; i < n; i++)
        ss_stream_destroy(&camera[i].stream);
    ss_engine_destroy(&engine);
    ss_memory_free(film.data);
    return 0;
}
