/* SPDX-License-Identifier: Apache-2.0 */
#include "core/labels.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum {
    MAX_ID = 65535,
    MAX_FILE = 4 << 20, /* bytes; a file of labels that is larger is something else */
};

struct SsLabels {
    int n;       /* entries of name */
    char **name; /* by class id; NULL: none of that id */
};

typedef struct CocoName {
    int tf_id; /* TensorFlow keeps the numbers of the 91 first planned, with gaps */
    const char *name;
} CocoName;

static const CocoName coco[] = {
    { 1, "person" },         { 2, "bicycle" },       { 3, "car" },
    { 4, "motorcycle" },     { 5, "airplane" },      { 6, "bus" },
    { 7, "train" },          { 8, "truck" },         { 9, "boat" },
    { 10, "traffic light" }, { 11, "fire hydrant" }, { 13, "stop sign" },
    { 14, "parking meter" }, { 15, "bench" },        { 16, "bird" },
    { 17, "cat" },           { 18, "dog" },          { 19, "horse" },
    { 20, "sheep" },         { 21, "cow" },          { 22, "elephant" },
    { 23, "bear" },          { 24, "zebra" },        { 25, "giraffe" },
    { 27, "backpack" },      { 28, "umbrella" },     { 31, "handbag" },
    { 32, "tie" },           { 33, "suitcase" },     { 34, "frisbee" },
    { 35, "skis" },          { 36, "snowboard" },    { 37, "sports ball" },
    { 38, "kite" },          { 39, "baseball bat" }, { 40, "baseball glove" },
    { 41, "skateboard" },    { 42, "surfboard" },    { 43, "tennis racket" },
    { 44, "bottle" },        { 46, "wine glass" },   { 47, "cup" },
    { 48, "fork" },          { 49, "knife" },        { 50, "spoon" },
    { 51, "bowl" },          { 52, "banana" },       { 53, "apple" },
    { 54, "sandwich" },      { 55, "orange" },       { 56, "broccoli" },
    { 57, "carrot" },        { 58, "hot dog" },      { 59, "pizza" },
    { 60, "donut" },         { 61, "cake" },         { 62, "chair" },
    { 63, "couch" },         { 64, "potted plant" }, { 65, "bed" },
    { 67, "dining table" },  { 70, "toilet" },       { 72, "tv" },
    { 73, "laptop" },        { 74, "mouse" },        { 75, "remote" },
    { 76, "keyboard" },      { 77, "cell phone" },   { 78, "microwave" },
    { 79, "oven" },          { 80, "toaster" },      { 81, "sink" },
    { 82, "refrigerator" },  { 84, "book" },         { 85, "clock" },
    { 86, "vase" },          { 87, "scissors" },     { 88, "teddy bear" },
    { 89, "hair drier" },    { 90, "toothbrush" },
};

/* Takes a copy of `name`. -EEXIST: the id has a name; -ERANGE: no such id. */
static int add(SsLabels *l, int id, const char *name, size_t length)
{
    if (id < 0 || id > MAX_ID)
        return -ERANGE;
    if (id >= l->n) {
        int n = SS_MIN(SS_MAX(2 * l->n, id + 1), MAX_ID + 1);
        char **grown = realloc(l->name, (size_t)n * sizeof *grown);

        if (!grown)
            return -ENOMEM;
        memset(grown + l->n, 0, (size_t)(n - l->n) * sizeof *grown);
        l->name = grown;
        l->n = n;
    }
    if (l->name[id])
        return -EEXIST;
    l->name[id] = strndup(name, length);
    return l->name[id] ? 0 : -ENOMEM;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* UTF-8 without control characters (a tab is none here). Overlong forms pass: they are shown, not trusted. */
static bool is_text(const char *s, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)s[i];
        int more = c >= 0xf0 && c < 0xf8 ? 3 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xc2 && c < 0xe0 ? 1 : 0;

        if ((c < 0x20 && c != '\t') || c == 0x7f || (c >= 0x80 && more == 0))
            return false;
        for (; more > 0; more--) {
            if (++i >= length || ((unsigned char)s[i] & 0xc0) != 0x80)
                return false;
        }
    }
    return true;
}

/* "12 name", "12: name": moves `*s` behind the number and returns it; -1: no number; MAX_ID + 1: too large.
 */
static int leading_id(const char **s, const char *end)
{
    const char *at = *s;
    int id = 0;

    while (at < end && is_digit(*at)) {
        id = SS_MIN(id * 10 + (*at - '0'), MAX_ID + 1);
        at++;
    }
    if (at == *s || at == end || !(is_blank(*at) || *at == ':'))
        return -1;
    if (*at == ':')
        at++;
    while (at < end && is_blank(*at))
        at++;
    if (at == end)
        return -1; /* a number alone is a name */
    *s = at;
    return id;
}

