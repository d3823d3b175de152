/* SPDX-License-Identifier: Apache-2.0 */
#include "quarks.h"

const SsQuarks *ss_quarks(void)
{
    static SsQuarks q;
    static gsize made;

    if (g_once_init_enter(&made)) {
        q = (SsQuarks) {
            .detection = g_quark_from_static_string("detection"),
            .label_id = g_quark_from_static_string("label_id"),
            .confidence = g_quark_from_static_string("confidence"),
            .x_min = g_quark_from_static_string("x_min"),
            .x_max = g_quark_from_static_string("x_max"),
            .y_min = g_quark_from_static_string("y_min"),
            .y_max = g_quark_from_static_string("y_max"),
            .label = g_quark_from_static_string("label"),
            .sidestream = g_quark_from_static_string("sidestream"),
            .source_pts = g_quark_from_static_string("source-pts"),
            .age = g_quark_from_static_string("age"),
            .state = g_quark_from_static_string("state"),
            .error = g_quark_from_static_string("error"),
            .align = g_quark_from_static_string("align"),
            .live = g_quark_from_static_string("live"),
            .delay = g_quark_from_static_string("delay"),
            .silent = g_quark_from_static_string("silent"),
            .objects = g_quark_from_static_string("objects"),
            .interval = g_quark_from_static_string("interval"),
            .inference = g_quark_from_static_string("inference"),
            .preparing = g_quark_from_static_string("preparing"),
            .frames = g_quark_from_static_string("frames"),
            .inferences = g_quark_from_static_string("inferences"),
        };
        g_once_init_leave(&made, 1);
    }
    return &q;
}
