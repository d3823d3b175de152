/* SPDX-License-Identifier: Apache-2.0 */
#include "gpu_common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static void print_error(void *cookie, SsLogLevel level, const char *message)
{
    (void)cookie;
    (void)level;
    fprintf(stderr, "gpu: %s\n", message);
}

SsLogger logger = { .level = SS_LOG_WARN, .write = print_error };

_Noreturn void fail(const char *what, const char *which)
{
    fprintf(stderr, "gpu: %s: %s\n", what, which);
    exit(1);
}

Film read_film(const char *path, const char *size)
{
    Film f = { 0 };
    FILE *file = fopen(path, "rb");
    size_t frame, got;
    long bytes = 0;

    if (sscanf(size, "%dx%d", &f.width, &f.height) != 2 || f.width < 2 || f.height < 2)
        fail("no size of pictures", size);
    if (!file || fseek(file, 0, SEEK_END) != 0 || (bytes = ftell(file)) < 0)
        fail("cannot be read", path);
    rewind(file);
    frame = (size_t)f.width * (size_t)f.height * 3 / 2;
    f.n = (int)((size_t)bytes / frame);
    f.data = ss_memory_new((size_t)bytes);
    got = f.data ? fread(f.data, frame, (size_t)f.n, file) : 0;
    if (f.n < 1 || got != (size_t)f.n)
        fail("holds no whole picture, or cannot be read", path);
    (void)fclose(file);
    return f;
}

SsFrameDesc picture(const Film *f, int i)
{
    const size_t luma = (size_t)f->width * (size_t)f->height;
    const uint8_t *at = f->data + (size_t)(i % f->n) * (luma * 3 / 2);

    return (SsFrameDesc) { .format = SS_PIXEL_NV12,
                           .width = f->width,
                           .height = f->height,
                           .plane = { at, at + luma },
                           .stride = { f->width, f->width } };
}

SsModelParams read_model(char **arg)
{
    SsModelParams p = {
        .path = arg[0], .device = arg[1], .options = arg[2], .cache_dir = getenv("SIDESTREAM_CACHE")
    };
    char *size = strrchr(arg[0], '@');

    if (!size)
        return p;
    if (sscanf(size, "@%dx%dx%d", &p.input_width, &p.input_height, &p.batch) < 2)
        fail("no size of the input", size);
    *size = '\0';
    return p;
}

void sleep_for(double seconds)
{
    const struct timespec t = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };

    nanosleep(&t, NULL);
}

void sleep_until(int64_t when)
{
    const struct timespec t = { when / 1000000000, when % 1000000000 };

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
        ;
}

static long own_sleeps(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

long show_frame(SsStream *s, const Film *film, int i, int64_t pts)
{
    static _Thread_local SsObject objects[SS_MAX_OBJECTS];
    SsFrameDesc f = picture(film, i);
    const long before = own_sleeps();

    f.pts = pts;
    ss_stream_see(s, &f);
    (void)ss_stream_objects_at(s, pts, objects, SS_MAX_OBJECTS);
    ss_stream_offer(s, ss_frame_wrap(&f, NULL, NULL));
    return own_sleeps() - before;
}

double own_cpu(int who)
{
    struct rusage usage;

    (void)getrusage(who, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}