/* One line, trimmed. `*next`: the id of a line without a number. */
static int parse_line(SsLabels *l, const char *s, const char *end, int *next, int line, const char *file,
                      const SsLogger *log)
{
    int id, ret;

    if (!is_text(s, (size_t)(end - s))) {
        ss_err(log, "%s:%d: not UTF-8 text; a labels file has one class name a line", file, line);
        return -EINVAL;
    }
    if (s < end && *s == '#')
        return 0;
    id = leading_id(&s, end);
    if (id < 0)
        id = (*next)++;
    if (s == end)
        return 0;
    ret = add(l, id, s, (size_t)(end - s));
    if (ret == -ERANGE) {
        ss_err(log, "%s:%d: class id over %d", file, line, MAX_ID);
        return -EINVAL;
    }
    if (ret == -EEXIST) {
        ss_err(log, "%s:%d: class id %d again (it is \"%s\" already)", file, line, id, l->name[id]);
        return -EINVAL;
    }
    if (ret < 0)
        ss_err(log, "%s: out of memory", file);
    return ret;
}

int ss_labels_parse(SsLabels **out, const char *text, size_t size, const char *name, int first_class_id,
                    const SsLogger *log)
{
    const char *at = text, *stop = text + size;
    SsLabels *l = calloc(1, sizeof *l);
    int next = first_class_id, ret;

    if (!l) {
        ss_err(log, "%s: out of memory", name);
        return -ENOMEM;
    }
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) /* byte-order mark */
        at += 3;
    for (int line = 1; at < stop; line++) {
        const char *newline = memchr(at, '\n', (size_t)(stop - at));
        const char *end = newline ? newline : stop, *behind = newline ? newline + 1 : stop;

        while (at < end && is_blank(*at))
            at++;
        while (end > at && is_blank(end[-1]))
            end--;
        ret = parse_line(l, at, end, &next, line, name, log);
        if (ret < 0)
            goto fail;
        at = behind;
    }
    if (l->n == 0) {
        ss_err(log, "%s: no class name in it; a labels file has one a line", name);
        ret = -EINVAL;
        goto fail;
    }
    *out = l;
    return 0;
fail:
    ss_labels_destroy(&l);
    return ret;
}

static int load_coco(SsLabels **out, int first_class_id, const SsLogger *log)
{
    SsLabels *l = calloc(1, sizeof *l);
    int ret = l ? 0 : -ENOMEM;

    for (size_t i = 0; ret == 0 && i < SS_COUNTOF(coco); i++)
        ret = add(l, first_class_id == 1 ? coco[i].tf_id : first_class_id + (int)i, coco[i].name,
                  strlen(coco[i].name));
    if (ret < 0) {
        ss_err(log, "labels: out of memory");
        ss_labels_destroy(&l);
        return ret;
    }
    *out = l;
    return 0;
}

/* The whole file, at most MAX_FILE bytes; the caller frees `*text`. */
static int read_file(const char *path, char **text, size_t *size, const SsLogger *log)
{
    FILE *f = fopen(path, "rb");
    char *buffer = NULL;
    int ret = 0;

    if (!f) {
        ret = -errno;
        ss_err(log, "labels file %s: %s", path, strerror(-ret));
        return ret == -ENOMEM ? ret : -ENOENT;
    }
    buffer = malloc(MAX_FILE + 1);
    if (!buffer) {
        ss_err(log, "labels file %s: out of memory", path);
        ret = -ENOMEM;
        goto done;
    }
    *size = fread(buffer, 1, MAX_FILE + 1, f);
    if (ferror(f)) {
        ss_err(log, "labels file %s: cannot be read: %s", path, strerror(errno));
        ret = -EINVAL;
    } else if (*size > MAX_FILE) {
        ss_err(log, "labels file %s: larger than 4 MiB, so not a list of class names", path);
        ret = -EINVAL;
    }
done:
    if (ret < 0)
        free(buffer);
    else
        *text = buffer;
    (void)fclose(f);
    return ret;
}

int ss_labels_load(SsLabels **out, const char *spec, int first_class_id, const SsLogger *log)
{
    char *text;
    size_t size;
    int ret;

    if (strcmp(spec, "coco") == 0)
        return load_coco(out, first_class_id, log);
    ret = read_file(spec, &text, &size, log);
    if (ret < 0)
        return ret;
    ret = ss_labels_parse(out, text, size, spec, first_class_id, log);
    free(text);
    return ret;
}

const char *ss_labels_name(const SsLabels *labels, int class_id)
{
    return labels && class_id >= 0 && class_id < labels->n ? labels->name[class_id] : NULL;
}

void ss_labels_destroy(SsLabels **labels)
{
    if (!labels || !*labels)
        return;
    for (int i = 0; i < (*labels)->n; i++)
        free((*labels)->name[i]);
    free((*labels)->name);
    free(*labels);
    *labels = NULL;
}
