/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Logging and the rules that hold for every Sidestream header.
 *
 * Errors: a function that can fail returns 0 or a negated errno, and has
 * logged why, once, in words a user can act on.
 *   -EINVAL caller's mistake     -ENOENT no such file        -ENOTSUP not built in, not supported
 *   -EPROTO model fits no decoder -EIO   the runtime failed  -ENOMEM  out of memory
 *
 * Threads: different objects may be used from different threads; one object
 * from one thread at a time, unless its declaration says otherwise.
 *
 * Ownership: destroy/unref/close functions take a pointer to the pointer, set
 * it to NULL, and accept NULL and pointers to NULL.
 *
 * Time: int64_t nanoseconds, unless the name says otherwise.
 */
#ifndef SIDESTREAM_LOG_H
#define SIDESTREAM_LOG_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SS_API               __attribute__((visibility("default")))
#define SS_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define SS_API
#define SS_PRINTF(fmt, args)
#endif

typedef enum SsLogLevel {
    SS_LOG_ERROR, /* something the user asked for will not happen */
    SS_LOG_WARN,  /* degraded, but going on */
    SS_LOG_INFO,  /* once a run */
    SS_LOG_DEBUG, /* once an event; nothing at this level or above is logged per frame */
    SS_LOG_TRACE, /* per frame */
} SsLogLevel;

/** Where an object writes its messages. {0} = errors and warnings to standard error. */
typedef struct SsLogger {
    /** Messages above this level are not even formatted. */
    SsLogLevel level;
    /**
     * Thread: any, several at once. `msg`: one line of UTF-8 without newline,
     * dead after return. Must not call into Sidestream. NULL: standard error.
     */
    void (*write)(void *cookie, SsLogLevel level, const char *msg);
    void *cookie;
} SsLogger;

/** Format and write one message; cheap when `level` is above the logger's. Thread: any. */
SS_API void ss_log(const SsLogger *log, SsLogLevel level, const char *fmt, ...) SS_PRINTF(3, 4);

#ifdef __cplusplus
}
#endif
#endif
