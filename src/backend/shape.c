/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/shape.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

enum {
    DEFAULT_SIDE = 640,
    DEFAULT_SIDE_U8 = 300, /* TensorFlow's detectors: bytes of any size, resized inside to this */
};

static int64_t side(int wanted, bool bytes)
{
    return wanted > 0 ? wanted : bytes ? DEFAULT_SIDE_U8 : DEFAULT_SIDE;
}

int ss_shape_choose(SsTensor *t, const SsModelParams *p, bool *fixed)
{
    SsTensor was = *t;
    bool bytes = t->dtype == SS_U8, nhwc;

    if (t->rank != 4)
        return -EPROTO;
    nhwc = t->dim[3] == 3 || (t->dim[1] != 3 && t->dim[3] == -1 && bytes);
    t->dim[0] = SS_MAX(p->batch, 1);
    if (t->dim[nhwc ? 3 : 1] == -1)
        t->dim[nhwc ? 3 : 1] = 3;
    if (t->dim[nhwc ? 1 : 2] == -1)
        t->dim[nhwc ? 1 : 2] = side(p->input_height, bytes);
    if (t->dim[nhwc ? 2 : 3] == -1)
        t->dim[nhwc ? 2 : 3] = side(p->input_width, bytes);
    *fixed = memcmp(was.dim, t->dim, sizeof was.dim) == 0;
    return t->dim[nhwc ? 3 : 1] == 3 ? 0 : -EPROTO;
}

void ss_shape_set_name(SsTensor *t, const char *name)
{
    size_t n = strlen(name);

    if (n > 2 && strcmp(name + n - 2, ":0") == 0)
        n -= 2;
    (void)snprintf(t->name, sizeof t->name, "%.*s", (int)SS_MIN(n, sizeof t->name - 1), name);
}
