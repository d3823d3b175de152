/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream whose network is still being got ready for its device, frame by frame: who answers, and how old
 * that is. Needs no GStreamer. Prints JSON; its "frames" are [s since the start, age of the boxes in ms or
 * -1: none, 1: a stand-in answers].
 *
 *   gpu_swap MODEL DEVICE OPTIONS FRAMES WIDTHxHEIGHT FPS AFTER_S
 *
 * MODEL, DEVICE, OPTIONS, FRAMES: gpu_common.h. It ends AFTER_S after the device has begun to answer.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/clock.h"
#include "gpu_common.h"
#include "internal.h"

enum { MOST_FRAMES = 100000 };

typedef struct Shown {
    double at, age; /* s; ms, -1 = no boxes */
    bool stand_in;
} Shown;

static Shown shown[MOST_FRAMES];

typedef struct Story {
    int frames;
    long slept;                                     /* frames that waited */
    double first_boxes, device_ready, device_boxes; /* s since the start */
    double interval_worst;                          /* ms */
} Story;

static Shown look(SsStream *s, const SsEngine *e, int64_t start)
{
    SsStreamStatus now;

    ss_stream_status(s, ss_now_ns(), &now);
    return (Shown) { (double)(ss_now_ns() - start) / 1e9,
                     now.silent == INT64_MAX ? -1 : (double)now.age / 1e6, ss_engine_standing_in(e) >= 0 };
}

/* From the start of the engine until it has answered on its own device for `after`. */
static Story run(SsEngine *e, SsStream *s, const Film *film, int64_t period, int64_t after)
{
    Story t = { .first_boxes = -1, .device_ready = -1, .device_boxes = -1 };
    const int64_t start = ss_now_ns();
    int64_t end = INT64_MAX, due = start, last = 0;
    SsStreamStats stats, at_ready = { 0 };

    if (ss_engine_start(e) < 0)
        fail("the engine does not start", "");
    for (; due < end && t.frames < MOST_FRAMES && ss_engine_state(e) != SS_FAILED; due += period) {
        sleep_until(due);
        const int64_t now = ss_now_ns();
        t.slept += show_frame(s, film, t.frames, due - start) > 0;
        t.interval_worst = fmax(t.interval_worst, last ? (double)(now - last) / 1e6 : 0);
        last = now;
        const Shown f = shown[t.frames++] = look(s, e, start);

        if (f.age >= 0 && t.first_boxes < 0)
            t.first_boxes = f.at;
        ss_stream_stats(s, &stats);
        if (t.device_ready < 0 && ss_engine_state(e) == SS_RUNNING && !f.stand_in) {
            t.device_ready = f.at;
            at_ready = stats;
            end = now + after;
        }
        if (t.device_ready >= 0 && t.device_boxes < 0 && stats.inferred > at_ready.inferred + 1)
            t.device_boxes = f.at; /* of two since then, one is the device's */
    }
    return t;
}

int main(int argc, char **argv)
{
    SsEngine *e;
    SsStream *s;

    if (argc != 8) {
        fputs("gpu_swap MODEL DEVICE OPTIONS FRAMES WIDTHxHEIGHT FPS AFTER_S\n", stderr);
        return 2;
    }
    const SsModelParams p = read_model(argv + 1);
    const Film film = read_film(argv[4], argv[5]);
    const SsEngineParams params = { .backend = "onnxruntime", .model = p, .workers = 1, .log = logger };

    if (ss_engine_create(&e, &params) < 0 ||
        ss_stream_create(&s, e, &(SsStreamParams) { .align = SS_ALIGN_LIVE }) < 0)
        fail("no engine", p.path);
    const Story t = run(e, s, &film, (int64_t)(1e9 / atof(argv[6])), (int64_t)(atof(argv[7]) * 1e9));
    SsStreamStats stats;
    ss_stream_stats(s, &stats);

    printf("{\"shown\": %d, \"slept\": %ld, \"interval_worst_ms\": %.3f, \"first_boxes_s\": %.3f, "
           "\"device_ready_s\": %.3f, \"device_boxes_s\": %.3f, \"inferred\": %llu, \"late\": %llu, "
           "\"failed\": %llu, "
           "\"frames\": [",
           t.frames, t.slept, t.interval_worst, t.first_boxes, t.device_ready, t.device_boxes,
           (unsigned long long)stats.inferred, (unsigned long long)stats.late,
           (unsigned long long)stats.failed);
    for (int i = 0; i < t.frames; i++)
        printf("%s[%.3f, %.1f, %d]", i > 0 ? ", " : "", shown[i].at, shown[i].age, shown[i].stand_in);
    puts("]}");
    const bool failed = ss_engine_state(e) == SS_FAILED;
    ss_stream_destroy(&s);
    ss_engine_destroy(&e);
    ss_memory_free(film.data);
    if (failed)
        fail("the device cannot be had", argv[2]);
    return 0;
}
