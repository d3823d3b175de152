/* SPDX-License-Identifier: Apache-2.0 */
#include "teller.h"

#include "bridge.h"
#include "names.h"

#define GST_CAT_DEFAULT ss_infer_debug

void ss_teller_init(SsTeller *t)
{
    *t = (SsTeller) { .told = SS_STOPPED, .preparing = -1 };
}

static void post(GstElement *element, const SsTeller *t, gint64 load_ns)
{
    GstStructure *s = gst_structure_new("sidestream-state", "state", G_TYPE_STRING, ss_state_name(t->told),
                                        "error", G_TYPE_STRING, t->why, "load-ns", G_TYPE_INT64, load_ns,
                                        "stand-in", G_TYPE_BOOLEAN, t->preparing >= 0, NULL);

    gst_element_post_message(element, gst_message_new_element(GST_OBJECT(element), s));
}

gboolean ss_teller_poll(SsTeller *t, GstElement *element, SsEngine *engine, SsModelInfo *model)
{
    const gint64 preparing = ss_engine_standing_in(engine);
    const SsState state = ss_engine_state(engine);
    const gboolean same = state == t->told, relieved = same && preparing < 0 && t->preparing >= 0;

    if (!same)
        *t = (SsTeller) { .told = state };
    t->preparing = preparing;
    if (same && !relieved)
        return FALSE;
    *model = (SsModelInfo) { 0 };
    if (state == SS_FAILED)
        ss_engine_error(engine, t->why, sizeof t->why);
    const gboolean runs = state == SS_RUNNING && ss_engine_model_info(engine, model) == 0;

    post(element, t, model->load_ns);
    if (state == SS_FAILED)
        GST_ELEMENT_WARNING(element, LIBRARY, INIT, ("The model could not be loaded: %s", t->why),
                            ("the video goes on without"));
    return runs && !same;
}

void ss_teller_send_names(SsTeller *t, GstPad *src, const SsLabels *labels)
{
    if (t->named || t->told != SS_RUNNING)
        return;
    t->named = TRUE;
    g_auto(GStrv) names = ss_labels_to_strv(labels);
    GstStructure *s = gst_structure_new("sidestream-labels", "labels", G_TYPE_STRV, names, NULL);
    gst_pad_push_event(src, gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, s));
}
