/* SPDX-License-Identifier: Apache-2.0 */
/** Small things that every part wants; the only header above all of them. */
#ifndef SS_INTERNAL_H
#define SS_INTERNAL_H

#include <stddef.h>

#include "sidestream/log.h"

#define SS_COUNTOF(a) (sizeof(a) / sizeof((a)[0]))
#define SS_MIN(a, b)  ((a) < (b) ? (a) : (b))
#define SS_MAX(a, b)  ((a) > (b) ? (a) : (b))

#define ss_err(log, ...)   ss_log((log), SS_LOG_ERROR, __VA_ARGS__)
#define ss_warn(log, ...)  ss_log((log), SS_LOG_WARN, __VA_ARGS__)
#define ss_info(log, ...)  ss_log((log), SS_LOG_INFO, __VA_ARGS__)
#define ss_debug(log, ...) ss_log((log), SS_LOG_DEBUG, __VA_ARGS__)

#endif
