/* SPDX-License-Identifier: Apache-2.0 */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>

static void write_stderr(SsLogLevel level, const char *msg)
{
    static const char *const name[] = { "error", "warning", "info", "debug", "trace" };

    fprintf(stderr, "sidestream: %s: %s\n", name[level], msg);
}

void ss_log(const SsLogger *log, SsLogLevel level, const char *fmt, ...)
{
    char msg[1024];
    va_list args;
    SsLogLevel limit = log->level;

    if (!log->write && limit < SS_LOG_WARN)
        limit = SS_LOG_WARN;
    if (level > limit)
        return;

    va_start(args, fmt);
    vsnprintf(msg, sizeof msg, fmt, args);
    va_end(args);
    for (char *c = msg; *c; c++)
        if (*c == '\n' || *c == '\r')
            *c = ' ';

    if (log->write)
        log->write(log->cookie, level, msg);
    else
        write_stderr(level, msg);
}
