/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Lines of text as masks. Each character is rasterised once; ASCII when the size is set,
 * so that a stream's thread never waits for a font.
 */
#ifndef SS_GST_TEXT_H
#define SS_GST_TEXT_H

#include <glib.h>

typedef struct SsText SsText;

typedef struct SsTextLine {
    const guint8 *mask; /* 255 = ink; valid until the next call with this SsText */
    int stride;
    int width, height; /* even; all lines of one size have one height */
} SsTextLine;

/** Finds the font (the slow part, tens of milliseconds the first time in a process). */
SsText *ss_text_new(void);
void ss_text_free(SsText *text);
/** `pixels`: the size of the letters. Rasterises ASCII anew if it changed. */
void ss_text_set_size(SsText *text, int pixels);
/** `utf8` is cut where it grows wider than `max_width`; bytes that are not UTF-8 show as U+FFFD. */
SsTextLine ss_text_render(SsText *text, const char *utf8, int max_width);
/** Characters rasterised so far, for tests. */
guint ss_text_n_rasterised(const SsText *text);

#endif
