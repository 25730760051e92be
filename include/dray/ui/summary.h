/* summary.h: what is said once a run is over: what failed and why, in the order of the
 * requirements, and one closing line. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "dray/job/job.h"

struct summary_options {
    bool stats;      /* say what it took to resolve the requirements */
    bool colour;     /* screen_may_colour(out, ...) */
    unsigned quiet;  /* from 1 on no closing line; errors are always told */
    struct str dest; /* the directory, as the user gave it; STR_NONE: the files are gone by now */
};

/* `run` is the error of the run as a whole, code 0 if it had none; it is told only when no
 * requirement's own error says it better. Files with a wrong hash come last, together: one look
 * tells a changed pin from an attack. */
void summary_print(FILE *out, const struct summary_options *o, const struct job_result *r,
                   const struct err *run);
/* How long the turns of the loop were, if there were any. */
void summary_print_turns(FILE *out, const struct loop_turns *t);
