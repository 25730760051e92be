/* Jobs: what was accepted, and how each stands. A commit by which somebody is told something that
 * must stay true (accepted, ended) calls fsync(); one that would only be done again does not. */
#include "dray/daemon/queue.h"

#include <stdlib.h>

#include "dray/daemon/queue_parts.h"
#include "dray/util/clock.h"
#include "dray/util/limits.h"

int queue_read_job(struct queue *q, sqlite3_stmt *st, struct queue_job *out, struct err *e)
{
    int priority = sqlite3_column_int(st, 5), state = sqlite3_column_int(st, 6);

    if (priority < JOB_LOW || priority > JOB_HIGH || state < 0 || state >= JOB_STATE_COUNT)
        return queue_damaged(q, "a job's state or priority is none", e);
    *out = (struct queue_job){
        .id = sqlite3_column_int64(st, 0),
        .uid = (uint32_t)sqlite3_column_int64(st, 1),
        .key = queue_column(st, 2),
        .name = queue_column(st, 3),
        .is_json = sqlite3_column_int(st, 4) != 0,
        .priority = (enum job_priority)priority,
        .state = (enum job_state)state,
        .submitted_ms = sqlite3_column_int64(st, 7),
        .started_ms = sqlite3_column_int64(st, 8),
        .ended_ms = sqlite3_column_int64(st, 9),
        .attempt = (unsigned)sqlite3_column_int64(st, 10),
        .error_name = queue_column(st, 11),
        .error_text = queue_column(st, 12),
        .files = (uint64_t)sqlite3_column_int64(st, 13),
        .failed = (uint64_t)sqlite3_column_int64(st, 14),
        .bytes = (uint64_t)sqlite3_column_int64(st, 15),
    };
    return 0;
}

int queue_each_job(struct queue *q, sqlite3_stmt *st, queue_job_fn fn, void *ctx, struct err *e)
{
    struct queue_job job;
    int code = 0;

    while (!code && queue_row(q, st)) {
        code = queue_read_job(q, st, &job, e);
        if (!code)
            fn(ctx, &job);
    }
    return queue_read_end(q, st, code, e);
}

static int not_there(int64_t id, struct err *e)
{
    return err_set(e, ERR_NOT_FOUND, "there is no job %lld", (long long)id);
}

static int cap(struct str s, size_t max, const char *what, struct err *e)
{
    if (s.n <= max)
        return 0;
    return err_set(e, ERR_LIMIT, "the %s has %zu bytes, and may have %zu", what, s.n, max);
}

/* Has that user put one with that key? */
static int find_key(struct queue *q, const struct queue_new *job, struct queue_put *out,
                    struct err *e)
{
    sqlite3_stmt *st = queue_statement(q, QUEUE_JOB_BY_KEY);

    sqlite3_bind_int64(st, 1, job->uid);
    queue_bind(st, 2, job->key);
    if (queue_row(q, st)) {
        out->existed = true;
        out->id = sqlite3_column_int64(st, 0);
        out->is_same = (sqlite3_column_int(st, 1) != 0) == job->is_json &&
                       str_eq(queue_column(st, 2), job->text);
    }
    return queue_read_end(q, st, 0, e);
}

static int check_room(struct queue *q, struct err *e)
{
    sqlite3_stmt *st = queue_statement(q, QUEUE_JOB_WAITING);
    int64_t n = queue_row(q, st) ? sqlite3_column_int64(st, 0) : 0;
    int code = 0;

    if (n >= LIMIT_QUEUE_JOBS)
        code = err_set(e, ERR_LIMIT,
                       "%lld jobs are waiting or running, the most there may be; try again later",
                       (long long)n);
    return queue_read_end(q, st, code, e);
}

static int64_t insert_job(struct queue *q, const struct queue_new *job)
{
    sqlite3_stmt *st = queue_statement(q, QUEUE_JOB_PUT);

    sqlite3_bind_int64(st, 1, job->uid);
    queue_bind(st, 2, job->key.n ? job->key : STR_NONE);
    queue_bind(st, 3, job->name.p ? job->name : STR(""));
    sqlite3_bind_int(st, 4, job->is_json);
    sqlite3_bind_int(st, 5, (int)job->priority);
    sqlite3_bind_int64(st, 6, clock_unix_ms());
    queue_run(q, st);
    int64_t id = sqlite3_last_insert_rowid(q->db);
    st = queue_statement(q, QUEUE_TEXT_PUT);
    sqlite3_bind_int64(st, 1, id);
    queue_bind(st, 2, job->text.p ? job->text : STR(""));
    if (!q->trouble)
        queue_run(q, st);
    return id;
}

int queue_put(struct queue *q, const struct queue_new *job, struct queue_put *out, struct err *e)
{
    struct queue_put put = { 0 };

    if (cap(job->key, LIMIT_JOB_KEY_BYTES, "idempotency key", e) ||
        cap(job->name, LIMIT_JOB_NAME_BYTES, "name of the job", e) ||
        cap(job->text, LIMIT_JOB_BYTES, "job", e))
        return e->code;
    if (job->key.n && find_key(q, job, &put, e))
        return e->code;
    if (!put.existed) {
        if (check_room(q, e) || queue_begin(q, true, e))
            return e->code;
        put.id = insert_job(q, job);
        if (queue_commit(q, 0, e))
            return e->code;
    }
    *out = put;
    return 0;
}

static void keep_strings(struct queue_job *job, struct arena *a)
{
    job->key = arena_str(a, job->key);
    job->name = arena_str(a, job->name);
    job->error_name = arena_str(a, job->error_name);
    job->error_text = arena_str(a, job->error_text);
}

