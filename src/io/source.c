/* SPDX-License-Identifier: Apache-2.0 */
#include "source.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

#include "exit.h"
#include "gst/pool.h"
#include "output.h"

#define FORMATS "{NV12,I420,BGRx,RGBx,BGRA,RGBA,BGR,RGB,GRAY8}"
#define END     "sidestream-end"
enum { DECODED_AHEAD = 8, SPARES = SS_WAITING_FRAMES + 1 }; /* frames */

/* --- SOURCE?key=value&key=value --- */

typedef struct Param {
    const char *key;
    int min, max; /* both 0: a word */
} Param;

static const Param video_params[] = {
    { "width", 1, 16384 }, { "height", 1, 16384 }, { "fps", 1, 1000 }, { "format", 0, 0 }, { NULL, 0, 0 }
};
static const Param csi_params[] = { { "width", 1, 16384 }, { "height", 1, 16384 }, { "fps", 1, 1000 },
                                    { "wbmode", 0, 9 },    { "flip", 0, 7 },       { NULL, 0, 0 } };

/* Words go into a pipeline description: nothing but letters, digits and "-_." may pass. */
static bool plain_word(const char *s)
{
    return *s && strspn(s, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "-_.") == strlen(s);
}

static bool check_param(const char *spec, const Param *known, const char *key, const char *value,
                        GError **error)
{
    for (; known->key; known++) {
        if (strcmp(known->key, key) != 0)
            continue;
        if (known->min == 0 && known->max == 0) {
            if (plain_word(value))
                return true;
            g_set_error(error, SS_ERROR, SS_EXIT_USAGE, "%s: %s must be a word, not \"%s\"", spec, key,
                        value);
            return false;
        }
        gint64 number;
        if (g_ascii_string_to_signed(value, 10, known->min, known->max, &number, NULL))
            return true;
        g_set_error(error, SS_ERROR, SS_EXIT_USAGE, "%s: %s must be a whole number from %d to %d, not \"%s\"",
                    spec, key, known->min, known->max, value);
        return false;
    }
    return false;
}

/* The part behind '?' as a table; the part before it in `base`. */
static GHashTable *parse_params(const char *spec, const Param *known, char **base, GError **error)
{
    const char *mark = strchr(spec, '?');
    g_autoptr(GHashTable) table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    *base = mark ? g_strndup(spec, mark - spec) : g_strdup(spec);
    g_auto(GStrv) pairs = g_strsplit(mark ? mark + 1 : "", "&", -1);
    for (char **pair = pairs; *pair; pair++) {
        g_auto(GStrv) kv = g_strsplit(*pair, "=", 2);
        g_autoptr(GError) wrong = NULL;
        if (!kv[0] || !kv[1] || !check_param(spec, known, kv[0], kv[1], &wrong)) {
            if (wrong) {
                g_propagate_error(error, g_steal_pointer(&wrong));
            } else {
                g_autoptr(GString) keys = g_string_new(NULL);
                for (const Param *p = known; p->key; p++)
                    g_string_append_printf(keys, "%s%s", keys->len ? ", " : "", p->key);
                g_set_error(error, SS_ERROR, SS_EXIT_USAGE,
                            "%s: \"%s\" is not a parameter here; there are %s", spec, *pair, keys->str);
            }
            g_clear_pointer(base, g_free);
            return NULL;
        }
        g_hash_table_insert(table, g_strdup(kv[0]), g_strdup(kv[1]));
    }
    return g_steal_pointer(&table);
}

static void append_caps(GString *text, const char *media, GHashTable *params, const char *format)
{
    const char *width = g_hash_table_lookup(params, "width");
    const char *height = g_hash_table_lookup(params, "height");
    const char *fps = g_hash_table_lookup(params, "fps");
    if (!width && !height && !fps && !format)
        return;
    g_string_append_printf(text, " ! %s", media);
    if (format)
        g_string_append_printf(text, ",format=%s", format);
    if (width)
        g_string_append_printf(text, ",width=%s", width);
    if (height)
        g_string_append_printf(text, ",height=%s", height);
    if (fps)
        g_string_append_printf(text, ",framerate=%s/1", fps);
}

