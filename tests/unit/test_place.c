/* Files get into a directory whole or not at all, and nothing else is left there. All of it twice:
 * with files that have no name until the end, where this machine's temporary directory can, and
 * with such that have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>

#include "dray/store/place_parts.h"
#include "full_disk.h"

static bool named; /* as if the file system could do nothing else */

static struct place *open_place(const char *dir)
{
    struct err e = { 0 };
    struct place *p = place_open(dir, &e);

    if (!p)
        fail_msg("%s", err_text(&e));
    if (named)
        p->unnamed = PLACE_NAMED;
    return p;
}

static struct place_file *create(struct place *p, struct str content)
{
    struct err e = { 0 };
    struct place_file *f = place_file_create(p, &e);

    if (!f || place_file_write(f, content.p, content.n, &e))
        fail_msg("%s", err_text(&e));
    return f;
}

static void put(struct place *p, const char *name, struct str content)
{
    struct err e = { 0 };
    struct place_file *f = create(p, content);

    if (place_file_commit(f, name, &e))
        fail_msg("%s", err_text(&e));
    place_file_destroy(f);
}

static void open_fails(const char *dir, int code, const char *part)
{
    struct err e = { 0 };

    assert_null(place_open(dir, &e));
    assert_int_equal(e.code, code);
    if (!strstr(err_text(&e), part))
        fail_msg("\"%s\" does not name %s", err_text(&e), part);
    err_done(&e);
}

static void test_open(void **state)
{
    struct temp_dir d;
    struct stat st;

    (void)state;
    temp_dir_open(&d);
    const char *dir = temp_dir_at(&d, "new/nested/");
    struct place *p = open_place(dir);
    assert_string_equal(place_dir(p), dir);
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(temp_dir_count(&d, "new/nested"), 0); /* the proof has gone */
    place_close(p);
    assert_int_equal(temp_dir_count(&d, "new"), 1); /* the directory stays */
    place_close(open_place(dir));                   /* there already */
    assert_int_equal(symlink("new", temp_dir_at(&d, "link")), 0);
    place_close(open_place(temp_dir_at(&d, "link")));
    place_close(NULL);
    temp_dir_close(&d);
}

static void test_open_fails(void **state)
{
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    temp_dir_put(&d, "file", STR("x"));
    assert_int_equal(symlink("nowhere", temp_dir_at(&d, "dangling")), 0);
    open_fails(temp_dir_at(&d, "file"), ERR_IO, temp_dir_at(&d, "file is not a directory"));
    open_fails(temp_dir_at(&d, "file/x/y"), ERR_IO, temp_dir_at(&d, "file"));
    open_fails(temp_dir_at(&d, "dangling"), ERR_IO, temp_dir_at(&d, "dangling"));
    if (access("/proc/self", F_OK) == 0) { /* a directory where nobody, root included, can create */
        open_fails("/proc/self", ERR_IO, "/proc/self");
        open_fails("/proc/self/x", ERR_IO, "/proc/self/x");
    }
    assert_true(temp_dir_has(&d, "file", STR("x")));
    assert_int_equal(temp_dir_count(&d, "."), 2);
    temp_dir_close(&d);
}

