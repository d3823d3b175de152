/* SPDX-License-Identifier: Apache-2.0 */
/** Exit codes of the program; the io functions use them as GError codes too. */
#ifndef SS_EXIT_H
#define SS_EXIT_H

#include <glib.h>

typedef enum SsExit {
    SS_EXIT_OK = 0,         /* also: ESC, window closed, SIGINT, SIGTERM */
    SS_EXIT_UNFORESEEN = 1, /* a bug, no memory, a second SIGINT */
    SS_EXIT_USAGE = 2,      /* options, labels file, output */
    SS_EXIT_SOURCE = 3,     /* cannot be opened, or failed */
    SS_EXIT_MODEL = 4,      /* missing, unreadable, or no decoder fits */
} SsExit;

#define SS_ERROR (ss_error_quark())
static inline GQuark ss_error_quark(void)
{
    return g_quark_from_static_string("sidestream");
}

#endif