static char *quoted(const char *text)
{
    GString *out = g_string_new("\"");
    for (const char *p = text; *p; p++) {
        if (*p == '"' || *p == '\\')
            g_string_append_c(out, '\\');
        g_string_append_c(out, *p);
    }
    g_string_append_c(out, '"');
    return g_string_free(out, FALSE);
}

/* --- one function a kind --- */

static char *file_text(const char *spec, bool (*exists)(const char *), GError **error)
{
    (void)exists;
    GStatBuf st;
    if (g_stat(spec, &st) < 0) {
        g_set_error(error, SS_ERROR, SS_EXIT_SOURCE,
                    "%s: no such file; a SOURCE is a video file, /dev/video0, csi://0, rtsp://..., "
                    "test://ball or \"gst: ...\"",
                    spec);
        return NULL;
    }
    /* To open a pipe waits for whoever writes into it, and nothing could end the program meanwhile. */
    const char *wrong = S_ISDIR(st.st_mode)                      ? "is a folder"
                        : S_ISFIFO(st.st_mode)                   ? "is a named pipe"
                        : S_ISREG(st.st_mode) && st.st_size == 0 ? "the file is empty"
                        : g_access(spec, R_OK) < 0               ? "may not be read by you"
                                                                 : NULL;
    if (wrong) {
        g_set_error(error, SS_ERROR, SS_EXIT_SOURCE, "%s: %s; give a video file", spec, wrong);
        return NULL;
    }
    g_autofree char *location = quoted(spec);
    return g_strdup_printf("filesrc location=%s ! decodebin", location);
}

static char *v4l2_text(const char *spec, bool (*exists)(const char *), GError **error)
{
    g_autofree char *device = NULL;
    g_autoptr(GHashTable) params = parse_params(spec, video_params, &device, error);
    if (!params)
        return NULL;
    if (!exists("v4l2src")) {
        g_set_error(error, SS_ERROR, SS_EXIT_SOURCE,
                    "could not open camera %s: GStreamer's v4l2src is missing (apt install "
                    "gstreamer1.0-plugins-good)",
                    device);
        return NULL;
    }
    if (!g_file_test(device, G_FILE_TEST_EXISTS)) {
        g_set_error(error, SS_ERROR, SS_EXIT_SOURCE,
                    "could not open camera %s: no such device; is it plugged in? (ls /dev/video*)", device);
        return NULL;
    }
    const char *format = g_hash_table_lookup(params, "format");
    bool jpeg =
        format && (g_ascii_strcasecmp(format, "MJPG") == 0 || g_ascii_strcasecmp(format, "MJPEG") == 0);
    g_autofree char *location = quoted(device);
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "v4l2src device=%s", location);
    append_caps(text, jpeg ? "image/jpeg" : "video/x-raw", params, jpeg ? NULL : format);
    g_string_append(text, " ! decodebin");
    return g_string_free(text, FALSE);
}

/* nvvidconv numbers its ways of turning a picture so; videoflip has other numbers. */
static const char *const flips[] = { "none",          "counterclockwise",   "rotate-180",
                                     "clockwise",     "horizontal-flip",    "upper-right-diagonal",
                                     "vertical-flip", "upper-left-diagonal" };

static char *argus_text(const char *sensor, GHashTable *params)
{
    const char *wbmode = g_hash_table_lookup(params, "wbmode");
    const char *flip = g_hash_table_lookup(params, "flip");
    GString *text = g_string_new("nvarguscamerasrc");
    g_string_append_printf(text, " sensor-id=%s", sensor);
    if (wbmode)
        g_string_append_printf(text, " wbmode=%s", wbmode);
    append_caps(text, "video/x-raw(memory:NVMM)", params, NULL);
    g_string_append(text, " ! nvvidconv");
    if (flip)
        g_string_append_printf(text, " flip-method=%s", flip);
    g_string_append(text, " ! video/x-raw,format=NV12");
    return g_string_free(text, FALSE);
}

