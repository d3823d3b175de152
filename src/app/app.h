/* SPDX-License-Identifier: Apache-2.0 */
/** The commands, and what they share. */
#ifndef SS_APP_H
#define SS_APP_H

#include <glib.h>

#include "io/exit.h"

typedef struct SsCommand {
    const char *name, *arguments, *help;
    /** argv[0] is the command's name. Returns an SsExit. */
    int (*run)(int argc, char **argv);
} SsCommand;

int ss_command_run(int argc, char **argv);
int ss_command_eval(int argc, char **argv);
int ss_command_bench(int argc, char **argv);
int ss_command_inspect(int argc, char **argv);
int ss_command_build(int argc, char **argv);
int ss_command_doctor(int argc, char **argv);

/** ss_now() as main() began. */
extern gint64 ss_process_start;

/** "sidestream: ..." on standard error: one line, credentials masked. Thread: any. */
void ss_say(const char *format, ...) G_GNUC_PRINTF(1, 2);
/** Says the error and returns its SsExit. */
int ss_say_error(const GError *error);
/**
 * Writes `text` into the file that `option` names; "-" is standard output. Into the file, not in
 * its place: a link, a pipe or a device stays what it is.
 */
gboolean ss_write_report(const char *option, const char *path, const GString *text, GError **error);
/** GStreamer and our elements; later calls do nothing. */
gboolean ss_app_init_gst(GError **error);

#endif
