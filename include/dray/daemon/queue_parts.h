/* queue_parts.h: what an open queue is made of. For src/daemon/queue*.c alone. */
#pragma once

#include <sqlite3.h>

#include "dray/daemon/queue.h"
#include "dray/daemon/queue_sql.h"

_Static_assert(JOB_QUEUED == 0 && JOB_RUNNING == 1 && JOB_DONE == 2, "as queue_sql.h has them");

/* An event or a file that waits; its strings are in queue.texts. */
struct queue_note {
    int64_t job, seq; /* 0: it is a file */
    struct str text;
    struct queue_file file;
};

/* A job of which something waits, and its last seq. */
struct queue_tail {
    int64_t job, seq;
};

struct queue {
    sqlite3 *db;
    sqlite3_stmt *statements[QUEUE_STATEMENT_COUNT]; /* NULL until it is needed */
    char *path;
    int lock_fd;
    int trouble;       /* the first error of SQLite that is not told yet, or SQLITE_OK */
    int trouble_errno; /* of it; 0: unknown */
    bool is_stuck;     /* what was to be written last could not be */
    struct queue_note *notes;
    size_t n_notes, cap_notes;
    struct arena texts; /* of the notes */
    struct queue_tail *tails;
    size_t n_tails, cap_tails;
};

/* -- queue_open.c -- */

/* What SQLite said, as an error that names the file and says what to do. */
int queue_trouble(struct queue *q, int rc, struct err *e);
int queue_damaged(struct queue *q, const char *why, struct err *e);

/* -- transactions and statements: queue_sql.c -- */

/* The statement, ready to be bound. NULL when it can't be prepared: then the functions below, and
 * those of SQLite, do nothing with it, and the trouble is noted. */
sqlite3_stmt *queue_statement(struct queue *q, enum queue_statement which);
/* One step: whether there is a row. Errors are noted. */
bool queue_row(struct queue *q, sqlite3_stmt *st);
/* Runs to its end and resets. */
void queue_run(struct queue *q, sqlite3_stmt *st);
/* Ends a read: `code`, or else the error that was noted. */
int queue_read_end(struct queue *q, sqlite3_stmt *st, int code, struct err *e);
/* One transaction of writes; its commit calls fsync() if it is `durable`. */
int queue_begin(struct queue *q, bool durable, struct err *e);
/* All of it, or when `code` or what was noted is an error nothing; returns that. */
int queue_commit(struct queue *q, int code, struct err *e);
/* Absent: NULL. */
void queue_bind(sqlite3_stmt *st, int at, struct str s);
/* Borrowed until the statement's next step. */
struct str queue_column(sqlite3_stmt *st, int at);

/* -- queue.c -- */

/* The row at which a statement with QUEUE_JOB_COLUMNS is; strings are borrowed from it. ERR_INPUT
 * when it is none of ours. */
int queue_read_job(struct queue *q, sqlite3_stmt *st, struct queue_job *out, struct err *e);
/* ERR_NOT_FOUND. */
int queue_state(struct queue *q, int64_t id, enum job_state *out, struct err *e);
/* Tells all rows. */
int queue_each_job(struct queue *q, sqlite3_stmt *st, queue_job_fn fn, void *ctx, struct err *e);

/* -- queue_batch.c -- */

/* Within a transaction: all that waits. */
void queue_write_notes(struct queue *q);
/* They are written, or are to be dropped. */
void queue_drop_notes(struct queue *q);
