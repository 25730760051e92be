/* Opening the queue. The lock beside the file says who has it, for as long as that process lives;
 * SQLite's own locks would be dropped when anybody in the process closed the file.
 *
 * A damaged file is refused and left alone: in it are jobs that somebody waits for, and most of
 * them can be got out of it by hand. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dray/daemon/queue_parts.h"
#include "dray/store/lock.h"
#include "dray/util/file.h"
#include "dray/util/mem.h"

/* What a log is cut down to when it is begun anew. */
enum { LOG_BYTES = 4 * 1024 * 1024, CACHE_KIB = 256 };

int queue_damaged(struct queue *q, const char *why, struct err *e)
{
    return err_set(e, ERR_INPUT,
                   "%s is damaged (%s) and was left as it is; sqlite3's .recover saves what can be "
                   "read. To begin without the jobs in it, move it and the files beside it aside",
                   q->path, why);
}

int queue_trouble(struct queue *q, int rc, struct err *e)
{
    int number = q->trouble_errno;

    switch (rc & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR: /* of its schema: our SQL is right */
        return queue_damaged(q, sqlite3_errstr(rc), e);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(e, ERR_CONFLICT, "another program has %s open; close it there", q->path);
    case SQLITE_READONLY:
        return err_set(e, ERR_IO, "%s can't be written to; look at its mode and its file system",
                       q->path);
    default:
        if ((rc & 0xff) == SQLITE_FULL || number == ENOSPC || number == EDQUOT)
            return err_set(e, ERR_SPACE, "can't write %s: make room in its file system", q->path);
        return err_set(e, ERR_IO, "can't use %s: %s", q->path, sqlite3_errstr(rc));
    }
}

static int run_sql(struct queue *q, const char *sql, struct err *e)
{
    int rc = sqlite3_exec(q->db, sql, NULL, NULL, NULL);

    q->trouble_errno = rc ? sqlite3_system_errno(q->db) : 0;
    return rc ? queue_trouble(q, rc, e) : 0;
}

/* The first column of the first row. */
static int ask(struct queue *q, const char *sql, struct buf *out, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(q->db, sql, -1, &st, NULL);

    if (!rc)
        rc = sqlite3_step(st);
    q->trouble_errno = sqlite3_system_errno(q->db);
    int code = rc == SQLITE_ROW ? 0 : queue_trouble(q, rc, e);
    if (!code)
        buf_add_str(out, queue_column(st, 0));
    sqlite3_finalize(st);
    return code;
}

static int ask_number(struct queue *q, const char *sql, uint64_t *out, struct err *e)
{
    struct buf text = { 0 };
    int code = ask(q, sql, &text, e);

    if (!code && !str_to_u64(buf_str(&text), UINT64_MAX, out))
        code = queue_damaged(q, "no number where one has to be", e);
    buf_done(&text);
    return code;
}

/* *there is false of a file that nobody has filled yet. */
static int look_at_schema(struct queue *q, bool *there, struct err *e)
{
    uint64_t application = 0, version = 0, tables = 0;

    if (ask_number(q, "PRAGMA application_id", &application, e) ||
        ask_number(q, "PRAGMA user_version", &version, e) ||
        ask_number(q, "SELECT count(*) FROM sqlite_schema", &tables, e))
        return e->code;
    *there = application != 0 || version != 0 || tables != 0;
    if (!*there)
        return 0;
    if (application != QUEUE_APPLICATION_ID || version < QUEUE_VERSION)
        return queue_damaged(q, "it is no queue of dray's", e);
    if (version > QUEUE_VERSION)
        return err_set(
            e, ERR_UNSUPPORTED,
            "a newer dray made %s (schema %llu, this one knows %d); run that one, or use "
            "another state directory",
            q->path, (unsigned long long)version, QUEUE_VERSION);
    return 0;
}

static int create_schema(struct queue *q, struct err *e)
{
    char numbers[96];

    snprintf(numbers, sizeof(numbers), "PRAGMA application_id = %d; PRAGMA user_version = %d;",
             QUEUE_APPLICATION_ID, QUEUE_VERSION);
    int code = queue_begin(q, true, e);
    if (code)
        return code;
    code = run_sql(q, QUEUE_SCHEMA, e);
    if (!code)
        code = run_sql(q, numbers, e);
    return queue_commit(q, code, e);
}

/* Of the jobs alone: what was told of them may be gigabytes, and is found out when it is read. */
static int check_jobs(struct queue *q, struct err *e)
{
    struct buf said = { 0 };
    int code = ask(q, "PRAGMA quick_check(job)", &said, e);

    if (!code && !str_is(buf_str(&said), "ok"))
        code = queue_damaged(q, buf_z(&said), e);
    buf_done(&said);
    return code;
}

