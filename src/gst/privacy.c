/* SPDX-License-Identifier: Apache-2.0 */
#include "privacy.h"

#include <math.h>
#include <string.h>

#include "mosaic.h"
#include "names.h"
#include "sidestream/engine.h"
#include "status.h"

/* Parts of a box's width and height: what is added on each side in any case, and for each second that nobody
 * has looked. And of the way that the object goes meanwhile: a part to each side of it. */
static const float MARGIN = 0.2f, GROWTH = 0.3f, ASTRAY = 0.3f;
/* Velocity is smoothed: so many seconds. */
static const float SMOOTH = 0.2f;
/* So much the clock may be off the stream's time, ns. */
static const gint64 JITTER = 5 * GST_MSECOND;
/* Pictures' worth of areas from which on all of it is pixelated at once. */
enum { OFTEN = 3 };

/* --- names --- */

GArray *ss_privacy_names(const char *text)
{
    g_auto(GStrv) names = g_strsplit(text ? text : "", ",", -1);
    GArray *out = text && *text ? g_array_new(FALSE, FALSE, sizeof(GQuark)) : NULL;
    const GQuark everybody = 0; /* nobody's quark */

    for (guint i = 0; out && names[i]; i++) {
        const char *name = g_strstrip(names[i]);
        const gboolean all = g_str_equal(name, "*") || g_str_equal(name, "all");
        const GQuark quark = all ? everybody : g_quark_from_string(name);
        if (*name)
            g_array_append_val(out, quark);
    }
    if (out && out->len == 0) /* commas and spaces: something was to be hidden */
        g_array_append_val(out, everybody);
    return out;
}

static gboolean is_among(const GArray *names, GQuark name)
{
    for (guint i = 0; names && i < names->len; i++) {
        const GQuark one = g_array_index(names, GQuark, i);
        if (one == 0 || one == name)
            return TRUE;
    }
    return FALSE;
}

static gboolean is_known(const char *name, const GPtrArray *models)
{
    for (guint i = 0; i < models->len; i++)
        if (ss_names_know(g_ptr_array_index(models, i), name))
            return TRUE;
    return FALSE;
}

const char *ss_privacy_unknown(const GArray *names, const GPtrArray *models)
{
    for (guint i = 0; i < names->len; i++) {
        const GQuark name = g_array_index(names, GQuark, i);
        if (name != 0 && !is_known(g_quark_to_string(name), models))
            return g_quark_to_string(name);
    }
    return NULL;
}

/* --- what is remembered --- */

void ss_privacy_jump(SsPrivacy *p)
{
    p->goes_on = FALSE;
    p->n = 0;
}

static float seconds(gint64 ns)
{
    return (float)ns * 1e-9f;
}

/** In pixels; 0: they do not touch. */
static float overlap(const SsPlace *p, const SsRect *r)
{
    const float w = fminf((float)(r->x + r->w), p->x + p->w) - fmaxf((float)r->x, p->x),
                h = fminf((float)(r->y + r->h), p->y + p->h) - fmaxf((float)r->y, p->y);

    return w > 0 && h > 0 ? w * h : 0;
}

/** The place of that object, if this frame has not shown it yet. Who has no id is who covers most of it. */
static SsPlace *place_of(SsPrivacy *p, const SsRegion *r, guint before)
{
    SsPlace *best = NULL;
    float most = 0;

    for (guint i = 0; i < before; i++) {
        SsPlace *k = &p->place[i];
        if (k->name != r->name || k->id != r->id || k->frame == p->frames)
            continue;
        if (r->id != 0)
            return k;
        if (overlap(k, &r->rect) > most) {
            most = overlap(k, &r->rect);
            best = k;
        }
    }
    return best;
}

static void go_on(SsPlace *k, const SsRegion *r, gint64 boxed)
{
    const float dt = seconds(boxed - k->boxed), share = 1 - expf(-dt / SMOOTH);

    if (dt <= 0)
        return;
    const float x = (float)r->rect.x + (float)r->rect.w / 2, y = (float)r->rect.y + (float)r->rect.h / 2;
    k->vx += share * ((x - k->x - k->w / 2) / dt - k->vx);
    k->vy += share * ((y - k->y - k->h / 2) / dt - k->vy);
}

/** FALSE: there is no room for one more. */
static gboolean remember(SsPrivacy *p, const SsRegion *r, const SsPrivacyParams *params, guint before,
                         gboolean *sure)
{
    const guint64 age = MIN(r->stated ? r->age : p->age, (guint64)params->max_age);
    const gint64 boxed = r->state == SS_HELD ? p->time - (gint64)age : p->time;
    SsPlace *k = place_of(p, r, before);

    if (k)
        go_on(k, r, boxed);
    else if (p->n == SS_MOST_PLACES)
        return FALSE;
    else
        *(k = &p->place[p->n++]) = (SsPlace) { .name = r->name, .id = r->id };
    k->x = (float)r->rect.x;
    k->y = (float)r->rect.y;
    k->w = (float)r->rect.w;
    k->h = (float)r->rect.h;
    k->boxed = boxed;
    k->seen = p->time;
    k->frame = p->frames;
    k->age = age;
    k->held = r->state == SS_HELD;
    k->sure |= r->confidence < 0 || r->confidence >= params->min_confidence;
    *sure = k->sure;
    return TRUE;
}

