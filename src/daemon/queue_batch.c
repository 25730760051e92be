/* What is told of jobs. It waits in memory and not in an open transaction: SQLite may take all of
 * one back when the disk is full, and the numbers of its events with it. */
#include "dray/daemon/queue_parts.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

int queue_last_seq(struct queue *q, int64_t job, int64_t *seq, struct err *e)
{
    sqlite3_stmt *st = queue_statement(q, QUEUE_EVENT_LAST);

    sqlite3_bind_int64(st, 1, job);
    int64_t last = queue_row(q, st) ? sqlite3_column_int64(st, 0) : 0; /* NULL is 0 */
    int code = queue_read_end(q, st, 0, e);
    if (!code)
        *seq = last;
    return code;
}

/* Few jobs run at once, and one tells many things in a row. */
static struct queue_tail *known_tail(struct queue *q, int64_t job)
{
    for (size_t i = q->n_tails; i-- > 0;)
        if (q->tails[i].job == job)
            return &q->tails[i];
    return NULL;
}

/* Of a job that has not ended: nothing waits for one that is pruned. */
static int find_tail(struct queue *q, int64_t job, struct queue_tail **out, struct err *e)
{
    enum job_state state = JOB_QUEUED;
    struct queue_tail tail = { .job = job };

    *out = known_tail(q, job);
    if (*out)
        return 0;
    if (queue_state(q, job, &state, e) || queue_last_seq(q, job, &tail.seq, e))
        return e->code;
    if (job_state_is_end(state))
        return err_set(e, ERR_CONFLICT, "job %lld is %s, and nothing happens to it any more",
                       (long long)job, job_state_name(state));
    q->tails = mem_grow(q->tails, q->n_tails, &q->cap_tails, sizeof(*q->tails));
    *out = &q->tails[q->n_tails++];
    **out = tail;
    return 0;
}

static int make_room(struct queue *q, size_t bytes, struct err *e)
{
    if (bytes > LIMIT_EVENT_BYTES)
        return err_set(e, ERR_LIMIT, "what is told of a job has %zu bytes, and may have %d", bytes,
                       LIMIT_EVENT_BYTES);
    size_t waiting = q->texts.bytes + q->n_notes * sizeof(*q->notes);
    return waiting + bytes > LIMIT_QUEUE_BATCH_BYTES ? queue_flush(q, e) : 0;
}

static void add_note(struct queue *q, const struct queue_note *n)
{
    q->notes = mem_grow(q->notes, q->n_notes, &q->cap_notes, sizeof(*q->notes));
    q->notes[q->n_notes++] = *n;
}

int queue_event(struct queue *q, int64_t job, struct str text, int64_t *seq, struct err *e)
{
    struct queue_tail *tail = NULL;

    if (make_room(q, text.n, e) || find_tail(q, job, &tail, e))
        return e->code;
    if (tail->seq >= LIMIT_JOB_EVENTS)
        return err_set(e, ERR_LIMIT, "job %lld has %lld events, the most there may be",
                       (long long)job, (long long)tail->seq);
    tail->seq++;
    add_note(q, &(struct queue_note){ .job = job,
                                      .seq = tail->seq,
                                      .text = arena_str(&q->texts, text.p ? text : STR("")) });
    if (seq)
        *seq = tail->seq;
    return 0;
}

static size_t file_bytes(const struct queue_file *f)
{
    return f->label.n + f->project.n + f->version.n + f->filename.n + f->path.n + f->sha256.n +
           f->state.n + f->error.n;
}

static struct queue_file copy_file(struct arena *a, const struct queue_file *f)
{
    return (struct queue_file){ .number = f->number,
                                .label = arena_str(a, f->label),
                                .project = arena_str(a, f->project),
                                .version = arena_str(a, f->version),
                                .filename = arena_str(a, f->filename),
                                .path = arena_str(a, f->path),
                                .sha256 = arena_str(a, f->sha256),
                                .state = arena_str(a, f->state),
                                .error = arena_str(a, f->error),
                                .bytes = f->bytes };
}

int queue_file(struct queue *q, int64_t job, const struct queue_file *f, struct err *e)
{
    struct queue_tail *tail = NULL;

    if (f->number < 1 || f->number > LIMIT_JOB_FILES)
        return err_set(e, ERR_LIMIT, "a job has files from 1 to %d, not %lld", LIMIT_JOB_FILES,
                       (long long)f->number);
    if (make_room(q, file_bytes(f), e) || find_tail(q, job, &tail, e))
        return e->code;
    add_note(q, &(struct queue_note){ .job = job, .file = copy_file(&q->texts, f) });
    return 0;
}

