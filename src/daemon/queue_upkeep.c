/* What is done to many jobs: after a start, and when there are too many that have ended. */
#include "dray/daemon/queue_parts.h"

/* About two milliseconds: of short events, of which there may be millions. */
enum { PRUNE_JOBS = 50, PRUNE_ROWS = 1000 };

int queue_recover(struct queue *q, queue_job_fn fn, void *ctx, struct err *e)
{
    /* Lost with the power it would be done again. */
    if (queue_begin(q, false, e))
        return e->code;
    queue_run(q, queue_statement(q, QUEUE_JOB_RECOVER));
    if (queue_commit(q, 0, e))
        return e->code;
    return queue_each_job(q, queue_statement(q, QUEUE_JOB_TURN), fn, ctx, e);
}

/* A statement of which nothing but ?1 and ?2 is said; how many rows it changed. */
static int run_with(struct queue *q, enum queue_statement which, int64_t one, int64_t two)
{
    sqlite3_stmt *st = queue_statement(q, which);

    sqlite3_bind_int64(st, 1, one);
    if (sqlite3_bind_parameter_count(st) > 1)
        sqlite3_bind_int64(st, 2, two);
    queue_run(q, st);
    return q->trouble ? 0 : sqlite3_changes(q->db);
}

/* The first column of the first row; 0: there is none. */
static int64_t ask(struct queue *q, enum queue_statement which)
{
    sqlite3_stmt *st = queue_statement(q, which);
    int64_t got = queue_row(q, st) ? sqlite3_column_int64(st, 0) : 0;

    sqlite3_reset(st);
    return got;
}

/* Takes the next ones out of sight; whether there may be more of them. */
static bool hide_ended(struct queue *q, size_t keep, int64_t since_ms)
{
    int64_t ids[PRUNE_JOBS];
    int n = 0;
    int64_t ended = ask(q, QUEUE_PRUNE_COUNT);

    if (ended < 0 || (uint64_t)ended <= keep)
        return false;
    uint64_t excess = (uint64_t)ended - keep;
    sqlite3_stmt *st = queue_statement(q, QUEUE_PRUNE_FIND);
    sqlite3_bind_int64(st, 1, since_ms);
    sqlite3_bind_int(st, 2, excess < PRUNE_JOBS ? (int)excess : PRUNE_JOBS);
    while (n < PRUNE_JOBS && queue_row(q, st))
        ids[n++] = sqlite3_column_int64(st, 0);
    sqlite3_reset(st);
    for (int i = 0; i < n; i++) {
        run_with(q, QUEUE_PRUNE_NOTE, ids[i], 0);
        run_with(q, QUEUE_PRUNE_JOB, ids[i], 0);
    }
    return n == PRUNE_JOBS;
}

/* What was told of those that are out of sight; whether there is more of it. */
static bool sweep(struct queue *q)
{
    int left = PRUNE_ROWS;
    int64_t id = 0;

    while (left > 0 && (id = ask(q, QUEUE_GONE_FIRST)) != 0 && !q->trouble) {
        left -= run_with(q, QUEUE_GONE_EVENTS, id, left);
        if (left > 0)
            left -= run_with(q, QUEUE_GONE_FILES, id, left);
        if (left <= 0)
            break;
        run_with(q, QUEUE_GONE_TEXT, id, 0);
        run_with(q, QUEUE_GONE_END, id, 0);
        left--;
    }
    return id != 0;
}

int queue_prune(struct queue *q, size_t keep, int64_t since_ms, bool *more, struct err *e)
{
    if (queue_begin(q, false, e))
        return e->code;
    bool hidden = hide_ended(q, keep, since_ms);
    bool swept = sweep(q);
    int code = queue_commit(q, 0, e);
    if (!code)
        *more = hidden || swept;
    return code;
}
