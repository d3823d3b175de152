/* SPDX-License-Identifier: Apache-2.0 */
#include "regions.h"

#include <string.h>

#include "colour.h"

enum { MAX_TAGS = 64, MAX_NAME = 64 };
/* A box that is but a guess: from when on it fades no more, and how far it has faded then. */
#define FADED_AFTER GST_SECOND
enum { FAINTEST = 80 };
enum { EDGE = 0x101418, FILL_ALPHA = 102 /* 40 % */, EDGE_ALPHA = 150, TAG_ALPHA = 236 };

/* What one frame is drawn with. */
typedef struct Pen {
    const SsCanvas *canvas;
    SsText *text;
    const SsRegionStyle *style;
    SsBoxPaint box;       /* the line's colour changes from box to box */
    SsRect tag[MAX_TAGS]; /* placed so far in this picture */
    int n_tags;
} Pen;

static guint32 colour_of(const SsRegion *r)
{
    return r->classed ? ss_colour_of_class(r->class_id)
                      : ss_colour_of_name(r->name ? g_quark_to_string(r->name) : "");
}

/* How sure it is that the object is there: all, or the less the longer nobody saw it. */
static guint strength_of(const SsRegion *r)
{
    if (r->state != SS_PREDICTED)
        return SS_OPAQUE;
    const guint64 faded = MIN(r->age, FADED_AFTER) * (SS_OPAQUE - FAINTEST) / FADED_AFTER;
    return SS_OPAQUE - 1 - (guint)MIN(faded, SS_OPAQUE - 1 - FAINTEST);
}

static void draw_box(Pen *pen, const SsRegion *r)
{
    const guint strength = strength_of(r);

    ss_paint_init(&pen->box.line, &pen->canvas->frame->info, colour_of(r));
    if (strength < SS_OPAQUE)
        ss_draw_dashes(pen->canvas, &pen->box, strength, r->rect);
    else if (pen->style->fill)
        ss_draw_fill(pen->canvas, &pen->box.line, FILL_ALPHA, r->rect);
    else
        ss_draw_box(pen->canvas, &pen->box, r->rect);
}

/* "name 87%"; the name alone where no confidence is known. */
static void write_label(char *text, gsize size, const SsRegion *r)
{
    int bytes = (int)strnlen(r->label, MAX_NAME + 1);

    if (bytes > MAX_NAME)
        for (bytes = MAX_NAME; bytes > 0 && (r->label[bytes] & 0xc0) == 0x80; bytes--)
            ; /* between two characters, not within one */
    if (r->confidence >= 0)
        g_snprintf(text, size, "%.*s %d%%", bytes, r->label, (int)(r->confidence * 100 + 0.5));
    else
        g_snprintf(text, size, "%.*s", bytes, r->label);
}

static gboolean overlap(SsRect a, SsRect b)
{
    return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

/* The first of the tags so far that this one would hide; NULL: none. */
static const SsRect *hidden_by(const Pen *pen, SsRect tag)
{
    for (int i = 0; i < pen->n_tags; i++)
        if (overlap(tag, pen->tag[i]))
            return &pen->tag[i];
    return NULL;
}

/* Moves `tag` up, from tag to tag, until it hides none. FALSE: the picture ends first. */
static gboolean climb(const Pen *pen, SsRect *tag)
{
    for (const SsRect *other; tag->y >= 0 && (other = hidden_by(pen, *tag));)
        tag->y = (other->y - tag->h) & ~1;
    return tag->y >= 0;
}

/**
 * Above the box, else below it, else further up: where it hides no other tag. Where there is no
 * such place, above, or inside where the picture ends. Even coordinates: chroma samples stay whole.
 */
static SsRect place_tag(Pen *pen, SsRect box, int w, int h)
{
    const int width = GST_VIDEO_FRAME_WIDTH(pen->canvas->frame),
              height = GST_VIDEO_FRAME_HEIGHT(pen->canvas->frame);
    const int y = box.y < h ? box.y + pen->box.thickness : box.y - h;
    const SsRect wanted = { MAX(MIN(box.x, width - w), 0) & ~1, MAX(MIN(y, height - h), 0) & ~1, w, h };
    const SsRect below = { wanted.x, (box.y + box.h + 1) & ~1, w, h };
    SsRect tag = wanted;

    if (hidden_by(pen, tag)) {
        if (below.y + h <= height && !hidden_by(pen, below))
            tag = below;
        else if (!climb(pen, &tag))
            tag = wanted;
    }
    if (pen->n_tags < MAX_TAGS)
        pen->tag[pen->n_tags++] = tag;
    return tag;
}

static void draw_tag(Pen *pen, const SsRegion *r)
{
    guint32 colour = colour_of(r);
    char label[MAX_NAME + 8];
    SsPaint paint, ink;

    write_label(label, sizeof(label), r);
    const SsTextLine line = ss_text_render(pen->text, label, GST_VIDEO_FRAME_WIDTH(pen->canvas->frame));
    const int pad = (line.height / 4 + 1) & ~1;
    const SsRect tag = place_tag(pen, r->rect, line.width + 2 * pad, line.height);

    ss_paint_init(&paint, &pen->canvas->frame->info, colour);
    ss_paint_init(&ink, &pen->canvas->frame->info, ss_colour_of_text_on(colour));
    ss_draw_fill(pen->canvas, &paint, TAG_ALPHA, tag);
    ss_draw_mask(pen->canvas, &ink, line.mask, line.stride,
                 (SsRect) { tag.x + pad, tag.y, line.width, line.height });
}

static int thickness_of(const SsRegionStyle *style, int height)
{
    return style->thickness > 0 ? style->thickness : CLAMP((height + 135) / 270, 2, SS_MOST_THICKNESS);
}

guint64 ss_regions_pixels(GstBuffer *buffer, const SsRegionStyle *style, int height)
{
    const guint64 line = (guint64)thickness_of(style, height) + 2, letter = (guint64)height / 32;
    const GstVideoRegionOfInterestMeta *roi;
    gpointer iterator = NULL;
    guint64 pixels = 0;

    while ((roi = (const GstVideoRegionOfInterestMeta *)gst_buffer_iterate_meta_filtered(
                buffer, &iterator, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)))
        pixels += 2 * ((guint64)roi->w + roi->h) * line + (style->labels ? 10 * letter * letter : 0);
    return pixels;
}

/* Tags come after all boxes, so that none is crossed by a line. */
void ss_regions_draw(const SsCanvas *canvas, GstBuffer *buffer, SsText *text, const SsRegionStyle *style)
{
    void (*const passes[])(Pen *, const SsRegion *) = { draw_box, draw_tag };
    Pen pen = { .canvas = canvas, .text = text, .style = style, .box.edge_alpha = EDGE_ALPHA };

    pen.box.thickness = thickness_of(style, GST_VIDEO_FRAME_HEIGHT(canvas->frame));
    ss_paint_init(&pen.box.edge, &canvas->frame->info, EDGE);
    for (guint i = 0; i < (style->labels ? 2 : 1); i++) {
        gpointer iterator = NULL;
        SsRegion region;

        for (guint n = 0; ss_region_next(buffer, &iterator, &region); n++)
            if (!style->undrawn || (n < style->n_undrawn && !style->undrawn[n]))
                passes[i](&pen, &region);
    }
}