static void forget(SsPrivacy *p, gint64 max_age)
{
    guint kept = 0;

    for (guint i = 0; i < p->n; i++)
        if (p->time - p->place[i].seen <= max_age)
            p->place[kept++] = p->place[i];
    p->n = kept;
}

/* --- what is covered --- */

/** The picture is to wait until the network has seen to it, but of one result nobody knows how long that
 * takes. */
static gboolean came_too_soon(const SsStatus *s)
{
    return g_str_equal(s->align, ss_align_name(SS_ALIGN_DELAY)) && !s->live && s->interval == 0 &&
           s->silent > 0;
}

/** What the network's word is worth; NULL: enough. `objects`: so many regions were added upstream. */
static const char *doubt(SsPrivacy *p, GstBuffer *buffer, gint64 max_age, guint *objects)
{
    const guint64 most = (guint64)MIN(max_age, p->time - p->since + JITTER);
    gpointer iterator = NULL;
    gboolean any = FALSE;
    SsStatus s;

    *objects = 0;
    p->age = 0;
    for (; ss_status_next(buffer, &iterator, &s); any = TRUE) {
        *objects += s.objects;
        p->age = MAX(p->age, s.age);
        if (g_strcmp0(s.state, ss_state_name(SS_RUNNING)) != 0)
            return "the network does not run";
        if (s.objects >= SS_MAX_OBJECTS)
            return "there are too many objects";
        if (s.silent == G_MAXUINT64)
            return "there is no result yet";
        if (came_too_soon(&s))
            return "it is not known yet how long to wait";
        if (s.silent > most)
            return s.silent > (guint64)max_age ? "the network is silent" : "the last result is of before";
    }
    return any ? NULL : "no network has looked";
}

/** Where it may be by now. */
static SsRect area_of(const SsPlace *k, gint64 time)
{
    const float unseen = seconds(time - k->seen), old = seconds((gint64)k->age), blind = unseen + old;
    const float moves = unseen + (k->held ? old : 0);
    const float dx = k->vx * moves, dy = k->vy * moves;
    const float mx = k->w * (MARGIN + GROWTH * blind) + ASTRAY * fabsf(k->vx) * blind,
                my = k->h * (MARGIN + GROWTH * blind) + ASTRAY * fabsf(k->vy) * blind;
    const float most = (float)(G_MAXINT / 4);
    const float x0 = floorf(fmaxf(fminf(k->x, k->x + dx) - mx, 0)),
                y0 = floorf(fmaxf(fminf(k->y, k->y + dy) - my, 0)),
                x1 = ceilf(fminf(fmaxf(k->x, k->x + dx) + k->w + mx, most)),
                y1 = ceilf(fminf(fmaxf(k->y, k->y + dy) + k->h + my, most));

    return (SsRect) { (int)x0, (int)y0, (int)(x1 - x0), (int)(y1 - y0) };
}

static void cover(const SsPrivacy *p, const SsPrivacyParams *params, SsCover *out)
{
    const gint64 picture = (gint64)params->width * params->height;
    gint64 sum = 0;

    for (guint i = 0; i < p->n; i++) {
        const SsPlace *k = &p->place[i];
        const int block = ss_mosaic_block((int)k->w, (int)k->h);
        const SsRect area = ss_mosaic_area(area_of(k, p->time), block, params->width, params->height);
        if (area.w <= 0 || !is_among(params->names, k->name))
            continue;
        out->part[out->n].area = area;
        out->part[out->n++].block = block;
        sum += (gint64)area.w * area.h;
    }
    if (sum > OFTEN * picture) /* area upon area: once is less work */
        out->all = "objects are everywhere";
}

void ss_privacy_frame(SsPrivacy *p, GstBuffer *buffer, gint64 time, const SsPrivacyParams *params,
                      SsCover *out)
{
    guint regions = 0, objects = 0;
    gpointer iterator = NULL;
    gboolean room = TRUE;
    SsRegion r;

    if (!p->goes_on || time < p->time) {
        ss_privacy_jump(p);
        p->since = time;
    }
    p->goes_on = TRUE;
    p->time = time;
    p->frames++;
    forget(p, params->max_age);
    const guint before = p->n;

    out->n = 0;
    out->all = params->names ? doubt(p, buffer, params->max_age, &objects) : NULL;
    memset(out->undrawn, 0, sizeof out->undrawn);
    for (; ss_region_next(buffer, &iterator, &r); regions++) {
        gboolean sure = TRUE;
        room &= remember(p, &r, params, before, &sure);
        if (regions < SS_MOST_PLACES)
            out->undrawn[regions] = !sure;
    }
    if (params->names && !out->all)
        out->all = objects > regions ? "regions have been lost" : room ? NULL : "there are too many objects";
    if (params->names && !out->all)
        cover(p, params, out);
}