static char *csi_text(const char *spec, bool (*exists)(const char *), GError **error)
{
    g_autofree char *base = NULL;
    g_autoptr(GHashTable) params = parse_params(spec, csi_params, &base, error);
    if (!params)
        return NULL;
    const char *sensor = base + strlen("csi://");
    if (!*sensor)
        sensor = "0";
    guint64 number;
    if (!g_ascii_string_to_unsigned(sensor, 10, 0, 63, &number, NULL)) {
        g_set_error(error, SS_ERROR, SS_EXIT_USAGE,
                    "%s: the camera's number is a whole number from 0 to 63, as in csi://0", spec);
        return NULL;
    }
    if (exists("nvarguscamerasrc"))
        return argus_text(sensor, params);
    if (!exists("libcamerasrc") || number != 0) {
        g_set_error(
            error, SS_ERROR, SS_EXIT_SOURCE, "could not open camera %s: %s", base,
            number != 0 && exists("libcamerasrc")
                ? "libcamera's cameras have names, not numbers; use \"gst: libcamerasrc camera-name=...\""
                : "GStreamer has neither nvarguscamerasrc (NVIDIA Jetson) nor libcamerasrc "
                  "(apt install gstreamer1.0-libcamera) here");
        return NULL;
    }
    GString *text = g_string_new("libcamerasrc");
    append_caps(text, "video/x-raw", params, NULL);
    const char *flip = g_hash_table_lookup(params, "flip");
    if (flip)
        g_string_append_printf(text, " ! videoconvert ! videoflip method=%s", flips[atoi(flip)]);
    return g_string_free(text, FALSE);
}

static char *network_text(const char *spec, bool (*exists)(const char *), GError **error)
{
    g_autofree char *shown = ss_mask_credentials(spec);
    bool rtsp = g_ascii_strncasecmp(spec, "rtsp", 4) == 0;
    const char *element = rtsp ? "rtspsrc" : "souphttpsrc";
    if (!exists(element)) {
        g_set_error(error, SS_ERROR, SS_EXIT_SOURCE,
                    "could not open %s: GStreamer's %s is missing (apt install gstreamer1.0-plugins-good)",
                    shown, element);
        return NULL;
    }
    g_autofree char *location = quoted(spec);
    if (rtsp)
        return g_strdup_printf("rtspsrc location=%s latency=100 drop-on-latency=true ! decodebin", location);
    return g_strdup_printf("souphttpsrc location=%s ! decodebin", location);
}

static char *test_text(const char *spec, bool (*exists)(const char *), GError **error)
{
    (void)exists;
    g_autofree char *base = NULL;
    g_autoptr(GHashTable) params = parse_params(spec, video_params, &base, error);
    if (!params)
        return NULL;
    const char *pattern = base + strlen("test://");
    if (!plain_word(pattern)) {
        g_set_error(error, SS_ERROR, SS_EXIT_USAGE, "%s: name a pattern of videotestsrc, as in test://ball",
                    spec);
        return NULL;
    }
    static const char *const defaults[][2] = { { "width", "640" }, { "height", "480" }, { "fps", "30" } };
    for (gsize i = 0; i < G_N_ELEMENTS(defaults); i++)
        if (!g_hash_table_contains(params, defaults[i][0]))
            g_hash_table_insert(params, g_strdup(defaults[i][0]), g_strdup(defaults[i][1]));
    const char *format = g_hash_table_lookup(params, "format");
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "videotestsrc is-live=true pattern=%s", pattern);
    append_caps(text, "video/x-raw", params, format ? format : "I420");
    return g_string_free(text, FALSE);
}

static char *gst_text(const char *spec, bool (*exists)(const char *), GError **error)
{
    (void)exists;
    g_autofree char *text = g_strstrip(g_strdup(spec + strlen("gst:")));
    if (!*text) {
        g_set_error(error, SS_ERROR, SS_EXIT_USAGE,
                    "gst: needs a pipeline description, as in \"gst: videotestsrc is-live=true\"");
        return NULL;
    }
    return g_steal_pointer(&text);
}

/* --- the table --- */

