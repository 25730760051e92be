/* Opening the index, and beginning anew when it is damaged.
 *
 * <root>/lock is held shared while the index is opened and alone while it is moved aside, so that
 * nobody opens one half and the other of two indexes. Who has it open already keeps the old files,
 * and notices by index_is_lost(). SQLite's own locks are on index.sqlite, which must therefore
 * never be opened by anybody else in this process: closing it would drop them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "dray/store/index.h"
#include "dray/store/lock.h"
#include "dray/util/mem.h"

/* Waiting for another process that creates the index in the same moment. */
enum { OPEN_WAIT_MS = 5000 };

static int say(struct store_index *ix, int rc, struct err *e)
{
    return err_set(e, index_code(ix, rc), "its index can't be used: %s",
                   ix->db ? sqlite3_errmsg(ix->db) : sqlite3_errstr(rc));
}

static int run_sql(struct store_index *ix, const char *sql, struct err *e)
{
    int rc = sqlite3_exec(ix->db, sql, NULL, NULL, NULL);

    return rc ? say(ix, rc, e) : 0;
}

/* The first column of the first row. */
static int ask(struct store_index *ix, const char *sql, int64_t *out, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(ix->db, sql, -1, &st, NULL);

    if (!rc)
        rc = sqlite3_step(st);
    int code = rc == SQLITE_ROW ? 0 : say(ix, rc, e);
    if (!code)
        *out = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return code;
}

/* *there is false of one that nobody has filled yet. */
static int look_at_schema(struct store_index *ix, bool *there, struct err *e)
{
    int64_t application = 0, version = 0, tables = 0;

    if (ask(ix, "PRAGMA application_id", &application, e) ||
        ask(ix, "PRAGMA user_version", &version, e) ||
        ask(ix, "SELECT count(*) FROM sqlite_schema", &tables, e))
        return e->code;
    *there = application != 0 || version != 0 || tables != 0;
    if (!*there)
        return 0;
    if (application != INDEX_APPLICATION_ID || version < INDEX_VERSION)
        return err_set(e, ERR_INPUT, "its index is none of dray's");
    if (version > INDEX_VERSION)
        return err_set(e, ERR_UNSUPPORTED,
                       "a newer dray made its index (schema %lld, this one knows %d)",
                       (long long)version, INDEX_VERSION);
    return 0;
}

/* Another process may be doing the same: who comes second finds it done. */
static int create_schema(struct store_index *ix, struct err *e)
{
    char numbers[96];
    bool there = false;

    snprintf(numbers, sizeof(numbers), "PRAGMA application_id = %d; PRAGMA user_version = %d;",
             INDEX_APPLICATION_ID, INDEX_VERSION);
    if (run_sql(ix, "BEGIN IMMEDIATE", e))
        return e->code;
    int code = look_at_schema(ix, &there, e);
    if (!code && !there)
        code = run_sql(ix, INDEX_SCHEMA, e);
    if (!code && !there)
        code = run_sql(ix, numbers, e);
    if (!code)
        code = run_sql(ix, "COMMIT", e);
    if (code)
        sqlite3_exec(ix->db, "ROLLBACK", NULL, NULL, NULL);
    ix->is_new = !code && !there;
    return code;
}

/* Some network file systems can't share the memory that a write-ahead log needs: then a journal. */
static int choose_journal(struct store_index *ix, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(ix->db, "PRAGMA journal_mode = WAL", -1, &st, NULL);

    if (!rc)
        rc = sqlite3_step(st);
    int code = rc == SQLITE_ROW ? 0 : say(ix, rc, e);
    ix->has_log = !code && str_is(str_of((const char *)sqlite3_column_text(st, 0)), "wal");
    sqlite3_finalize(st);
    if (!code && !ix->has_log)
        code = run_sql(ix, "PRAGMA journal_mode = TRUNCATE", e);
    return code;
}

