/* SPDX-License-Identifier: Apache-2.0 */
#include "bridge.h"

#include <math.h>
#include <string.h>

#include "cudamemory.h"
#include "nvmm.h"
#include "quarks.h"

#define GST_CAT_DEFAULT ss_infer_debug

/* --- messages --- */

static void write_message(void *cookie, SsLogLevel level, const char *msg)
{
    static const GstDebugLevel levels[] = {
        [SS_LOG_ERROR] = GST_LEVEL_ERROR, [SS_LOG_WARN] = GST_LEVEL_WARNING, [SS_LOG_INFO] = GST_LEVEL_INFO,
        [SS_LOG_DEBUG] = GST_LEVEL_DEBUG, [SS_LOG_TRACE] = GST_LEVEL_TRACE,
    };
    SsGstLog *log = cookie;

    GST_CAT_LEVEL_LOG(ss_infer_debug, levels[level], NULL, "%s", msg);
    if (level != SS_LOG_ERROR)
        return;
    g_mutex_lock(&log->lock);
    g_strlcpy(log->last_error, msg, sizeof log->last_error);
    g_mutex_unlock(&log->lock);
}

void ss_gst_log_init(SsGstLog *log)
{
    g_mutex_init(&log->lock);
    log->last_error[0] = '\0';
}

void ss_gst_log_clear(SsGstLog *log)
{
    g_mutex_clear(&log->lock);
}

/** What nobody asked to see need not be formatted. */
static SsLogLevel wanted_level(void)
{
    const GstDebugLevel level = gst_debug_category_get_threshold(ss_infer_debug);

    if (level >= GST_LEVEL_TRACE)
        return SS_LOG_TRACE;
    if (level >= GST_LEVEL_DEBUG)
        return SS_LOG_DEBUG;
    return level >= GST_LEVEL_INFO ? SS_LOG_INFO : SS_LOG_WARN;
}

SsLogger ss_gst_log_logger(SsGstLog *log)
{
    return (SsLogger) { .level = wanted_level(), .write = write_message, .cookie = log };
}

static void write_aside(void *cookie, SsLogLevel level, const char *msg)
{
    (void)cookie, (void)level;
    GST_INFO("%s", msg);
}

const SsLogger ss_gst_log_aside = { .level = SS_LOG_ERROR, .write = write_aside };

void ss_gst_log_set_error(SsGstLog *log, int err, GError **error)
{
    g_autofree char *text = NULL;

    g_mutex_lock(&log->lock);
    text = g_strdup(*log->last_error ? log->last_error : g_strerror(-err));
    g_mutex_unlock(&log->lock);

    if (err == -ENOENT)
        g_set_error_literal(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, text);
    else if (err == -ENOMEM || err == -EAGAIN)
        g_set_error_literal(error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT, text);
    else
        g_set_error_literal(error, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, text);
}

/* --- pictures --- */

GstPadTemplate *ss_bridge_pad_template(const char *name, GstPadDirection direction)
{
    g_autoptr(GstCaps) caps = gst_caps_from_string(GST_VIDEO_CAPS_MAKE(SS_VIDEO_FORMATS));

    if (ss_memory_supported(SS_MEMORY_CUDA))
        gst_caps_append(caps, gst_caps_from_string(
                                  GST_VIDEO_CAPS_MAKE_WITH_FEATURES(SS_CAPS_FEATURE_CUDA, SS_VIDEO_FORMATS)));
    if (ss_nvmm_supported())
        gst_caps_append(caps, gst_caps_from_string(
                                  GST_VIDEO_CAPS_MAKE_WITH_FEATURES(SS_CAPS_FEATURE_NVMM, SS_VIDEO_FORMATS)));
    return gst_pad_template_new(name, direction, GST_PAD_ALWAYS, caps);
}

static gboolean pixel_format(GstVideoFormat format, SsPixelFormat *out)
{
    switch (format) {
    case GST_VIDEO_FORMAT_NV12:
        *out = SS_PIXEL_NV12;
        return TRUE;
    case GST_VIDEO_FORMAT_I420:
        *out = SS_PIXEL_I420;
        return TRUE;
    case GST_VIDEO_FORMAT_RGB:
        *out = SS_PIXEL_RGB;
        return TRUE;
    case GST_VIDEO_FORMAT_BGR:
        *out = SS_PIXEL_BGR;
        return TRUE;
    case GST_VIDEO_FORMAT_RGBx:
    case GST_VIDEO_FORMAT_RGBA:
        *out = SS_PIXEL_RGBX;
        return TRUE;
    case GST_VIDEO_FORMAT_BGRx:
    case GST_VIDEO_FORMAT_BGRA:
        *out = SS_PIXEL_BGRX;
        return TRUE;
    case GST_VIDEO_FORMAT_GRAY8:
        *out = SS_PIXEL_GRAY8;
        return TRUE;
    default:
        return FALSE;
    }
}

