/* SPDX-License-Identifier: Apache-2.0 */
/** What a test needs: REQUIRE, and exit code 77 for "skipped". */
#ifndef SS_TEST_H
#define SS_TEST_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SKIP 77

#define REQUIRE(cond)                                                                                        \
    do {                                                                                                     \
        if (!(cond)) {                                                                                       \
            fprintf(stderr, "%s:%d: %s: failed: %s\n", __FILE__, __LINE__, __func__, #cond);                 \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/** Compare two numbers and print both. */
#define REQUIRE_CMP(a, op, b)                                                                                \
    do {                                                                                                     \
        double ra_ = (double)(a), rb_ = (double)(b);                                                         \
        if (!(ra_ op rb_)) {                                                                                 \
            fprintf(stderr, "%s:%d: %s: failed: %s %s %s (%.9g, %.9g)\n", __FILE__, __LINE__, __func__, #a,  \
                    #op, #b, ra_, rb_);                                                                      \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

#define REQUIRE_NEAR(a, b, tolerance) REQUIRE_CMP(fabs((double)(a) - (double)(b)), <=, tolerance)
#define REQUIRE_STR(a, b)                                                                                    \
    do {                                                                                                     \
        if (strcmp((a), (b)) != 0) {                                                                         \
            fprintf(stderr, "%s:%d: %s: failed: \"%s\" is not \"%s\"\n", __FILE__, __LINE__, __func__, (a),  \
                    (b));                                                                                    \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

#endif
