/* SPDX-License-Identifier: Apache-2.0 */
/**
 * SECTION:element-ssoverlay
 *
 * Draws the regions of interest that a buffer carries (GstVideoRegionOfInterestMeta, as
 * ssinfer adds them): a box in the class's colour and a tag with name and confidence. A box that is carried
 * by its velocity alone (state: predicted) is dashed, and fades the longer nobody saw its object.
 *
 * It draws in place. Where somebody else still holds the buffer (ssinfer's newest frame
 * does), it draws into a copy from a pool of its own, so nobody sees ink in a picture that
 * is being read, and no frame-sized memory is allocated while the stream runs. A buffer
 * without regions passes untouched.
 *
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! ssinfer model=model.onnx ! ssoverlay ! videoconvert ! autovideosink
 * ]|
 */
#include "overlay.h"

#include <string.h>

#include "colour.h"
#include "copy.h"
#include "draw.h"
#include "quarks.h"
#include "sidestream/track.h"
#include "text.h"

GST_DEBUG_CATEGORY_STATIC(ss_overlay_debug);
#define GST_CAT_DEFAULT ss_overlay_debug

#define FORMATS "{ NV12, I420, BGRx, RGBx, BGRA, RGBA, BGR, RGB, GRAY8 }"

/* Ready before the first frame; more are made if the elements downstream keep more. */
enum { POOLED = 4, MAX_TAGS = 64, MAX_NAME = 64 };
/* A box that is but a guess: from when on it fades no more, and how far it has faded then. */
#define FADED_AFTER GST_SECOND
enum { FAINTEST = 80 };
enum { EDGE = 0x101418, FILL_ALPHA = 102 /* 40 % */, EDGE_ALPHA = 150, TAG_ALPHA = 236 };

typedef enum SsOverlayStyle { STYLE_OUTLINE, STYLE_FILL } SsOverlayStyle;

enum { PROP_STYLE = 1, PROP_LABELS, PROP_THICKNESS };

struct _SsOverlay {
    GstBaseTransform parent;
    /* The stream thread's, between start() and stop(). */
    GstVideoInfo info;
    SsText *text;
    GstBufferPool *pool; /* active, unbounded */
    /* Guarded by the object lock. */
    SsOverlayStyle style;
    gboolean labels;
    guint thickness;
};

G_DEFINE_TYPE(SsOverlay, ss_overlay, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE(ssoverlay, "ssoverlay", GST_RANK_NONE, SS_TYPE_OVERLAY)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(FORMATS)));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(FORMATS)));

/* What one frame is drawn with. */
typedef struct Pen {
    GstVideoFrame frame;
    SsText *text;
    SsOverlayStyle style;
    gboolean labels;
    SsBoxPaint box;       /* the line's colour changes from box to box */
    SsRect tag[MAX_TAGS]; /* placed so far in this picture */
    int n_tags;
} Pen;

static const GstStructure *param_of(const GstVideoRegionOfInterestMeta *roi, GQuark name)
{
    for (const GList *l = roi->params; l; l = l->next)
        if (gst_structure_get_name_id(l->data) == name)
            return l->data;
    return NULL;
}

static const GstStructure *detection_of(const GstVideoRegionOfInterestMeta *roi)
{
    return param_of(roi, ss_quarks()->detection);
}

/* NULL: no such field, or of another type. */
static const GValue *field(const GstStructure *s, GQuark name, GType type)
{
    const GValue *value = s ? gst_structure_id_get_value(s, name) : NULL;

    return value && G_VALUE_HOLDS(value, type) ? value : NULL;
}

static guint32 colour_of(const GstVideoRegionOfInterestMeta *roi, const GstStructure *detection)
{
    const GValue *class_id = field(detection, ss_quarks()->label_id, G_TYPE_INT);

    if (class_id)
        return ss_colour_of_class(g_value_get_int(class_id));
    return ss_colour_of_name(g_quark_to_string(roi->roi_type));
}

/* Signed, and no box so large that a sum overflows. */
static SsRect rect_of(const GstVideoRegionOfInterestMeta *roi)
{
    const guint most = G_MAXINT / 4;

    return (SsRect) { (int)MIN(roi->x, most), (int)MIN(roi->y, most), (int)MIN(roi->w, most),
                      (int)MIN(roi->h, most) };
}

