/* SPDX-License-Identifier: Apache-2.0 */
/** What happens to detections when they have left their tensors: best first, one an object. */
#include <math.h>

#include "decode/decode.h"
#include "internal.h"

static bool has_area(const SsBox *b)
{
    return isfinite(b->x) && isfinite(b->y) && isfinite(b->w) && isfinite(b->h) && b->w > 0 && b->h > 0;
}

static bool is_sound(const SsDetection *d)
{
    return isfinite(d->score) && has_area(&d->box);
}

static void swap(SsDetection *a, SsDetection *b)
{
    SsDetection t = *a;

    *a = *b;
    *b = t;
}

/* The worst of `n` at the root: lets det[at] sink to its place. */
static void heap_sink(SsDetection *det, int n, int at)
{
    for (;;) {
        int child = 2 * at + 1;

        if (child >= n)
            return;
        if (child + 1 < n && det[child + 1].score < det[child].score)
            child++;
        if (det[at].score <= det[child].score)
            return;
        swap(&det[at], &det[child]);
        at = child;
    }
}

void ss_keep_best(SsDetection *best, int *n, int max, const SsDetection *d)
{
    if (!is_sound(d) || max < 1)
        return;
    if (*n < max) {
        best[(*n)++] = *d;
        if (*n == max) {
            for (int i = max / 2 - 1; i >= 0; i--)
                heap_sink(best, max, i);
        }
    } else if (d->score > best[0].score) {
        best[0] = *d;
        heap_sink(best, max, 0);
    }
}

static void reverse(SsDetection *det, int n)
{
    for (int i = 0, k = n - 1; i < k; i++, k--)
        swap(&det[i], &det[k]);
}

/* det[0..mid) and det[mid..n) change places. */
static void rotate(SsDetection *det, int mid, int n)
{
    reverse(det, mid);
    reverse(det + mid, n - mid);
    reverse(det, n);
}

/* How many of a sorted run come before a detection of `score`; ties come before it if `ties`. */
static int count_before(const SsDetection *det, int n, float score, bool ties)
{
    int low = 0, high = n;

    while (low < high) {
        int at = low + (high - low) / 2;

        if (det[at].score > score || (ties && det[at].score == score))
            low = at + 1;
        else
            high = at;
    }
    return low;
}

/* Two sorted runs become one, in place: a sort that needs no memory cannot fail. */
static void merge(SsDetection *det, int mid, int n)
{
    int left, right;

    if (mid == 0 || mid == n || det[mid - 1].score >= det[mid].score)
        return;
    if (n == 2) {
        swap(&det[0], &det[1]);
        return;
    }
    if (mid > n - mid) {
        left = mid / 2;
        right = count_before(det + mid, n - mid, det[left].score, false);
    } else {
        right = (n - mid + 1) / 2;
        left = count_before(det, mid, det[mid + right - 1].score, true);
    }
    rotate(det + left, mid - left, mid - left + right);
    merge(det, left, left + right);
    merge(det + left + right, mid - left, n - left - right);
}

void ss_sort_by_score(SsDetection *det, int n)
{
    for (int run = 1; run < n; run *= 2) {
        for (int i = 0; i + run < n; i += 2 * run)
            merge(det + i, run, SS_MIN(2 * run, n - i));
    }
}

/* In double: no product or sum of two floats overflows there. */
float ss_iou(const SsBox *a, const SsBox *b)
{
    double w, h, inter;

    if (!has_area(a) || !has_area(b))
        return 0;
    w = SS_MIN((double)a->x + a->w, (double)b->x + b->w) - SS_MAX(a->x, b->x);
    h = SS_MIN((double)a->y + a->h, (double)b->y + b->h) - SS_MAX(a->y, b->y);
    if (w <= 0 || h <= 0)
        return 0;
    inter = w * h;
    return (float)(inter / ((double)a->w * a->h + (double)b->w * b->h - inter));
}

int ss_nms(SsDetection *det, int n, float iou, int max)
{
    int sound = 0, kept = 0;

    for (int i = 0; i < n; i++) {
        if (is_sound(&det[i]))
            det[sound++] = det[i];
    }
    ss_sort_by_score(det, sound);

    for (int i = 0; i < sound && kept < max; i++) {
        int k = 0;

        while (k < kept && (det[k].class_id != det[i].class_id || ss_iou(&det[k].box, &det[i].box) <= iou))
            k++;
        if (k == kept)
            det[kept++] = det[i];
    }
    return kept;
}
