/* SPDX-License-Identifier: Apache-2.0 */
/** `none`: the complete chain with nothing at its end, to measure it or to use the other outputs alone. */
#include "output.h"

static bool claims(const char *spec)
{
    return g_str_equal(spec, "none");
}

static bool open_output(SsOutput *o, GError **error)
{
    (void)o, (void)error;
    return true;
}

static GstElement *stream(SsOutput *o, guint index, const char *name, GError **error)
{
    (void)o, (void)index, (void)name, (void)error;
    GstElement *sink = gst_element_factory_make("fakesink", NULL);
    g_object_set(sink, "sync", FALSE, "async", FALSE, "enable-last-sample", FALSE, NULL);
    return sink;
}

const SsOutputClass ss_output_none = {
    .name = "none",
    .claims = claims,
    .open = open_output,
    .stream = stream,
};