static const struct Kind {
    const char *prefix; /* NULL: whatever nothing else claims */
    const char *noun, *hint;
    char *(*text)(const char *spec, bool (*exists)(const char *), GError **error);
} kinds[] = {
    [SS_SOURCE_FILE] = { NULL, "file", "is it a video? (gst-discoverer-1.0 FILE)", file_text },
    [SS_SOURCE_V4L2] = { "/dev/video", "camera", "does another program use it? (fuser /dev/video*)",
                         v4l2_text },
    [SS_SOURCE_CSI] = { "csi://", "camera", "is the ribbon cable seated, does another program use it?",
                        csi_text },
    [SS_SOURCE_NETWORK] = { NULL, "stream", "is the address right, the camera reachable?", network_text },
    [SS_SOURCE_TEST] = { "test://", "test picture", "gst-inspect-1.0 videotestsrc lists the patterns",
                         test_text },
    [SS_SOURCE_GST] = { "gst:", "pipeline", "try the description with gst-launch-1.0", gst_text },
};

SsSourceKind ss_source_kind(const char *spec)
{
    static const char *const network[] = { "rtsp://", "rtsps://", "http://", "https://" };
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (kinds[i].prefix && g_str_has_prefix(spec, kinds[i].prefix))
            return (SsSourceKind)i;
    for (gsize i = 0; i < G_N_ELEMENTS(network); i++)
        if (g_ascii_strncasecmp(spec, network[i], strlen(network[i])) == 0)
            return SS_SOURCE_NETWORK;
    return SS_SOURCE_FILE;
}

const char *ss_source_noun(SsSourceKind kind)
{
    return kinds[kind].noun;
}

const char *ss_source_hint(SsSourceKind kind)
{
    return kinds[kind].hint;
}

char *ss_source_text(const char *spec, bool (*exists)(const char *element), GError **error)
{
    return kinds[ss_source_kind(spec)].text(spec, exists, error);
}

bool ss_element_exists(const char *factory)
{
    g_autoptr(GstElementFactory) found = gst_element_factory_find(factory);
    return found != NULL;
}

char *ss_mask_credentials(const char *text)
{
    static const char *const patterns[][2] = {
        { "://[^/\\s\"']*@", "://***@" },
        { "\\b(user-id|user-pw|proxy-id|proxy-pw|password|passwd|token|access_token|api_key)=(\"[^\"]*\"|[^"
          "\\s&\"]+)",
          "\\1=***" },
    };
    char *masked = g_strdup(text);
    for (gsize i = 0; i < G_N_ELEMENTS(patterns); i++) {
        g_autoptr(GRegex) regex = g_regex_new(patterns[i][0], G_REGEX_CASELESS | G_REGEX_RAW, 0, NULL);
        char *next = g_regex_replace(regex, masked, -1, 0, patterns[i][1], 0, NULL);
        g_free(masked);
        masked = next;
    }
    return masked;
}

/* --- the bin --- */

/* Parses `text` and brings it into a format that ssinfer takes, unchanged where it is one already. */
static GstElement *decoder_bin(const char *spec, const char *text, GError **error)
{
    g_autofree char *whole = g_strdup_printf(
        "%s ! videoconvert ! capsfilter name=" END " caps=\"video/x-raw,format=%s\"", text, FORMATS);
    g_autoptr(GError) wrong = NULL;
    /* No pads are made by the parser: a pad that waits for decodebin looks unlinked to it. */
    GstElement *bin =
        gst_parse_bin_from_description_full(whole, FALSE, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &wrong);
    if (!bin) {
        const SsSourceKind kind = ss_source_kind(spec);
        g_autofree char *shown = ss_mask_credentials(spec);
        g_autofree char *why = ss_mask_credentials(wrong->message);
        g_set_error(error, SS_ERROR, SS_EXIT_SOURCE, "could not open %s \"%s\": %s; %s", ss_source_noun(kind),
                    shown, why, ss_source_hint(kind));
        return NULL;
    }
    g_autoptr(GstElement) end = gst_bin_get_by_name(GST_BIN(bin), END);
    g_autoptr(GstPad) pad = gst_element_get_static_pad(end, "src");
    gst_element_add_pad(bin, gst_ghost_pad_new("src", pad));
    gst_object_set_name(GST_OBJECT(bin), "decoder");
    return bin;
}

/* The first pictures, kept for a moment. */
typedef struct Spares {
    GstBuffer *kept[SPARES];
    int n, passed;
} Spares;

