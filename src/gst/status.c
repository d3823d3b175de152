/* SPDX-License-Identifier: Apache-2.0 */
#include "status.h"

#include <gst/video/video.h>

#include "quarks.h"
#include "sidestream/engine.h"

#define NAME "sidestream-status"

static const GstMetaInfo *info; /* constant when it is made known */

static gboolean copy_field(GQuark field, const GValue *value, gpointer to)
{
    gst_structure_id_set_value(to, field, value);
    return TRUE;
}

/** Within a hundredth, which is a row or two. Else there may be borders, and regions would not fit. */
static gboolean same_shape(const GstVideoInfo *a, const GstVideoInfo *b)
{
    const double wide = (double)a->width * a->par_n * b->height * b->par_d,
                 high = (double)b->width * b->par_n * a->height * a->par_d;

    return ABS(wide - high) <= 0.01 * MAX(wide, high);
}

/** Kept where the regions are kept: by a copy, and by a change of size, which they follow. */
static gboolean transform(GstBuffer *to, GstCustomMeta *meta, GstBuffer *from, GQuark type, gpointer data,
                          gpointer cookie)
{
    const GstVideoMetaTransform *scale = GST_VIDEO_META_TRANSFORM_IS_SCALE(type) ? data : NULL;

    (void)from, (void)cookie;
    if (!GST_META_TRANSFORM_IS_COPY(type) && !(scale && same_shape(scale->in_info, scale->out_info)))
        return FALSE;
    GstCustomMeta *copy = gst_buffer_add_custom_meta(to, NAME);
    return copy && gst_structure_foreach(gst_custom_meta_get_structure(meta), copy_field,
                                         gst_custom_meta_get_structure(copy));
}

void ss_status_register(void)
{
    static const gchar *tags[] = { GST_META_TAG_VIDEO_STR, GST_META_TAG_VIDEO_ORIENTATION_STR,
                                   GST_META_TAG_VIDEO_SIZE_STR, NULL };
    static gsize made;

    if (!g_once_init_enter(&made))
        return;
    info = gst_meta_get_info(NAME); /* by the plugin, beside a program that carries the elements inside */
    if (!info)
        info = gst_meta_register_custom(NAME, tags, transform, NULL, NULL);
    g_once_init_leave(&made, 1);
}

void ss_status_add(GstBuffer *buffer, const SsStatus *s)
{
    const SsQuarks *q = ss_quarks();
    GstCustomMeta *meta = gst_buffer_add_custom_meta(buffer, NAME);
    GstStructure *to = gst_custom_meta_get_structure(meta);

    gst_structure_id_set(to, q->state, G_TYPE_STRING, s->state, q->align, G_TYPE_STRING, s->align, q->live,
                         G_TYPE_BOOLEAN, s->live, q->delay, G_TYPE_UINT64, s->delay, q->silent, G_TYPE_UINT64,
                         s->silent, q->age, G_TYPE_UINT64, s->age, q->objects, G_TYPE_UINT, s->objects,
                         q->interval, G_TYPE_UINT64, s->interval, q->inference, G_TYPE_UINT64, s->inference,
                         q->preparing, G_TYPE_UINT64, s->preparing, q->frames, G_TYPE_UINT64, s->frames,
                         q->inferences, G_TYPE_UINT64, s->inferences, NULL);
    if (s->error)
        gst_structure_id_set(to, q->error, G_TYPE_STRING, s->error, NULL);
}

/* --- reading: somebody else may have written it --- */

static const GValue *field(const GstStructure *s, GQuark name, GType type)
{
    const GValue *value = gst_structure_id_get_value(s, name);

    return value && G_VALUE_HOLDS(value, type) ? value : NULL;
}

static guint64 number(const GstStructure *s, GQuark name, guint64 without)
{
    const GValue *value = field(s, name, G_TYPE_UINT64);

    return value ? g_value_get_uint64(value) : without;
}

static const char *text(const GstStructure *s, GQuark name, const char *without)
{
    const GValue *value = field(s, name, G_TYPE_STRING);

    return value && g_value_get_string(value) ? g_value_get_string(value) : without;
}

static void read_status(const GstStructure *s, SsStatus *out)
{
    const SsQuarks *q = ss_quarks();
    const GValue *live = field(s, q->live, G_TYPE_BOOLEAN), *objects = field(s, q->objects, G_TYPE_UINT);

    *out = (SsStatus) { .state = text(s, q->state, ss_state_name(SS_STOPPED)),
                        .error = text(s, q->error, NULL),
                        .align = text(s, q->align, ""),
                        .live = live && g_value_get_boolean(live),
                        .delay = number(s, q->delay, 0),
                        .silent = number(s, q->silent, G_MAXUINT64),
                        .age = number(s, q->age, 0),
                        .objects = objects ? g_value_get_uint(objects) : 0,
                        .interval = number(s, q->interval, 0),
                        .inference = number(s, q->inference, 0),
                        .preparing = number(s, q->preparing, 0),
                        .frames = number(s, q->frames, 0),
                        .inferences = number(s, q->inferences, 0) };
}

gboolean ss_status_next(GstBuffer *buffer, gpointer *iterator, SsStatus *out)
{
    GstMeta *meta = gst_buffer_iterate_meta_filtered(buffer, iterator, info->api);

    if (meta)
        read_status(gst_custom_meta_get_structure((GstCustomMeta *)meta), out);
    return meta != NULL;
}
