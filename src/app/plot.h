/* SPDX-License-Identifier: Apache-2.0 */
/** A chart of lines over a common axis, as FILE.png or FILE.svg. */
#ifndef SS_PLOT_H
#define SS_PLOT_H

#include <glib.h>

enum { SS_PLOT_POINTS = 32, SS_PLOT_LINES = 8 };

typedef struct SsPlotLine {
    const char *name;
    int n;
    double x[SS_PLOT_POINTS], y[SS_PLOT_POINTS]; /* x rises */
} SsPlotLine;

typedef struct SsPlot {
    const char *title, *x_label;
    double y_max; /* the axis goes from 0 to here */
    int n;
    SsPlotLine line[SS_PLOT_LINES];
} SsPlot;

/** Is it a file name that ss_plot_write() knows what to do with? */
gboolean ss_plot_can(const char *file);
/** Errors: SS_EXIT_USAGE. */
gboolean ss_plot_write(const SsPlot *p, const char *file, GError **error);

#endif
