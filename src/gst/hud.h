/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A few lines about the running video in the picture's corner: frames a second, the network, the age of the
 * boxes, and in plain words what is wrong. Time is an argument; the text changes four times a second at most,
 * so that it can be read, and is drawn from a mask in between. One thread at a time.
 */
#ifndef SS_GST_HUD_H
#define SS_GST_HUD_H

#include "draw.h"
#include "status.h"
#include "text.h"

enum { SS_HUD_LINES = 5, SS_HUD_LINE = 128, SS_HUD_SAMPLES = 8 };

typedef struct SsHudSample {
    gint64 clock;
    guint64 in, out, inferences; /* so many until then */
} SsHudSample;

typedef struct SsHud {
    guint64 out; /* frames so far */
    SsHudSample sample[SS_HUD_SAMPLES];
    guint samples;  /* so many so far; the newest are kept, two seconds */
    gint64 changed; /* stream time when the text did; of the first frame it does */
    char line[SS_HUD_LINES][SS_HUD_LINE];
    guint lines;
    guint8 *mask; /* of the text; NULL: it is to be drawn anew */
    int width, height;
} SsHud;

/** Of zeroed memory, or again: nothing is known. */
void ss_hud_reset(SsHud *hud);
/** A frame is about to leave; `time`: the stream's, `clock`: now, both in ns. */
void ss_hud_frame(SsHud *hud, GstBuffer *buffer, gint64 time, gint64 clock);
/** After ss_hud_frame(). `text` has the size wanted. */
void ss_hud_draw(SsHud *hud, const SsCanvas *canvas, SsText *text);

#endif
