/* SPDX-License-Identifier: Apache-2.0 */
/** `sidestream inspect MODEL --compare CLIP`: what a device and a precision cost in accuracy. */
#ifndef SS_COMPARE_H
#define SS_COMPARE_H

#include "options.h"

/**
 * Lets the network that `o` asks for and the same on the processor in fp32 look at pictures of `o->compare`,
 * and prints how their boxes differ. Errors: SS_EXIT_SOURCE, SS_EXIT_MODEL.
 */
gboolean ss_compare(const SsOptions *o, GError **error);

#endif
