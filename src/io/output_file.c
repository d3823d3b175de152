/* SPDX-License-Identifier: Apache-2.0 */
/** `FILE.mp4`: the pictures with their boxes; several streams make FILE-cam0.mp4, FILE-cam1.mp4, ... */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "exit.h"
#include "output.h"

/* Fast ones first: whoever records does it beside a network. */
static const struct Encoder {
    const char *factory, *text;
} encoders[] = {
    { "x264enc", "x264enc tune=zerolatency speed-preset=ultrafast pass=qual quantizer=23 key-int-max=60" },
    { "openh264enc", "openh264enc bitrate=4000000 complexity=low ! h264parse" },
    { "avenc_mpeg4", "avenc_mpeg4 bitrate=6000000" },
};

static bool claims(const char *spec)
{
    return g_str_has_suffix(spec, ".mp4");
}

static char *file_name(const SsOutput *o, const char *stream)
{
    if (o->params.n_streams < 2)
        return g_strdup(o->spec);
    int stem = (int)(strlen(o->spec) - strlen(".mp4"));
    return g_strdup_printf("%.*s-%s.mp4", stem, o->spec, stream);
}

static const struct Encoder *find_encoder(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(encoders); i++) {
        g_autoptr(GstElementFactory) found = gst_element_factory_find(encoders[i].factory);
        if (found)
            return &encoders[i];
    }
    return NULL;
}

static bool open_output(SsOutput *o, GError **error)
{
    g_autoptr(GstElementFactory) mux = gst_element_factory_find("mp4mux");
    if (mux && find_encoder())
        return true;
    g_set_error(error, SS_ERROR, SS_EXIT_USAGE, "--output %s: GStreamer's %s missing (apt install %s)",
                o->spec, mux ? "x264enc, openh264enc and avenc_mpeg4 are all" : "mp4mux is",
                mux ? "gstreamer1.0-plugins-ugly" : "gstreamer1.0-plugins-good");
    return false;
}

/* H.264's 4:2:0 knows neither odd sides nor tiny ones. */
static int side(int of_picture)
{
    return MAX((of_picture + 1) & ~1, 16);
}

/* An MP4 file has one kind of picture. A stream that changes its size goes on in the first one, with
 * borders where the shape differs. */
static GstPadProbeReturn keep_size(GstPad *pad, GstPadProbeInfo *info, gpointer size)
{
    (void)pad;
    GstEvent *event = GST_PAD_PROBE_INFO_EVENT(info);
    GstCaps *caps;
    int width, height;
    if (GST_EVENT_TYPE(event) != GST_EVENT_CAPS)
        return GST_PAD_PROBE_OK;
    gst_event_parse_caps(event, &caps);
    const GstStructure *s = gst_caps_get_structure(caps, 0);
    if (!gst_structure_get_int(s, "width", &width) || !gst_structure_get_int(s, "height", &height))
        return GST_PAD_PROBE_OK;
    g_autoptr(GstCaps) first = gst_caps_new_simple(
        "video/x-raw", "format", G_TYPE_STRING, "I420", "width", G_TYPE_INT, side(width), "height",
        G_TYPE_INT, side(height), "pixel-aspect-ratio", GST_TYPE_FRACTION, 1, 1, NULL);
    g_object_set(size, "caps", first, NULL);
    return GST_PAD_PROBE_REMOVE;
}

static GstElement *stream(SsOutput *o, guint index, const char *name, GError **error)
{
    (void)index;
    g_autofree char *path = file_name(o, name);
    if (!ss_claim_file(o->params.files, "--output", path, error))
        return NULL;
    /* Tried here, where the reason is at hand and nothing runs yet. */
    int fd = g_open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) {
        g_set_error(error, SS_ERROR, SS_EXIT_USAGE, "--output %s: cannot be written: %s", path,
                    g_strerror(errno));
        return NULL;
    }
    close(fd);
    g_autofree char *text =
        g_strdup_printf("videoconvert ! videoscale ! capsfilter name=size ! %s ! mp4mux ! filesink name=file",
                        find_encoder()->text);
    GstElement *bin =
        gst_parse_bin_from_description_full(text, TRUE, NULL, GST_PARSE_FLAG_FATAL_ERRORS, error);
    if (!bin) {
        g_prefix_error(error, "--output %s: ", path);
        if (error && *error)
            (*error)->domain = SS_ERROR, (*error)->code = SS_EXIT_USAGE;
        return NULL;
    }
    g_autoptr(GstElement) file = gst_bin_get_by_name(GST_BIN(bin), "file");
    g_object_set(file, "location", path, "sync", FALSE, "async", FALSE, NULL);
    g_autoptr(GstElement) size = gst_bin_get_by_name(GST_BIN(bin), "size");
    g_autoptr(GstPad) pad = gst_element_get_static_pad(bin, "sink");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, keep_size, gst_object_ref(size),
                      gst_object_unref);
    return bin;
}

const SsOutputClass ss_output_file = {
    .name = "FILE.mp4",
    .claims = claims,
    .open = open_output,
    .stream = stream,
    .patience = 2 * GST_SECOND,
};
