/* queue.h: the daemon's jobs in one SQLite file, so that nothing that was accepted is lost. Owns
 * <directory>/queue.sqlite and the lock beside it: one process at a time has a queue. Never runs a
 * job and never looks into its text. Synchronous. What it hands to a callback is borrowed for that
 * call, in which the queue must not be called. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dray/daemon/job_state.h"
#include "dray/util/arena.h"
#include "dray/util/buf.h"
#include "dray/util/err.h"

enum job_priority { JOB_LOW, JOB_NORMAL, JOB_HIGH };

struct queue;

/* Creates what is missing. ERR_CONFLICT: another process has it, and which; ERR_UNSUPPORTED: a
 * newer dray made the file; ERR_INPUT: it is damaged, and is left as it is; ERR_IO, ERR_SPACE. */
struct queue *queue_open(const char *directory, struct err *e);
/* queue_flush() comes before it: what waits is dropped. NULL is allowed. */
void queue_close(struct queue *q);

/* -- jobs: queue.c -- */

struct queue_new {
    struct str key; /* of idempotency, one for each of a user's jobs; empty: none */
    uint32_t uid;
    struct str name, text; /* the text as it came */
    bool is_json;          /* else YAML */
    enum job_priority priority;
};
struct queue_put {
    int64_t id;
    bool existed; /* that user has put one with that key before: `id` is that one's */
    bool is_same; /* and its text is this one */
};
/* A new job, QUEUED; on the disk, by fsync(), before this returns. ERR_LIMIT: a text is too long,
 * or LIMIT_QUEUE_JOBS have not ended. */
int queue_put(struct queue *q, const struct queue_new *job, struct queue_put *out, struct err *e);

struct queue_job {
    int64_t id; /* greater than that of every job before, also of those that are gone */
    uint32_t uid;
    struct str key, name;
    bool is_json;
    enum job_priority priority;
    enum job_state state;
    int64_t submitted_ms, started_ms, ended_ms; /* since 1970; 0: not yet */
    unsigned attempt; /* 1, and one more each time it went from RUNNING to QUEUED */
    struct str error_name, error_text; /* err_name() and the sentence; absent without an error */
    uint64_t files, failed, bytes;
};
/* Strings live in `a`. ERR_NOT_FOUND. */
int queue_find(struct queue *q, int64_t id, struct arena *a, struct queue_job *out, struct err *e);
/* Appends the text as it came. ERR_NOT_FOUND. */
int queue_text(struct queue *q, int64_t id, struct buf *out, struct err *e);

typedef void (*queue_job_fn)(void *ctx, const struct queue_job *job);
struct queue_filter {
    int64_t before;  /* ids below that one; 0: from the newest on */
    unsigned states; /* bit (1u << enum job_state) for each; 0: all */
    size_t max;      /* at most, and at most LIMIT_QUEUE_PAGE: the end is where none comes */
};
/* The newest first; the last id is the next `before`. */
int queue_list(struct queue *q, const struct queue_filter *f, queue_job_fn fn, void *ctx,
               struct err *e);
int queue_count(struct queue *q, size_t out[static JOB_STATE_COUNT], struct err *e);

/* How a job stands when it leaves RUNNING. */
struct queue_outcome {
    int code; /* 0 or an enum err_code, with its sentence */
    struct str error_text;
    uint64_t files, failed, bytes;
};
/* Into another state (RUNNING: no files of it are known yet), together with all that waits for
 * queue_flush(), so that no reader sees a job end before its last event. On the disk, by fsync(),
 * when that is its end. `o` is NULL: nothing is said of it. ERR_NOT_FOUND; ERR_CONFLICT for a step
 * that is not lawful. */
int queue_step(struct queue *q, int64_t id, enum job_state to, const struct queue_outcome *o,
               struct err *e);

/* -- what is told of a job: queue_batch.c -- */

/* One more event, a line of JSON; kept in memory until queue_flush(), which this calls when
 * LIMIT_QUEUE_BATCH_BYTES wait. *seq, which may be NULL: 1 for the first of a job, then each time
 * exactly one more. On failure it was not taken. ERR_NOT_FOUND, ERR_LIMIT. */
int queue_event(struct queue *q, int64_t job, struct str text, int64_t *seq, struct err *e);
struct queue_file {
    int64_t number; /* from 1: their order, in which they need not come */
    struct str label, project, version, filename, path, sha256; /* as text; absent: unknown */
    struct str state, error;
    uint64_t bytes;
};
/* What is known of a file by now, instead of what was; else as queue_event(). */
int queue_file(struct queue *q, int64_t job, const struct queue_file *f, struct err *e);
/* Commits what waits: kill -9 takes none of it back, a loss of power may. On failure all of it goes
 * on waiting. */
int queue_flush(struct queue *q, struct err *e);
/* Does anything wait? */
bool queue_is_dirty(const struct queue *q);
/* Whether jobs can be put. Costs nothing while they can; where the last write failed, writes a
 * little to see whether that is over. */
bool queue_takes(struct queue *q);

/* Of one job, what comes after that seq or number: at most `max`, and at most LIMIT_QUEUE_PAGE. */
struct queue_page {
    int64_t job, since;
    size_t max;
};
typedef bool (*queue_event_fn)(void *ctx, int64_t seq, struct str text); /* false: no more */
typedef bool (*queue_file_fn)(void *ctx, const struct queue_file *f);
/* Those that are committed. No job of that id has none. */
int queue_events_read(struct queue *q, const struct queue_page *p, queue_event_fn fn, void *ctx,
                      struct err *e);
int queue_files_read(struct queue *q, const struct queue_page *p, queue_file_fn fn, void *ctx,
                     struct err *e);
/* Of the last event that is committed; 0: there is none. */
int queue_last_seq(struct queue *q, int64_t job, int64_t *seq, struct err *e);

/* -- beginning and ending: queue_upkeep.c -- */

/* To be called once, first: what was RUNNING is QUEUED again; then all that is QUEUED, the highest
 * priority first, then the oldest. */
int queue_recover(struct queue *q, queue_job_fn fn, void *ctx, struct err *e);
/* Jobs that ended go, with their events and files, unless they are among the `keep` that ended last
 * or ended after `since_ms`. As much at once as a turn of the loop may take; *more: call again. */
int queue_prune(struct queue *q, size_t keep, int64_t since_ms, bool *more, struct err *e);
