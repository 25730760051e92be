/* screen.h: a terminal whose last lines are drawn again and again below lines that stay. Borrows
 * the stream; leaves the cursor visible and at the start of what it draws, so that the frame can
 * be cleared after the window has changed its width (terminals move a cursor along with the text
 * it stands on). */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "dray/util/str.h"

struct screen {
    FILE *out;
    bool is_drawn; /* a frame stands below the cursor */
};

/* A terminal that knows how to erase: isatty(), and TERM is set and not "dumb". */
bool screen_is_terminal(FILE *f);
/* May text for `f` have colours: a terminal, NO_COLOR unset or empty (no-color.org), `forbidden`
 * false. */
bool screen_may_colour(FILE *f, bool forbidden);
/* Its window as it is now; 80 by 24 when there is none. */
void screen_size(FILE *f, unsigned *columns, unsigned *rows);
/* Writes, at once, the lines `said`, which stay, and below them the new frame instead of the old
 * one. Both are whole lines with their newlines or empty. Lines of a frame must not wrap, nor be
 * as many as the window has. */
void screen_draw(struct screen *s, struct str said, struct str frame);
