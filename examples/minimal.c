/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Sidestream without GStreamer: a white ball flies over a black picture at 60 frames a
 * second; a network that needs 40 ms follows it from the side.
 *
 *     cc minimal.c $(pkg-config --cflags --libs sidestream) -lm -o minimal
 *     ./minimal                the scripted network "dummy"
 *     ./minimal MODEL.xml      a network of your own
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sidestream/engine.h>

enum { WIDTH = 320, HEIGHT = 240, RADIUS = 16, FRAMES = 120, FPS = 60 };

static void ball_at(int frame, double *x, double *y)
{
    *x = WIDTH / 2 + 120 * sin(frame * 0.05);
    *y = HEIGHT / 2 + 80 * cos(frame * 0.07);
}

static uint8_t *paint(int frame)
{
    uint8_t *grey = calloc(WIDTH, HEIGHT);
    double bx, by;

    ball_at(frame, &bx, &by);
    for (int y = 0; grey && y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            if (hypot(x - bx, y - by) < RADIUS)
                grey[y * WIDTH + x] = 255;
    return grey;
}

/* The camera: says when the next frame is due. */
static void wait_for_frame(int frame)
{
    static struct timespec start;

    if (frame == 0)
        clock_gettime(CLOCK_MONOTONIC, &start);
    long long ns = start.tv_nsec + frame * 1000000000LL / FPS;
    struct timespec due = { start.tv_sec + ns / 1000000000, ns % 1000000000 };
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
}

static void show(int frame, int64_t pts, const SsObject *objects, int n)
{
    double x, y;

    ball_at(frame, &x, &y);
    printf("frame %3d, ball at %3.0f,%3.0f:", frame, x, y);
    for (int i = 0; i < n; i++) {
        const SsObject *o = &objects[i];
        printf("  #%llu class %d at %3.0f,%3.0f (%s, %.0f ms old)", (unsigned long long)o->id, o->class_id,
               o->box.x + o->box.w / 2, o->box.y + o->box.h / 2, ss_object_state_name(o->state),
               (pts - o->source_pts) / 1e6);
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    SsEngineParams params = { .log.level = SS_LOG_WARN };
    SsEngine *engine = NULL;
    SsStream *stream = NULL;
    SsObject objects[SS_MAX_OBJECTS];
    int ret = EXIT_FAILURE;

    if (argc > 1) {
        params.model.path = argv[1];
    } else {
        params.backend = "dummy";
        params.model.options = "follow=1,latency=40";
    }
    if (ss_engine_create(&engine, &params) < 0 || ss_engine_start(engine) < 0 ||
        ss_stream_create(&stream, engine, &(SsStreamParams) { 0 }) < 0)
        goto end;

    for (int i = 0; i < FRAMES; i++) {
        wait_for_frame(i);
        uint8_t *grey = paint(i);
        SsFrameDesc desc = {
            .format = SS_PIXEL_GRAY8,
            .width = WIDTH,
            .height = HEIGHT,
            .plane = { grey },
            .stride = { WIDTH },
            .pts = i * INT64_C(1000000000) / FPS,
        };
        int n = ss_stream_objects_at(stream, desc.pts, objects, SS_MAX_OBJECTS);
        show(i, desc.pts, objects, n);
        SsFrame *frame = ss_frame_wrap(&desc, free, grey); /* the last user frees the pixels */
        if (!frame) {
            free(grey);
            goto end;
        }
        ss_stream_offer(stream, frame);
    }

    SsStreamStats stats;
    ss_stream_stats(stream, &stats);
    printf(
        "%llu frames, none waited; the network looked at %llu of them, objects were %.0f ms old on average\n",
        (unsigned long long)stats.offered, (unsigned long long)stats.inferred, stats.age.mean / 1e6);
    ret = EXIT_SUCCESS;

end:
    ss_stream_destroy(&stream);
    ss_engine_destroy(&engine);
    return ret;
}
