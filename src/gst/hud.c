/* SPDX-License-Identifier: Apache-2.0 */
#include "hud.h"

#include <string.h>

#include "draw.h"
#include "sidestream/engine.h"

static const gint64 CHANGES_EVERY = GST_SECOND / 4, STALLED_AFTER = GST_SECOND;
enum { STALLED_PERIODS = 4 };
enum { GROUND = 0x101418, GROUND_ALPHA = 192 /* 75 % */, INK = 0xffffff };

void ss_hud_reset(SsHud *hud)
{
    g_free(hud->mask);
    *hud = (SsHud) { 0 };
}

/* --- the text --- */

static void add_line(SsHud *hud, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void add_line(SsHud *hud, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_vsnprintf(hud->line[hud->lines++], SS_HUD_LINE, format, args);
    va_end(args);
}

static gboolean runs(const SsStatus *s)
{
    return g_strcmp0(s->state, ss_state_name(SS_RUNNING)) == 0;
}

/** Of several networks the one there is most to say of. FALSE: there is none. */
static gboolean worst_status(GstBuffer *buffer, SsStatus *out)
{
    gpointer iterator = NULL;
    gboolean any = FALSE;
    SsStatus s;

    for (; ss_status_next(buffer, &iterator, &s); any = TRUE)
        if (!any || (runs(out) && (!runs(&s) || s.silent > out->silent)))
            *out = s;
    return any;
}

/** Over the last two seconds. FALSE: too early to tell. */
static gboolean take_sample(SsHud *hud, const SsStatus *s, gint64 clock, SsHudSample *since)
{
    const SsHudSample now = { clock, s ? s->frames : 0, hud->out, s ? s->inferences : 0 };
    const guint kept = MIN(hud->samples, SS_HUD_SAMPLES);
    const SsHudSample first = hud->sample[(hud->samples - kept) % SS_HUD_SAMPLES];

    if (kept > 0 && (now.in < first.in || now.inferences < first.inferences)) /* a network started over */
        hud->samples = 0;
    *since = (SsHudSample) { now.clock - first.clock, now.in - first.in, now.out - first.out,
                             now.inferences - first.inferences };
    const gboolean known = kept > 0 && hud->samples > 0 && since->clock > 0;
    hud->sample[hud->samples++ % SS_HUD_SAMPLES] = now;
    return known;
}

static double a_second(guint64 n, const SsHudSample *since)
{
    return (double)n * 1e9 / (double)since->clock;
}

static double ms(guint64 ns)
{
    return (double)ns / 1e6;
}

static void write_boxes(SsHud *hud, const SsStatus *s)
{
    char boxes[64] = "no boxes", mode[64];

    if (s->objects > 0)
        g_snprintf(boxes, sizeof boxes, "boxes %.0f ms old", ms(s->age));
    g_strlcpy(mode, s->align, sizeof mode);
    if (s->live)
        g_strlcpy(mode, "live instead of delay", sizeof mode);
    else if (s->delay > 0)
        g_snprintf(mode, sizeof mode, "%.0f ms delay", ms(s->delay));
    add_line(hud, "%s, %s", boxes, mode);
}

/** What is wrong; nothing where nothing is. */
static void write_trouble(SsHud *hud, const SsStatus *s)
{
    const guint64 usual = STALLED_PERIODS * MAX(s->interval, s->inference);

    if (s->error)
        add_line(hud, "%s: %s", s->state, s->error);
    else if (!runs(s))
        add_line(hud, "%s", s->state);
    else if (s->silent == G_MAXUINT64)
        add_line(hud, "no result yet");
    else if (s->silent > MAX(usual, (guint64)STALLED_AFTER))
        add_line(hud, "stalled %.1f s", (double)s->silent / GST_SECOND);
}

static void write_lines(SsHud *hud, const SsStatus *s, gint64 clock)
{
    SsHudSample since;
    const gboolean known = take_sample(hud, s, clock, &since);

    hud->lines = 0;
    if (!known)
        add_line(hud, "... fps");
    else if (s)
        add_line(hud, "%.1f fps in, %.1f out", a_second(since.in, &since), a_second(since.out, &since));
    else
        add_line(hud, "%.1f fps", a_second(since.out, &since));
    if (!s)
        return;
    if (s->inference > 0 && known)
        add_line(hud, "inference %.0f ms, %.1f/s", ms(s->inference), a_second(since.inferences, &since));
    write_boxes(hud, s);
    if (s->preparing > 0)
        add_line(hud, "device not ready after %.0f s, a stand-in answers", (double)s->preparing / GST_SECOND);
    write_trouble(hud, s);
}

void ss_hud_frame(SsHud *hud, GstBuffer *buffer, gint64 time, gint64 clock)
{
    SsStatus status;

    hud->out++;
    if (hud->lines > 0 && time >= hud->changed && time - hud->changed < CHANGES_EVERY)
        return;
    hud->changed = time;
    write_lines(hud, worst_status(buffer, &status) ? &status : NULL, clock);
    g_clear_pointer(&hud->mask, g_free);
}

/* --- the picture --- */

/** All lines as one mask: most frames draw it as it is. */
static void render(SsHud *hud, SsText *text, int max_width)
{
    int height = 0;

    hud->width = 0;
    for (guint i = 0; i < hud->lines; i++) {
        const SsTextLine line = ss_text_render(text, hud->line[i], max_width);
        hud->width = MAX(hud->width, line.width);
        height = line.height;
    }
    hud->height = (int)hud->lines * height;
    hud->mask = g_malloc0((gsize)MAX(hud->width, 1) * (gsize)hud->height);
    for (guint i = 0; i < hud->lines; i++) {
        const SsTextLine line = ss_text_render(text, hud->line[i], max_width);
        for (int y = 0; y < height; y++)
            memcpy(hud->mask + ((gsize)i * height + y) * hud->width, line.mask + (gsize)y * line.stride,
                   (gsize)line.width);
    }
}

void ss_hud_draw(SsHud *hud, const SsCanvas *canvas, SsText *text)
{
    SsPaint ground, ink;

    if (!hud->mask)
        render(hud, text, GST_VIDEO_FRAME_WIDTH(canvas->frame));
    const int pad = (hud->height / (int)hud->lines / 4 + 1) & ~1;

    ss_paint_init(&ground, &canvas->frame->info, GROUND);
    ss_paint_init(&ink, &canvas->frame->info, INK);
    ss_draw_fill(canvas, &ground, GROUND_ALPHA,
                 (SsRect) { pad, pad, hud->width + 2 * pad, hud->height + 2 * pad });
    ss_draw_mask(canvas, &ink, hud->mask, hud->width, (SsRect) { 2 * pad, 2 * pad, hud->width, hud->height });
}
