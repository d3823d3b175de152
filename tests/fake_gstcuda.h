/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SS_FAKE_GSTCUDA_H
#define SS_FAKE_GSTCUDA_H

#include <gst/gst.h>

#include "sidestream/log.h"

typedef struct FakeGstCuda {
    int syncs;   /* of memory */
    int wrapped; /* contexts */
    int device;  /* of the last of them */
    int answers; /* to elements that asked for one */
} FakeGstCuda;

#endif
