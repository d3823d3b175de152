/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include <glib/gstdio.h>
#include <sys/stat.h>

#include "exit.h"

static const SsOutputClass *const classes[] = {
#ifdef SS_HAVE_WINDOW
    &ss_output_window,
#endif
    &ss_output_none,
    &ss_output_jsonl,
    &ss_output_file,
};

SsOutput *ss_output_new(const char *spec, const SsOutputParams *params, GError **error)
{
    const SsOutputClass *klass = NULL;
    for (guint i = 0; !klass && i < G_N_ELEMENTS(classes); i++)
        if (classes[i]->claims(spec))
            klass = classes[i];
    if (!klass) {
        g_autoptr(GString) names = g_string_new(NULL);
        for (guint i = 0; i < G_N_ELEMENTS(classes); i++)
            g_string_append_printf(names, "%s%s", i ? ", " : "", classes[i]->name);
        g_set_error(error, SS_ERROR, SS_EXIT_USAGE,
                    "--output: there is no output \"%s\" in this build; there are %s", spec, names->str);
        return NULL;
    }
    SsOutput *o = g_new0(SsOutput, 1);
    o->klass = klass;
    o->spec = g_strdup(spec);
    o->params = *params;
    if (klass->open(o, error))
        return o;
    g_free(o->spec);
    g_free(o);
    return NULL;
}

GstElement *ss_output_stream(SsOutput *o, guint index, const char *name, GError **error)
{
    GstElement *end = o->klass->stream(o, index, name, error);
    if (!end)
        return NULL;
    GstElement *queue = gst_element_factory_make("queue", "queue");
    /* Leaky: whatever the output does, the stream's thread goes on. */
    gst_util_set_object_arg(G_OBJECT(queue), "leaky", "downstream");
    g_object_set(queue, "max-size-bytes", 0, "max-size-buffers", o->klass->patience ? 0 : SS_WAITING_FRAMES,
                 "max-size-time", (guint64)o->klass->patience, "silent", TRUE, NULL);
    GstElement *bin = gst_bin_new(NULL);
    gst_bin_add_many(GST_BIN(bin), queue, end, NULL);
    gst_element_link(queue, end);
    g_autoptr(GstPad) pad = gst_element_get_static_pad(queue, "sink");
    gst_element_add_pad(bin, gst_ghost_pad_new("sink", pad));
    return bin;
}

/* Links and other spellings of a name included; devices and pipes may be shared. */
static bool same_file(const char *a, const char *b)
{
    GStatBuf x, y;
    return g_stat(a, &x) == 0 && g_stat(b, &y) == 0 && S_ISREG(x.st_mode) && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

bool ss_claim_file(GPtrArray *files, const char *option, const char *path, GError **error)
{
    for (guint i = 0; i < files->len; i++) {
        if (same_file(path, g_ptr_array_index(files, i))) {
            g_set_error(error, SS_ERROR, SS_EXIT_USAGE,
                        "%s %s: this run reads or writes that file already; give another name", option, path);
            return false;
        }
    }
    g_ptr_array_add(files, g_strdup(path));
    return true;
}

void ss_output_started(SsOutput *o)
{
    if (o->klass->started)
        o->klass->started(o);
}

void ss_output_free(SsOutput *o)
{
    if (o->klass->close)
        o->klass->close(o);
    g_free(o->spec);
    g_free(o);
}
