/* SPDX-License-Identifier: Apache-2.0 */
#include "compare.h"

#include <math.h>
#include <stdio.h>

#include "core/histogram.h"
#include "film.h"
#include "gst/loan.h"
#include "io/exit.h"
#include "network.h"
#include "precision.h"

enum { ASKED, REFERENCE, BOTH, PICTURES = 60, EACH = 5 /* of the clip's pictures, one in so many */ };

static const float FAINT = 0.15f, SURE = 0.3f, SAME = 0.5f; /* scores; overlap */

typedef struct Compare {
    SsNetwork *network[BOTH];
    GArray *boxes[BOTH]; /* SsScored */
    SsHistogram *times[BOTH];
    int seen, looked;
    SsNetwork *failed; /* what did; NULL: nothing */
} Compare;

static gboolean look_with(Compare *c, int which, const SsFrameDesc *frame)
{
    SsDetection det[SS_MAX_OBJECTS];
    int64_t took;
    const int n = ss_network_look(c->network[which], frame, FAINT, det, &took);

    if (n < 0) {
        c->failed = c->network[which];
        return FALSE;
    }
    ss_histogram_add(c->times[which], took);
    for (int i = 0; i < n; i++) {
        const SsScored box = { c->looked,    det[i].class_id, det[i].score, det[i].box.x,
                               det[i].box.y, det[i].box.w,    det[i].box.h };
        g_array_append_val(c->boxes[which], box);
    }
    return TRUE;
}

static gboolean look(void *cookie, GstBuffer *picture, const GstVideoInfo *info, gint64 pts)
{
    Compare *c = cookie;
    gboolean ok = TRUE;

    if (c->seen++ % EACH != 0)
        return TRUE;
    SsFrame *frame = ss_loan_wrap(NULL, picture, info, pts);
    if (!frame)
        return TRUE;
    for (int i = 0; i < BOTH && ok; i++)
        ok = look_with(c, i, ss_frame_desc(frame));
    ss_frame_unref(&frame);
    c->looked++;
    return ok && c->looked < PICTURES;
}

/* --- how far they are apart --- */

typedef struct Apart {
    guint matched, missed, more;
    double overlap, score; /* summed over those matched */
    double corner;         /* largest, pixels */
} Apart;

static double corners_apart(const SsScored *a, const SsScored *b)
{
    return fmax(fmax(fabs(a->x - b->x), fabs(a->y - b->y)),
                fmax(fabs(a->x + a->w - b->x - b->w), fabs(a->y + a->h - b->y - b->h)));
}

/* The box of the same picture and class that overlaps most, at least SAME, and is still free; NULL: none. */
static const SsScored *partner(const GArray *boxes, const SsScored *of, const gboolean *taken, guint *at)
{
    const SsScored *best = NULL;
    double most = SAME;

    for (guint i = 0; i < boxes->len; i++) {
        const SsScored *b = &g_array_index(boxes, SsScored, i);
        const double iou =
            b->frame == of->frame && b->class_id == of->class_id && !taken[i] ? ss_scored_iou(b, of) : 0;
        if (iou < most)
            continue;
        most = iou;
        best = b;
        *at = i;
    }
    return best;
}

static guint sure_ones(const GArray *boxes)
{
    guint n = 0;

    for (guint i = 0; i < boxes->len; i++)
        n += g_array_index(boxes, SsScored, i).score >= SURE;
    return n;
}

/* Boxes that one is sure of have to be the other's too, if fainter: a score on either side of a threshold is
 * no box too few. */
static Apart measure(const Compare *c)
{
    const GArray *asked = c->boxes[ASKED], *reference = c->boxes[REFERENCE];
    gboolean *taken = g_new0(gboolean, asked->len + 1);
    Apart a = { 0 };
    guint sure = 0;

    for (guint i = 0; i < reference->len; i++) {
        const SsScored *r = &g_array_index(reference, SsScored, i);
        guint at = 0;
        const SsScored *p = partner(asked, r, taken, &at);
        if (p) {
            taken[at] = TRUE;
            sure += p->score >= SURE;
        }
        if (r->score < SURE)
            continue;
        if (!p) {
            a.missed++;
            continue;
        }
        a.matched++;
        a.overlap += ss_scored_iou(p, r);
        a.score += fabs((double)p->score - (double)r->score);
        a.corner = fmax(a.corner, corners_apart(p, r));
    }
    a.more = sure_ones(asked) - sure;
    g_free(taken);
    return a;
}

static SsPrecision precision_of(const Compare *c)
{
    GArray *truth = g_array_new(FALSE, FALSE, sizeof(SsScored));

    for (guint i = 0; i < c->boxes[REFERENCE]->len; i++) {
        const SsScored *r = &g_array_index(c->boxes[REFERENCE], SsScored, i);
        if (r->score >= SURE)
            g_array_append_val(truth, *r);
    }
    const SsPrecision p = ss_precision((SsScored *)(void *)c->boxes[ASKED]->data, c->boxes[ASKED]->len,
                                       (SsScored *)(void *)truth->data, truth->len);
    g_array_unref(truth);
    return p;
}

static double median_ms(const SsHistogram *h)
{
    SsTimes t;

    ss_histogram_times(h, &t);
    return (double)t.p50 / 1e6;
}

static void report(const SsOptions *o, const Compare *c)
{
    const Apart a = measure(c);
    const SsPrecision p = precision_of(c);
    const guint of = a.matched + a.missed;

    printf("  compare   %d pictures of %s, beside the processor in fp32\n", c->looked, o->compare);
    if (of == 0)
        printf("            the reference finds nothing there to compare: give a clip with what the model "
               "knows\n");
    else
        printf("            AP %.1f, AP50 %.1f; %u of %u boxes found, %u more; overlap %.3f, scores %.3f "
               "apart, corners "
               "%.1f pixels at most\n",
               100 * p.ap, 100 * p.ap50, a.matched, of, a.more, a.overlap / MAX(a.matched, 1),
               a.score / MAX(a.matched, 1), a.corner);
    printf("            %.2f ms an inference, %.2f the reference (p50)\n", median_ms(c->times[ASKED]),
           median_ms(c->times[REFERENCE]));
}

/* The same backend, where it knows nothing of devices. */
static SsNetwork *open_reference(const SsOptions *o, GError **error)
{
    static char cpu[] = "CPU", fp32[] = "fp32";
    SsOptions exact = *o;

    exact.device = cpu;
    exact.precision = fp32;
    exact.model_options = NULL;
    return ss_network_open(&exact, error);
}

gboolean ss_compare(const SsOptions *o, GError **error)
{
    Compare c = { .network[ASKED] = ss_network_open(o, error) };
    gboolean ok = c.network[ASKED] && (c.network[REFERENCE] = open_reference(o, error));

    for (int i = 0; i < BOTH; i++) {
        c.boxes[i] = g_array_new(FALSE, FALSE, sizeof(SsScored));
        c.times[i] = g_new0(SsHistogram, 1);
    }
    ok = ok && ss_film_read(&(SsFilmParams) { .source = o->compare }, look, &c, error);
    if (c.failed) {
        g_clear_error(error);
        ss_network_error(c.failed, error);
        ok = FALSE;
    }
    if (ok)
        report(o, &c);
    for (int i = 0; i < BOTH; i++) {
        if (c.network[i])
            ss_network_close(c.network[i]);
        g_array_unref(c.boxes[i]);
        g_free(c.times[i]);
    }
    return ok;
}
