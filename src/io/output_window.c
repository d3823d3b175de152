/* SPDX-License-Identifier: Apache-2.0 */
/** `window`: one window, a grid of the streams. ESC or closing it ends the program, F toggles full screen. */
#include <gtk/gtk.h>
#include <math.h>

#include "exit.h"
#include "output.h"

typedef struct Window {
    GtkWidget *window, *grid;
    bool fullscreen;
} Window;

static bool display_named(void)
{
    return g_getenv("DISPLAY") || g_getenv("WAYLAND_DISPLAY");
}

bool ss_output_window_possible(void)
{
    return display_named() && gtk_init_check(NULL, NULL);
}

static bool claims(const char *spec)
{
    return g_str_equal(spec, "window");
}

static gboolean key_pressed(GtkWidget *widget, GdkEventKey *event, gpointer data)
{
    SsOutput *o = data;
    Window *w = o->priv;
    switch (gdk_keyval_to_lower(event->keyval)) {
    case GDK_KEY_Escape:
        o->params.quit(o->params.cookie, NULL);
        return TRUE;
    case GDK_KEY_f:
        w->fullscreen = !w->fullscreen;
        if (w->fullscreen)
            gtk_window_fullscreen(GTK_WINDOW(widget));
        else
            gtk_window_unfullscreen(GTK_WINDOW(widget));
        return TRUE;
    default:
        return FALSE;
    }
}

static gboolean closed(GtkWidget *widget, GdkEvent *event, gpointer data)
{
    (void)widget, (void)event;
    SsOutput *o = data;
    o->params.quit(o->params.cookie, NULL);
    return TRUE; /* it is destroyed in close(), when no sink draws into it any more */
}

static bool open_output(SsOutput *o, GError **error)
{
    g_autoptr(GstElementFactory) sink = gst_element_factory_find("gtksink");
    if (!sink) {
        g_set_error(error, SS_ERROR, SS_EXIT_USAGE,
                    "--output window: GStreamer's gtksink is missing (apt install gstreamer1.0-gtk3)");
        return false;
    }
    if (!ss_output_window_possible()) {
        g_set_error(error, SS_ERROR, SS_EXIT_USAGE,
                    "--output window: no display here (DISPLAY is \"%s\"); try --output demo.mp4",
                    g_getenv("DISPLAY") ? g_getenv("DISPLAY") : "");
        return false;
    }
    Window *w = g_new0(Window, 1);
    o->priv = w;
    w->window = gtk_window_new(GTK_WINDOW_TOPLEVEL);
    w->grid = gtk_grid_new();
    gtk_grid_set_row_homogeneous(GTK_GRID(w->grid), TRUE);
    gtk_grid_set_column_homogeneous(GTK_GRID(w->grid), TRUE);
    gtk_container_add(GTK_CONTAINER(w->window), w->grid);
    gtk_window_set_title(GTK_WINDOW(w->window), o->params.title);
    gtk_window_set_default_size(GTK_WINDOW(w->window), 960, 720);
    g_signal_connect(w->window, "key-press-event", G_CALLBACK(key_pressed), o);
    g_signal_connect(w->window, "delete-event", G_CALLBACK(closed), o);
    return true;
}

static GstElement *stream(SsOutput *o, guint index, const char *name, GError **error)
{
    (void)name, (void)error;
    Window *w = o->priv;
    GstElement *convert = gst_element_factory_make("videoconvert", NULL);
    GstElement *sink = gst_element_factory_make("gtksink", NULL);
    g_object_set(sink, "sync", FALSE, "async", FALSE, "enable-last-sample", FALSE, NULL);
    GtkWidget *picture = NULL;
    g_object_get(sink, "widget", &picture, NULL);
    guint columns = (guint)ceil(sqrt(o->params.n_streams));
    gtk_widget_set_hexpand(picture, TRUE);
    gtk_widget_set_vexpand(picture, TRUE);
    gtk_grid_attach(GTK_GRID(w->grid), picture, (int)(index % columns), (int)(index / columns), 1, 1);
    g_object_unref(picture);
    GstElement *bin = gst_bin_new(NULL);
    gst_bin_add_many(GST_BIN(bin), convert, sink, NULL);
    gst_element_link(convert, sink);
    g_autoptr(GstPad) pad = gst_element_get_static_pad(convert, "sink");
    gst_element_add_pad(bin, gst_ghost_pad_new("sink", pad));
    return bin;
}

/* Mapping the window costs more than all before it; meanwhile the pipelines start. */
static void started(SsOutput *o)
{
    Window *w = o->priv;
    gtk_widget_show_all(w->window);
}

static void close_output(SsOutput *o)
{
    Window *w = o->priv;
    gtk_widget_destroy(w->window);
    while (gtk_events_pending()) /* the window goes from the screen now, not at exit */
        gtk_main_iteration();
    g_free(w);
}

const SsOutputClass ss_output_window = {
    .name = "window",
    .claims = claims,
    .open = open_output,
    .stream = stream,
    .started = started,
    .close = close_output,
};
