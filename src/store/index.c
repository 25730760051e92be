/* With a write-ahead log and synchronous=NORMAL only a checkpoint calls fsync(), and here that is
 * done by index_checkpoint() alone: the automatic one and the one at closing are switched off.
 * After a loss of power the last transactions may be missing, the rest is whole. */
#include "dray/store/index.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { SHRINK_WAIT_MS = 5000 };

static const char *const sql_of[] = {
#define INDEX_SQL(name, sql) sql,
    INDEX_STATEMENTS(INDEX_SQL)
#undef INDEX_SQL
};

int index_code(struct store_index *ix, int rc)
{
    int number = ix->db ? sqlite3_system_errno(ix->db) : 0;

    switch (rc & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR: /* of its schema: our SQL is right */
        return ERR_INPUT;
    case SQLITE_FULL:
        return ERR_SPACE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_TIMEOUT;
    default:
        return number == ENOSPC || number == EDQUOT ? ERR_SPACE : ERR_IO;
    }
}

static void note(struct store_index *ix, int rc)
{
    if (!ix->trouble)
        ix->trouble = rc;
    if ((rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB)
        ix->damaged = true;
}

sqlite3_stmt *index_statement(struct store_index *ix, enum index_statement which)
{
    sqlite3_stmt **st = &ix->statements[which];

    if (*st) {
        sqlite3_reset(*st);
        return *st;
    }
    int rc = sqlite3_prepare_v3(ix->db, sql_of[which], -1, SQLITE_PREPARE_PERSISTENT, st, NULL);
    if (rc)
        note(ix, rc);
    if ((rc & 0xff) == SQLITE_ERROR) /* a table is not as our schema has it */
        ix->damaged = true;
    return *st;
}

bool index_step(struct store_index *ix, sqlite3_stmt *st)
{
    int rc = st ? sqlite3_step(st) : SQLITE_DONE;

    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        note(ix, rc);
    return rc == SQLITE_ROW;
}

void index_run(struct store_index *ix, sqlite3_stmt *st)
{
    while (index_step(ix, st))
        ;
    sqlite3_reset(st);
}

void index_close(struct store_index *ix)
{
    if (!ix)
        return;
    for (size_t i = 0; i < INDEX_STATEMENT_COUNT; i++)
        sqlite3_finalize(ix->statements[i]);
    sqlite3_close(ix->db);
    free(ix);
}

static enum index_answer answer_of(struct store_index *ix)
{
    if (!ix->trouble)
        return INDEX_DONE;
    return index_code(ix, ix->trouble) == ERR_TIMEOUT ? INDEX_BUSY : INDEX_FAILED;
}

void index_wait(struct store_index *ix, int wait_ms)
{
    sqlite3_busy_timeout(ix->db, wait_ms);
}

/* Who reads keeps the log from being begun anew, and without a log keeps others from writing. */
void index_hold(struct store_index *ix)
{
    if (ix->has_log && sqlite3_get_autocommit(ix->db))
        index_run(ix, index_statement(ix, INDEX_HOLD));
}

void index_release(struct store_index *ix)
{
    if (!sqlite3_get_autocommit(ix->db))
        index_run(ix, index_statement(ix, INDEX_COMMIT));
}

enum index_answer index_begin(struct store_index *ix, int wait_ms)
{
    index_release(ix);
    ix->trouble = SQLITE_OK;
    index_wait(ix, wait_ms);
    index_run(ix, index_statement(ix, INDEX_BEGIN));
    return answer_of(ix);
}

enum index_answer index_commit(struct store_index *ix)
{
    if (!ix->trouble)
        index_run(ix, index_statement(ix, INDEX_COMMIT));
    enum index_answer answer = answer_of(ix);
    if (answer != INDEX_DONE && !sqlite3_get_autocommit(ix->db)) /* FULL may have rolled back */
        index_run(ix, index_statement(ix, INDEX_ROLLBACK));
    ix->trouble = SQLITE_OK;
    return answer;
}

/* The log's length: since it is cut down when it is begun anew, that is about what is in it. */
static uint64_t log_bytes_of(struct store_index *ix)
{
    const char *path = sqlite3_filename_wal(sqlite3_db_filename(ix->db, "main"));
    struct stat st;

    return path && stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

void index_checkpoint(struct store_index *ix, uint64_t log_bytes)
{
    int in_log = 0, moved = 0;

    index_release(ix);
    if (log_bytes_of(ix) <= log_bytes)
        return;
    sqlite3_busy_timeout(ix->db, 0);
    int rc = sqlite3_wal_checkpoint_v2(ix->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_log, &moved);
    /* The first commit to a log that is begun anew syncs its head: so that nobody's loop does it,
     * it is done here. */
    if (rc == SQLITE_OK && in_log == moved && index_begin(ix, 0) == INDEX_DONE) {
        index_run(ix, index_statement(ix, INDEX_RESTART));
        index_commit(ix);
    }
    ix->trouble = SQLITE_OK;
}

bool index_check(struct store_index *ix)
{
    sqlite3_stmt *st = NULL;

    int rc = sqlite3_prepare_v2(ix->db, "PRAGMA integrity_check(1)", -1, &st, NULL);
    if (!rc)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW && !str_is(str_of((const char *)sqlite3_column_text(st, 0)), "ok"))
        rc = SQLITE_CORRUPT;
    sqlite3_finalize(st);
    if (rc != SQLITE_ROW)
        note(ix, rc);
    return !ix->damaged;
}

void index_shrink(struct store_index *ix)
{
    index_release(ix);
    sqlite3_busy_timeout(ix->db, SHRINK_WAIT_MS);
    if (sqlite3_exec(ix->db, "VACUUM", NULL, NULL, NULL) == SQLITE_OK)
        sqlite3_wal_checkpoint_v2(ix->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
}
