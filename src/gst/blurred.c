/* SPDX-License-Identifier: Apache-2.0 */
#include "blurred.h"

#define NAME "sidestream-blurred"

void ss_blurred_register(void)
{
    /* Pixels: of no use where the picture is cropped, turned or changes its size. */
    static const gchar *tags[] = { GST_META_TAG_VIDEO_STR, GST_META_TAG_VIDEO_ORIENTATION_STR,
                                   GST_META_TAG_VIDEO_SIZE_STR, NULL };
    static gsize made;

    if (!g_once_init_enter(&made))
        return;
    if (!gst_meta_get_info(NAME)) /* the plugin beside a program that carries the elements inside */
        gst_meta_register_custom(NAME, tags, NULL, NULL, NULL);
    g_once_init_leave(&made, 1);
}

void ss_blurred_add(GstBuffer *buffer, const SsCover *cover)
{
    GstStructure *s = gst_custom_meta_get_structure(gst_buffer_add_custom_meta(buffer, NAME));
    GValue areas = G_VALUE_INIT, number = G_VALUE_INIT;

    if (cover->all) {
        gst_structure_set(s, "all", G_TYPE_STRING, cover->all, NULL);
        return;
    }
    gst_value_array_init(&areas, 4 * cover->n);
    g_value_init(&number, G_TYPE_INT);
    for (guint i = 0; i < cover->n; i++) {
        const SsRect *r = &cover->part[i].area;
        const int side[] = { r->x, r->y, r->w, r->h };
        for (guint k = 0; k < G_N_ELEMENTS(side); k++) {
            g_value_set_int(&number, side[k]);
            gst_value_array_append_value(&areas, &number);
        }
    }
    gst_structure_take_value(s, "areas", &areas);
}
