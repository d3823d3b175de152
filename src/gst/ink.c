/* SPDX-License-Identifier: Apache-2.0 */
#include "ink.h"

#include <string.h>

enum { AHEAD = 24 }; /* rows that are fetched ahead: the picture is in no cache, and is written to next */

typedef struct Part {
    guint plane;
    int stride;
    SsInkArea area;
    gsize kept_at; /* in the bytes */
} Part;

struct SsInk {
    GArray *parts;     /* Part, oldest first */
    GByteArray *bytes; /* their rows, without gaps */
};

SsInk *ss_ink_new(void)
{
    SsInk *ink = g_new(SsInk, 1);

    ink->parts = g_array_new(FALSE, FALSE, sizeof(Part));
    ink->bytes = g_byte_array_new();
    return ink;
}

void ss_ink_free(SsInk *ink)
{
    if (!ink)
        return;
    g_array_unref(ink->parts);
    g_byte_array_unref(ink->bytes);
    g_free(ink);
}

void ss_ink_clear(SsInk *ink)
{
    g_array_set_size(ink->parts, 0);
    g_byte_array_set_size(ink->bytes, 0);
}

gboolean ss_ink_is_empty(const SsInk *ink)
{
    return ink->parts->len == 0;
}

/* Inlined with constants: most rows are some bytes wide, less than what a call of memcpy() costs. */
static inline void copy_rows(guint8 *to, const guint8 *from, gsize stride, gsize n, int rows)
{
    for (int y = 0, ahead = 0; y < rows; y++, from += stride, to += n) {
        for (; ahead < MIN(y + AHEAD, rows); ahead++) {
            const guint8 *row = from + (gsize)(ahead - y) * stride;

            __builtin_prefetch(row, 1);
            __builtin_prefetch(row + n - 1, 1); /* in the next line of the cache, now and then */
        }
        memcpy(to, from, n);
    }
}

void ss_ink_keep(SsInk *ink, guint plane, const guint8 *data, int stride, SsInkArea area)
{
    const Part part = { plane, stride, area, ink->bytes->len };
    const gsize n = (gsize)area.n, step = (gsize)stride;
    const guint8 *from = data + area.at;

    g_array_append_val(ink->parts, part);
    g_byte_array_set_size(ink->bytes, (guint)(part.kept_at + n * (gsize)area.rows));
    guint8 *to = ink->bytes->data + part.kept_at;
    if (n == 8)
        copy_rows(to, from, step, 8, area.rows);
    else if (n == 16)
        copy_rows(to, from, step, 16, area.rows);
    else if (n == 24)
        copy_rows(to, from, step, 24, area.rows);
    else
        copy_rows(to, from, step, n, area.rows);
}

/** The youngest first: what was drawn on twice was kept twice, and only the older is the picture. */
void ss_ink_restore(const SsInk *ink, guint8 *const data[GST_VIDEO_MAX_PLANES])
{
    for (guint i = ink->parts->len; i-- > 0;) {
        const Part *part = &g_array_index(ink->parts, Part, i);
        const gsize n = (gsize)part->area.n;
        const guint8 *from = ink->bytes->data + part->kept_at;
        guint8 *to = data[part->plane] + part->area.at;

        for (int y = 0; y < part->area.rows; y++, from += n, to += part->stride)
            memcpy(to, from, n);
    }
}