static int set_up(struct store_index *ix, bool read_only, int wait_ms, struct err *e)
{
    char pragmas[128];
    bool there = false;

    sqlite3_extended_result_codes(ix->db, 1);
    sqlite3_busy_timeout(ix->db, wait_ms);
    sqlite3_db_config(ix->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_db_config(ix->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_wal_autocheckpoint(ix->db, 0);
    if (look_at_schema(ix, &there, e))
        return e->code;
    if (!there && read_only)
        return err_set(e, ERR_NOT_FOUND, "its index is empty");
    if (read_only)
        return 0;
    /* One that is lost with the power while it is created is created again. */
    snprintf(pragmas, sizeof(pragmas), "PRAGMA synchronous = OFF; PRAGMA page_size = %d",
             INDEX_PAGE_BYTES);
    if (!there && run_sql(ix, pragmas, e))
        return e->code;
    if (choose_journal(ix, e) || (!there && create_schema(ix, e)))
        return e->code;
    snprintf(pragmas, sizeof(pragmas),
             "PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF;"
             "PRAGMA journal_size_limit = %d",
             INDEX_LOG_BYTES);
    if (run_sql(ix, pragmas, e))
        return e->code;
    sqlite3_busy_timeout(ix->db, 0); /* who was stopped while writing must not stop who reads */
    return 0;
}

static bool index_is_moved(struct store_index *ix)
{
    int moved = 0;

    return sqlite3_file_control(ix->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK &&
           moved;
}

static struct store_index *open_once(const char *path, bool read_only, int wait_ms, struct err *e)
{
    /* What is needed to take one statement back stays in memory: in a temporary file it would be
     * left behind by who is killed. Only before the first one is opened. */
    (void)sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, -1);
    struct store_index *ix = mem_new(1, sizeof(*ix));
    int flags = read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    int rc = sqlite3_open_v2(path, &ix->db, flags | SQLITE_OPEN_NOMUTEX, NULL);

    int code = rc ? say(ix, rc, e) : set_up(ix, read_only, wait_ms, e);
    if (!code)
        return ix;
    index_close(ix);
    return NULL;
}

/* The log and its index first: if we are killed between, the next one moves a file without them.
 * An older damaged one is replaced. */
static const char *const file_ends[] = { "-wal", "-shm", "-journal", "" };
enum { FILE_ENDS = sizeof(file_ends) / sizeof(*file_ends) };

static int move_aside(const char *path, struct err *e)
{
    struct buf from = { 0 }, to = { 0 };
    int code = 0;

    for (size_t i = 0; i < FILE_ENDS && !code; i++) {
        buf_reset(&from);
        buf_reset(&to);
        buf_add_f(&from, "%s%s", path, file_ends[i]);
        buf_add_f(&to, "%s.damaged%s", path, file_ends[i]);
        if (rename(buf_z(&from), buf_z(&to)) != 0 && errno != ENOENT)
            code = err_errno(e, "can't move the damaged %s aside", buf_z(&from));
    }
    buf_done(&from);
    buf_done(&to);
    return code;
}

static struct store_index *open_lock_busy(struct err *e)
{
    err_set(e, ERR_TIMEOUT, "another process is just opening or mending its index");
    return NULL;
}

/* Another process may have mended it while we came to have the lock alone: so it is looked at
 * again. */
static struct store_index *open_damaged(const char *path, int lock_fd, int wait_ms, struct err *e)
{
    if (!lock_alone(lock_fd))
        return open_lock_busy(e);
    struct store_index *ix = open_once(path, false, wait_ms, e);
    if (ix || e->code != ERR_INPUT)
        return ix;
    return move_aside(path, e) ? NULL : open_once(path, false, wait_ms, e);
}

static struct store_index *open_locked(const char *path, int lock_fd, int wait_ms, struct err *e)
{
    if (!lock_shared(lock_fd))
        return open_lock_busy(e);
    struct store_index *ix = open_once(path, false, wait_ms, e);
    return ix || e->code != ERR_INPUT ? ix : open_damaged(path, lock_fd, wait_ms, e);
}

/* Damage that opening does not show: as long as our file has the name, nobody has mended it. */
static struct store_index *replace_locked(struct store_index *lost, const char *path, int lock_fd,
                                          int wait_ms, struct err *e)
{
    if (lost->damaged && !lock_alone(lock_fd))
        return open_lock_busy(e);
    if (lost->damaged && !index_is_moved(lost) && move_aside(path, e))
        return NULL;
    return open_locked(path, lock_fd, wait_ms, e);
}

struct store_index *index_replace(struct store_index *lost, const char *root, int wait_ms,
                                  struct err *e)
{
    struct buf path = { 0 }, lock = { 0 };
    struct store_index *ix = NULL;

    buf_add_f(&path, "%s/index.sqlite", root);
    buf_add_f(&lock, "%s/lock", root);
    int fd = open(buf_z(&lock), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        err_errno(e, "can't open %s", buf_z(&lock));
    else if (lost)
        ix = replace_locked(lost, buf_z(&path), fd, wait_ms, e);
    else
        ix = open_locked(buf_z(&path), fd, wait_ms, e);
    if (fd >= 0)
        close(fd);
    buf_done(&path);
    buf_done(&lock);
    return ix;
}

struct store_index *index_open(const char *root, bool read_only, struct err *e)
{
    struct buf path = { 0 };

    if (!read_only)
        return index_replace(NULL, root, OPEN_WAIT_MS, e);
    struct store_index *ix = NULL;
    buf_add_f(&path, "%s/index.sqlite", root);
    if (access(buf_z(&path), F_OK) == 0)
        ix = open_once(buf_z(&path), true, OPEN_WAIT_MS, e);
    else
        err_set(e, ERR_NOT_FOUND, "there is no index");
    buf_done(&path);
    return ix;
}

bool index_is_lost(struct store_index *ix)
{
    return ix->damaged || index_is_moved(ix);
}

void index_remove_damaged(const char *root)
{
    struct buf path = { 0 };

    for (size_t i = 0; i < FILE_ENDS; i++) {
        buf_reset(&path);
        buf_add_f(&path, "%s/index.sqlite.damaged%s", root, file_ends[i]);
        unlink(buf_z(&path));
    }
    buf_done(&path);
}
