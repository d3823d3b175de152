/* SPDX-License-Identifier: Apache-2.0 */
#include "region.h"

#include "quarks.h"

static const GstStructure *param_of(const GstVideoRegionOfInterestMeta *roi, GQuark name)
{
    for (const GList *l = roi->params; l; l = l->next)
        if (gst_structure_get_name_id(l->data) == name)
            return l->data;
    return NULL;
}

/* NULL: no such field, or of another type. */
static const GValue *field(const GstStructure *s, GQuark name, GType type)
{
    const GValue *value = s ? gst_structure_id_get_value(s, name) : NULL;

    return value && G_VALUE_HOLDS(value, type) ? value : NULL;
}

static gboolean read_number(const GstStructure *s, GQuark name, double *out)
{
    const GValue *value = field(s, name, G_TYPE_DOUBLE);

    if (value)
        *out = g_value_get_double(value);
    return value != NULL;
}

static void read_detection(const GstStructure *s, SsRegion *out)
{
    const GValue *label = field(s, ss_quarks()->label, G_TYPE_STRING);
    const GValue *class_id = field(s, ss_quarks()->label_id, G_TYPE_INT);
    const GValue *confidence = field(s, ss_quarks()->confidence, G_TYPE_DOUBLE);

    if (label && g_value_get_string(label))
        out->label = g_value_get_string(label);
    out->classed = class_id != NULL;
    out->class_id = class_id ? g_value_get_int(class_id) : 0;
    out->confidence = confidence ? CLAMP(g_value_get_double(confidence), 0, 1) : -1;
    out->exact =
        read_number(s, ss_quarks()->x_min, &out->x_min) && read_number(s, ss_quarks()->x_max, &out->x_max) &&
        read_number(s, ss_quarks()->y_min, &out->y_min) && read_number(s, ss_quarks()->y_max, &out->y_max);
}

static void read_sidestream(const GstStructure *s, SsRegion *out)
{
    const GValue *state = field(s, ss_quarks()->state, G_TYPE_STRING);
    const GValue *age = field(s, ss_quarks()->age, G_TYPE_UINT64);
    const GValue *pts = field(s, ss_quarks()->source_pts, G_TYPE_UINT64);
    const char *word = state ? g_value_get_string(state) : NULL;

    out->age = age ? g_value_get_uint64(age) : 0;
    out->source_pts = pts ? g_value_get_uint64(pts) : GST_CLOCK_TIME_NONE;
    for (SsObjectState known = SS_MEASURED; word && known <= SS_PREDICTED; known++)
        if (g_str_equal(word, ss_object_state_name(known))) {
            out->stated = TRUE;
            out->state = known;
        }
}

gboolean ss_region_next(GstBuffer *buffer, gpointer *iterator, SsRegion *out)
{
    const guint most = G_MAXINT / 4;
    const GstVideoRegionOfInterestMeta *roi =
        (GstVideoRegionOfInterestMeta *)gst_buffer_iterate_meta_filtered(
            buffer, iterator, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE);

    if (!roi)
        return FALSE;
    *out = (SsRegion) { .name = roi->roi_type,
                        .id = roi->id,
                        .rect = { (int)MIN(roi->x, most), (int)MIN(roi->y, most), (int)MIN(roi->w, most),
                                  (int)MIN(roi->h, most) },
                        .label = roi->roi_type ? g_quark_to_string(roi->roi_type) : "" };
    read_detection(param_of(roi, ss_quarks()->detection), out);
    read_sidestream(param_of(roi, ss_quarks()->sidestream), out);
    return TRUE;
}

gboolean ss_region_object(const SsRegion *r, const GstVideoInfo *info, int64_t pts, SsObject *out)
{
    const double width = info->width, height = info->height;

    if (!r->classed || !r->exact || r->confidence < 0)
        return FALSE;
    *out = (SsObject) { .id = (uint64_t)r->id,
                        .box = { (float)(r->x_min * width), (float)(r->y_min * height),
                                 (float)((r->x_max - r->x_min) * width),
                                 (float)((r->y_max - r->y_min) * height) },
                        .score = (float)r->confidence,
                        .class_id = r->class_id,
                        .state = r->state,
                        .source_pts = GST_CLOCK_TIME_IS_VALID(r->source_pts) ? (int64_t)r->source_pts : pts };
    return TRUE;
}
