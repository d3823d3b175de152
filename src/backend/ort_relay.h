/* SPDX-License-Identifier: Apache-2.0 */
/** Between the runtime and the user's logger: what is only tried fails quietly. */
#ifndef SS_BACKEND_ORT_RELAY_H
#define SS_BACKEND_ORT_RELAY_H

#include <stdbool.h>

#include "sidestream/log.h"

/** Lives as long as any session that logs to it, and does not move. */
typedef struct SsOrtRelay {
    SsLogger log; /* to log to */
    const SsLogger *to;
    bool trying;   /* errors go to `why` alone */
    char why[512]; /* the last error while trying */
} SsOrtRelay;

void ss_ort_relay_start(SsOrtRelay *r, const SsLogger *to);

#endif
