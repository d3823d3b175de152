/* SPDX-License-Identifier: Apache-2.0 */
/** What every backend promises, for the tests of each. */
#ifndef SS_BACKEND_RIG_H
#define SS_BACKEND_RIG_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/model.h"
#include "internal.h"
#include "test.h"

static char folder[] = "/tmp/ss_backend_XXXXXX";
static char last_error[1024], last_warning[1024], last_info[1024];
static int errors, printed = -1, screen = -1;

static inline void remember(void *cookie, SsLogLevel level, const char *msg)
{
    (void)cookie;
    if (level == SS_LOG_ERROR) {
        errors++;
        snprintf(last_error, sizeof last_error, "%s", msg);
    } else if (level == SS_LOG_WARN) {
        snprintf(last_warning, sizeof last_warning, "%s", msg);
    } else if (level == SS_LOG_INFO) {
        snprintf(last_info, sizeof last_info, "%s", msg);
    }
}

static const SsLogger logger = { .level = SS_LOG_INFO, .write = remember };

/* Good until it has been called 16 times more. */
static inline const char *in_folder(const char *name)
{
    static char path[16][256];
    static int turn;

    turn = (turn + 1) % 16;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static inline const char *write_file(const char *name, const void *data, size_t size)
{
    const char *path = in_folder(name);
    FILE *f = fopen(path, "wb");

    REQUIRE(f);
    REQUIRE_CMP(fwrite(data, 1, size, f), ==, size);
    REQUIRE_CMP(fclose(f), ==, 0);
    return path;
}

static inline char *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    char *data;

    REQUIRE(f);
    REQUIRE_CMP(fseek(f, 0, SEEK_END), ==, 0);
    *size = (size_t)ftell(f);
    rewind(f);
    data = malloc(*size + 1);
    REQUIRE(data);
    REQUIRE_CMP(fread(data, 1, *size, f), ==, *size);
    data[*size] = '\0';
    REQUIRE_CMP(fclose(f), ==, 0);
    return data;
}

/* Of the demo's data, or of the tests'; NULL: it has not been fetched. Good until the next call. */
static inline const char *demo_file(const char *name)
{
    static char path[512];
    const char *data = getenv("SIDESTREAM_DATA"), *home = getenv("HOME");

    snprintf(path, sizeof path, "%s%s/demo/%s",
             data   ? data
             : home ? home
                    : "",
             data ? "" : "/.local/share/sidestream", name);
    return access(path, R_OK) == 0 ? path : NULL;
}

/* --- what every backend promises --- */

typedef struct Run {
    SsModel *model;
    uint8_t fill;
    int inferences;
    char *result; /* the outputs of the last inference */
    size_t size;
} Run;

/* On a worker's thread: a request, the same input over and over, the same output each time. */
static inline void *run_request(void *arg)
{
    Run *run = arg;
    SsRequest r;

    REQUIRE_CMP(ss_request_open(&r, run->model), ==, 0);
    REQUIRE(r.input.data);
    REQUIRE_CMP(ss_tensor_elements(&r.input), >, 0);
    for (int k = 0; k < run->inferences; k++) {
        size_t at = 0;

        for (size_t i = 0; i < r.input.size; i++) /* bytes of a sane float, too */
            ((uint8_t *)r.input.data)[i] = (uint8_t)((i * 7 + run->fill) % 64);
        REQUIRE_CMP(ss_request_infer(&r), ==, 0);
        for (int i = 0; i < run->model->n_outputs; i++) {
            const SsTensor *out = &r.output[i], *declared = &run->model->output[i];

            REQUIRE_STR(out->name, declared->name);
            REQUIRE_CMP(out->dtype, ==, declared->dtype);
            REQUIRE_CMP(out->rank, ==, declared->rank);
            for (int d = 0; d < out->rank; d++)
                REQUIRE(out->dim[d] == declared->dim[d] || declared->dim[d] == -1);
            REQUIRE(out->size == 0 || (out->data && ss_tensor_elements(out) > 0));
            if (k == 0) {
                run->result = realloc(run->result, run->size + out->size + 1);
                REQUIRE(run->result);
                memcpy(run->result + run->size, out->data, out->size);
                run->size += out->size;
            } else {
                REQUIRE(memcmp(run->result + at, out->data, out->size) == 0);
            }
            at += out->size;
        }
        REQUIRE_CMP(at, ==, run->size);
    }
    ss_request_close(&r);
    return NULL;
}

static inline void require_same_model(const SsModel *a, const SsModel *b)
{
    char text[2][128];

    REQUIRE_CMP(a->n_outputs, ==, b->n_outputs);
    REQUIRE_STR(ss_tensor_describe(&a->input, text[0], 128), ss_tensor_describe(&b->input, text[1], 128));
    for (int i = 0; i < a->n_outputs; i++)
        REQUIRE_STR(ss_tensor_describe(&a->output[i], text[0], 128),
                    ss_tensor_describe(&b->output[i], text[1], 128));
}