static void write_event(struct queue *q, const struct queue_note *n)
{
    sqlite3_stmt *st = queue_statement(q, QUEUE_EVENT_PUT);

    sqlite3_bind_int64(st, 1, n->job);
    sqlite3_bind_int64(st, 2, n->seq);
    queue_bind(st, 3, n->text);
    queue_run(q, st);
}

static void write_file(struct queue *q, const struct queue_note *n)
{
    const struct queue_file *f = &n->file;
    sqlite3_stmt *st = queue_statement(q, QUEUE_FILE_PUT);

    sqlite3_bind_int64(st, 1, n->job);
    sqlite3_bind_int64(st, 2, f->number);
    queue_bind(st, 3, f->label);
    queue_bind(st, 4, f->project);
    queue_bind(st, 5, f->version);
    queue_bind(st, 6, f->filename);
    queue_bind(st, 7, f->path);
    queue_bind(st, 8, f->sha256);
    queue_bind(st, 9, f->state);
    queue_bind(st, 10, f->error);
    sqlite3_bind_int64(st, 11, (sqlite3_int64)f->bytes);
    queue_run(q, st);
}

void queue_write_notes(struct queue *q)
{
    for (size_t i = 0; i < q->n_notes && !q->trouble; i++) {
        if (q->notes[i].seq)
            write_event(q, &q->notes[i]);
        else
            write_file(q, &q->notes[i]);
    }
}

void queue_drop_notes(struct queue *q)
{
    q->n_notes = 0;
    q->n_tails = 0;
    arena_done(&q->texts);
}

int queue_flush(struct queue *q, struct err *e)
{
    if (q->n_notes == 0)
        return 0;
    if (queue_begin(q, false, e))
        return e->code;
    queue_write_notes(q);
    int code = queue_commit(q, 0, e);
    if (!code)
        queue_drop_notes(q);
    return code;
}

bool queue_takes(struct queue *q)
{
    struct err e = { 0 };

    if (!q->is_stuck)
        return true;
    int code = queue_begin(q, true, &e);
    if (!code) {
        queue_run(q, queue_statement(q, QUEUE_PROBE));
        queue_commit(q, 0, &e);
    }
    err_done(&e);
    return !q->is_stuck;
}

bool queue_is_dirty(const struct queue *q)
{
    return q->n_notes > 0;
}

static void bind_page(sqlite3_stmt *st, const struct queue_page *p)
{
    size_t max = p->max < LIMIT_QUEUE_PAGE ? p->max : LIMIT_QUEUE_PAGE;

    sqlite3_bind_int64(st, 1, p->job);
    sqlite3_bind_int64(st, 2, p->since);
    sqlite3_bind_int64(st, 3, (sqlite3_int64)max);
}

int queue_events_read(struct queue *q, const struct queue_page *p, queue_event_fn fn, void *ctx,
                      struct err *e)
{
    sqlite3_stmt *st = queue_statement(q, QUEUE_EVENT_READ);
    bool more = true;

    bind_page(st, p);
    while (more && queue_row(q, st))
        more = fn(ctx, sqlite3_column_int64(st, 0), queue_column(st, 1));
    return queue_read_end(q, st, 0, e);
}

static bool tell_file(sqlite3_stmt *st, queue_file_fn fn, void *ctx)
{
    const struct queue_file f = {
        .number = sqlite3_column_int64(st, 0),
        .label = queue_column(st, 1),
        .project = queue_column(st, 2),
        .version = queue_column(st, 3),
        .filename = queue_column(st, 4),
        .path = queue_column(st, 5),
        .sha256 = queue_column(st, 6),
        .state = queue_column(st, 7),
        .error = queue_column(st, 8),
        .bytes = (uint64_t)sqlite3_column_int64(st, 9),
    };

    return fn(ctx, &f);
}

int queue_files_read(struct queue *q, const struct queue_page *p, queue_file_fn fn, void *ctx,
                     struct err *e)
{
    sqlite3_stmt *st = queue_statement(q, QUEUE_FILE_READ);
    bool more = true;

    bind_page(st, p);
    while (more && queue_row(q, st))
        more = tell_file(st, fn, ctx);
    return queue_read_end(q, st, 0, e);
}
