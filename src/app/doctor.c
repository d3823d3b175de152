/* SPDX-License-Identifier: Apache-2.0 */
/** `sidestream doctor`: what is here, what is missing, and the command that brings it. */
#include <glib/gstdio.h>
#include <glob.h>
#include <stdio.h>
#include <unistd.h>

#include "app.h"
#include "io/output.h"
#include "io/source.h"
#include "options.h"
#include "sidestream/backend.h"

typedef struct Need {
    const char *element, *what_for, *package;
    gboolean must; /* `run` works with nothing else missing */
} Need;

static const Need needs[] = {
    { "videoconvert", "every source", "gstreamer1.0-plugins-base", TRUE },
    { "decodebin", "files, network streams", "gstreamer1.0-plugins-base", TRUE },
    { "videotestsrc", "test://", "gstreamer1.0-plugins-base", TRUE },
    { "queue", "everything", "libgstreamer1.0-0", TRUE },
    { "avdec_h264", "files and cameras with H.264", "gstreamer1.0-libav", FALSE },
    { "avidemux", ".avi files", "gstreamer1.0-plugins-good", FALSE },
    { "qtdemux", ".mp4 files", "gstreamer1.0-plugins-good", FALSE },
    { "v4l2src", "/dev/videoN", "gstreamer1.0-plugins-good", FALSE },
    { "rtspsrc", "rtsp://", "gstreamer1.0-plugins-good", FALSE },
    { "souphttpsrc", "http(s)://", "gstreamer1.0-plugins-good", FALSE },
    { "gtksink", "--output window", "gstreamer1.0-gtk3", FALSE },
    { "x264enc", "--output FILE.mp4", "gstreamer1.0-plugins-ugly", FALSE },
    { "mp4mux", "--output FILE.mp4", "gstreamer1.0-plugins-good", FALSE },
};

static void row(const char *mark, const char *what, const char *detail)
{
    printf("  %-8s %-16s %s\n", mark, what, detail);
}

static gboolean check_elements(void)
{
    gboolean works = TRUE;
    puts("GStreamer");
    g_autofree char *version = gst_version_string();
    row("ok", "version", version);
    for (gsize i = 0; i < G_N_ELEMENTS(needs); i++) {
        const Need *n = &needs[i];
        gboolean here = ss_element_exists(n->element);
        g_autofree char *detail =
            here ? g_strdup(n->what_for) : g_strdup_printf("for %s: apt install %s", n->what_for, n->package);
        row(here ? "ok" : "MISSING", n->element, detail);
        works = works && (here || !n->must);
    }
    row(ss_element_exists("nvarguscamerasrc") || ss_element_exists("libcamerasrc") ? "ok" : "none",
        "csi camera",
        "csi://N: nvarguscamerasrc (NVIDIA Jetson) or libcamerasrc (apt install gstreamer1.0-libcamera)");
    return works;
}

static void check_backends(void)
{
    puts("Networks");
    for (int i = 0; ss_backend_nth(i); i++) {
        const SsBackend *b = ss_backend_nth(i);
        char text[256] = "";
        gboolean here = !b->available || b->available(text, sizeof text);
        g_autofree char *detail =
            here ? g_strdup_printf("%s%s%s", b->description, *text ? "; " : "", text) : g_strdup(text);
        row(here ? "ok" : "MISSING", b->name, detail);
    }
    if (!ss_backend_find("openvino"))
        row("MISSING", "openvino",
            "not in this build: pip install openvino, then meson setup --reconfigure build");
}

static void check_display(void)
{
    puts("Picture");
#ifdef SS_HAVE_WINDOW
    if (ss_output_window_possible())
        row("ok", "display", "--output window");
    else
        row("none", "display", "no window here; use --output FILE.mp4");
#else
    row("MISSING", "window",
        "not in this build: apt install libgtk-3-dev, then meson setup --reconfigure build");
#endif
    glob_t found;
    if (glob("/dev/video*", 0, NULL, &found) == 0) {
        for (gsize i = 0; i < found.gl_pathc; i++)
            row(g_access(found.gl_pathv[i], R_OK | W_OK) == 0 ? "ok" : "DENIED", "camera",
                g_access(found.gl_pathv[i], R_OK | W_OK) == 0
                    ? found.gl_pathv[i]
                    : "may not be opened by you: sudo usermod -aG video $USER, then log in again");
        globfree(&found);
    } else {
        row("none", "camera", "no /dev/video*; test://ball needs none");
    }
}

static void check_demo(void)
{
    static const char *const files[] = { "demo/pedestrians.pb", "demo/pedestrians.labels", "demo/vtest.avi" };
    puts("Demo");
    for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = ss_data_path(files[i]);
        gboolean here = g_file_test(path, G_FILE_TEST_IS_REGULAR);
        g_autofree char *detail = here ? g_strdup(path) : g_strdup_printf("%s: run tools/demo.sh", path);
        row(here ? "ok" : "MISSING", "file", detail);
    }
}

int ss_command_doctor(int argc, char **argv)
{
    (void)argv;
    g_autoptr(GError) error = NULL;
    if (argc > 1) {
        ss_say("doctor takes no options");
        return SS_EXIT_USAGE;
    }
    if (!ss_app_init_gst(&error))
        return ss_say_error(error);
    gboolean works = check_elements();
    check_backends();
    check_display();
    check_demo();
    puts(works ? "\n`sidestream run` works here: sidestream run --backend dummy --model-options follow=1 "
                 "test://ball"
               : "\n`sidestream run` does not work yet: install what is MISSING above, first lines first");
    gst_deinit();
    return works ? SS_EXIT_OK : SS_EXIT_UNFORESEEN;
}
