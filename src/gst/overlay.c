/* SPDX-License-Identifier: Apache-2.0 */
/**
 * SECTION:element-ssoverlay
 *
 * Draws the regions of interest that a buffer carries (GstVideoRegionOfInterestMeta, as
 * ssinfer adds them): a box in the class's colour and a tag with name and confidence. A box that is carried
 * by its velocity alone (state: predicted) is dashed, and fades the longer nobody saw its object.
 *
 * It draws in place, and nobody sees ink in a picture that is being read. Where ssinfer holds the buffer for
 * its network, which has not read it yet, what the lines cover is kept, and the network gets the picture as
 * it was; elements downstream that write pixels, too, then copy it themselves. Where somebody else holds it,
 * the network reads it now, or areas are drawn (`blur`, style=fill), it draws into a copy from a pool of its
 * own, so no frame-sized memory is allocated while the stream runs. A buffer without regions passes
 * untouched.
 *
 * With `blur` the objects of some classes are pixelated: a little more than their boxes, the more the older a
 * box is and the faster its object moves; what vanishes stays hidden where it was, ever further around, for
 * max-age. It fails closed: all of the picture is pixelated where ssinfer's word is missing, where its
 * network loads, failed or has no result yet, where the newest result is older than max-age or comes from
 * before a jump. What was pixelated is told with the buffer (#GstCustomMeta `sidestream-blurred`).
 *
 * With `hud` a few lines in the corner tell how the video and the network do, by what ssinfer tells with each
 * buffer (`sidestream-status`): loading, failed, stalled.
 *
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! ssinfer model=model.onnx ! ssoverlay ! videoconvert ! autovideosink
 * ]|
 */
#include "overlay.h"

#include "blurred.h"
#include "bridge.h"
#include "copy.h"
#include "hud.h"
#include "loan.h"
#include "mosaic.h"
#include "privacy.h"
#include "regions.h"

GST_DEBUG_CATEGORY_STATIC(ss_overlay_debug);
#define GST_CAT_DEFAULT ss_overlay_debug

#define FORMATS "{ NV12, I420, BGRx, RGBx, BGRA, RGBA, BGR, RGB, GRAY8 }"

/* Ready before the first frame: one is drawn, one shown, and after a hiccup some wait. More are made if the
 * elements downstream keep more. */
enum { POOLED = 6 };

typedef enum SsOverlayStyle { STYLE_OUTLINE, STYLE_FILL } SsOverlayStyle;

enum { PROP_STYLE = 1, PROP_LABELS, PROP_THICKNESS, PROP_MIN_CONFIDENCE, PROP_HUD, PROP_BLUR, PROP_MAX_AGE };

/* What a user sets. */
typedef struct Settings {
    SsOverlayStyle style;
    gboolean labels, hud;
    guint thickness, max_age;
    double min_confidence;
    GArray *blur; /* a reference; NULL: nobody */
} Settings;

struct _SsOverlay {
    GstBaseTransform parent;
    /* The stream thread's, between start() and stop(). */
    GstVideoInfo info;
    SsText *text;
    GstBufferPool *pool; /* active, unbounded */
    Settings now;        /* of the frame in progress */
    SsLoan *loan;        /* that is drawn on; NULL: nobody has lent it */
    gint64 time;         /* of the last frame */
    SsHud hud;
    SsPrivacy privacy;
    SsCover cover;
    GPtrArray *classes; /* GStrv, of each network that has told */
    GArray *checked;    /* a reference: its names have been looked for there */
    /* Guarded by the object lock. */
    Settings set;
    char *blur_text;
};

