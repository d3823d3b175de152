/* SPDX-License-Identifier: Apache-2.0 */
#include "precision.h"

#include <glib.h>
#include <math.h>

enum { OVERLAPS = 10, RECALLS = 101, MOST = 100 };

/* fmin() passes over what is no number: a box that holds one would seem to be where the other is. */
static int is_box(const SsScored *b)
{
    return isfinite(b->x) && isfinite(b->y) && isfinite(b->w) && isfinite(b->h);
}

double ss_scored_iou(const SsScored *a, const SsScored *b)
{
    const double w = fmin(a->x + a->w, b->x + b->w) - fmax(a->x, b->x);
    const double h = fmin(a->y + a->h, b->y + b->h) - fmax(a->y, b->y);
    if (!(w > 0) || !(h > 0) || !is_box(a) || !is_box(b))
        return 0;
    return w * h / (a->w * a->h + b->w * b->h - w * h);
}

/* Sorted by class, frame, score; equals keep their order (merge sort). */
static int by_frame(gconstpointer pa, gconstpointer pb, gpointer data)
{
    const SsScored *a = pa, *b = pb;
    (void)data;
    if (a->class_id != b->class_id)
        return a->class_id < b->class_id ? -1 : 1;
    if (a->frame != b->frame)
        return a->frame < b->frame ? -1 : 1;
    return a->score == b->score ? 0 : a->score > b->score ? -1 : 1;
}

/* What became of a detection: bit k: it is right at the k-th overlap. */
typedef struct Verdict {
    float score;
    unsigned right;
} Verdict;

static int by_score(gconstpointer pa, gconstpointer pb, gpointer data)
{
    const Verdict *a = pa, *b = pb;
    (void)data;
    return a->score == b->score ? 0 : a->score > b->score ? -1 : 1;
}

static double overlap_of(int k)
{
    return 0.5 + k * ((0.95 - 0.5) / (OVERLAPS - 1));
}

static gboolean same(const SsScored *a, const SsScored *b)
{
    return a->class_id == b->class_id && a->frame == b->frame;
}

/** The detections of one frame and class, best first, take the truth that they overlap most. */
static void judge(const SsScored *shown, size_t n, const SsScored *truth, size_t m, GArray *out)
{
    g_autofree unsigned *taken = g_new0(unsigned, m + 1);
    for (size_t d = 0; d < MIN(n, MOST); d++) {
        Verdict v = { shown[d].score, 0 };
        for (int k = 0; k < OVERLAPS; k++) {
            double best = fmin(overlap_of(k), 1 - 1e-10);
            size_t match = m;
            for (size_t t = 0; t < m; t++) {
                const double iou = taken[t] & 1u << k ? -1 : ss_scored_iou(&shown[d], &truth[t]);
                if (iou < best)
                    continue;
                best = iou;
                match = t;
            }
            if (match == m)
                continue;
            taken[match] |= 1u << k;
            v.right |= 1u << k;
        }
        g_array_append_val(out, v);
    }
}

/** Of one class with `m` boxes of truth. */
static double precision_at(const Verdict *v, size_t n, size_t m, int overlap)
{
    g_autofree double *precision = g_new(double, n + 1), *recall = g_new(double, n + 1);
    size_t right = 0, at = 0;
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        right += v[i].right >> overlap & 1;
        recall[i] = (double)right / (double)m;
        precision[i] = (double)right / (double)(i + 1);
    }
    for (size_t i = n; i-- > 1;)
        precision[i - 1] = fmax(precision[i - 1], precision[i]);
    for (int r = 0; r < RECALLS; r++) {
        const double wanted = r == RECALLS - 1 ? 1 : r * 0.01;
        while (at < n && recall[at] < wanted)
            at++;
        sum += at < n ? precision[at] : 0;
    }
    return sum / RECALLS;
}

/** Of one class: sums over the overlaps. */
static void add_class(const SsScored *shown, size_t n, const SsScored *truth, size_t m, SsPrecision *sum)
{
    g_autoptr(GArray) verdicts = g_array_new(FALSE, FALSE, sizeof(Verdict));
    for (size_t i = 0, t = 0; i < n;) {
        size_t end = i + 1, first, last;
        while (end < n && same(&shown[end], &shown[i]))
            end++;
        while (t < m && truth[t].frame < shown[i].frame)
            t++;
        for (first = last = t; last < m && truth[last].frame == shown[i].frame; last++)
            ;
        judge(shown + i, end - i, truth + first, last - first, verdicts);
        i = end;
    }
    g_array_sort_with_data(verdicts, by_score, NULL);
    const Verdict *v = (const Verdict *)(gpointer)verdicts->data;
    for (int k = 0; k < OVERLAPS; k++)
        sum->ap += precision_at(v, verdicts->len, m, k) / OVERLAPS;
    sum->ap50 += precision_at(v, verdicts->len, m, 0);
}

SsPrecision ss_precision(SsScored *shown, size_t n, SsScored *truth, size_t m)
{
    SsPrecision sum = { 0, 0 };
    int classes = 0;
    g_qsort_with_data(shown, (gint)n, sizeof *shown, by_frame, NULL);
    g_qsort_with_data(truth, (gint)m, sizeof *truth, by_frame, NULL);
    for (size_t i = 0, s = 0; i < m; classes++) {
        size_t end = i, first, last;
        while (end < m && truth[end].class_id == truth[i].class_id)
            end++;
        while (s < n && shown[s].class_id < truth[i].class_id)
            s++;
        for (first = last = s; last < n && shown[last].class_id == truth[i].class_id; last++)
            ;
        add_class(shown + first, last - first, truth + i, end - i, &sum);
        i = end;
    }
    if (classes == 0)
        return (SsPrecision) { -1, -1 };
    return (SsPrecision) { sum.ap / classes, sum.ap50 / classes };
}
