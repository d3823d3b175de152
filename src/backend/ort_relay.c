/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/ort_relay.h"

#include <stdio.h>

#include "internal.h"

static void pass_on(void *cookie, SsLogLevel level, const char *message)
{
    SsOrtRelay *r = cookie;

    if (level == SS_LOG_ERROR && r->trying)
        (void)snprintf(r->why, sizeof r->why, "%s", message);
    else
        ss_log(r->to, level, "%s", message);
}

void ss_ort_relay_start(SsOrtRelay *r, const SsLogger *to)
{
    *r = (SsOrtRelay) { .log = { .level = to->level, .write = pass_on, .cookie = r }, .to = to };
}