G_DEFINE_TYPE(SsOverlay, ss_overlay, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE(ssoverlay, "ssoverlay", GST_RANK_NONE, SS_TYPE_OVERLAY)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(FORMATS)));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE(
    "src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(GST_VIDEO_CAPS_MAKE(FORMATS)));

static gboolean has_regions(GstBuffer *buffer)
{
    return gst_buffer_get_meta(buffer, GST_VIDEO_REGION_OF_INTEREST_META_API_TYPE) != NULL;
}

/* Whether anything is drawn at all; what is set now holds for this frame to its end. */
static gboolean begin_frame(SsOverlay *self, GstBuffer *buffer)
{
    g_clear_pointer(&self->now.blur, g_array_unref);
    GST_OBJECT_LOCK(self);
    self->now = self->set;
    if (self->now.blur)
        g_array_ref(self->now.blur);
    GST_OBJECT_UNLOCK(self);
    return has_regions(buffer) || self->now.hud || self->now.blur;
}

/* Running time; where the buffer has none, a frame later than the last. */
static void note_time(SsOverlay *self, GstBuffer *buffer)
{
    const gint n = MAX(GST_VIDEO_INFO_FPS_N(&self->info), 1), d = MAX(GST_VIDEO_INFO_FPS_D(&self->info), 1);
    int64_t time;

    if (ss_bridge_running_time(&GST_BASE_TRANSFORM(self)->segment, buffer, &time))
        self->time = time;
    else
        self->time += (gint64)gst_util_uint64_scale(GST_SECOND, (guint64)d, (guint64)n);
}

/* Who is asked to be pixelated and never will be, since the model knows no such class: that must be said. */
static void check_names(SsOverlay *self)
{
    if (self->checked == self->now.blur)
        return;
    g_clear_pointer(&self->checked, g_array_unref);
    self->checked = g_array_ref(self->now.blur);
    const char *unknown = ss_privacy_unknown(self->checked, self->classes);
    if (unknown)
        GST_ELEMENT_WARNING(self, LIBRARY, SETTINGS, ("blur: the model has no class \"%s\"", unknown),
                            (NULL));
}

static void pixelate(SsOverlay *self, GstVideoFrame *frame)
{
    const SsCover *c = &self->cover;
    const int width = GST_VIDEO_FRAME_WIDTH(frame), height = GST_VIDEO_FRAME_HEIGHT(frame);
    const int block = ss_mosaic_block(width, height);

    if (c->all)
        ss_mosaic_draw(frame, ss_mosaic_area((SsRect) { 0, 0, width, height }, block, width, height), block);
    for (guint i = 0; i < c->n; i++)
        ss_mosaic_draw(frame, c->part[i].area, c->part[i].block);
    if (!c->all)
        check_names(self); /* every network runs, and has told its own */
}

/* Who is to be pixelated, and who is not to be drawn. */
static void look_for_privacy(SsOverlay *self, GstBuffer *buffer, SsRegionStyle *style)
{
    const Settings *now = &self->now;
    const SsPrivacyParams params = { .names = now->blur,
                                     .min_confidence = now->min_confidence,
                                     .max_age = (gint64)now->max_age * GST_MSECOND,
                                     .width = GST_VIDEO_INFO_WIDTH(&self->info),
                                     .height = GST_VIDEO_INFO_HEIGHT(&self->info) };
    const char *before = self->cover.all;

    if (!now->blur && now->min_confidence <= 0) {
        ss_privacy_jump(&self->privacy); /* when it is asked for, nothing is known of what was before */
        return;
    }
    ss_privacy_frame(&self->privacy, buffer, self->time, &params, &self->cover);
    style->undrawn = self->cover.undrawn;
    style->n_undrawn = G_N_ELEMENTS(self->cover.undrawn);
    if (self->cover.all != before)
        GST_INFO_OBJECT(self, "all of the picture is pixelated: %s",
                        self->cover.all ? self->cover.all : "no more");
}

static void draw_hud(SsOverlay *self, const SsCanvas *canvas, GstBuffer *buffer)
{
    ss_hud_frame(&self->hud, buffer, self->time, g_get_monotonic_time() * 1000);
    ss_hud_draw(&self->hud, canvas, self->text);
}

/** To write to, also where only we and the loan know that this is allowed. */
static gboolean map_canvas(SsOverlay *self, GstVideoFrame *frame, GstBuffer *buffer)
{
    const guint flags = self->loan ? GST_MAP_READ : GST_MAP_READWRITE;

    if (gst_video_frame_map(frame, &self->info, buffer, (GstMapFlags)flags))
        return TRUE;
    GST_ELEMENT_ERROR(self, STREAM, FAILED, (NULL), ("the picture cannot be mapped for writing"));
    return FALSE;
}

static GstFlowReturn draw_all(SsOverlay *self, GstBuffer *buffer)
{
    const Settings *now = &self->now;
    SsRegionStyle style = { now->style == STYLE_FILL, now->labels, (int)now->thickness, NULL, 0 };
    GstVideoFrame frame;
    const SsCanvas canvas = { &frame, self->loan ? ss_loan_ink(self->loan) : NULL };

    note_time(self, buffer);
    if (!now->hud)
        ss_hud_reset(&self->hud); /* it counts frames as long as it is shown */
    look_for_privacy(self, buffer, &style);
    if (!has_regions(buffer) && !now->hud && !now->blur)
        return GST_FLOW_OK;
    if (!map_canvas(self, &frame, buffer))
        return GST_FLOW_ERROR;
    if (now->blur)
        pixelate(self, &frame);
    ss_regions_draw(&canvas, buffer, self->text, &style);
    if (now->hud)
        draw_hud(self, &canvas, buffer);
    gst_video_frame_unmap(&frame); /* held a reference, and metas are for buffers that nobody else holds */
    if (now->blur)
        ss_blurred_add(buffer, &self->cover);
    return GST_FLOW_OK;
}

static void end_loan(SsOverlay *self)
{
    ss_loan_end_drawing(g_steal_pointer(&self->loan));
}

static GstFlowReturn transform_ip(GstBaseTransform *trans, GstBuffer *buffer)
{
    SsOverlay *self = SS_OVERLAY(trans);
    const GstFlowReturn ret = draw_all(self, buffer);

    end_loan(self);
    return ret;
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

/* Lines and tags; of areas, or of very many, what they cover is soon as much as the picture. */
static gboolean keeps_little(const SsOverlay *self, GstBuffer *buffer)
{
    const Settings *now = &self->now;
    const SsRegionStyle style = { .labels = now->labels, .thickness = (int)now->thickness };
    const int width = GST_VIDEO_INFO_WIDTH(&self->info), height = GST_VIDEO_INFO_HEIGHT(&self->info);

    return !now->blur && now->style == STYLE_OUTLINE &&
           ss_regions_pixels(buffer, &style, height) < (guint64)width * (guint64)height / 4;
}

static GstFlowReturn prepare_output_buffer(GstBaseTransform *trans, GstBuffer *in, GstBuffer **out)
{
    SsOverlay *self = SS_OVERLAY(trans);

    *out = in;
    if (!begin_frame(self, in) || gst_buffer_is_all_memory_writable(in))
        return GST_FLOW_OK;
    if (keeps_little(self, in) && (self->loan = ss_loan_draw(in, &self->info)))
        return GST_FLOW_OK;
    return copy_into_pooled(self, in, out);
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
    ss_hud_reset(&self->hud); /* in letters of another size */
    ss_privacy_jump(&self->privacy);
    return make_pool(self, in);
}

static gboolean sink_event(GstBaseTransform *trans, GstEvent *event)
{
    SsOverlay *self = SS_OVERLAY(trans);
    char **names = NULL;

    if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP || GST_EVENT_TYPE(event) == GST_EVENT_SEGMENT)
        ss_privacy_jump(&self->privacy);
    if (gst_event_has_name(event, "sidestream-labels") &&
        gst_structure_get(gst_event_get_structure(event), "labels", G_TYPE_STRV, &names, NULL))
        g_ptr_array_add(self->classes, names);
    return GST_BASE_TRANSFORM_CLASS(ss_overlay_parent_class)->sink_event(trans, event);
}

static gboolean start(GstBaseTransform *trans)
{
    SsOverlay *self = SS_OVERLAY(trans);

    self->text = ss_text_new();
    self->classes = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    self->time = 0;
    ss_privacy_jump(&self->privacy);
    return TRUE;
}

static gboolean stop(GstBaseTransform *trans)
{
    SsOverlay *self = SS_OVERLAY(trans);

    drop_pool(self);
    ss_hud_reset(&self->hud);
    g_clear_pointer(&self->now.blur, g_array_unref);
    g_clear_pointer(&self->checked, g_array_unref);
    g_clear_pointer(&self->classes, g_ptr_array_unref);
    ss_text_free(self->text);
    self->text = NULL;
    return TRUE;
}

/* The object's lock is held. */
static void set_blur(SsOverlay *self, const char *text)
{
    g_clear_pointer(&self->set.blur, g_array_unref);
    g_free(self->blur_text);
    self->blur_text = g_strdup(text);
    self->set.blur = ss_privacy_names(text);
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
    SsOverlay *self = SS_OVERLAY(object);

    GST_OBJECT_LOCK(self);
    switch (id) {
    case PROP_STYLE:
        self->set.style = (SsOverlayStyle)g_value_get_enum(value);
        break;
    case PROP_LABELS:
        self->set.labels = g_value_get_boolean(value);
        break;
    case PROP_THICKNESS:
        self->set.thickness = g_value_get_uint(value);
        break;
    case PROP_MIN_CONFIDENCE:
        self->set.min_confidence = g_value_get_double(value);
        break;
    case PROP_HUD:
        self->set.hud = g_value_get_boolean(value);
        break;
    case PROP_BLUR:
        set_blur(self, g_value_get_string(value));
        break;
    case PROP_MAX_AGE:
        self->set.max_age = g_value_get_uint(value);
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
        g_value_set_enum(value, (int)self->set.style);
        break;
    case PROP_LABELS:
        g_value_set_boolean(value, self->set.labels);
        break;
    case PROP_THICKNESS:
        g_value_set_uint(value, self->set.thickness);
        break;
    case PROP_MIN_CONFIDENCE:
        g_value_set_double(value, self->set.min_confidence);
        break;
    case PROP_HUD:
        g_value_set_boolean(value, self->set.hud);
        break;
    case PROP_BLUR:
        g_value_set_string(value, self->blur_text);
        break;
    case PROP_MAX_AGE:
        g_value_set_uint(value, self->set.max_age);
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

static void finalize(GObject *object)
{
    set_blur(SS_OVERLAY(object), NULL);
    G_OBJECT_CLASS(ss_overlay_parent_class)->finalize(object);
}

static void ss_overlay_init(SsOverlay *self)
{
    self->set.labels = TRUE;
    self->set.max_age = 1000;
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
    ss_status_register();
    ss_blurred_register();
    object_class->finalize = finalize;
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
    g_object_class_install_property(
        object_class, PROP_MIN_CONFIDENCE,
        g_param_spec_double("min-confidence", "Least confidence",
                            "Who never had as much is not drawn, but pixelated all the same", 0, 1, 0,
                            flags));
    g_object_class_install_property(
        object_class, PROP_BLUR,
        g_param_spec_string(
            "blur", "Blur",
            "Objects of these classes are pixelated: \"person,face\", or \"all\" (NULL = none). "
            "All of the picture is while the network has no word on it, or an old one",
            NULL, flags));
    g_object_class_install_property(
        object_class, PROP_MAX_AGE,
        g_param_spec_uint("max-age", "Maximum age",
                          "blur: the network may be silent for so many milliseconds, and who vanishes is "
                          "remembered for so long",
                          1, 3600000, 1000, flags));
    g_object_class_install_property(
        object_class, PROP_HUD,
        g_param_spec_boolean("hud", "Head-up display",
                             "Frames a second, the network, the age of the boxes and what is wrong, as text",
                             FALSE, flags));
    gst_element_class_add_static_pad_template(element_class, &sink_template);
    gst_element_class_add_static_pad_template(element_class, &src_template);
    gst_element_class_set_static_metadata(element_class, "Sidestream overlay", "Filter/Effect/Video",
                                          "Draws boxes and labels of the regions of interest on a buffer",
                                          "The Sidestream authors");
    gst_type_mark_as_plugin_api(style, 0);
    trans_class->start = start;
    trans_class->stop = stop;
    trans_class->set_caps = set_caps;
    trans_class->sink_event = sink_event;
    trans_class->prepare_output_buffer = prepare_output_buffer;
    trans_class->transform_ip = transform_ip;
}
