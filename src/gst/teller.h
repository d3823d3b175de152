/* SPDX-License-Identifier: Apache-2.0 */
/** What `ssinfer` tells of its network when it changes: to the application, and to the elements downstream.
 */
#ifndef SS_GST_TELLER_H
#define SS_GST_TELLER_H

#include <gst/gst.h>

#include "core/labels.h"
#include "sidestream/engine.h"

typedef struct SsTeller {
    SsState told;     /* the last that was told on the bus */
    char why[512];    /* it failed; "": it did not */
    gboolean named;   /* the classes' names have been sent */
    gint64 preparing; /* ns; as ss_engine_standing_in() says */
} SsTeller;

void ss_teller_init(SsTeller *t);
/**
 * Posts the message "sidestream-state" if the state is another than was told, or another device answers now,
 * and a warning if the model could not be loaded. TRUE: it runs from now on, and `model` says what it is.
 */
gboolean ss_teller_poll(SsTeller *t, GstElement *element, SsEngine *engine, SsModelInfo *model);
/**
 * Sends the event "sidestream-labels" (labels: a GStrv, at each class's number its name or "") once after the
 * model runs. Thread: the stream's.
 */
void ss_teller_send_names(SsTeller *t, GstPad *src, const SsLabels *labels);

#endif
