/* Errors of SQLite are noted where they happen and told where a call ends, as in store/index. */
#include "dray/daemon/queue_sql.h"

#include <assert.h>

#include "dray/daemon/queue_parts.h"

static const char *const sql_of[] = {
#define QUEUE_SQL(name, sql) sql,
    QUEUE_STATEMENTS(QUEUE_SQL)
#undef QUEUE_SQL
};

static void note(struct queue *q, int rc)
{
    if (q->trouble)
        return;
    q->trouble = rc;
    q->trouble_errno = sqlite3_system_errno(q->db);
}

/* Once. */
static int tell(struct queue *q, struct err *e)
{
    int rc = q->trouble;

    q->trouble = SQLITE_OK;
    return rc ? queue_trouble(q, rc, e) : 0;
}

sqlite3_stmt *queue_statement(struct queue *q, enum queue_statement which)
{
    sqlite3_stmt **st = &q->statements[which];

    if (*st) {
        sqlite3_reset(*st);
        return *st;
    }
    int rc = sqlite3_prepare_v3(q->db, sql_of[which], -1, SQLITE_PREPARE_PERSISTENT, st, NULL);
    if (rc)
        note(q, rc);
    return *st;
}

/* Nothing after an error: a full disk may have ended the transaction, and what would follow would
 * be one by itself. */
bool queue_row(struct queue *q, sqlite3_stmt *st)
{
    int rc = st && !q->trouble ? sqlite3_step(st) : SQLITE_DONE;

    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        note(q, rc);
    return rc == SQLITE_ROW;
}

void queue_run(struct queue *q, sqlite3_stmt *st)
{
    while (queue_row(q, st))
        ;
    sqlite3_reset(st);
    sqlite3_clear_bindings(st); /* what was bound is the caller's */
}

int queue_read_end(struct queue *q, sqlite3_stmt *st, int code, struct err *e)
{
    sqlite3_reset(st);
    int told = code ? code : tell(q, e);
    q->trouble = SQLITE_OK;
    return told;
}

/* It takes effect at once, but for a transaction that is under way. */
static void set_durable(struct queue *q, bool durable)
{
    int rc =
        sqlite3_exec(q->db, durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL",
                     NULL, NULL, NULL);

    if (rc)
        note(q, rc);
}

int queue_begin(struct queue *q, bool durable, struct err *e)
{
    assert(sqlite3_get_autocommit(q->db));
    q->trouble = SQLITE_OK;
    set_durable(q, durable);
    if (!q->trouble)
        queue_run(q, queue_statement(q, QUEUE_BEGIN));
    int code = tell(q, e);
    if (code)
        q->is_stuck = true;
    return code;
}

int queue_commit(struct queue *q, int code, struct err *e)
{
    if (!code && !q->trouble)
        queue_run(q, queue_statement(q, QUEUE_COMMIT));
    int told = code ? code : tell(q, e);
    q->trouble = SQLITE_OK;
    if (!code)
        q->is_stuck = told != 0;
    if (told && !sqlite3_get_autocommit(q->db)) /* a full disk may have rolled back already */
        queue_run(q, queue_statement(q, QUEUE_ROLLBACK));
    q->trouble = SQLITE_OK;
    return told;
}

void queue_bind(sqlite3_stmt *st, int at, struct str s)
{
    sqlite3_bind_text64(st, at, s.p, s.n, SQLITE_STATIC, SQLITE_UTF8);
}

struct str queue_column(sqlite3_stmt *st, int at)
{
    if (sqlite3_column_type(st, at) == SQLITE_NULL)
        return STR_NONE;
    const void *p = sqlite3_column_blob(st, at); /* NULL of an empty one */
    return (struct str){ p ? p : "", (size_t)sqlite3_column_bytes(st, at) };
}
