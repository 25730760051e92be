/* job.h: one job from its settings to its files: reads the requirements, asks for the target, runs
 * the machines of fetch/ on the loop of an engine that it may share with others. Both front doors,
 * command line and daemon, go through here. Prints nothing: all that happens goes to `events`. */
#pragma once

#include "dray/fetch/event.h"
#include "dray/fetch/facts.h"
#include "dray/job/engine.h"
#include "dray/job/rooms.h"
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
    int signal;              /* SIGINT, SIGTERM or SIGHUP when that ended it, else 0 */
};

/* All are borrowed and must outlive the job. What requirements files say about indexes goes into
 * `settings`. */
struct job_options {
    struct engine *engine;
    struct settings *settings;
    struct events *events;
    const struct prompter *prompter; /* whom credentials are asked of; NULL: nobody */
    struct rooms_door door;          /* to the destination */
    unsigned weight;                 /* of its claim to connections, among others; 0: 1 */
};

/* Runs once, later, from the loop. Of `e` the code is 0: every file is there. Otherwise it is the
 * error of the job as a whole (a malformed requirement, no destination: nothing was fetched), or
 * says in one line that requirements failed: why is in each view's err. */
typedef void (*job_done_fn)(void *ctx, struct err *e);

struct job *job_create(const struct job_options *o);
void job_start(struct job *j, job_done_fn done, void *ctx);
/* Ends it as interrupted, soon: `done` runs. `signal` is the one that did it, or 0. A second call
 * does not wait for what the first one left time to clear up. */
void job_stop(struct job *j, int signal);
/* What is in it is whole once `done` has run. */
const struct job_result *job_result(const struct job *j);
/* At any time but from within its events: `done` will not run any more. NULL is allowed. */
void job_destroy(struct job *j);
