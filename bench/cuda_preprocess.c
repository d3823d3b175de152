/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pre-processing on a GPU: is it the picture that core/image.c makes, and how near is it to what the
 * memory can do? A table, then one line of JSON. Exit code 1: a picture differs; 77: there is no GPU.
 *
 *   cuda_preprocess [--quick]
 *
 * A frame's bound is its bytes at the speed of a copy within the GPU's memory, measured in the same run: the
 * sectors of 32 bytes that hold a sample it needs, and the tensor. Frames take turns on so much memory that
 * the caches do not hold it. "one": a launch by itself, with what the two events beside it cost; "row": the
 * mean of many in a row, which were waiting in the stream, so that the host's pace does not count.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/image.h"
#include "cuda/job.h"
#include "cuda/preprocess.h"
#include "internal.h"

enum { SECTOR = 32, ALIGN = 256, MAX_SETS = 64, MAX_RUNS = 200, SKIPPED = 77 };

typedef struct Bench {
    const SsCuda *cu;
    SsCuStream stream;
    SsCuEvent event[2 * MAX_RUNS];
    SsCuPtr big[2]; /* for the copy, and to hold the stream up while launches queue */
    size_t big_size;
    double copy_rate; /* bytes a second, read and written */
    int runs;
    int sets;
    size_t spread; /* bytes that the sets are to cover together */
} Bench;

typedef struct Case {
    SsFrameDesc frame; /* in the host's memory */
    SsTensor input;
    SsInputParams params;
    size_t at[3], frame_bytes, tensor_bytes; /* of a frame in device memory */
    const char *format, *dtype;
} Case;

typedef struct Result {
    double difference;             /* grey levels, the most */
    double one_p50, one_p99, mean; /* us on the GPU */
    double host_p50, cpu_p50;      /* us: upload and all; core/image.c on one thread */
    double bytes;                  /* that must move */
    double bound;                  /* us */
} Result;

static const SsLogger logger = { .level = SS_LOG_WARN };

static void *must(void *p)
{
    if (!p) {
        fputs("out of memory\n", stderr);
        exit(2);
    }
    return p;
}

static void ok(const Bench *b, int result, const char *what)
{
    if (ss_cuda_check(b->cu, result, what, &logger))
        exit(2);
}

