/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/modelfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

int ss_mapping_open(SsMapping *out, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), ret = 0;
    struct stat st;
    void *data;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0) {
        ret = -errno;
    } else if (!S_ISREG(st.st_mode)) {
        ret = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
    } else if (st.st_size == 0) {
        ret = -ENODATA;
    } else {
        data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED)
            ret = -errno;
        else
            *out = (SsMapping) { data, (size_t)st.st_size };
    }
    (void)close(fd);
    return ret;
}

void ss_mapping_close(SsMapping *m)
{
    if (m->data)
        (void)munmap((void *)m->data, m->size);
    *m = (SsMapping) { 0 };
}

/* --- protocol buffers: .onnx and .pb --- */

static bool read_varint(const uint8_t **at, const uint8_t *end, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; shift < 64 && *at < end; shift += 7) {
        uint8_t byte = *(*at)++;

        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

typedef struct Field {
    uint64_t number;
    bool is_bytes; /* text, bytes or a message: `size` of them at `data` */
    const uint8_t *data;
    size_t size;
} Field;

/* The field at *at, which is moved past it. false: there is none, or it is cut off. */
static bool next_field(const uint8_t **at, const uint8_t *end, Field *f)
{
    uint64_t tag, size = 0;

    if (!read_varint(at, end, &tag) || tag >> 3 == 0)
        return false;
    switch (tag & 7) {
    case 0:
        if (!read_varint(at, end, &size))
            return false;
        size = 0;
        break;
    case 1:
        size = 8;
        break;
    case 2:
        if (!read_varint(at, end, &size))
            return false;
        break;
    case 5:
        size = 4;
        break;
    default: /* groups: no model has them */
        return false;
    }
    if (size > (uint64_t)(end - *at))
        return false;
    *f = (Field) { tag >> 3, (tag & 7) == 2, *at, (size_t)size };
    *at += size;
    return true;
}

/**
 * Do the fields of this message fill it exactly? A file that was cut off, or is none, fails
 * within its first fields. Field `inside`, if that is not 0, is nothing but messages, and they are looked
 * into.
 */
static bool is_message(const uint8_t *at, const uint8_t *end, uint64_t inside)
{
    Field f;

    while (at < end) {
        if (!next_field(&at, end, &f))
            return false;
        if (f.number == inside && (!f.is_bytes || !is_message(f.data, f.data + f.size, 0)))
            return false;
    }
    return true;
}

/* Is this an entry of an ONNX model's metadata, of a key that begins so? */
static bool is_note(const Field *f, const char *key)
{
    enum { METADATA = 14, KEY = 1 };
    const uint8_t *at = f->data;
    const size_t n = strlen(key);
    Field in;

    if (f->number != METADATA || !f->is_bytes)
        return false;
    while (at < f->data + f->size && next_field(&at, f->data + f->size, &in))
        if (in.number == KEY && in.is_bytes)
            return in.size >= n && memcmp(in.data, key, n) == 0;
    return false;
}

/* Of the model in `m`; returns how many entries were left out, or -errno. */
static int copy_without(FILE *out, const SsMapping *m, const char *key)
{
    const uint8_t *end = m->data + m->size, *at = m->data;
    int dropped = 0;

    while (at < end) {
        const uint8_t *begin = at;
        Field f;

        if (!next_field(&at, end, &f))
            return -EPROTO;
        if (is_note(&f, key))
            dropped++;
        else if (fwrite(begin, 1, (size_t)(at - begin), out) != (size_t)(at - begin))
            return -EIO;
    }
    return dropped;
}

int ss_modelfile_drop_notes(const char *path, const char *key)
{
    char draft[PATH_MAX];
    SsMapping m = { 0 };
    int ret = ss_mapping_open(&m, path);

    if (ret < 0)
        return ret;
    FILE *out =
        snprintf(draft, sizeof draft, "%s.new", path) < (int)sizeof draft ? fopen(draft, "wbe") : NULL;
    ret = out ? copy_without(out, &m, key) : -EIO;
    if (out && fclose(out) != 0 && ret >= 0)
        ret = -EIO;
    if (out && ret > 0 && rename(draft, path) != 0)
        ret = -errno;
    if (out && ret <= 0)
        (void)unlink(draft);
    ss_mapping_close(&m);
    return SS_MIN(ret, 0);
}

static bool is_onnx(const SsMapping *m)
{
    return is_message(m->data, m->data + m->size, 0);
}

static bool is_graphdef(const SsMapping *m)
{
    enum { NODE = 1 };

    return is_message(m->data, m->data + m->size, NODE);
}

/* --- the others --- */

static bool is_tflite(const SsMapping *m)
{
    return m->size > 8 && memcmp(m->data + 4, "TFL3", 4) == 0;
}

static bool is_ir(const SsMapping *m)
{
    static const char close_tag[] = "</net>";
    size_t size = m->size, first = 0;

    while (first < size && strchr(" \t\r\n\xef\xbb\xbf", m->data[first]))
        first++;
    while (size > 0 && strchr(" \t\r\n", m->data[size - 1]))
        size--;
    return first < size && m->data[first] == '<' && size > strlen(close_tag) &&
           memcmp(m->data + size - strlen(close_tag), close_tag, strlen(close_tag)) == 0;
}

static const struct {
    const char *ending, *what;
    bool (*is)(const SsMapping *m);
} kinds[] = {
    { ".onnx", "an ONNX model", is_onnx },
    { ".pb", "a frozen TensorFlow graph", is_graphdef },
    { ".tflite", "a TensorFlow Lite model", is_tflite },
    { ".xml", "an OpenVINO model", is_ir },
};

bool ss_modelfile_ends(const char *path, const char *ending)
{
    size_t n = strlen(path), k = strlen(ending);

    return n >= k && strcasecmp(path + n - k, ending) == 0;
}

static int check_kind(const SsMapping *m, const char *path, const SsLogger *log)
{
    for (size_t i = 0; i < SS_COUNTOF(kinds); i++) {
        if (!ss_modelfile_ends(path, kinds[i].ending))
            continue;
        if (kinds[i].is(m))
            return 0;
        ss_err(log, "model %s: damaged, cut off or not %s (%zu bytes); get the file again", path,
               kinds[i].what, m->size);
        return -EINVAL;
    }
    ss_err(log, "model %s: the name must end in .onnx, .pb, .tflite or .xml", path);
    return -EINVAL;
}

int ss_modelfile_check(const char *path, const SsLogger *log)
{
    SsMapping m = { 0 };
    int ret = ss_mapping_open(&m, path);

    switch (ret) {
    case 0:
        ret = check_kind(&m, path, log);
        ss_mapping_close(&m);
        return ret;
    case -ENODATA:
        ss_err(log, "model %s: the file is empty", path);
        return -EINVAL;
    case -ENOENT:
    case -ENOTDIR:
        ss_err(log, "model %s: no such file", path);
        return -ENOENT;
    default:
        ss_err(log, "model %s: cannot be read: %s", path, strerror(-ret));
        return ret == -ENOMEM ? ret : -EINVAL;
    }
}

/* --- hashes --- */

uint64_t ss_hash(uint64_t hash, const void *data, size_t size)
{
    const uint64_t prime = 0x100000001b3;
    const uint8_t *at = data;

    hash ^= 0xcbf29ce484222325 + size;
    for (; size >= 8; size -= 8, at += 8) {
        uint64_t word;

        memcpy(&word, at, 8);
        hash = (hash ^ word) * prime;
        hash ^= hash >> 32;
    }
    for (; size > 0; size--, at++)
        hash = (hash ^ *at) * prime;
    return hash ^ hash >> 29;
}

static int hash_file(uint64_t *hash, const char *path)
{
    SsMapping m = { 0 };
    int ret = ss_mapping_open(&m, path);

    if (ret < 0)
        return ret;
    *hash = ss_hash(*hash, m.data, m.size);
    ss_mapping_close(&m);
    return 0;
}

int ss_modelfile_hash(uint64_t *hash, const char *path)
{
    static const char *const endings[] = { ".bin", ".data", "_data" };
    char weights[PATH_MAX];
    int stem = (int)strlen(path), ret = hash_file(hash, path);

    if (ret < 0)
        return ret;
    for (size_t i = 0; i < SS_COUNTOF(endings); i++) {
        bool ir = i == 0;

        if (ss_modelfile_ends(path, ".xml") != ir)
            continue;
        ret = snprintf(weights, sizeof weights, "%.*s%s", ir ? stem - 4 : stem, path, endings[i]);
        if (ret >= (int)sizeof weights)
            return -ENAMETOOLONG;
        ret = hash_file(hash, weights);
        if (ret < 0 && ret != -ENOENT && ret != -ENODATA)
            return ret;
    }
    return 0;
}
