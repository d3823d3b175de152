/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts what is copied between a GPU's memory and the processor's in any program, by NVIDIA's CUPTI, from
 * outside: neither the program nor GStreamer know of it. bench/gpu_video.py builds it where CUPTI is:
 *
 *   CUDA_INJECTION64_PATH=./cuda_copies.so SS_COPIES=FILE program
 *
 * FILE gets JSON when the program ends. A picture: more than PICTURE bytes.
 */
#include <cupti.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { PICTURE = 1000000, BUFFER = 4 << 20, KINDS = 32 };

/* The beginning of every version of CUpti_ActivityMemcpy. */
typedef struct Copy {
    uint32_t record;
    uint8_t kind, from, to, flags;
    uint64_t bytes;
} Copy;

static struct {
    unsigned long long n, pictures, bytes;
} seen[KINDS];

static void get_buffer(uint8_t **buffer, size_t *size, size_t *most)
{
    *buffer = aligned_alloc(8, BUFFER);
    *size = *buffer ? BUFFER : 0;
    *most = 0;
}

static void read_buffer(CUcontext context, uint32_t stream, uint8_t *buffer, size_t size, size_t valid)
{
    CUpti_Activity *record = NULL;

    (void)context, (void)stream, (void)size;
    while (cuptiActivityGetNextRecord(buffer, valid, &record) == CUPTI_SUCCESS) {
        const Copy *copy = (const void *)record;

        if ((record->kind != CUPTI_ACTIVITY_KIND_MEMCPY && record->kind != CUPTI_ACTIVITY_KIND_MEMCPY2) ||
            copy->kind >= KINDS)
            continue;
        seen[copy->kind].n++;
        seen[copy->kind].pictures += copy->bytes > PICTURE;
        seen[copy->kind].bytes += copy->bytes;
    }
    free(buffer);
}

static void report(void)
{
    static const struct {
        const char *name;
        int kind;
    } kinds[] = { { "to_gpu", CUPTI_ACTIVITY_MEMCPY_KIND_HTOD },
                  { "from_gpu", CUPTI_ACTIVITY_MEMCPY_KIND_DTOH },
                  { "on_gpu", CUPTI_ACTIVITY_MEMCPY_KIND_DTOD } };
    const char *path = getenv("SS_COPIES");
    FILE *out = path ? fopen(path, "w") : stderr;

    (void)cuptiActivityFlushAll(CUPTI_ACTIVITY_FLAG_FLUSH_FORCED);
    if (!out)
        return;
    for (int i = 0; i < 3; i++)
        fprintf(out, "%s\"%s\": {\"copies\": %llu, \"pictures\": %llu, \"bytes\": %llu}", i > 0 ? ", " : "{",
                kinds[i].name, seen[kinds[i].kind].n, seen[kinds[i].kind].pictures,
                seen[kinds[i].kind].bytes);
    fputs("}\n", out);
    if (path)
        fclose(out);
}

int InitializeInjection(void);
int InitializeInjection(void)
{
    (void)cuptiActivityRegisterCallbacks(get_buffer, read_buffer);
    (void)cuptiActivityEnable(CUPTI_ACTIVITY_KIND_MEMCPY);
    (void)cuptiActivityEnable(CUPTI_ACTIVITY_KIND_MEMCPY2);
    return atexit(report) == 0;
}