static int open_dir(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

/* By the descriptor alone: the path may be another directory's by now, or nobody's. */
static void test_open_at(void **state)
{
    struct temp_dir d;
    struct err e = { 0 };

    (void)state;
    temp_dir_open(&d);
    assert_int_equal(mkdir(temp_dir_at(&d, "dest"), 0700), 0);
    int fd = open_dir(temp_dir_at(&d, "dest"));
    assert_int_equal(rename(temp_dir_at(&d, "dest"), temp_dir_at(&d, "moved")), 0);
    struct place *p = place_open_at(fd, "/shown/dest", &e);
    assert_non_null(p);
    if (named)
        p->unnamed = PLACE_NAMED;
    assert_string_equal(place_dir(p), "/shown/dest");
    assert_int_equal(temp_dir_count(&d, "moved"), 0); /* the proof has gone */
    put(p, "a.whl", STR("whole"));
    assert_true(temp_dir_has(&d, "moved/a.whl", STR("whole")));
    assert_int_equal(temp_dir_count(&d, "."), 1);
    place_close(p);
    assert_int_equal(fcntl(fd, F_GETFD), -1); /* taken over */
    fd = open_dir(temp_dir_at(&d, "moved"));
    assert_int_equal(unlink(temp_dir_at(&d, "moved/a.whl")), 0);
    assert_int_equal(rmdir(temp_dir_at(&d, "moved")), 0);
    assert_null(place_open_at(fd, "/shown/dest", &e));
    assert_int_equal(e.code, ERR_IO);
    assert_non_null(strstr(err_text(&e), "/shown/dest"));
    assert_int_equal(fcntl(fd, F_GETFD), -1); /* on failure, too */
    err_done(&e);
    temp_dir_close(&d);
}

/* Before the commit nothing is to be seen under the name. */
static void test_commit(void **state)
{
    struct temp_dir d;
    struct stat st;
    mode_t before = umask(027);

    (void)state;
    temp_dir_open(&d);
    struct place *p = open_place(d.path);
    struct place_file *f = create(p, STR("whole"));
    assert_false(temp_dir_has(&d, "a.whl", STR("whole")));
    assert_int_equal(place_file_commit(f, "a.whl", &(struct err){ 0 }), 0);
    place_file_destroy(f);
    umask(before);
    assert_true(temp_dir_has(&d, "a.whl", STR("whole")));
    assert_int_equal(stat(temp_dir_at(&d, "a.whl"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    put(p, "a.whl", STR("another")); /* replaces */
    put(p, "empty", STR(""));
    assert_true(temp_dir_has(&d, "a.whl", STR("another")));
    assert_true(temp_dir_has(&d, "empty", STR("")));
    assert_int_equal(temp_dir_count(&d, "."), 2);
    place_close(p);
    temp_dir_close(&d);
}

static void test_commit_fails(void **state)
{
    struct temp_dir d;
    struct err e = { 0 };

    (void)state;
    temp_dir_open(&d);
    temp_dir_put(&d, "a.whl/inner", STR("x"));
    struct place *p = open_place(d.path);
    struct place_file *f = create(p, STR("whole"));
    assert_int_equal(place_file_commit(f, "a.whl", &e), ERR_IO);
    assert_non_null(strstr(err_text(&e), temp_dir_at(&d, "a.whl")));
    place_file_destroy(f);
    f = create(p, STR("whole"));
    assert_int_equal(place_file_commit(f, "missing/a.whl", &e), ERR_IO);
    place_file_destroy(f);
    assert_true(temp_dir_has(&d, "a.whl/inner", STR("x")));
    assert_int_equal(temp_dir_count(&d, "."), 1); /* no temporary file is left */
    place_close(p);
    err_done(&e);
    temp_dir_close(&d);
}

/* Many at once, and the leftover of a process that had our id. */
static void test_temporary_names(void **state)
{
    enum { FILES = 20 };
    struct place_file *files[FILES];
    struct temp_dir d;
    char stale[64];

    (void)state;
    temp_dir_open(&d);
    snprintf(stale, sizeof(stale), ".dray-%lx-3.part", (unsigned long)getpid());
    temp_dir_put(&d, stale, STR("stale"));
    struct place *p = open_place(d.path), *other = open_place(d.path);
    for (int i = 0; i < FILES; i++)
        files[i] = create(i % 2 ? p : other, STR("x"));
    size_t unnamed = p->unnamed == PLACE_UNNAMED ? FILES : 0;
    assert_int_equal(temp_dir_count(&d, "."), 1 + FILES - unnamed);
    for (int i = 0; i < FILES; i++)
        place_file_destroy(files[i]);
    place_file_destroy(NULL);
    assert_int_equal(temp_dir_count(&d, "."), 1); /* never removes what it did not create */
    assert_true(temp_dir_has(&d, stale, STR("stale")));
    place_close(p);
    place_close(other);
    temp_dir_close(&d);
}

static void test_writing_in_pieces(void **state)
{
    struct temp_dir d;
    struct buf all = { 0 };
    struct err e = { 0 };

    (void)state;
    temp_dir_open(&d);
    struct place *p = open_place(d.path);
    struct place_file *f = create(p, STR(""));
    for (size_t n = 0; n < 2000; n += 111) {
        size_t before = all.n;
        for (size_t i = 0; i < n; i++)
            buf_add_c(&all, (char)(n + i));
        assert_int_equal(place_file_write(f, buf_z(&all) + before, n, &e), 0);
    }
    assert_int_equal(place_file_commit(f, "x", &e), 0);
    place_file_destroy(f);
    assert_true(temp_dir_has(&d, "x", buf_str(&all)));
    buf_done(&all);
    place_close(p);
    temp_dir_close(&d);
}

/* The directory is moved away during the run: it stays the same directory. */
static void test_directory_is_renamed(void **state)
{
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    struct place *p = open_place(temp_dir_at(&d, "old"));
    struct place_file *f = create(p, STR("x"));
    assert_int_equal(rename(temp_dir_at(&d, "old"), temp_dir_at(&d, "new")), 0);
    assert_int_equal(place_file_commit(f, "file", &(struct err){ 0 }), 0);
    place_file_destroy(f);
    assert_true(temp_dir_has(&d, "new/file", STR("x")));
    assert_int_equal(temp_dir_count(&d, "."), 1);
    place_close(p);
    temp_dir_close(&d);
}

static void find_fails(struct place *p, const char *name, int code)
{
    uint64_t bytes = 4711;
    struct err e = { 0 };
    int fd = 4712;

    assert_int_equal(place_find(p, name, &fd, &bytes, &e), code);
    assert_non_null(strstr(err_text(&e), name));
    assert_true(fd == 4712 && bytes == 4711);
    assert_int_equal(place_size(p, name, &bytes, &e), code);
    assert_true(strstr(err_text(&e), name) && bytes == 4711);
    err_done(&e);
}

static void test_find(void **state)
{
    struct temp_dir d;
    struct err e = { 0 };
    uint64_t bytes = 0;
    char content[9];
    int fd = -1;

    (void)state;
    temp_dir_open(&d);
    temp_dir_put(&d, "dir/file", STR("12345"));
    temp_dir_put(&d, "dir/empty", STR(""));
    assert_int_equal(mkdir(temp_dir_at(&d, "dir/sub"), 0700), 0);
    assert_int_equal(mkfifo(temp_dir_at(&d, "dir/fifo"), 0600), 0);
    assert_int_equal(symlink("loop", temp_dir_at(&d, "dir/loop")), 0);
    struct place *p = open_place(temp_dir_at(&d, "dir"));
    assert_int_equal(place_find(p, "file", &fd, &bytes, &e), 0);
    assert_int_equal(bytes, 5);
    assert_int_equal(read(fd, content, sizeof(content)), 5);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    close(fd);
    assert_int_equal(place_find(p, "empty", &fd, &bytes, &e), 0);
    assert_int_equal(bytes, 0);
    assert_int_equal(place_size(p, "file", &bytes, &e), 0);
    assert_int_equal(bytes, 5);
    close(fd);
    find_fails(p, "missing", ERR_NOT_FOUND);
    find_fails(p, "sub", ERR_IO);
    find_fails(p, "fifo", ERR_IO); /* and does not wait for a writer */
    find_fails(p, "loop", ERR_IO);
    place_close(p);
    temp_dir_close(&d);
}

/* To look is to leave all as it is. */
static void test_look(void **state)
{
    struct temp_dir d;
    struct err e = { 0 };
    uint64_t bytes = 0;

    (void)state;
    temp_dir_open(&d);
    temp_dir_put(&d, "dir/file", STR("12345"));
    assert_null(place_look(temp_dir_at(&d, "missing")));
    assert_null(place_look(temp_dir_at(&d, "dir/file")));
    struct place *p = place_look(temp_dir_at(&d, "dir"));
    assert_non_null(p);
    assert_string_equal(place_dir(p), temp_dir_at(&d, "dir"));
    assert_true(place_size(p, "file", &bytes, &e) == 0 && bytes == 5);
    place_close(p);
    assert_int_equal(temp_dir_count(&d, "dir"), 1);
    temp_dir_close(&d);
}

/* What has the name is replaced, also when it came meanwhile; a link itself, not what it leads to.
 */
static void test_commit_over(void **state)
{
    static const char *const names[] = { "file", "link", "dangling", "readonly", "link" };
    struct temp_dir d;
    struct stat st;

    (void)state;
    temp_dir_open(&d);
    temp_dir_put(&d, "precious", STR("mine"));
    struct place *p = open_place(temp_dir_at(&d, "dest"));
    struct place_file *f = create(p, STR("late"));
    temp_dir_put(&d, "dest/file", STR("x"));
    temp_dir_put(&d, "dest/readonly", STR("x"));
    assert_int_equal(chmod(temp_dir_at(&d, "dest/readonly"), 0444), 0);
    assert_int_equal(symlink("../precious", temp_dir_at(&d, "dest/link")), 0);
    assert_int_equal(symlink("nowhere", temp_dir_at(&d, "dest/dangling")), 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const char *path = arena_f(&d.arena, "dest/%s", names[i]).p;
        put(p, names[i], str_of(names[i]));
        assert_true(temp_dir_has(&d, path, str_of(names[i])));
        assert_int_equal(lstat(temp_dir_at(&d, path), &st), 0);
        assert_true(S_ISREG(st.st_mode) && st.st_nlink == 1);
    }
    assert_int_equal(place_file_commit(f, "file", &(struct err){ 0 }), 0);
    place_file_destroy(f);
    assert_true(temp_dir_has(&d, "dest/file", STR("late")));
    assert_true(temp_dir_has(&d, "precious", STR("mine")));
    assert_int_equal(temp_dir_count(&d, "dest"), 4);
    place_close(p);
    temp_dir_close(&d);
}

/* A file without a name goes with its process, whatever ends that. */
static void test_killed(void **state)
{
    struct temp_dir d;
    int status = 0;

    (void)state;
    temp_dir_open(&d);
    struct place *p = open_place(d.path);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        create(p, STR("half"));
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(temp_dir_count(&d, "."), p->unnamed == PLACE_UNNAMED ? 0 : 1);
    place_close(p);
    temp_dir_close(&d);
}

static void test_move(void **state)
{
    struct temp_dir d;
    struct err e = { 0 };
    struct stat st;

    (void)state;
    temp_dir_open(&d);
    assert_int_equal(mkdir(temp_dir_at(&d, "objects"), 0700), 0);
    assert_int_equal(mkdir(temp_dir_at(&d, "objects/ab"), 0700), 0);
    int dir_fd = open(temp_dir_at(&d, "objects"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct place *p = open_place(temp_dir_at(&d, "partial"));
    struct place_file *f = create(p, STR("first"));
    assert_int_equal(place_file_move(f, dir_fd, "ab/abc", &e), 0);
    place_file_destroy(f);
    assert_int_equal(stat(temp_dir_at(&d, "objects/ab/abc"), &st), 0);
    assert_true((st.st_mode & 07777) == 0444 && st.st_nlink == 1);
    f = create(p, STR("second"));
    assert_int_equal(place_file_move(f, dir_fd, "ab/abc", &e), ERR_CONFLICT);
    assert_non_null(strstr(err_text(&e), "ab/abc"));
    place_file_destroy(f);
    f = create(p, STR("third"));
    assert_int_equal(place_file_move(f, dir_fd, "missing/abc", &e), ERR_IO);
    assert_non_null(strstr(err_text(&e), "missing/abc"));
    place_file_destroy(f);
    assert_true(temp_dir_has(&d, "objects/ab/abc", STR("first")));
    assert_int_equal(temp_dir_count(&d, "objects/ab"), 1);
    assert_int_equal(temp_dir_count(&d, "partial"), 0);
    close(dir_fd);
    place_close(p);
    err_done(&e);
    temp_dir_close(&d);
}

static int open_read(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

/* Tells how it went: 0, or the error's code. */
static int link_file(struct place *p, enum place_mode mode, const char *path, const char *name)
{
    struct err e = { 0 };
    int fd = open_read(path);

    int code = place_link(p, mode, fd, path, name, &e);
    assert_true(!code || strstr(err_text(&e), p->dir));
    close(fd);
    err_done(&e);
    return code;
}

static const char *put_object(struct temp_dir *d, const char *name, struct str content)
{
    const char *path = temp_dir_at(d, name);

    temp_dir_put(d, name, content);
    assert_int_equal(chmod(path, 0444), 0);
    return path;
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat one, other;

    return stat(a, &one) == 0 && lstat(b, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

/* An object becomes a second name of the same file, whatever had the name. */
static void test_hardlink(void **state)
{
    static const char *const names[] = { "new", "file", "link", "dangling", "new" };
    struct temp_dir d;
    struct stat st;

    (void)state;
    temp_dir_open(&d);
    const char *object = put_object(&d, "object", STR("content"));
    struct place *p = open_place(temp_dir_at(&d, "dest"));
    temp_dir_put(&d, "dest/file", STR("x"));
    temp_dir_put(&d, "dest/dir/inner", STR("x"));
    assert_int_equal(symlink("../object", temp_dir_at(&d, "dest/link")), 0);
    assert_int_equal(symlink("nowhere", temp_dir_at(&d, "dest/dangling")), 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        assert_int_equal(link_file(p, PLACE_ONLY_HARDLINK, object, names[i]), 0);
        assert_true(
            is_same_file(object, temp_dir_at(&d, arena_f(&d.arena, "dest/%s", names[i]).p)));
        assert_int_equal(stat(object, &st), 0);
        assert_int_equal(st.st_nlink, i < 4 ? 2 + i : 5);
    }
    assert_int_equal(link_file(p, PLACE_ONLY_HARDLINK, object, "dir"), ERR_IO);
    assert_int_equal(link_file(p, PLACE_ONLY_HARDLINK, object, "missing/x"), ERR_IO);
    assert_int_equal(temp_dir_count(&d, "dest"), 5); /* no temporary name is left */
    assert_int_equal(stat(object, &st), 0);
    assert_true(st.st_nlink == 5 && (st.st_mode & 07777) == 0444);
    assert_int_equal(link_file(p, PLACE_ONLY_COPY, object, "copy"), ERR_UNSUPPORTED);
    place_close(p);
    temp_dir_close(&d);
}

/* What somebody may write to is never shared; what is said of one file is not held against others.
 */
static void test_hardlink_refused(void **state)
{
    static const mode_t modes[] = { 0644, 0600, 0464, 0446 };
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    const char *object = put_object(&d, "object", STR("content"));
    struct place *p = open_place(temp_dir_at(&d, "dest"));
    for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
        assert_int_equal(chmod(object, modes[i]), 0);
        assert_int_equal(link_file(p, PLACE_ONLY_HARDLINK, object, "x"), ERR_UNSUPPORTED);
    }
    assert_int_equal(temp_dir_count(&d, "dest"), 0);
    assert_int_equal(chmod(object, 0444), 0);
    assert_int_equal(link_file(p, PLACE_ONLY_HARDLINK, object, "x"), 0);
    place_close(p);
    temp_dir_close(&d);
}

/* The file that was opened, and no other that has its path by now. */
static void test_link_of_what_is_open(void **state)
{
    struct temp_dir d;
    struct err e = { 0 };

    (void)state;
    temp_dir_open(&d);
    const char *object = put_object(&d, "object", STR("right"));
    const char *moved = temp_dir_at(&d, "moved");
    struct place *p = open_place(temp_dir_at(&d, "dest"));
    int fd = open_read(object);
    assert_int_equal(rename(object, moved), 0);
    put_object(&d, "object", STR("wrong"));
    if (access("/proc/self/fd", F_OK) == 0) {
        assert_int_equal(place_link(p, PLACE_ONLY_HARDLINK, fd, object, "x", &e), 0);
        assert_true(temp_dir_has(&d, "dest/x", STR("right")));
        assert_int_equal(unlink(temp_dir_at(&d, "dest/x")), 0);
    }
    assert_int_equal(unlink(moved), 0); /* evicted by another process */
    assert_int_equal(place_link(p, PLACE_ONLY_HARDLINK, fd, object, "x", &e), ERR_UNSUPPORTED);
    assert_int_equal(temp_dir_count(&d, "dest"), 0);
    close(fd);
    place_close(p);
    err_done(&e);
    temp_dir_close(&d);
}

/* The first way that works, and each keeps its word. A way that does not is not tried again. */
static void test_link_auto(void **state)
{
    mode_t before = umask(027);
    struct temp_dir d;
    struct stat st;

    (void)state;
    temp_dir_open(&d);
    const char *object = put_object(&d, "object", STR("content"));
    struct place *p = open_place(temp_dir_at(&d, "dest"));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(link_file(p, PLACE_AUTO, object, "x"), 0);
        bool is_hardlink = is_same_file(object, temp_dir_at(&d, "dest/x"));
        assert_int_equal(stat(temp_dir_at(&d, "dest/x"), &st), 0);
        assert_int_equal(st.st_mode & 07777, is_hardlink ? 0444 : 0640);
        assert_true(temp_dir_has(&d, "dest/x", STR("content")));
        assert_int_equal(p->n_sources, 1);
        assert_int_equal(p->sources[0].refused, is_hardlink ? 1u << PLACE_ONLY_REFLINK : 0);
    }
    assert_int_equal(temp_dir_count(&d, "dest"), 1);
    unsigned long names = p->next_temp;
    if (p->sources[0].refused) {
        assert_int_equal(link_file(p, PLACE_ONLY_REFLINK, object, "y"), ERR_UNSUPPORTED);
        assert_int_equal(p->next_temp, names);
    }
    umask(before);
    place_close(p);
    temp_dir_close(&d);
}

/* From one file system to another no link works; asked for once. */
static void test_other_device(void **state)
{
    struct temp_dir d;
    struct stat here, there;
    char far[] = "/dev/shm/dray-test-XXXXXX";

    (void)state;
    temp_dir_open(&d);
    const char *object = put_object(&d, "object", STR("content"));
    if (!mkdtemp(far) || stat(far, &there) != 0 || stat(d.path, &here) != 0 ||
        here.st_dev == there.st_dev) {
        temp_dir_close(&d);
        skip(); /* there is no second file system */
    }
    struct place *p = open_place(far);
    for (int i = 0; i < 3; i++)
        assert_int_equal(link_file(p, PLACE_AUTO, object, "x"), ERR_UNSUPPORTED);
    assert_int_equal(p->sources[0].refused, 1u << PLACE_ONLY_REFLINK | 1u << PLACE_ONLY_HARDLINK);
    place_close(p);
    assert_int_equal(rmdir(far), 0);
    temp_dir_close(&d);
}

/* More devices than are remembered: the oldest is forgotten, no other is confused with it. */
static void test_many_devices(void **state)
{
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    const char *object = put_object(&d, "object", STR("content"));
    struct place *p = open_place(temp_dir_at(&d, "dest"));
    for (dev_t i = 0; i < PLACE_SOURCES + 2; i++)
        p->sources[p->n_sources++ % PLACE_SOURCES] =
            (struct place_source){ .device = (dev_t)-1 - i, .refused = ~0u };
    for (int i = 0; i < 2; i++)
        assert_int_equal(link_file(p, PLACE_ONLY_HARDLINK, object, "x"), 0);
    assert_int_equal(p->n_sources, PLACE_SOURCES + 3);
    place_close(p);
    temp_dir_close(&d);
}

/* Says what is wrong, for a child's test: there an assert would go on with the parent's tests. */
static bool holds(bool ok, const char *what)
{
    if (!ok)
        fprintf(stderr, "does not hold: %s\n", what);
    return ok;
}
#define HOLDS(x) holds(x, #x)

/* In a namespace of its own, where /proc is an empty file system. */
static bool without_proc(const char *proc)
{
    struct temp_dir d;
    struct err e = { 0 };

    (void)proc;
    temp_dir_open(&d);
    const char *object = put_object(&d, "object", STR("right"));
    struct place *p = open_place(temp_dir_at(&d, "dest"));
    bool ok = HOLDS(p->unnamed == PLACE_NAMED);
    put(p, "a", STR("whole"));
    ok &= HOLDS(temp_dir_has(&d, "dest/a", STR("whole")));
    int fd = open_read(object);
    for (int i = 0; i < 3; i++)
        ok &= HOLDS(place_link(p, PLACE_ONLY_HARDLINK, fd, object, i ? "b" : "a", &e) == 0) &&
              HOLDS(is_same_file(object, temp_dir_at(&d, i ? "dest/b" : "dest/a")));
    ok &= HOLDS(rename(object, temp_dir_at(&d, "moved")) == 0);
    put_object(&d, "object", STR("wrong"));
    ok &= HOLDS(place_link(p, PLACE_ONLY_HARDLINK, fd, object, "c", &e) == ERR_UNSUPPORTED) &&
          HOLDS(temp_dir_count(&d, "dest") == 2);
    close(fd);
    place_close(p);
    err_done(&e);
    temp_dir_close(&d);
    return ok;
}

static void test_without_proc(void **state)
{
    (void)state;
    int got = full_disk_run("/proc", without_proc);
    if (got == FULL_DISK_NONE)
        skip();
    assert_int_equal(got, 0);
}

/* A directory that was writable when it was opened. */
static bool made_read_only(const char *dir)
{
#ifdef __linux__
    struct err e = { 0 };
    struct place *p = open_place(dir);

    bool ok = HOLDS(mount(NULL, dir, NULL, MS_REMOUNT | MS_RDONLY, "size=64k") == 0) &&
              HOLDS(!place_file_create(p, &e)) && HOLDS(e.code == ERR_IO) &&
              HOLDS(strstr(err_text(&e), dir) != NULL);
    place_close(p);
    p = place_open(dir, &e);
    ok = HOLDS(!p && e.code == ERR_IO) && ok;
    err_done(&e);
    return ok;
#else
    (void)dir;
    return true;
#endif
}

static bool fill(const char *dir)
{
    static const char bytes[FULL_DISK_BYTES + 1] = { 0 };
    struct err e = { 0 };
    struct place *p = place_open(dir, &e);
    struct place_file *f = p ? place_file_create(p, &e) : NULL;

    bool ok = f && place_file_write(f, bytes, sizeof(bytes), &e) == ERR_SPACE &&
              strstr(err_text(&e), dir);
    if (!ok)
        fprintf(stderr, "%s\n", err_text(&e));
    place_file_destroy(f);
    f = ok ? place_file_create(p, &e) : NULL; /* what did not fit has gone */
    ok = f && place_file_write(f, bytes, FULL_DISK_BYTES / 2, &e) == 0 &&
         place_file_commit(f, "x", &e) == 0;
    place_file_destroy(f);
    place_close(p);
    err_done(&e);
    return ok;
}

/* Each of these on a small file system of its own. */
static void test_small(void **state)
{
    bool (*const tests[])(const char *) = { fill, made_read_only };
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
}

static int use_names(void **state)
{
    (void)state;
    named = true;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_open_fails),
        cmocka_unit_test(test_open_at),
        cmocka_unit_test(test_commit),
        cmocka_unit_test(test_commit_fails),
        cmocka_unit_test(test_commit_over),
        cmocka_unit_test(test_temporary_names),
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_writing_in_pieces),
        cmocka_unit_test(test_directory_is_renamed),
        cmocka_unit_test(test_move),
        cmocka_unit_test(test_hardlink),
        cmocka_unit_test(test_hardlink_refused),
        cmocka_unit_test(test_link_of_what_is_open),
        cmocka_unit_test(test_link_auto),
        cmocka_unit_test(test_other_device),
        cmocka_unit_test(test_many_devices),
        cmocka_unit_test(test_without_proc),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_look),
        cmocka_unit_test(test_small),
    };

    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed + cmocka_run_group_tests(tests, use_names, NULL);
}
