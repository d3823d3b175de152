/* SPDX-License-Identifier: Apache-2.0 */
#include "text.h"

#include <pango/pangocairo.h>
#include <string.h>

enum { N_ASCII = 128, MAX_OTHERS = 512, MAX_WIDTH = 4096, REPLACEMENT = 0xfffd };

typedef struct Glyph {
    int left, width; /* of the mask, from the pen's position on */
    int advance;
    guint8 *mask; /* width x line height */
} Glyph;

struct SsText {
    PangoFontMap *map; /* its own: Pango's default one belongs to a thread */
    PangoContext *context;
    PangoLayout *layout;
    int size; /* pixels; 0 = not set yet */
    int height, baseline;
    Glyph ascii[N_ASCII];
    GHashTable *others; /* code point -> Glyph */
    guint8 *line;       /* MAX_WIDTH x height */
    guint n_rasterised;
};

static void glyph_free(gpointer data)
{
    Glyph *glyph = data;

    g_free(glyph->mask);
    g_free(glyph);
}

/* The ink of one character on the line; returns a mask of `width` columns from `left` on. */
static guint8 *draw_ink(SsText *text, int left, int width)
{
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_A8, width, text->height);
    cairo_t *cr = cairo_create(surface);
    guint8 *mask = g_malloc((gsize)width * (gsize)text->height);

    cairo_move_to(cr, -left, text->baseline);
    pango_cairo_show_layout_line(cr, pango_layout_get_line_readonly(text->layout, 0));
    cairo_surface_flush(surface);
    for (int y = 0; y < text->height; y++)
        memcpy(mask + (gsize)y * width,
               cairo_image_surface_get_data(surface) + (gsize)y * cairo_image_surface_get_stride(surface),
               width);
    cairo_destroy(cr);
    cairo_surface_destroy(surface);
    return mask;
}

static void glyph_init(SsText *text, Glyph *glyph, gunichar c)
{
    PangoRectangle ink, logical;
    char utf8[6];

    pango_layout_set_text(text->layout, utf8, g_unichar_to_utf8(c, utf8));
    pango_layout_line_get_pixel_extents(pango_layout_get_line_readonly(text->layout, 0), &ink, &logical);
    *glyph = (Glyph) { .left = ink.x, .width = ink.width, .advance = logical.width };
    if (ink.width > 0)
        glyph->mask = draw_ink(text, ink.x, ink.width);
    text->n_rasterised++;
}

static void forget(SsText *text)
{
    for (int i = 0; i < N_ASCII; i++) {
        g_free(text->ascii[i].mask);
        text->ascii[i] = (Glyph) { 0 };
    }
    g_hash_table_remove_all(text->others);
    g_clear_pointer(&text->line, g_free);
}

static const Glyph *glyph_of(SsText *text, gunichar c)
{
    Glyph *glyph;

    if (c < N_ASCII)
        return &text->ascii[c];
    glyph = g_hash_table_lookup(text->others, GUINT_TO_POINTER(c));
    if (!glyph) {
        if (g_hash_table_size(text->others) >= MAX_OTHERS)
            g_hash_table_remove_all(text->others);
        glyph = g_new(Glyph, 1);
        glyph_init(text, glyph, c);
        g_hash_table_insert(text->others, GUINT_TO_POINTER(c), glyph);
    }
    return glyph;
}

SsText *ss_text_new(void)
{
    SsText *text = g_new0(SsText, 1);
    cairo_font_options_t *options = cairo_font_options_create();

    text->map = pango_cairo_font_map_new();
    text->context = pango_font_map_create_context(text->map);
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_SLIGHT);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_ON);
    pango_cairo_context_set_font_options(text->context, options);
    cairo_font_options_destroy(options);
    text->layout = pango_layout_new(text->context);
    text->others = g_hash_table_new_full(NULL, NULL, NULL, glyph_free);
    ss_text_set_size(text, 16);
    return text;
}

void ss_text_free(SsText *text)
{
    if (!text)
        return;
    forget(text);
    g_hash_table_unref(text->others);
    g_object_unref(text->layout);
    g_object_unref(text->context);
    g_object_unref(text->map);
    g_free(text);
}

void ss_text_set_size(SsText *text, int pixels)
{
    g_autoptr(PangoFontDescription) font = NULL;
    PangoFontMetrics *metrics;

    if (pixels == text->size)
        return;
    forget(text);
    text->size = pixels;
    font = pango_font_description_from_string("Sans Bold");
    pango_font_description_set_absolute_size(font, (double)pixels * PANGO_SCALE);
    pango_layout_set_font_description(text->layout, font);
    metrics = pango_context_get_metrics(text->context, font, NULL);
    text->baseline = PANGO_PIXELS_CEIL(pango_font_metrics_get_ascent(metrics));
    text->height = (text->baseline + PANGO_PIXELS_CEIL(pango_font_metrics_get_descent(metrics)) + 1) & ~1;
    pango_font_metrics_unref(metrics);
    text->line = g_malloc((gsize)MAX_WIDTH * (gsize)text->height);
    for (gunichar c = ' '; c < 127; c++)
        glyph_init(text, &text->ascii[c], c);
}

/* Letters may overlap (italics, "fj"): the darker ink wins. */
static void put_glyph(SsText *text, const Glyph *glyph, int x, int stride)
{
    const int width = glyph->width, height = text->height;

    for (int row = 0; row < height; row++) {
        guint8 *restrict d = text->line + (gsize)row * stride + x;
        const guint8 *restrict m = glyph->mask + (gsize)row * width;

        for (int i = 0; i < width; i++)
            d[i] = MAX(d[i], m[i]);
    }
}

static gunichar next_char(const char **utf8)
{
    gunichar c = g_utf8_get_char_validated(*utf8, -1);

    if (c >= (gunichar)-2) {
        (*utf8)++;
        return REPLACEMENT;
    }
    *utf8 = g_utf8_next_char(*utf8);
    return c;
}

/* Runs the pen along `utf8` and writes the glyphs where `stride` is not 0; returns the width. */
static int run_pen(SsText *text, const char *utf8, int max_width, int stride)
{
    int pen = 0, right = 0;

    while (*utf8) {
        const Glyph *glyph = glyph_of(text, next_char(&utf8));
        int x = MAX(pen + glyph->left, 0);

        if (MAX(pen + glyph->advance, x + glyph->width) > max_width)
            break;
        if (stride && glyph->mask)
            put_glyph(text, glyph, x, stride);
        pen += glyph->advance;
        right = MAX(right, MAX(pen, x + glyph->width));
    }
    return right;
}

SsTextLine ss_text_render(SsText *text, const char *utf8, int max_width)
{
    int limit = CLAMP(max_width, 0, MAX_WIDTH) & ~1;
    int width = (run_pen(text, utf8, limit, 0) + 1) & ~1;

    memset(text->line, 0, (gsize)width * (gsize)text->height);
    if (width)
        run_pen(text, utf8, limit, width);
    return (SsTextLine) { text->line, width, width, text->height };
}

guint ss_text_n_rasterised(const SsText *text)
{
    return text->n_rasterised;
}
