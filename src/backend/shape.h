/* SPDX-License-Identifier: Apache-2.0 */
/** What a model leaves open about its input, settled the same way for every runtime. */
#ifndef SS_BACKEND_SHAPE_H
#define SS_BACKEND_SHAPE_H

#include <stdbool.h>

#include "sidestream/backend.h"

/**
 * Makes `t`, a model's input with -1 for what is open, `p`'s batch of pictures of a fixed size: `p`'s where
 * that is open, else 640x640 (300x300 for bytes). `*fixed`: it was that already. Errors: -EPROTO (no
 * picture).
 */
int ss_shape_choose(SsTensor *t, const SsModelParams *p, bool *fixed);
/** t->name, cut to its size and without TensorFlow's ":0", which says nothing. */
void ss_shape_set_name(SsTensor *t, const char *name);

#endif
