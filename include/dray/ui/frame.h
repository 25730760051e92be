/* frame.h: what the moving part of the screen shows at one moment. Pure: a tally and a window
 * in, lines of text out. */
#pragma once

#include <stdbool.h>

#include "dray/ui/tally.h"
#include "dray/util/buf.h"

struct frame_look {
    unsigned columns, rows; /* of the window */
    bool colour;
    uint64_t now_us;
};

/* Appends the lines, each with its newline: one for each file that moves, then the sum of all.
 * At most rows - 1 lines of at most columns - 1 cells, so that none wraps or scrolls; no line
 * when nothing is known yet. */
void frame_add(struct buf *out, const struct tally *t, const struct frame_look *look);
