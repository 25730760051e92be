/* timeline.h: a trace as a picture (SVG 1.1, self-contained, no scripts): a row a requirement, a
 * colour a state, time to the right. Pure. All text of it is valid XML whatever the trace says. */
#pragma once

#include "dray/ui/analysis.h"
#include "dray/util/buf.h"

/* Of more requirements the slowest are drawn, and the picture says so. */
enum { TIMELINE_ROWS_MAX = 2000 };

/* Appends the document. Each row is a <g class="row">. */
void timeline_add(struct buf *out, const struct analysis *a);
