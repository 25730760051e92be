/* The queue's file: who may have it, what is refused and left as it is, what is on the disk when,
 * and what a full disk does. */
#include "queue_world.h"

#include "dray/util/mem.h"
#include "full_disk.h"

#ifdef __linux__
#include <sys/syscall.h>

/* Instead of libc's: SQLite calls these. */
static size_t syncs;

int fsync(int fd)
{
    syncs++;
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    syncs++;
    return (int)syscall(SYS_fdatasync, fd);
}

/* What somebody was told is on the disk; what would only be done again is not waited for. */
static void test_durable(void **state)
{
    struct temp_dir d;
    struct err e = { 0 };

    (void)state;
    temp_dir_open(&d);
    struct queue *q = queue_world_open(d.path);
    int64_t id = queue_world_put(q, "x", JOB_LOW);
    for (int i = 0; i < 3; i++) {
        syncs = 0;
        queue_world_put(q, "x", JOB_LOW);
        assert_true(syncs > 0);
        syncs = 0;
        queue_world_step(q, id, JOB_RUNNING);
        queue_world_event(q, id, "{}");
        assert_int_equal(queue_file(q, id, &(struct queue_file){ .number = 1 }, &e), 0);
        queue_world_flush(q);
        queue_world_step(q, id, JOB_QUEUED);
        assert_int_equal(syncs, 0);
    }
    queue_world_step(q, id, JOB_CANCELLED);
    assert_true(syncs > 0);
    queue_close(q);
    temp_dir_close(&d);
}
#else
static void test_durable(void **state)
{
    (void)state;
    skip();
}
#endif

static void open_fails(const char *directory, int code, const char *part)
{
    struct err e = { 0 };

    assert_null(queue_open(directory, &e));
    if (e.code != code || !strstr(err_text(&e), part))
        fail_msg("\"%s\" is %s, not with \"%s\"", err_text(&e), err_name(e.code), part);
    err_done(&e);
}

