/* crew.h: the jobs that run. Begins those that wait, as long as there is room, on one engine that
 * all share; tells the queue what becomes of them, and who listens when that is on the disk. Knows
 * nothing of HTTP. */
#pragma once

#include "dray/daemon/queue.h"
#include "dray/job/engine.h"
#include "dray/job/rooms.h"
#include "dray/util/buf.h"

struct crew;

/* Borrowed, but for the numbers. */
struct crew_options {
    struct engine *engine;
    struct queue *queue;
    struct rooms_door door; /* to the directories that jobs write into */
    unsigned max_running;
    /* Makes settings, which are initialised, of what was submitted. An error ends the job. */
    int (*prepare)(void *ctx, const struct queue_job *job, struct settings *out, struct err *e);
    /* There is news of a job: events that are committed, another state, or bytes that came. */
    void (*news)(void *ctx, int64_t id);
    /* One sentence for the log. */
    void (*say)(void *ctx, const char *text);
    void *ctx;
};

struct crew *crew_create(const struct crew_options *o);
/* What runs is cut off, and stays RUNNING in the queue, as after a crash. NULL is allowed. */
void crew_destroy(struct crew *c);
/* A job that is QUEUED: it is begun when it is its turn, those of higher priority first, then the
 * oldest. */
void crew_add(struct crew *c, int64_t id, enum job_priority priority);
/* Ends a job that runs or waits, as cancelled. False: it does neither. */
bool crew_cancel(struct crew *c, int64_t id, struct err *e);
/* No other job is begun from now on. */
void crew_drain(struct crew *c);
/* Those that run are handed back to the queue. */
void crew_hand_back(struct crew *c);
size_t crew_running(const struct crew *c);
/* May be another from now on. */
void crew_set_max(struct crew *c, unsigned max_running);
/* Of a job that runs, the files that are on their way, a line of JSON each (ui/event_json.h),
 * appended to `out` if it is newer than `*version`, which is set. False: it does not run. */
bool crew_progress(struct crew *c, int64_t id, uint64_t *version, struct buf *out);

/* What all jobs of this process have come to. */
struct crew_totals {
    uint64_t done, failed, cancelled;
    uint64_t fetched, reused, kept, files_failed; /* files */
    uint64_t fetched_bytes;
};
const struct crew_totals *crew_totals(const struct crew *c);