static void free_spares(gpointer data)
{
    Spares *s = data;
    while (s->n > 0)
        gst_buffer_unref(s->kept[--s->n]);
    g_free(s);
}

/* A decoder's pool grows whenever a hiccup fills the queues behind it: that takes time just then, and memory
 * for good. libav's asks nobody how many pictures may be needed. So it has to make some more at the start. */
static GstPadProbeReturn keep_spares(GstPad *pad, GstPadProbeInfo *info, gpointer data)
{
    (void)pad;
    Spares *s = data;
    GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER(info);
    if (ss_pool_is_bounded(buffer->pool)) /* it would run dry */
        return GST_PAD_PROBE_REMOVE;
    if (s->n < SPARES)
        s->kept[s->n++] = gst_buffer_ref(buffer);
    else if (++s->passed > 2 * DECODED_AHEAD)
        return GST_PAD_PROBE_REMOVE;
    return GST_PAD_PROBE_OK;
}

GstElement *ss_source_new(const char *spec, const SsPaceParams *params, GError **error)
{
    g_autofree char *text = ss_source_text(spec, ss_element_exists, error);
    if (!text)
        return NULL;
    GstElement *decoder = decoder_bin(spec, text, error);
    if (!decoder)
        return NULL;
    GstElement *queue = gst_element_factory_make("queue", "ahead");
    GstElement *pace = ss_pace_new(params);
    gst_object_set_name(GST_OBJECT(pace), "pace");
    GstElement *bin = gst_bin_new("source");
    g_object_set(queue, "max-size-buffers", DECODED_AHEAD, "max-size-bytes", 0, "max-size-time", (guint64)0,
                 NULL);
    gst_bin_add_many(GST_BIN(bin), decoder, queue, pace, NULL);
    gst_element_link_many(decoder, queue, pace, NULL);
    g_autoptr(GstPad) decoded = gst_element_get_static_pad(decoder, "src");
    g_autoptr(GstPad) paced = gst_element_get_static_pad(pace, "src");
    if (ss_source_kind(spec) == SS_SOURCE_FILE)
        gst_pad_add_probe(decoded, GST_PAD_PROBE_TYPE_BUFFER, keep_spares, g_new0(Spares, 1), free_spares);
    if (params->loop)
        ss_pace_loop(pace, decoded);
    gst_element_add_pad(bin, gst_ghost_pad_new("src", paced));
    return bin;
}

/* An AVI file says its size in its first bytes; when it is cut, GStreamer plays what is there as if it were
 * all. */
static bool riff_cut_short(const char *path)
{
    guint8 head[8];
    GStatBuf st;
    FILE *file = g_fopen(path, "rbe");
    if (!file)
        return false;
    bool riff = fread(head, 1, sizeof head, file) == sizeof head && memcmp(head, "RIFF", 4) == 0;
    fclose(file);
    return riff && g_stat(path, &st) == 0 && (guint64)st.st_size < 8 + (guint64)GST_READ_UINT32_LE(head + 4);
}

char *ss_source_cut_short(GstElement *source, const char *spec)
{
    g_autoptr(GstElement) decoder = gst_bin_get_by_name(GST_BIN(source), "decoder");
    g_autoptr(GstElement) pace = gst_bin_get_by_name(GST_BIN(source), "pace");
    g_autoptr(GstPad) decoded = gst_element_get_static_pad(decoder, "src");
    GstClockTime had = ss_pace_position(pace);
    gint64 announced = 0;
    if (ss_source_kind(spec) != SS_SOURCE_FILE || !GST_CLOCK_TIME_IS_VALID(had))
        return NULL;
    if (riff_cut_short(spec))
        return g_strdup_printf("it is cut short: %.1f s are there, and more is announced",
                               (double)had / GST_SECOND);
    /* Containers round, and some only estimate. */
    if (gst_pad_query_duration(decoded, GST_FORMAT_TIME, &announced) && announced > 0 &&
        had + GST_SECOND < (GstClockTime)announced - (GstClockTime)announced / 10)
        return g_strdup_printf("it is cut short: %.1f s of %.1f s are there", (double)had / GST_SECOND,
                               (double)announced / GST_SECOND);
    return NULL;
}
