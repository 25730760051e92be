/* run.h: does one job from its settings to its files: reads the requirements, asks for the target,
 * runs the machines of fetch/ on one loop. Both front doors, command line and daemon, go through
 * here. Prints nothing: all that happens goes to `events`. */
#pragma once

#include "dray/fetch/event.h"
#include "dray/fetch/facts.h"
#include "dray/job/settings.h"
#include "dray/net/loop.h"
#include "dray/net/prompter.h"
#include "dray/py/marker.h"

struct job;

/* What became of one target. */
struct job_target {
    struct str label; /* "3.12:win_amd64" */
    const struct marker_env *env;
    const struct err *unsolved; /* its code is 0, or no set of files fits together, and why */
    size_t n, failed;           /* files */
};

/* What became of it; borrowed from the job. */
struct job_result {
    const struct fetch_view *const *fetches; /* in the order of the requirements */
    size_t n;
    const struct marker_env *env; /* of the target; NULL when the run ended before it was known */
    /* Counts: fetched or copied; from the store or pip's cache; there already; the same file as
     * another one's. Their sum is n after a whole run. */
    size_t fetched, reused, kept, repeated, failed;
    struct facts_count found;         /* to resolve it; zeroed with --no-deps */
    const struct job_target *targets; /* in the order in which they were named */
    size_t n_targets;
    uint64_t fetched_bytes; /* of the bodies that were fetched and placed */
    uint64_t took_us;
    struct loop_turns turns; /* of the loop */
    int signal; /* SIGINT, SIGTERM or SIGHUP when that ended it, else 0 */
};

/* All are borrowed and must outlive the job. What requirements files say about indexes goes into
 * `s`. `prompter` is whom credentials are asked of; NULL: nobody. */
struct job *job_create(struct settings *s, struct events *ev, const struct prompter *prompter);
/* Runs it to its end. 0: every file is there. Otherwise the error of the job as a whole (a
 * malformed requirement, no destination: nothing was fetched), or, with one line in `e`, that
 * requirements failed: why is in each view's err. */
int job_run(struct job *j, struct err *e);
const struct job_result *job_result(const struct job *j);
void job_destroy(struct job *j);