/* How sure it is that the object is there: all, or the less the longer nobody saw it. */
static guint strength_of(const GstVideoRegionOfInterestMeta *roi)
{
    const GstStructure *s = param_of(roi, ss_quarks()->sidestream);
    const GValue *state = field(s, ss_quarks()->state, G_TYPE_STRING);
    const GValue *age = field(s, ss_quarks()->age, G_TYPE_UINT64);

    if (!state || !age || g_strcmp0(g_value_get_string(state), ss_object_state_name(SS_PREDICTED)) != 0)
        return SS_OPAQUE;
    const guint64 faded = MIN(g_value_get_uint64(age), FADED_AFTER) * (SS_OPAQUE - FAINTEST) / FADED_AFTER;
    return SS_OPAQUE - 1 - (guint)MIN(faded, SS_OPAQUE - 1 - FAINTEST);
}

static void draw_box(Pen *pen, const GstVideoRegionOfInterestMeta *roi)
{
    const guint strength = strength_of(roi);

    ss_paint_init(&pen->box.line, &pen->frame.info, colour_of(roi, detection_of(roi)));
    if (strength < SS_OPAQUE)
        ss_draw_dashes(&pen->frame, &pen->box, strength, rect_of(roi));
    else if (pen->style == STYLE_FILL)
        ss_draw_fill(&pen->frame, &pen->box.line, FILL_ALPHA, rect_of(roi));
    else
        ss_draw_box(&pen->frame, &pen->box, rect_of(roi));
}