/* Nobody else reads what may have passwords in it, whatever the umask and who made the file. */
static void test_modes(void **state)
{
    static const char *const names[] = { "s/queue.sqlite", "s/queue.lock", "s/queue.sqlite-wal" };
    struct temp_dir d;
    struct stat st;
    mode_t before = umask(0);

    (void)state;
    temp_dir_open(&d);
    temp_dir_put(&d, "made/queue.sqlite", STR(""));
    assert_int_equal(chmod(temp_dir_at(&d, "made/queue.sqlite"), 0644), 0);
    struct queue *q = queue_world_open(temp_dir_at(&d, "s"));
    queue_world_put(q, "x", JOB_LOW);
    assert_int_equal(stat(temp_dir_at(&d, "s"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        assert_int_equal(stat(temp_dir_at(&d, names[i]), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
    queue_close(q);
    queue_close(queue_world_open(temp_dir_at(&d, "made")));
    assert_int_equal(stat(temp_dir_at(&d, "made/queue.sqlite"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    umask(before);
    temp_dir_close(&d);
}

/* Opens the queue in another process; 0 when that was refused and `part` said. */
static int open_elsewhere(const char *directory, const char *part)
{
    struct err e = { 0 };
    int status = 1;

    fflush(NULL);
    pid_t child = fork();
    temp_dir_check(child >= 0, "fork");
    if (child == 0) {
        struct queue *q = queue_open(directory, &e);
        bool ok = !q && e.code == ERR_CONFLICT && strstr(err_text(&e), part);
        if (!ok)
            fprintf(stderr, "open: %s\n", q ? "it was opened" : err_text(&e));
        _exit(ok ? 0 : 1);
    }
    temp_dir_check(waitpid(child, &status, 0) == child, "waitpid");
    return status;
}

static void test_second_process(void **state)
{
    struct temp_dir d;
    char part[64];

    (void)state;
    temp_dir_open(&d);
    struct queue *q = queue_world_open(d.path);
    snprintf(part, sizeof(part), "process %d has the queue in %s", (int)getpid(), d.path);
    assert_int_equal(open_elsewhere(d.path, part), 0);
    open_fails(d.path, ERR_CONFLICT, part); /* nor twice in one */
    assert_int_equal(open_elsewhere(d.path, part), 0);
    queue_world_put(q, "x", JOB_LOW);
    queue_close(q);
    /* The lock is what counts, not the file of it. */
    temp_dir_put(&d, "queue.lock", STR("1\n"));
    queue_close(queue_world_open(d.path));
    temp_dir_close(&d);
}

static void test_directory(void **state)
{
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    temp_dir_put(&d, "file", STR("x"));
    temp_dir_put(&d, "linked/x", STR("x"));
    assert_int_equal(symlink("../file", temp_dir_at(&d, "linked/queue.sqlite")), 0);
    assert_int_equal(mkdir(temp_dir_at(&d, "dir"), 0700), 0);
    assert_int_equal(mkdir(temp_dir_at(&d, "dir/queue.sqlite"), 0700), 0);
    open_fails(temp_dir_at(&d, "file"), ERR_IO, "file is not a directory");
    open_fails(temp_dir_at(&d, "file/x"), ERR_IO, "file");
    open_fails(temp_dir_at(&d, "linked"), ERR_IO, "linked/queue.sqlite");
    open_fails(temp_dir_at(&d, "dir"), ERR_IO, "dir/queue.sqlite");
    assert_true(temp_dir_has(&d, "file", STR("x")));
    if (geteuid() == 0) {
        assert_int_equal(mkdir(temp_dir_at(&d, "other"), 0777), 0);
        assert_int_equal(chown(temp_dir_at(&d, "other"), 4711, (gid_t)-1), 0);
        open_fails(temp_dir_at(&d, "other"), ERR_IO, "another user (4711) owns");
        assert_int_equal(temp_dir_count(&d, "other"), 0);
    }
    temp_dir_close(&d);
}

/* Opening fails, and the file is byte for byte what it was. */
static void is_refused(struct temp_dir *d, int code, const char *part)
{
    struct buf before = { 0 };
    struct err e = { 0 };
    const char *path = temp_dir_at(d, "queue.sqlite");

    assert_int_equal(file_read(path, SIZE_MAX, &before, &e), 0);
    open_fails(d->path, code, part);
    assert_true(temp_dir_has(d, "queue.sqlite", buf_str(&before)));
    buf_done(&before);
}

static void make_queue(struct temp_dir *d)
{
    unlink(temp_dir_at(d, "queue.sqlite"));
    unlink(temp_dir_at(d, "queue.sqlite-wal"));
    struct queue *q = queue_world_open(d->path);
    queue_world_put(q, "x", JOB_LOW);
    queue_close(q);
}

static void test_refused(void **state)
{
    struct temp_dir d;
    struct buf text = { 0 };
    struct err e = { 0 };

    (void)state;
    temp_dir_open(&d);
    for (int i = 0; i < 5000; i++)
        buf_add_z(&text, "no database ");
    temp_dir_put(&d, "queue.sqlite", buf_str(&text));
    is_refused(&d, ERR_INPUT, "queue.sqlite is damaged (file is not a database)");
    make_queue(&d);
    queue_world_sql(d.path, "PRAGMA user_version = 2");
    is_refused(&d, ERR_UNSUPPORTED, "a newer dray made");
    queue_world_sql(d.path, "PRAGMA user_version = 0");
    is_refused(&d, ERR_INPUT, "it is no queue of dray's");
    make_queue(&d);
    queue_world_sql(d.path, "PRAGMA application_id = 1");
    is_refused(&d, ERR_INPUT, "it is no queue of dray's");
    make_queue(&d);
    queue_world_sql(d.path, "DROP TABLE job");
    is_refused(&d, ERR_INPUT, "is damaged");
    make_queue(&d);
    assert_int_equal(truncate(temp_dir_at(&d, "queue.sqlite"), 3 * 4096 + 100), 0);
    is_refused(&d, ERR_INPUT, "move it and the files beside it aside");
    buf_done(&text);
    err_done(&e);
    temp_dir_close(&d);
}

static void no_job(void *ctx, const struct queue_job *job)
{
    (void)ctx;
    fail_msg("job %lld was told", (long long)job->id);
}

/* Rows that are none of ours are found when they are read, and are told as damage. */
static void test_wrong_rows(void **state)
{
    static const char *const wrong[] = { "state = 5", "state = -1", "priority = 3",
                                         "priority = -1" };
    struct temp_dir d;
    struct arena a = { 0 };
    struct queue_job job;

    (void)state;
    temp_dir_open(&d);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        struct err e = { 0 };
        make_queue(&d);
        queue_world_sql(d.path, arena_f(&a, "UPDATE job SET %s", wrong[i]).p);
        struct queue *q = queue_world_open(d.path);
        assert_int_equal(queue_find(q, 1, &a, &job, &e), ERR_INPUT);
        assert_non_null(strstr(err_text(&e), "is damaged"));
        assert_int_equal(queue_list(q, &(struct queue_filter){ .max = 9 }, no_job, NULL, &e),
                         ERR_INPUT);
        if (i < 2)
            assert_int_equal(queue_step(q, 1, JOB_RUNNING, NULL, &e), ERR_INPUT);
        err_done(&e);
        queue_close(q);
    }
    arena_done(&a);
    temp_dir_close(&d);
}

/* Says what is wrong, for a child's test: there an assert would go on with the parent's tests. */
static bool holds(bool ok, const char *what, const struct err *e)
{
    if (!ok)
        fprintf(stderr, "does not hold: %s (%s)\n", what, err_text(e));
    return ok;
}
#define HOLDS(x) holds(x, #x, &e)

#ifdef __linux__
static bool resize(const char *dir, const char *size)
{
    return mount(NULL, dir, NULL, MS_REMOUNT, size) == 0;
}

static bool count_text(void *ctx, int64_t seq, struct str text)
{
    int64_t *n = ctx;

    return seq == ++*n && text.n >= 1000;
}

/* What was accepted stays, what did not fit was not accepted, and what waits goes on waiting. */
static bool fill(const char *dir)
{
    char bytes[16000];
    struct err e = { 0 };
    struct queue_new job = { .text = { bytes, sizeof(bytes) } };
    struct queue_put put = { 0 };
    int64_t id = 0, seq = 0, last = 0, read = 0;
    size_t n[JOB_STATE_COUNT] = { 0 };
    int code = 0;

    memset(bytes, 'x', sizeof(bytes));
    bool ok = HOLDS(resize(dir, "size=1m"));
    struct queue *q = ok ? queue_open(dir, &e) : NULL;
    if (!HOLDS(q != NULL))
        return false;
    while (id < 1000 && (code = queue_put(q, &job, &put, &e)) == 0)
        ok &= HOLDS(put.id == ++id);
    ok &= HOLDS(code == ERR_SPACE) && HOLDS(id > 10) && HOLDS(strstr(err_text(&e), dir) != NULL);
    ok &= HOLDS(queue_count(q, n, &e) == 0) && HOLDS((int64_t)n[JOB_QUEUED] == id);
    for (int i = 0; i < 200; i++)
        ok &= queue_event(q, 1, (struct str){ bytes, 1000 + (size_t)i }, &seq, &e) == 0;
    ok &= HOLDS(queue_flush(q, &e) == ERR_SPACE) && HOLDS(queue_is_dirty(q));
    ok &= HOLDS(queue_step(q, 1, JOB_RUNNING, NULL, &e) == ERR_SPACE);
    ok &= HOLDS(queue_last_seq(q, 1, &last, &e) == 0) && HOLDS(last == 0);
    ok &= HOLDS(resize(dir, "size=16m"));
    ok &= HOLDS(queue_event(q, 1, job.text, &seq, &e) == 0) && HOLDS(seq == 201);
    ok &= HOLDS(queue_step(q, 1, JOB_RUNNING, NULL, &e) == 0);
    struct queue_page p = { .job = 1, .max = 1000 };
    ok &= HOLDS(queue_events_read(q, &p, count_text, &read, &e) == 0) && HOLDS(read == 201);
    ok &= HOLDS(queue_put(q, &job, &put, &e) == 0) && HOLDS(put.id == id + 1);
    queue_close(q);
    err_done(&e);
    return ok;
}

static bool made_read_only(const char *dir)
{
    struct err e = { 0 };

    bool ok = HOLDS(resize(dir, "size=1m"));
    struct queue *q = ok ? queue_open(dir, &e) : NULL;
    if (!HOLDS(q != NULL))
        return false;
    queue_close(q);
    ok &= HOLDS(mount(NULL, dir, NULL, MS_REMOUNT | MS_RDONLY, "size=1m") == 0);
    ok &= HOLDS(!queue_open(dir, &e)) && HOLDS(e.code == ERR_IO) &&
          HOLDS(strstr(err_text(&e), dir) != NULL);
    err_done(&e);
    return ok;
}

static bool too_small(const char *dir)
{
    struct err e = { 0 };

    bool ok = HOLDS(resize(dir, "size=16k"));
    ok &= HOLDS(!queue_open(dir, &e)) && HOLDS(e.code == ERR_SPACE);
    ok &= HOLDS(resize(dir, "size=1m"));
    struct queue *q = queue_open(dir, &e); /* what was begun is in nobody's way */
    ok &= HOLDS(q != NULL);
    queue_close(q);
    err_done(&e);
    return ok;
}
#endif

/* Each of these on a small file system of its own. */
static void test_small(void **state)
{
#ifdef __linux__
    bool (*const tests[])(const char *) = { fill, made_read_only, too_small };
    struct temp_dir d;
    int got = 0;

    (void)state;
    temp_dir_open(&d);
    for (size_t i = 0; i < sizeof(tests) / sizeof(*tests) && got == 0; i++)
        got = full_disk_run(d.path, tests[i]);
    temp_dir_close(&d);
    if (got == FULL_DISK_NONE)
        skip();
    assert_int_equal(got, 0);
#else
    (void)state;
    (void)holds;
    skip();
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durable),   cmocka_unit_test(test_modes),
        cmocka_unit_test(test_directory), cmocka_unit_test(test_second_process),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_wrong_rows),
        cmocka_unit_test(test_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