static inline void test_open_close(const SsBackend *backend, const SsModelParams *p)
{
    SsModel first, m;

    REQUIRE_CMP(ss_model_open(&first, backend, p, &logger), ==, 0);
    REQUIRE_CMP(first.n_outputs, >=, 1);
    for (int i = 0; i < 3; i++) {
        REQUIRE_CMP(ss_model_open(&m, backend, p, &logger), ==, 0);
        require_same_model(&first, &m);
        ss_model_close(&m); /* while idle, no request ever opened */
    }
    ss_model_close(&first);
}

/* One thread alone, then two at once: each gets what it would get alone. */
static inline void test_requests(const SsBackend *backend, const SsModelParams *p)
{
    SsModel m;
    Run alone[2] = { { .model = &m, .fill = 1, .inferences = 3 },
                     { .model = &m, .fill = 32, .inferences = 1 } };
    Run both[2] = { { .model = &m, .fill = 1, .inferences = 20 },
                    { .model = &m, .fill = 32, .inferences = 20 } };
    pthread_t thread[2];

    REQUIRE_CMP(ss_model_open(&m, backend, p, &logger), ==, 0);
    for (int i = 0; i < 2; i++)
        run_request(&alone[i]);
    for (int i = 0; i < 2; i++)
        REQUIRE_CMP(pthread_create(&thread[i], NULL, run_request, &both[i]), ==, 0);
    for (int i = 0; i < 2; i++) {
        REQUIRE_CMP(pthread_join(thread[i], NULL), ==, 0);
        REQUIRE_CMP(both[i].size, ==, alone[i].size);
        REQUIRE(memcmp(both[i].result, alone[i].result, both[i].size) == 0);
        free(both[i].result);
        free(alone[i].result);
    }
    ss_model_close(&m);
}

/* Fails, with one line that names the file and holds `says`. */
static inline void refuse(const SsBackend *backend, const SsModelParams *p, int want, const char *says)
{
    SsModel m;

    errors = 0;
    last_error[0] = '\0';
    REQUIRE_CMP(ss_model_open(&m, backend, p, &logger), ==, want);
    REQUIRE_CMP(errors, ==, 1);
    REQUIRE(!strchr(last_error, '\n'));
    if (!strstr(last_error, says))
        fprintf(stderr, "the line was: %s\n", last_error);
    REQUIRE(strstr(last_error, says));
    REQUIRE(!m.priv);
}

/* `whole`: a good model of the kind that `ending` names. */
static inline void test_bad_files(const SsBackend *backend, const char *whole, const char *ending)
{
    static const char film[] = "RIFF\x10\0\0\0AVI LIST \0\0\0 hello, this is no network";
    size_t size;
    char *data = read_file(whole, &size), name[64];
    SsModelParams p = { 0 };

    p.path = in_folder("missing.onnx");
    refuse(backend, &p, -ENOENT, p.path);
    p.path = folder;
    refuse(backend, &p, -EINVAL, folder);

    snprintf(name, sizeof name, "bad%s", ending);
    p.path = write_file(name, "", 0);
    refuse(backend, &p, -EINVAL, "empty");
    for (size_t cut = 1; cut < size; cut += size / 7 + 1) {
        p.path = write_file(name, data, cut);
        refuse(backend, &p, -EINVAL, name);
    }
    p.path = write_file(name, film, sizeof film);
    refuse(backend, &p, -EINVAL, name);
    /* ONNX under TensorFlow's name: its first field is a version, where a graph has its nodes. */
    p.path = write_file("onnx.pb", "\x08\x07\x12\x01x", 5);
    refuse(backend, &p, -EINVAL, "not a frozen TensorFlow graph");
    p.path = write_file("model.txt", data, size);
    refuse(backend, &p, -EINVAL, "must end in");
    free(data);
}

/* --- runtimes have much to say; nothing may get past the logger --- */

static inline void show_output(int sig)
{
    char text[4096];
    ssize_t n = lseek(printed, 0, SEEK_SET) == 0 ? read(printed, text, sizeof text) : 0;

    (void)sig;
    if (n > 0)
        (void)!write(screen, text, (size_t)n);
}

extern void __sanitizer_set_report_fd(void *fd) __attribute__((weak));

static inline void catch_output(void)
{
    printed = open(in_folder("printed"), O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
    screen = dup(STDERR_FILENO);
    REQUIRE(printed >= 0 && screen >= 0);
    if (__sanitizer_set_report_fd)
        __sanitizer_set_report_fd((void *)(intptr_t)screen);
    REQUIRE(signal(SIGABRT, show_output) != SIG_ERR); /* what REQUIRE printed */
    REQUIRE(dup2(printed, STDOUT_FILENO) >= 0 && dup2(printed, STDERR_FILENO) >= 0);
}

static inline void remove_all(void)
{
    char command[300];

    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    REQUIRE_CMP(system(command), ==, 0);
}

#endif
