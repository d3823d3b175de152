/* SPDX-License-Identifier: Apache-2.0 */
#include "colour.h"

/* Neighbours differ in hue and lightness, as the classes of one scene mostly are neighbours. */
static const guint32 colours[SS_N_COLOURS] = {
    0x29b6ff, 0x3ddc84, 0xff5a5f, 0xffc53d, 0xa26bff, 0xff8a3d, 0x1fd6c9, 0xff6fb5, 0xb5e03c, 0x3f70ff,
    0xe0b0ff, 0xc98f52, 0xe84fe0, 0xb4f0d0, 0xfff07a, 0xb03c4a, 0x7fa9c9, 0x9aa13f, 0xffc2b8, 0x6a4fa8,
};

guint32 ss_colour_of_class(int class_id)
{
    return colours[(guint)class_id % SS_N_COLOURS];
}

guint32 ss_colour_of_name(const char *name)
{
    return colours[g_str_hash(name) % SS_N_COLOURS];
}

guint32 ss_colour_of_text_on(guint32 rgb)
{
    guint luma = (299 * (rgb >> 16 & 255) + 587 * (rgb >> 8 & 255) + 114 * (rgb & 255)) / 1000;

    return luma >= 128 ? 0x101418 : 0xffffff;
}
