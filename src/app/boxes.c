/* SPDX-License-Identifier: Apache-2.0 */
#include "boxes.h"

#include <errno.h>
#include <stdio.h>

#include "io/exit.h"
#include "io/json.h"

struct SsBoxes {
    FILE *file;
    char *path;
    GString *line;
    int failed; /* errno of the first line that could not be written */
};

static gboolean fails(const char *path, int reason, GError **error)
{
    g_set_error(error, SS_ERROR, SS_EXIT_USAGE, "--boxes %s: %s", path, g_strerror(reason));
    return FALSE;
}

SsBoxes *ss_boxes_open(const char *path, GError **error)
{
    FILE *file = g_str_equal(path, "-") ? stdout : fopen(path, "we");
    if (!file) {
        fails(path, errno, error);
        return NULL;
    }
    SsBoxes *b = g_new0(SsBoxes, 1);
    b->file = file;
    b->path = g_strdup(path);
    b->line = g_string_sized_new(4096);
    return b;
}

static void append_box(GString *line, const SsScored *s, const SsObject *object, gint64 pts)
{
    ss_json_object(line, NULL);
    if (object)
        ss_json_uint(line, "id", object->id);
    ss_json_int(line, "class", s->class_id);
    ss_json_double(line, "score", (double)s->score, 6);
    ss_json_array(line, "box");
    ss_json_double(line, NULL, s->x, 3);
    ss_json_double(line, NULL, s->y, 3);
    ss_json_double(line, NULL, s->w, 3);
    ss_json_double(line, NULL, s->h, 3);
    ss_json_end_array(line);
    if (object) {
        ss_json_double(line, "age", (double)(pts - object->source_pts) / 1e9, 6);
        ss_json_string(line, "state", ss_object_state_name(object->state));
    }
    ss_json_end_object(line);
}

void ss_boxes_write(SsBoxes *b, const SsBoxesOf *of, const SsScored *box, const SsObject *object, int n)
{
    g_string_truncate(b->line, 0);
    ss_json_object(b->line, NULL);
    ss_json_int(b->line, "frame", of->frame);
    ss_json_double(b->line, "pts", (double)of->pts / 1e9, 6);
    if (of->align) {
        ss_json_string(b->line, "align", of->align);
        ss_json_int(b->line, "latency_ms", of->latency_ms);
    }
    ss_json_array(b->line, "objects");
    for (int i = 0; i < n; i++)
        append_box(b->line, &box[i], object ? &object[i] : NULL, of->pts);
    ss_json_end_array(b->line);
    ss_json_end_object(b->line);
    g_string_append_c(b->line, '\n');
    if (!b->failed && fwrite(b->line->str, 1, b->line->len, b->file) != b->line->len)
        b->failed = errno;
}

gboolean ss_boxes_close(SsBoxes *b, GError **error)
{
    const gboolean closed = b->file == stdout ? fflush(stdout) == 0 : fclose(b->file) == 0;
    if (!closed && !b->failed)
        b->failed = errno;
    const gboolean ok = !b->failed || fails(b->path, b->failed, error);
    g_free(b->path);
    g_string_free(b->line, TRUE);
    g_free(b);
    return ok;
}
