/* explain.h: why there is no solution, in sentences for a person: those facts of the derivation
 * that together leave none, from what was asked for to where it can't meet, then what would help.
 * Pure. */
#pragma once

#include "dray/resolve/solve.h"
#include "dray/util/buf.h"

/* After SOLVE_NOTHING: appends lines, the last one without a line end. */
void solver_explain(const struct solver *s, struct buf *out);
