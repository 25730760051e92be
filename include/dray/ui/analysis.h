/* analysis.h: what a trace says about where the time of a run went. Pure.
 *
 * Machines that are queued for a connection, wait before another attempt, or wait for a file that
 * another machine is fetching do no work; all others that have not ended do. What the run waited
 * for is a partition of its time: each instant is shared out equally among the machines at work in
 * it, and each share is charged to that machine's state; when none is at work, among those that
 * wait; when there is no machine, to `idle`. So the shares add up to the whole, no stage ranks
 * before another, and one last slow body is charged with all the time that it alone took. */
#pragma once

#include "dray/ui/critical_path.h"
#include "dray/ui/trace_file.h"

enum { ANALYSIS_ROWS = 10, ANALYSIS_PAGES = 5 };

struct analysis_time {
    uint64_t share_us;  /* of the run's time that it waited for this */
    unsigned per_mille; /* the same; all of them add up to 1000 */
    uint64_t wall_us;   /* while some machine was in it */
    uint64_t alone_us;  /* and no machine was at work in any other state */
    uint64_t summed_us; /* over all machines */
    uint64_t path_us;   /* of the critical path; of `idle` its start */
    size_t machines;    /* that were ever in it */
};

struct analysis_origin {
    size_t files;
    uint64_t bytes; /* of the files */
};

struct analysis_row {
    size_t row; /* into the trace's rows */
    uint64_t took_us;
    uint32_t state; /* in which it spent most */
    uint64_t state_us;
};

struct analysis {
    const struct trace_file *trace;  /* borrowed */
    struct analysis_time *states;    /* by the trace's states */
    struct analysis_time idle;       /* no machine: before the first, after the last */
    struct analysis_origin *origins; /* by the trace's origins */
    size_t *rungs;                   /* machines whose metadata was had so */
    size_t done, failed, unfinished;
    uint64_t got_bytes, metadata_bytes, page_bytes;
    unsigned long retries;
    size_t failed_pages;
    struct analysis_row slowest[ANALYSIS_ROWS];
    size_t n_slowest;
    size_t pages[ANALYSIS_PAGES]; /* the slowest, into the trace's pages */
    size_t n_pages;
    struct critical_path path;
};

void analysis_init(struct analysis *a, const struct trace_file *t);
void analysis_done(struct analysis *a);

/* What is waited for in a state: "listings", "bodies"; the name of one that is not known. */
struct str analysis_waits_for(const struct trace_file *t, uint32_t state);
/* Shares `total` out in proportion to the n weights, as whole numbers that add up to it (largest
 * remainders first); all 0 when the weights are. */
void analysis_apportion(const double *weights, size_t n, uint64_t total, uint64_t *out);
