/* SPDX-License-Identifier: Apache-2.0 */
/** Lines "shown|truth FRAME CLASS SCORE X Y W H" on standard input -> "AP AP50" on standard output. */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "app/precision.h"
#include "test.h"

int main(void)
{
    g_autoptr(GArray) shown = g_array_new(FALSE, FALSE, sizeof(SsScored));
    g_autoptr(GArray) truth = g_array_new(FALSE, FALSE, sizeof(SsScored));
    char kind[8];
    SsScored s;

    while (scanf("%7s %d %d %f %lf %lf %lf %lf", kind, &s.frame, &s.class_id, &s.score, &s.x, &s.y, &s.w,
                 &s.h) == 8)
        g_array_append_val(strcmp(kind, "truth") == 0 ? truth : shown, s);
    REQUIRE(feof(stdin));
    const SsPrecision p = ss_precision((SsScored *)(gpointer)shown->data, shown->len,
                                       (SsScored *)(gpointer)truth->data, truth->len);
    printf("%.12f %.12f\n", p.ap, p.ap50);
    return 0;
}
