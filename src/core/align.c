/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "internal.h"
#include "sidestream/engine.h"

static const char *const names[] = {
    [SS_ALIGN_HOLD] = "hold", [SS_ALIGN_LIVE] = "live", [SS_ALIGN_DELAY] = "delay"
};

const char *ss_align_name(SsAlign align)
{
    return (unsigned)align < SS_COUNTOF(names) ? names[align] : NULL;
}

int ss_align_from_name(const char *name, SsAlign *out)
{
    for (unsigned i = 0; i < SS_COUNTOF(names); i++)
        if (strcmp(names[i], name) == 0) {
            *out = (SsAlign)i;
            return 0;
        }
    return -EINVAL;
}
