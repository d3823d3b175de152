/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <gst/gst.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "app.h"
#include "gst/register.h"
#include "io/source.h"
#include "io/stats.h"

gint64 ss_process_start;

static const SsCommand commands[] = {
    { "run", "[OPTION...] SOURCE...", "show, record or write down streams with their objects",
      ss_command_run },
    { "eval", "[OPTION...] CLIP", "how far boxes are from their objects, on a clip of yours",
      ss_command_eval },
    { "bench", "[OPTION...] [SOURCE]", "speed of this machine: model alone, stream alone, both",
      ss_command_bench },
    { "inspect", "[OPTION...] MODEL", "what a model is, which decoder fits, which devices run it",
      ss_command_inspect },
    { "build", "[OPTION...] MODEL", "compile a model for a device ahead of time", ss_command_build },
    { "doctor", "", "what is installed, what is missing, how to install it", ss_command_doctor },
};

void ss_say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *masked = ss_mask_credentials(text);
    g_strdelimit(masked, "\n\r", ' ');
    fprintf(stderr, "sidestream: %s\n", masked);
}

int ss_say_error(const GError *error)
{
    ss_say("%s", error->message);
    return error->domain == SS_ERROR ? error->code : SS_EXIT_UNFORESEEN;
}

gboolean ss_write_report(const char *option, const char *path, const GString *text, GError **error)
{
    const gboolean standard = g_str_equal(path, "-");
    FILE *file = standard ? stdout : fopen(path, "we");
    gboolean written = file && fwrite(text->str, 1, text->len, file) == text->len && fflush(file) == 0;
    int reason = errno;
    if (file && !standard && fclose(file) != 0 && written) {
        written = FALSE;
        reason = errno;
    }
    if (!written)
        g_set_error(error, SS_ERROR, SS_EXIT_USAGE, "%s %s: %s", option, path, g_strerror(reason));
    return written;
}

gboolean ss_app_init_gst(GError **error)
{
    static gboolean registered;
    if (!gst_init_check(NULL, NULL, error))
        return FALSE;
    if (!registered)
        registered = ss_gst_register(NULL);
    if (!registered)
        g_set_error(error, SS_ERROR, SS_EXIT_UNFORESEEN, "the elements cannot be registered with GStreamer");
    return registered;
}

/* GTK, GLib and plugins think aloud; a user of a camera program has no use for it. */
static GLogWriterOutput swallow(GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
    (void)data;
    if (level & (G_LOG_LEVEL_ERROR | G_LOG_FLAG_FATAL) || g_getenv("G_MESSAGES_DEBUG"))
        return g_log_writer_default(level, fields, n_fields, NULL);
    return G_LOG_WRITER_HANDLED;
}

static void help(FILE *to)
{
    fputs("Usage: sidestream COMMAND [OPTION...]\n\n"
          "Shows live video at its full rate while a neural network looks at it from the side.\n\n",
          to);
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].help);
    fputs("\n  sidestream COMMAND --help   a command's options\n"
          "  sidestream --version\n"
          "\nTry: sidestream run --backend dummy --model-options follow=1 test://ball\n",
          to);
}

int main(int argc, char **argv)
{
    ss_process_start = ss_now();
    setlocale(LC_ALL, "");
    signal(SIGPIPE, SIG_IGN);
    g_log_set_writer_func(swallow, NULL, NULL);
    g_set_prgname("sidestream");
    const char *name = argc > 1 ? argv[1] : "";
    if (g_str_equal(name, "--version")) {
        puts("sidestream " SS_VERSION);
        return SS_EXIT_OK;
    }
    if (g_str_equal(name, "--help") || g_str_equal(name, "-h") || g_str_equal(name, "help")) {
        help(stdout);
        return SS_EXIT_OK;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
        if (g_str_equal(commands[i].name, name))
            return commands[i].run(argc - 1, argv + 1);
    if (!*name)
        help(stderr);
    else
        ss_say("there is no command \"%s\"; there are run, eval, bench, inspect, build and doctor "
               "(sidestream --help)",
               name);
    return SS_EXIT_USAGE;
}