/** BT.2020's matrix is nearer to BT.709's; everything else that is unknown counts as BT.601. */
static SsColour colour(const GstVideoColorimetry *c)
{
    const gboolean full = c->range == GST_VIDEO_COLOR_RANGE_0_255;

    if (c->matrix == GST_VIDEO_COLOR_MATRIX_BT709 || c->matrix == GST_VIDEO_COLOR_MATRIX_BT2020)
        return full ? SS_COLOUR_BT709_FULL : SS_COLOUR_BT709_LIMITED;
    return full ? SS_COLOUR_BT601_FULL : SS_COLOUR_BT601_LIMITED;
}

gboolean ss_bridge_video_info(GstVideoInfo *info, const GstCaps *caps)
{
    if (!gst_video_info_from_caps(info, caps))
        return FALSE;
    if (gst_caps_features_contains(gst_caps_get_features(caps, 0), SS_CAPS_FEATURE_NVMM))
        info->flags |= SS_VIDEO_FLAG_NVMM;
    return TRUE;
}

static gboolean is_nvmm(const GstVideoInfo *info)
{
    return (info->flags & SS_VIDEO_FLAG_NVMM) != 0;
}

void ss_bridge_set_planes(SsFrameDesc *desc, const GstVideoFrame *picture)
{
    for (guint i = 0; i < GST_VIDEO_FRAME_N_PLANES(picture); i++) {
        desc->plane[i] = GST_VIDEO_FRAME_PLANE_DATA(picture, i);
        desc->stride[i] = GST_VIDEO_FRAME_PLANE_STRIDE(picture, i);
    }
}

gboolean ss_bridge_map(GstVideoFrame *picture, GstBuffer *buffer, const GstVideoInfo *info, int64_t pts,
                       guint flags, SsFrameDesc *desc)
{
    *desc = (SsFrameDesc) { .width = GST_VIDEO_INFO_WIDTH(info),
                            .height = GST_VIDEO_INFO_HEIGHT(info),
                            .colour = colour(&GST_VIDEO_INFO_COLORIMETRY(info)),
                            .pts = pts };
    const gboolean nvmm = is_nvmm(info), cuda = !nvmm && ss_cuda_memory_has(buffer);

    if (nvmm || cuda)
        desc->memory = SS_MEMORY_CUDA;
    if (cuda) {
        ss_cuda_memory_settle(buffer);
        flags |= SS_MAP_CUDA;
    }
    if (!pixel_format(GST_VIDEO_INFO_FORMAT(info), &desc->format) ||
        !(nvmm ? ss_nvmm_map(picture, buffer, info, flags)
               : gst_video_frame_map(picture, info, buffer, (GstMapFlags)(GST_MAP_READ | flags))))
        return FALSE;
    ss_bridge_set_planes(desc, picture);
    return TRUE;
}

gboolean ss_bridge_fetch(GstVideoFrame *here, const GstVideoFrame *picture)
{
    return is_nvmm(&picture->info) ? ss_nvmm_fetch(here, picture)
                                   : gst_video_frame_map(here, &picture->info, picture->buffer, GST_MAP_READ);
}

gboolean ss_bridge_see(SsStream *stream, GstBuffer *buffer, const GstVideoInfo *info, int64_t pts)
{
    SsFrameDesc desc;
    GstVideoFrame picture;

    /* Without a reference of its own, or the buffer would be nobody's to write to meanwhile. */
    if (!ss_bridge_map(&picture, buffer, info, pts, GST_VIDEO_FRAME_MAP_FLAG_NO_REF, &desc))
        return FALSE;
    ss_stream_see(stream, &desc);
    gst_video_frame_unmap(&picture);
    return TRUE;
}

void ss_bridge_ask_for_buffers(GstQuery *query, guint more)
{
    const guint n = gst_query_get_n_allocation_pools(query);
    GstCaps *caps;
    GstVideoInfo info;

    for (guint i = 0; i < n; i++) {
        GstBufferPool *pool;
        guint size, min, max;
        gst_query_parse_nth_allocation_pool(query, i, &pool, &size, &min, &max);
        gst_query_set_nth_allocation_pool(query, i, pool, size, min + more, max == 0 ? 0 : max + more);
        if (pool)
            gst_object_unref(pool);
    }
    gst_query_parse_allocation(query, &caps, NULL);
    if (n == 0 && caps && gst_video_info_from_caps(&info, caps))
        gst_query_add_allocation_pool(query, NULL, (guint)GST_VIDEO_INFO_SIZE(&info), more, 0);
}