int queue_find(struct queue *q, int64_t id, struct arena *a, struct queue_job *out, struct err *e)
{
    sqlite3_stmt *st = queue_statement(q, QUEUE_JOB_GET);
    struct queue_job job = { 0 };

    sqlite3_bind_int64(st, 1, id);
    bool found = queue_row(q, st);
    int code = found ? queue_read_job(q, st, &job, e) : 0;
    if (found && !code)
        keep_strings(&job, a);
    code = queue_read_end(q, st, code, e);
    if (!code && !found)
        code = not_there(id, e);
    if (!code)
        *out = job;
    return code;
}

int queue_text(struct queue *q, int64_t id, struct buf *out, struct err *e)
{
    sqlite3_stmt *st = queue_statement(q, QUEUE_TEXT_GET);

    sqlite3_bind_int64(st, 1, id);
    bool found = queue_row(q, st);
    if (found)
        buf_add_str(out, queue_column(st, 0));
    int code = queue_read_end(q, st, 0, e);
    return code || found ? code : not_there(id, e);
}

int queue_list(struct queue *q, const struct queue_filter *f, queue_job_fn fn, void *ctx,
               struct err *e)
{
    sqlite3_stmt *st = queue_statement(q, QUEUE_JOB_LIST);
    size_t max = f->max < LIMIT_QUEUE_PAGE ? f->max : LIMIT_QUEUE_PAGE;

    sqlite3_bind_int64(st, 1, f->before ? f->before : INT64_MAX);
    sqlite3_bind_int64(st, 2, f->states);
    sqlite3_bind_int64(st, 3, (sqlite3_int64)max);
    return queue_each_job(q, st, fn, ctx, e);
}

int queue_count(struct queue *q, size_t out[static JOB_STATE_COUNT], struct err *e)
{
    sqlite3_stmt *st = queue_statement(q, QUEUE_JOB_COUNT);
    size_t n[JOB_STATE_COUNT] = { 0 };

    while (queue_row(q, st)) {
        int state = sqlite3_column_int(st, 0);
        if (state >= 0 && state < JOB_STATE_COUNT)
            n[state] = (size_t)sqlite3_column_int64(st, 1);
    }
    int code = queue_read_end(q, st, 0, e);
    if (!code)
        memcpy(out, n, sizeof(n));
    return code;
}

int queue_state(struct queue *q, int64_t id, enum job_state *out, struct err *e)
{
    sqlite3_stmt *st = queue_statement(q, QUEUE_JOB_STATE);

    sqlite3_bind_int64(st, 1, id);
    bool found = queue_row(q, st);
    int state = found ? sqlite3_column_int(st, 0) : 0;
    int code =
        state < 0 || state >= JOB_STATE_COUNT ? queue_damaged(q, "a job's state is none", e) : 0;
    code = queue_read_end(q, st, code, e);
    if (!code && !found)
        code = not_there(id, e);
    if (!code)
        *out = (enum job_state)state;
    return code;
}

static void write_step(struct queue *q, int64_t id, enum job_state to)
{
    sqlite3_stmt *st = queue_statement(q, QUEUE_JOB_STEP);

    sqlite3_bind_int64(st, 1, id);
    sqlite3_bind_int(st, 2, (int)to);
    if (to == JOB_QUEUED)
        sqlite3_bind_int64(st, 3, 0);
    else if (to == JOB_RUNNING)
        sqlite3_bind_int64(st, 3, clock_unix_ms());
    if (job_state_is_end(to))
        sqlite3_bind_int64(st, 4, clock_unix_ms());
    sqlite3_bind_int(st, 5, to == JOB_QUEUED);
    queue_run(q, st);
}

static void write_outcome(struct queue *q, int64_t id, const struct queue_outcome *o)
{
    sqlite3_stmt *st = queue_statement(q, QUEUE_JOB_OUTCOME);

    sqlite3_bind_int64(st, 1, id);
    queue_bind(st, 2, o->code ? str_of(err_name(o->code)) : STR_NONE);
    queue_bind(st, 3, o->code ? str_sub(o->error_text, 0, LIMIT_EVENT_BYTES) : STR_NONE);
    sqlite3_bind_int64(st, 4, (sqlite3_int64)o->files);
    sqlite3_bind_int64(st, 5, (sqlite3_int64)o->failed);
    sqlite3_bind_int64(st, 6, (sqlite3_int64)o->bytes);
    queue_run(q, st);
}

/* Of an earlier attempt, which may have come to others. */
static void clear_files(struct queue *q, int64_t id)
{
    sqlite3_stmt *st = queue_statement(q, QUEUE_FILE_CLEAR);

    sqlite3_bind_int64(st, 1, id);
    queue_run(q, st);
}

int queue_step(struct queue *q, int64_t id, enum job_state to, const struct queue_outcome *o,
               struct err *e)
{
    enum job_state from = JOB_QUEUED;

    if (queue_state(q, id, &from, e))
        return e->code;
    if (!job_state_may_become(from, to))
        return err_set(e, ERR_CONFLICT, "job %lld is %s, and can't be %s any more", (long long)id,
                       job_state_name(from), job_state_name(to));
    if (queue_begin(q, job_state_is_end(to), e))
        return e->code;
    queue_write_notes(q);
    write_step(q, id, to);
    if (to == JOB_RUNNING)
        clear_files(q, id);
    if (o)
        write_outcome(q, id, o);
    int code = queue_commit(q, 0, e);
    if (!code)
        queue_drop_notes(q);
    return code;
}
