/* critical_path.h: the chain of steps that ended last: to make a run shorter one of them has to
 * become shorter. Walked from the end of the requirement that ended last back through its states,
 * and from a wait to what ended it, where the trace tells (release.h): the chain then goes on in
 * that other requirement. Pure. */
#pragma once

#include "dray/ui/release.h"

/* Steps touch: each begins where the one before ends. */
struct critical_step {
    size_t row;     /* into the trace's rows; TRACE_NONE: before any machine, or a page alone */
    size_t page;    /* what a look-up waited for, into the trace's pages; else TRACE_NONE */
    uint32_t state; /* FETCH_LOOKUP of a page; of no meaning before any machine */
    uint64_t from_us, to_us;
    uint64_t waited_us; /* of a wait that another's end ended: all of it. The step is what came
                         * after that end; the chain before it is that other's. Else 0 */
};

struct critical_path {
    struct critical_step *steps; /* from 0 to the end of the last requirement */
    size_t n, cap;
};

/* Empty when there is no requirement. */
void critical_path_init(struct critical_path *p, const struct trace_file *t,
                        const struct releases *r);
void critical_path_done(struct critical_path *p);