/* --- objects --- */

void ss_naming_init(SsNaming *naming, const SsLabels *labels)
{
    *naming = (SsNaming) { .labels = labels };
}

static GQuark name_of(SsNaming *naming, int class_id)
{
    const guint at = (guint)class_id % G_N_ELEMENTS(naming->known);
    const char *label;
    char number[32];

    if (naming->known[at].name != 0 && naming->known[at].class_id == class_id)
        return naming->known[at].name;
    label = ss_labels_name(naming->labels, class_id);
    if (!label) {
        g_snprintf(number, sizeof number, "class %d", class_id);
        label = number;
    }
    naming->known[at].class_id = class_id;
    naming->known[at].name = g_quark_from_string(label);
    return naming->known[at].name;
}

static gboolean add_object(GstBuffer *buffer, const GstVideoInfo *info, int64_t pts, const SsObject *o,
                           GQuark name)
{
    const SsQuarks *q = ss_quarks();
    const double width = GST_VIDEO_INFO_WIDTH(info), height = GST_VIDEO_INFO_HEIGHT(info);
    const double x_min = CLAMP(o->box.x, 0, width), x_max = CLAMP((double)o->box.x + o->box.w, 0, width);
    const double y_min = CLAMP(o->box.y, 0, height), y_max = CLAMP((double)o->box.y + o->box.h, 0, height);

    if (!(x_max > x_min && y_max > y_min)) /* outside of the picture, or not a number */
        return FALSE;

    const guint x = (guint)x_min, y = (guint)y_min;
    GstVideoRegionOfInterestMeta *meta = gst_buffer_add_video_region_of_interest_meta_id(
        buffer, name, x, y, (guint)ceil(x_max) - x, (guint)ceil(y_max) - y);
    meta->id = (int)o->id;
    gst_video_region_of_interest_meta_add_param(
        meta, gst_structure_new_id(q->detection, q->label_id, G_TYPE_INT, o->class_id, q->confidence,
                                   G_TYPE_DOUBLE, (double)o->score, q->x_min, G_TYPE_DOUBLE, x_min / width,
                                   q->x_max, G_TYPE_DOUBLE, x_max / width, q->y_min, G_TYPE_DOUBLE,
                                   y_min / height, q->y_max, G_TYPE_DOUBLE, y_max / height, q->label,
                                   G_TYPE_STRING, g_quark_to_string(name), NULL));
    gst_video_region_of_interest_meta_add_param(
        meta, gst_structure_new_id(q->sidestream, q->source_pts, G_TYPE_UINT64, (guint64)o->source_pts,
                                   q->age, G_TYPE_UINT64, (guint64)MAX(pts - o->source_pts, 0), q->state,
                                   G_TYPE_STRING, ss_object_state_name(o->state), NULL));
    return TRUE;
}

guint ss_bridge_add_objects(GstBuffer *buffer, const GstVideoInfo *info, int64_t pts, const SsObject *objects,
                            int n, SsNaming *naming)
{
    guint added = 0;

    for (int i = 0; i < n; i++)
        added += add_object(buffer, info, pts, &objects[i], name_of(naming, objects[i].class_id)) ? 1 : 0;
    return added;
}

GstClockTime ss_bridge_period(const GstVideoInfo *info)
{
    const gint n = GST_VIDEO_INFO_FPS_N(info), d = GST_VIDEO_INFO_FPS_D(info);

    return n > 0 ? gst_util_uint64_scale(GST_SECOND, (guint64)d, (guint64)n) : 0;
}

GstClockTime ss_bridge_duration(GstBuffer *buffer, const GstVideoInfo *info)
{
    return GST_BUFFER_DURATION_IS_VALID(buffer) ? GST_BUFFER_DURATION(buffer) : ss_bridge_period(info);
}

gboolean ss_bridge_running_time(const GstSegment *segment, GstBuffer *buffer, int64_t *time)
{
    guint64 magnitude = GST_BUFFER_PTS(buffer);
    int sign = 1;

    if (!GST_BUFFER_PTS_IS_VALID(buffer))
        return FALSE;
    if (segment->format == GST_FORMAT_TIME)
        sign = gst_segment_to_running_time_full(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer), &magnitude);
    *time = sign * (int64_t)magnitude;
    return sign != 0;
}
