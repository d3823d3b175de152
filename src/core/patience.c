/* SPDX-License-Identifier: Apache-2.0 */
#include "patience.h"

int64_t ss_patience(int64_t period, int64_t service, int64_t age)
{
    /* A network faster than the video is free for every frame; one never measured is let go on. */
    if (period < SS_PATIENCE_PERIOD || service <= period || age < 0)
        return 0;
    int64_t remaining = period - age;
    int64_t frames = (service + period - 1) / period; /* shown while one is looked at */
    if (remaining <= 0 || (double)remaining > SS_PATIENCE * (double)service)
        return 0;
    return age + service > frames * period ? remaining : 0;
}