static void done(int err)
{
    if (err)
        exit(2); /* it has said why */
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double percentile(double *v, int n, int percent)
{
    qsort(v, (size_t)n, sizeof *v, by_value);
    return v[(n - 1) * percent / 100];
}

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double elapsed_us(const Bench *b, SsCuEvent from, SsCuEvent to)
{
    float ms;

    ok(b, b->cu->EventElapsedTime(&ms, from, to), "an event");
    return (double)ms * 1e3;
}

static void mark(const Bench *b, int event)
{
    ok(b, b->cu->EventRecord(b->event[event], b->stream), "an event");
}

static void wait_all(const Bench *b)
{
    ok(b, b->cu->StreamSynchronize(b->stream), "the stream");
}

static void copy_big(const Bench *b)
{
    ok(b, b->cu->MemcpyDtoDAsync(b->big[1], b->big[0], b->big_size, b->stream), "a copy");
}

static void measure_copy(Bench *b)
{
    double us[20];
    int n = (int)SS_COUNTOF(us);

    for (int i = -2; i < n; i++) {
        mark(b, 0);
        copy_big(b);
        mark(b, 1);
        wait_all(b);
        if (i >= 0)
            us[i] = elapsed_us(b, b->event[0], b->event[1]);
    }
    b->copy_rate = 2.0 * (double)b->big_size / percentile(us, n, 50) * 1e6;
}

static int open_gpu(Bench *b, bool quick)
{
    int device, major, minor;
    SsCuContext ctx;
    char name[128];

    *b = (Bench) { .cu = ss_cuda(&logger),
                   .runs = quick ? 3 : MAX_RUNS,
                   .big_size = quick ? (size_t)8 << 20 : (size_t)512 << 20,
                   .spread = quick ? 1 : (size_t)256 << 20 };
    if (!b->cu || ss_cuda_retain(b->cu, 0, &device, &ctx, &logger) != 0)
        return SKIPPED;
    ok(b, b->cu->CtxPushCurrent(ctx), "the context");
    ok(b, b->cu->DeviceGetName(name, sizeof name, device), "the name");
    ok(b, b->cu->DeviceGetAttribute(&major, SS_CU_COMPUTE_MAJOR, device), "an attribute");
    ok(b, b->cu->DeviceGetAttribute(&minor, SS_CU_COMPUTE_MINOR, device), "an attribute");
    ok(b, b->cu->StreamCreate(&b->stream, SS_CU_STREAM_NON_BLOCKING), "a stream");
    for (int i = 0; i < 2 * MAX_RUNS; i++)
        ok(b, b->cu->EventCreate(&b->event[i], 0), "an event");
    for (int i = 0; i < 2; i++)
        ok(b, b->cu->MemAlloc(&b->big[i], b->big_size), "memory");
    measure_copy(b);
    printf("%s, sm_%d%d, driver for CUDA %d.%d; a copy of %zu MiB within its memory: %.0f GB/s\n", name,
           major, minor, b->cu->version / 1000, b->cu->version % 1000 / 10, b->big_size >> 20,
           b->copy_rate / 1e9);
    return 0;
}

/* A picture with edges and noise; rows begin at whole sectors, as decoders lay them. */
static void frame_new(Case *c, SsPixelFormat format, int width, int height)
{
    SsFrameDesc *f = &c->frame;
    unsigned seed = 1;

    *f = (SsFrameDesc) {
        .format = format, .colour = SS_COLOUR_BT709_LIMITED, .width = width, .height = height
    };
    c->frame_bytes = 0;
    for (int i = 0; i < 3; i++) {
        size_t row = ss_pixel_row_bytes(f, i), stride = (row + SECTOR - 1) / SECTOR * SECTOR;
        size_t size = stride * (size_t)ss_pixel_rows(f, i);
        uint8_t *memory;

        if (row == 0)
            continue;
        memory = must(malloc(size));
        for (size_t k = 0; k < size; k++) {
            seed = seed * 1664525u + 1013904223u;
            memory[k] = (uint8_t)((k % stride / 97 + k / stride / 31) * 40 + (seed >> 27));
        }
        f->plane[i] = memory;
        f->stride[i] = (int)stride;
        c->at[i] = c->frame_bytes;
        c->frame_bytes += (size + ALIGN - 1) / ALIGN * ALIGN;
    }
}

static void frame_free(Case *c)
{
    for (int i = 0; i < 3; i++)
        free((void *)(uintptr_t)c->frame.plane[i]);
}

static double count(const uint8_t *set, size_t n)
{
    size_t c = 0;

    for (size_t i = 0; i < n; i++)
        c += set[i];
    return (double)c;
}

/* Bytes of the sectors of plane i that hold a sample some pixel needs. */
static double touched(const SsPixelJob *job, const SsFrameDesc *f, int i)
{
    uint32_t step = ss_pixel_step(job->kind, i > 0);
    size_t rows = (size_t)ss_pixel_rows(f, i), sectors = (size_t)f->stride[i] / SECTOR;
    uint8_t *row_set = must(calloc(rows, 1)), *sector_set = must(calloc(sectors, 1));
    double bytes;

    for (int y = 0; y < job->h; y++) {
        SsPixelRow r = ss_pixel_row(job, job->kind, (uint32_t)y);

        row_set[(size_t)(r.top[i] - job->plane[i]) / job->stride[i]] = 1;
        if (r.weight[i > 0] > 0)
            row_set[(size_t)(r.bottom[i] - job->plane[i]) / job->stride[i]] = 1;
    }
    for (int x = 0; x < job->w; x++) {
        SsPixelTap t = ss_pixel_column(job, job->kind, i > 0, job->x + x);

        sector_set[t.at / SECTOR] = 1;
        if (t.weights >> 16)
            sector_set[(t.at + 2 * step - 1) / SECTOR] = 1;
    }
    bytes = count(row_set, rows) * count(sector_set, sectors) * SECTOR;
    free(row_set);
    free(sector_set);
    return bytes;
}

static double bytes_of(const Case *c)
{
    double bytes = (double)c->tensor_bytes;
    SsPixelJob job;
    SsGeometry g;

    done(ss_pixel_job_init(&job, &c->input, &c->params, &c->frame, &g));
    for (int i = 0; i < 3; i++)
        if (ss_pixel_rows(&c->frame, i))
            bytes += touched(&job, &c->frame, i);
    return bytes;
}

static double half(uint16_t h)
{
    int exponent = h >> 10 & 31;
    double m = h & 1023, v = exponent ? ldexp(1024 + m, exponent - 25) : ldexp(m, -24);

    return h & 0x8000 ? -v : v;
}

/* Grey levels: the tensors hold 0..1. */
static double difference(const Case *c, const void *a, const void *b)
{
    size_t elements = (size_t)(c->input.dim[1] * c->input.dim[2] * c->input.dim[3]);
    double most = 0;

    for (size_t i = 0; i < elements; i++) {
        double d = c->input.dtype == SS_F32 ? (double)((const float *)a)[i] - (double)((const float *)b)[i]
                                            : half(((const uint16_t *)a)[i]) - half(((const uint16_t *)b)[i]);

        most = fmax(most, 255 * fabs(d));
    }
    return most;
}

/* Device memory of a case: a frame and a tensor a set. */
static void fill_sets(Bench *b, const Case *c, SsCuPtr frames[], SsCuPtr tensors[])
{
    size_t each = c->frame_bytes + c->tensor_bytes;

    b->sets = (int)SS_MIN(SS_MAX(b->spread / each, 2), MAX_SETS);
    for (int s = 0; s < b->sets; s++) {
        ok(b, b->cu->MemAlloc(&frames[s], c->frame_bytes), "memory");
        ok(b, b->cu->MemAlloc(&tensors[s], c->tensor_bytes), "memory");
        for (int i = 0; i < 3; i++)
            if (c->frame.plane[i])
                ok(b,
                   b->cu->MemcpyHtoDAsync(frames[s] + c->at[i], c->frame.plane[i],
                                          (size_t)c->frame.stride[i] * (size_t)ss_pixel_rows(&c->frame, i),
                                          b->stream),
                   "a copy");
        wait_all(b);
    }
}

static void convert_set(const Bench *b, const Case *c, SsCudaPreprocess *p, SsCuPtr frame, SsCuPtr tensor)
{
    SsFrameDesc f = c->frame;
    SsGeometry g;

    for (int i = 0; i < 3; i++)
        if (f.plane[i])
            f.plane[i] = (const uint8_t *)(uintptr_t)(frame + c->at[i]);
    done(ss_cuda_preprocess_convert_device(p, &f, tensor, b->stream, &g));
}

static void time_gpu(const Bench *b, const Case *c, SsCudaPreprocess *p, const SsCuPtr frames[],
                     const SsCuPtr tensors[], Result *r)
{
    double us[MAX_RUNS];

    for (int i = -b->sets; i < b->runs; i++) {
        int s = (i + b->sets) % b->sets;

        if (i >= 0)
            mark(b, 2 * i);
        convert_set(b, c, p, frames[s], tensors[s]);
        if (i >= 0)
            mark(b, 2 * i + 1);
    }
    wait_all(b);
    for (int i = 0; i < b->runs; i++)
        us[i] = elapsed_us(b, b->event[2 * i], b->event[2 * i + 1]);
    r->one_p50 = percentile(us, b->runs, 50);
    r->one_p99 = percentile(us, b->runs, 99);
    for (int i = 0; i < 4; i++)
        copy_big(b); /* a millisecond or so for the launches to queue up */
    mark(b, 0);
    for (int i = 0; i < b->runs; i++)
        convert_set(b, c, p, frames[i % b->sets], tensors[i % b->sets]);
    mark(b, 1);
    wait_all(b);
    r->mean = elapsed_us(b, b->event[0], b->event[1]) / b->runs;
}

/* From the host's memory, and core/image.c; leaves both pictures. */
static void time_host(const Bench *b, const Case *c, SsCudaPreprocess *p, SsCuPtr tensor, void *gpu,
                      void *cpu, Result *r)
{
    enum { RUNS = 15 };
    double host[RUNS], image[RUNS];
    SsGeometry g;
    SsImage *im;

    done(ss_image_create(&im, &c->input, &c->params, &logger));
    for (int i = 0; i < RUNS; i++) {
        double start = now_us();

        done(ss_cuda_preprocess_convert(p, &c->frame, tensor, b->stream, &g));
        wait_all(b);
        host[i] = now_us() - start;
        start = now_us();
        done(ss_image_convert(im, &c->frame, cpu, &g));
        image[i] = now_us() - start;
    }
    ss_image_destroy(&im);
    r->host_p50 = percentile(host, RUNS, 50);
    r->cpu_p50 = percentile(image, RUNS, 50);
    ok(b, b->cu->MemcpyDtoHAsync(gpu, tensor, c->tensor_bytes, b->stream), "a copy");
    wait_all(b);
}

static Result run(Bench *b, const Case *c)
{
    void *gpu = must(malloc(c->tensor_bytes)), *cpu = must(malloc(c->tensor_bytes));
    SsCuPtr frames[MAX_SETS], tensors[MAX_SETS];
    SsCudaPreprocess *p;
    Result r = { 0 };

    done(ss_cuda_preprocess_create(&p, 0, &c->input, &c->params, &logger));
    fill_sets(b, c, frames, tensors);
    time_gpu(b, c, p, frames, tensors, &r);
    time_host(b, c, p, tensors[0], gpu, cpu, &r);
    r.difference = difference(c, gpu, cpu);
    ok(b, b->cu->MemcpyDtoHAsync(gpu, tensors[b->sets - 1], c->tensor_bytes, b->stream), "a copy");
    wait_all(b);
    r.difference = fmax(r.difference, difference(c, gpu, cpu));
    r.bytes = bytes_of(c);
    r.bound = r.bytes / b->copy_rate * 1e6;
    for (int s = 0; s < b->sets; s++) {
        ok(b, b->cu->MemFree(frames[s]), "memory");
        ok(b, b->cu->MemFree(tensors[s]), "memory");
    }
    ss_cuda_preprocess_destroy(&p);
    free(gpu);
    free(cpu);
    return r;
}

static bool report(const Bench *b, const Case *c, const Result *r, FILE *json)
{
    int w = (int)c->input.dim[3], h = (int)c->input.dim[2];
    double allowed = c->input.dtype == SS_F32 ? 0.05 : 0.2; /* a half near 1 is exact to 1/2048 */
    bool good = r->difference <= allowed;
    double rate = r->bytes / r->mean * 1e-3;

    printf("%dx%d %-4s -> %s %dx%-6d %7.2f %7.2f %7.2f %8.2f %8.0f %7.2f %4.0f %% %8.0f %8.0f %7.3f%s\n",
           c->frame.width, c->frame.height, c->format, c->dtype, w, h, r->one_p50, r->one_p99, r->mean,
           r->bytes / 1e6, rate, r->bound, 100 * r->bound / r->mean, r->host_p50, r->cpu_p50, r->difference,
           good ? "" : " DIFFERS");
    fprintf(json,
            "%s{\"frame\":[%d,%d],\"format\":\"%s\",\"dtype\":\"%s\",\"input\":[%d,%d],\"one_p50_us\":%.3f,"
            "\"one_p99_us\":%.3f,\"row_us\":%.3f,\"bytes\":%.0f,\"gb_s\":%.1f,\"bound_us\":%.3f,"
            "\"of_copy\":%.3f,\"host_p50_us\":%.1f,\"cpu_p50_us\":%.1f,\"difference\":%.4f}",
            ftell(json) ? "," : "", c->frame.width, c->frame.height, c->format, c->dtype, w, h, r->one_p50,
            r->one_p99, r->mean, r->bytes, rate, r->bound, rate * 1e9 / b->copy_rate, r->host_p50, r->cpu_p50,
            r->difference);
    return good;
}

/* One format and size of frames into every input. */
static bool run_frames(Bench *b, const char *name, SsPixelFormat format, int width, int height, FILE *json)
{
    const int inputs[][2] = { { 640, 640 }, { 320, 320 }, { width, height } };
    Case c = { .format = name,
               .params = { .fit = SS_FIT_LETTERBOX, .order = SS_ORDER_RGB, .scale = { 255, 255, 255 } } };
    bool good = true;

    frame_new(&c, format, width, height);
    for (size_t i = 0; i < SS_COUNTOF(inputs); i++)
        for (int f32 = 1; f32 >= 0; f32--) {
            Result r;

            c.input = (SsTensor) { .dtype = f32 ? SS_F32 : SS_F16,
                                   .rank = 4,
                                   .dim = { 1, 3, inputs[i][1], inputs[i][0] } };
            c.dtype = f32 ? "f32" : "f16";
            c.tensor_bytes = (size_t)3 * (size_t)inputs[i][0] * (size_t)inputs[i][1] * (f32 ? 4 : 2);
            r = run(b, &c);
            good = report(b, &c, &r, json) && good;
        }
    frame_free(&c);
    return good;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        SsPixelFormat format;
    } formats[] = { { "NV12", SS_PIXEL_NV12 },
                    { "I420", SS_PIXEL_I420 },
                    { "RGB", SS_PIXEL_RGB },
                    { "BGRX", SS_PIXEL_BGRX } };
    char *text = NULL;
    size_t size;
    FILE *json = must(open_memstream(&text, &size));
    bool good = true;
    Bench b;
    int ret;

    setvbuf(stdout, NULL, _IOLBF, 0); /* what has been measured is kept when it is ended */
    ret = open_gpu(&b, argc > 1 && strcmp(argv[1], "--quick") == 0);
    if (ret)
        return ret;
    printf("%-31s %7s %7s %7s %8s %8s %7s %6s %8s %8s %7s\n", "", "one p50", "p99", "row us", "MB", "GB/s",
           "bound", "", "host us", "cpu us", "levels");
    for (int i = 0; i < 2; i++)
        for (size_t k = 0; k < SS_COUNTOF(formats); k++)
            good =
                run_frames(&b, formats[k].name, formats[k].format, i ? 3840 : 1920, i ? 2160 : 1080, json) &&
                good;
    fclose(json);
    printf("{\"copy_gb_s\":%.1f,\"cases\":[%s]}\n", b.copy_rate / 1e9, text);
    free(text);
    return good ? 0 : 1;
}
