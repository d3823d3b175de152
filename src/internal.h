/* SPDX-License-Identifier: Apache-2.0 */
/** Small things that every part wants; the only header above all of them. */
#ifndef SS_INTERNAL_H
#define SS_INTERNAL_H

#include <stddef.h>

#include "sidestream/log.h"

#define SS_COUNTOF(a) (sizeof(a) / sizeof((a)[0]))
#define SS_MIN(a, b)  ((a) < (b) ? (a) : (b))
#define SS_MAX(a, b)  ((a) > (b) ? (a) : (b))

/*
 * Before a function of simple loops over many bytes: it is compiled for any x86-64 and for those with AVX2,
 * and the loader takes what the processor has. Results are the same. Elsewhere there is one (ARM has its wide
 * vectors always), and under ThreadSanitizer, which does not run yet when the loader asks.
 */
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__has_attribute) && !defined(__SANITIZE_THREAD__)
#if __has_attribute(target_clones)
#define SS_WIDE __attribute__((target_clones("avx2", "default")))
#endif
#endif
#ifndef SS_WIDE
#define SS_WIDE
#endif

#define ss_err(log, ...)   ss_log((log), SS_LOG_ERROR, __VA_ARGS__)
#define ss_warn(log, ...)  ss_log((log), SS_LOG_WARN, __VA_ARGS__)
#define ss_info(log, ...)  ss_log((log), SS_LOG_INFO, __VA_ARGS__)
#define ss_debug(log, ...) ss_log((log), SS_LOG_DEBUG, __VA_ARGS__)

#endif