/* "name 87%"; the name alone where no confidence is known. */
static void write_label(char *text, gsize size, const GstVideoRegionOfInterestMeta *roi,
                        const GstStructure *detection)
{
    const GValue *label = field(detection, ss_quarks()->label, G_TYPE_STRING);
    const GValue *confidence = field(detection, ss_quarks()->confidence, G_TYPE_DOUBLE);
    const char *name = label ? g_value_get_string(label) : NULL;

    if (!name)
        name = g_quark_to_string(roi->roi_type);
    int bytes = (int)strnlen(name, MAX_NAME + 1);
    if (bytes > MAX_NAME)
        for (bytes = MAX_NAME; bytes > 0 && (name[bytes] & 0xc0) == 0x80; bytes--)
            ; /* between two characters, not within one */
    if (confidence)
        g_snprintf(text, size, "%.*s %d%%", bytes, name,
                   (int)(CLAMP(g_value_get_double(confidence), 0, 1) * 100 + 0.5));
    else
        g_snprintf(text, size, "%.*s", bytes, name);
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
    const int width = GST_VIDEO_FRAME_WIDTH(&pen->frame), height = GST_VIDEO_FRAME_HEIGHT(&pen->frame);
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

static void draw_tag(Pen *pen, const GstVideoRegionOfInterestMeta *roi)
{
    const GstStructure *detection = detection_of(roi);
    guint32 colour = colour_of(roi, detection);
    char label[MAX_NAME + 8];
    SsPaint paint, ink;

    write_label(label, sizeof(label), roi, detection);
    const SsTextLine line = ss_text_render(pen->text, label, GST_VIDEO_FRAME_WIDTH(&pen->frame));
    const int pad = (line.height / 4 + 1) & ~1;
    const SsRect tag = place_tag(pen, rect_of(roi), line.width + 2 * pad, line.height);

    ss_paint_init(&paint, &pen->frame.info, colour);
    ss_paint_init(&ink, &pen->frame.info, ss_colour_of_text_on(colour));
    ss_draw_fill(&pen->frame, &paint, TAG_ALPHA, tag);
    ss_draw_mask(&pen->frame, &ink, line.mask, line.stride,
                 (SsRect) { tag.x + pad, tag.y, line.width, line.height });
}

static gboolean has_regions(GstBuffer *buffer)
{
    return gst_buffer_get_meta(buffer, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE) != NULL;
}

/* Tags come after all boxes, so that none is crossed by a line. */
static void draw_regions(Pen *pen, GstBuffer *buffer)
{
    void (*const passes[])(Pen *, const GstVideoRegionOfInterestMeta *) = { draw_box, draw_tag };

    for (guint i = 0; i < (pen->labels ? 2 : 1); i++) {
        gpointer state = NULL;
        GstMeta *meta;

        while ((meta = gst_buffer_iterate_meta_filtered(buffer, &state,
                                                        GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE)))
            passes[i](pen, (GstVideoRegionOfInterestMeta *)meta);
    }
}

static GstFlowReturn transform_ip(GstBaseTransform *trans, GstBuffer *buffer)
{
    SsOverlay *self = SS_OVERLAY(trans);
    Pen pen = { .text = self->text, .box.edge_alpha = EDGE_ALPHA };

    if (!has_regions(buffer))
        return GST_FLOW_OK;
    GST_OBJECT_LOCK(self);
    pen.style = self->style;
    pen.labels = self->labels;
    pen.box.thickness = (int)self->thickness;
    GST_OBJECT_UNLOCK(self);
    if (pen.box.thickness == 0)
        pen.box.thickness = CLAMP((GST_VIDEO_INFO_HEIGHT(&self->info) + 135) / 270, 2, SS_MOST_THICKNESS);
    if (!gst_video_frame_map(&pen.frame, &self->info, buffer, GST_MAP_READWRITE)) {
        GST_ELEMENT_ERROR(self, STREAM, FAILED, (NULL), ("the picture cannot be mapped for writing"));
        return GST_FLOW_ERROR;
    }
    ss_paint_init(&pen.box.edge, &pen.frame.info, EDGE);
    draw_regions(&pen, buffer);
    gst_video_frame_unmap(&pen.frame);
    return GST_FLOW_OK;
}

static GstFlowReturn copy_into_pooled(SsOverlay *self, GstBuffer *in, GstBuffer **out)
{
    GstBufferPoolAcquireParams params = { .flags = GST_BUFFER_POOL_ACQUIRE_FLAG_DONTWAIT };
    GstVideoFrame from, to;
    gboolean copied = FALSE;
    GstFlowReturn ret = gst_buffer_pool_acquire_buffer(self->pool, out, &params);

    if (ret != GST_FLOW_OK)
        return ret;
    if (gst_video_frame_map(&from, &self->info, in, GST_MAP_READ)) {
        if (gst_video_frame_map(&to, &self->info, *out, GST_MAP_WRITE)) {
            copied = ss_copy_picture(&to, &from);
            gst_video_frame_unmap(&to);
        }
        gst_video_frame_unmap(&from);
    }
    if (copied && gst_buffer_copy_into(*out, in, GST_BUFFER_COPY_METADATA, 0, -1))
        return GST_FLOW_OK;
    gst_clear_buffer(out);
    GST_ELEMENT_ERROR(self, STREAM, FAILED, (NULL), ("the picture cannot be copied"));
    return GST_FLOW_ERROR;
}

static GstFlowReturn prepare_output_buffer(GstBaseTransform *trans, GstBuffer *in, GstBuffer **out)
{
    if (!has_regions(in) || gst_buffer_is_all_memory_writable(in)) {
        *out = in;
        return GST_FLOW_OK;
    }
    return copy_into_pooled(SS_OVERLAY(trans), in, out);
}

/**
 * The memory of a new buffer is only promised; the system finds each page when it is first written (2 ms for
 * 1280x720 BGRx). Not while a picture waits: here, before the first one.
 */
static gboolean warm_up(GstBufferPool *pool)
{
    GstBuffer *buffer[POOLED] = { NULL };
    gboolean ok = TRUE;

    for (int i = 0; i < POOLED && ok; i++) {
        ok = gst_buffer_pool_acquire_buffer(pool, &buffer[i], NULL) == GST_FLOW_OK;
        if (ok)
            gst_buffer_memset(buffer[i], 0, 0, gst_buffer_get_size(buffer[i]));
    }
    for (int i = 0; i < POOLED; i++)
        gst_clear_buffer(&buffer[i]);
    return ok;
}

static void drop_pool(SsOverlay *self)
{
    if (!self->pool)
        return;
    gst_buffer_pool_set_active(self->pool, FALSE);
    gst_object_unref(self->pool);
    self->pool = NULL;
}

/* Our own, not one from downstream: that may be bounded, and then it would block or run dry. */
static gboolean make_pool(SsOverlay *self, GstCaps *caps)
{
    GstStructure *config;

    drop_pool(self);
    self->pool = gst_video_buffer_pool_new();
    config = gst_buffer_pool_get_config(self->pool);
    gst_buffer_pool_config_set_params(config, caps, (guint)GST_VIDEO_INFO_SIZE(&self->info), POOLED, 0);
    return gst_buffer_pool_set_config(self->pool, config) && gst_buffer_pool_set_active(self->pool, TRUE) &&
           warm_up(self->pool);
}

static gboolean set_caps(GstBaseTransform *trans, GstCaps *in, GstCaps *out)
{
    SsOverlay *self = SS_OVERLAY(trans);

    (void)out;
    if (!gst_video_info_from_caps(&self->info, in) || !ss_draw_supports(self->info.finfo))
        return FALSE;
    ss_text_set_size(self->text, CLAMP(GST_VIDEO_INFO_HEIGHT(&self->info) / 45, 11, 96));
    return make_pool(self, in);
}

static gboolean start(GstBaseTransform *trans)
{
    SS_OVERLAY(trans)->text = ss_text_new();
    return TRUE;
}

static gboolean stop(GstBaseTransform *trans)
{
    SsOverlay *self = SS_OVERLAY(trans);

    drop_pool(self);
    ss_text_free(self->text);
    self->text = NULL;
    return TRUE;
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
    SsOverlay *self = SS_OVERLAY(object);

    GST_OBJECT_LOCK(self);
    switch (id) {
    case PROP_STYLE:
        self->style = (SsOverlayStyle)g_value_get_enum(value);
        break;
    case PROP_LABELS:
        self->labels = g_value_get_boolean(value);
        break;
    case PROP_THICKNESS:
        self->thickness = g_value_get_uint(value);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
    GST_OBJECT_UNLOCK(self);
}

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
    SsOverlay *self = SS_OVERLAY(object);

    GST_OBJECT_LOCK(self);
    switch (id) {
    case PROP_STYLE:
        g_value_set_enum(value, (int)self->style);
        break;
    case PROP_LABELS:
        g_value_set_boolean(value, self->labels);
        break;
    case PROP_THICKNESS:
        g_value_set_uint(value, self->thickness);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
    GST_OBJECT_UNLOCK(self);
}

static GType style_type(void)
{
    static const GEnumValue values[] = {
        { STYLE_OUTLINE, "A line along the box", "outline" },
        { STYLE_FILL, "The box filled with its colour, 40 % opaque", "fill" },
        { 0 },
    };
    static gsize type;

    if (g_once_init_enter(&type))
        g_once_init_leave(&type, g_enum_register_static("SsOverlayStyle", values));
    return type;
}

static void ss_overlay_init(SsOverlay *self)
{
    self->labels = TRUE;
    gst_base_transform_set_in_place(GST_BASE_TRANSFORM(self), TRUE);
}

static void ss_overlay_class_init(SsOverlayClass *class)
{
    const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING;
    GObjectClass *object_class = G_OBJECT_CLASS(class);
    GstElementClass *element_class = GST_ELEMENT_CLASS(class);
    GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS(class);
    GType style = style_type();

    GST_DEBUG_CATEGORY_INIT(ss_overlay_debug, "ssoverlay", 0, "Sidestream's boxes and labels");
    object_class->set_property = set_property;
    object_class->get_property = get_property;
    g_object_class_install_property(
        object_class, PROP_STYLE,
        g_param_spec_enum("style", "Style", "How a box is drawn", style, STYLE_OUTLINE, flags));
    g_object_class_install_property(
        object_class, PROP_LABELS,
        g_param_spec_boolean("labels", "Labels", "Tag each box with its name and confidence", TRUE, flags));
    g_object_class_install_property(
        object_class, PROP_THICKNESS,
        g_param_spec_uint("thickness", "Thickness", "Of the outline in pixels (0 = by the picture's height)",
                          0, SS_MOST_THICKNESS, 0, flags));
    gst_element_class_add_static_pad_template(element_class, &sink_template);
    gst_element_class_add_static_pad_template(element_class, &src_template);
    gst_element_class_set_static_metadata(element_class, "Sidestream overlay", "Filter/Effect/Video",
                                          "Draws boxes and labels of the regions of interest on a buffer",
                                          "The Sidestream authors");
    gst_type_mark_as_plugin_api(style, 0);
    trans_class->start = start;
    trans_class->stop = stop;
    trans_class->set_caps = set_caps;
    trans_class->prepare_output_buffer = prepare_output_buffer;
    trans_class->transform_ip = transform_ip;
}
