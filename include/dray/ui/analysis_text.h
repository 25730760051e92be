/* analysis_text.h: an analysis as a person reads it, and the same facts for programs. Pure but for
 * the locale (ui/shown.h). */
#pragma once

#include "dray/ui/analysis.h"
#include "dray/util/buf.h"

/* Appends lines of at most about 100 columns. */
void analysis_text_add(struct buf *out, const struct analysis *a);
