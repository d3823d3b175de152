/* SPDX-License-Identifier: Apache-2.0 */
#include "plot.h"

#include <cairo-svg.h>
#include <cairo.h>

#include "io/exit.h"

enum { WIDTH = 760, HEIGHT = 440, LEFT = 56, RIGHT = 96, TOP = 56, BOTTOM = 56, TICKS = 5 };

/* Told apart by those who see no red or no green, too (Okabe and Ito's). */
static const double colours[SS_PLOT_LINES][3] = {
    { 0.00, 0.45, 0.70 }, { 0.84, 0.37, 0.00 }, { 0.00, 0.62, 0.45 }, { 0.80, 0.47, 0.65 },
    { 0.90, 0.62, 0.00 }, { 0.34, 0.71, 0.91 }, { 0.35, 0.35, 0.35 }, { 0.60, 0.60, 0.10 },
};

typedef enum Side { START, MIDDLE, END } Side;

static void write_text(cairo_t *c, double x, double y, Side side, const char *text)
{
    cairo_text_extents_t size;
    cairo_text_extents(c, text, &size);
    cairo_move_to(c, x - size.x_advance * (side == START ? 0 : side == MIDDLE ? 0.5 : 1), y);
    cairo_show_text(c, text);
}

static double most_x(const SsPlot *p)
{
    double most = 0;
    for (int i = 0; i < p->n; i++)
        most = MAX(most, p->line[i].n > 0 ? p->line[i].x[p->line[i].n - 1] : 0);
    return most > 0 ? most : 1;
}

static double x_of(const SsPlot *p, double x)
{
    return LEFT + x / most_x(p) * (WIDTH - LEFT - RIGHT);
}

static double y_of(const SsPlot *p, double y)
{
    return HEIGHT - BOTTOM - y / p->y_max * (HEIGHT - TOP - BOTTOM);
}

static void draw_axes(cairo_t *c, const SsPlot *p)
{
    char text[32];
    cairo_set_line_width(c, 1);
    for (int i = 0; i <= TICKS; i++) {
        const double value = p->y_max * i / TICKS, y = y_of(p, value);
        cairo_set_source_rgb(c, 0.88, 0.88, 0.88);
        cairo_move_to(c, LEFT, y);
        cairo_line_to(c, WIDTH - RIGHT, y);
        cairo_stroke(c);
        cairo_set_source_rgb(c, 0.25, 0.25, 0.25);
        g_snprintf(text, sizeof text, "%g", value);
        write_text(c, LEFT - 8, y + 4, END, text);
    }
    for (int i = 0; p->n > 0 && i < p->line[0].n; i++) {
        g_snprintf(text, sizeof text, "%g", p->line[0].x[i]);
        write_text(c, x_of(p, p->line[0].x[i]), HEIGHT - BOTTOM + 18, MIDDLE, text);
    }
    write_text(c, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 14, MIDDLE, p->x_label);
    cairo_set_font_size(c, 16);
    write_text(c, LEFT, 30, START, p->title);
    cairo_set_font_size(c, 13);
}

static void draw_line(cairo_t *c, const SsPlot *p, int k)
{
    const SsPlotLine *l = &p->line[k];
    cairo_set_source_rgb(c, colours[k][0], colours[k][1], colours[k][2]);
    cairo_set_line_width(c, 2.5);
    cairo_new_path(c); /* text leaves a point behind */
    for (int i = 0; i < l->n; i++)
        cairo_line_to(c, x_of(p, l->x[i]), y_of(p, l->y[i]));
    cairo_stroke(c);
    for (int i = 0; i < l->n; i++) {
        cairo_new_path(c);
        cairo_arc(c, x_of(p, l->x[i]), y_of(p, l->y[i]), 4, 0, 2 * G_PI);
        cairo_fill(c);
    }
    if (l->n > 0)
        write_text(c, x_of(p, l->x[l->n - 1]) + 10, y_of(p, l->y[l->n - 1]) + 4, START, l->name);
}

static void draw(cairo_surface_t *surface, const SsPlot *p)
{
    cairo_t *c = cairo_create(surface);
    cairo_set_source_rgb(c, 1, 1, 1);
    cairo_paint(c);
    cairo_select_font_face(c, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(c, 13);
    draw_axes(c, p);
    for (int i = 0; i < p->n; i++)
        draw_line(c, p, i);
    cairo_destroy(c);
}

gboolean ss_plot_can(const char *file)
{
    return g_str_has_suffix(file, ".png") || g_str_has_suffix(file, ".svg");
}

gboolean ss_plot_write(const SsPlot *p, const char *file, GError **error)
{
    const gboolean png = g_str_has_suffix(file, ".png");
    cairo_surface_t *surface = png ? cairo_image_surface_create(CAIRO_FORMAT_RGB24, WIDTH, HEIGHT)
                                   : cairo_svg_surface_create(file, WIDTH, HEIGHT);
    draw(surface, p);
    cairo_status_t status = png ? cairo_surface_write_to_png(surface, file) : CAIRO_STATUS_SUCCESS;
    cairo_surface_finish(surface);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    if (status != CAIRO_STATUS_SUCCESS)
        g_set_error(error, SS_ERROR, SS_EXIT_USAGE, "--plot %s: %s", file, cairo_status_to_string(status));
    return status == CAIRO_STATUS_SUCCESS;
}