static int set_up(struct queue *q, struct err *e)
{
    char pragmas[256];
    bool there = false;

    sqlite3_extended_result_codes(q->db, 1);
    sqlite3_db_config(q->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    /* Exclusive: the log then needs no memory that is shared, which network file systems lack.
     * Deleted texts may have had passwords in them. What is cached stays in memory for as long as
     * the daemon runs, and the system caches the file anyway. */
    snprintf(pragmas, sizeof(pragmas),
             "PRAGMA locking_mode = EXCLUSIVE; PRAGMA temp_store = MEMORY;"
             "PRAGMA trusted_schema = OFF; PRAGMA secure_delete = FAST;"
             "PRAGMA journal_size_limit = %d; PRAGMA cache_size = -%d",
             LOG_BYTES, CACHE_KIB);
    if (run_sql(q, pragmas, e) || look_at_schema(q, &there, e) ||
        run_sql(q, "PRAGMA journal_mode = WAL", e))
        return e->code;
    return there ? check_jobs(q, e) : create_schema(q, e);
}

/* What somebody else owns he can change. */
static int check_directory(const char *directory, struct err *e)
{
    struct stat st;

    if (stat(directory, &st) != 0)
        return err_errno(e, "can't look at the state directory %s", directory);
    if (!S_ISDIR(st.st_mode))
        return err_set(e, ERR_IO, "%s is not a directory; choose another state directory",
                       directory);
    if (st.st_uid != geteuid())
        return err_set(e, ERR_IO,
                       "another user (%ld) owns the state directory %s; choose one of your own",
                       (long)st.st_uid, directory);
    return 0;
}

static int refuse_locked(struct queue *q, const char *directory, struct err *e)
{
    char text[32] = { 0 };
    uint64_t pid = 0;

    if (errno != EAGAIN && errno != EACCES)
        return err_errno(e, "can't lock the state directory %s", directory);
    ssize_t n = pread(q->lock_fd, text, sizeof(text), 0);
    /* It is empty while the other one is just opening it. */
    if (n <= 0 || !str_to_u64(str_trim((struct str){ text, (size_t)n }), INT32_MAX, &pid))
        return err_set(e, ERR_CONFLICT, "another process has the queue in %s; stop that one",
                       directory);
    return err_set(e, ERR_CONFLICT, "process %d has the queue in %s; stop that one", (int)pid,
                   directory);
}

static int take_lock(struct queue *q, const char *directory, struct err *e)
{
    struct buf path = { 0 };
    char pid[32];
    int code = 0;

    buf_add_f(&path, "%s/queue.lock", directory);
    q->lock_fd = open(buf_z(&path), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (q->lock_fd < 0)
        code = err_errno(e, "can't open %s", buf_z(&path));
    else if (!lock_alone(q->lock_fd))
        code = refuse_locked(q, directory, e);
    buf_done(&path);
    if (code)
        return code;
    /* For messages alone: what is not written is not said. */
    snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
    if (ftruncate(q->lock_fd, 0) == 0)
        (void)!pwrite(q->lock_fd, pid, strlen(pid), 0);
    return 0;
}

/* Made here, for its mode: there may be passwords in a job. SQLite gives its log the same one. */
static int make_file(struct queue *q, struct err *e)
{
    int fd = open(q->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    int code = fd < 0 || fchmod(fd, 0600) != 0 ? err_errno(e, "can't open %s", q->path) : 0;

    if (fd >= 0)
        close(fd);
    return code;
}

static int open_file(struct queue *q, struct err *e)
{
    int rc = sqlite3_open_v2(q->path, &q->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

    if (rc)
        return queue_trouble(q, rc, e);
    return set_up(q, e);
}

struct queue *queue_open(const char *directory, struct err *e)
{
    struct queue *q = mem_new(1, sizeof(*q));
    struct buf path = { 0 };

    q->lock_fd = -1;
    buf_add_f(&path, "%s/queue.sqlite", directory);
    q->path = buf_take(&path);
    if (file_make_private_dir(directory, e) || check_directory(directory, e) ||
        take_lock(q, directory, e) || make_file(q, e) || open_file(q, e)) {
        queue_close(q);
        return NULL;
    }
    return q;
}

void queue_close(struct queue *q)
{
    if (!q)
        return;
    for (size_t i = 0; i < QUEUE_STATEMENT_COUNT; i++)
        sqlite3_finalize(q->statements[i]);
    sqlite3_close(q->db);
    queue_drop_notes(q);
    free(q->notes);
    free(q->tails);
    if (q->lock_fd >= 0)
        close(q->lock_fd);
    free(q->path);
    free(q);
}
