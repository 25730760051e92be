/* Trees as builds leave them: deep, read-only, full of links to elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <limits.h>
#include <sys/wait.h>

#include "dray/util/tree.h"
#include "temp_dir.h"

enum { NOBODY = 65534, DEEP = 700 };

static bool is_there(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

static void expect_removed(const char *path)
{
    struct err e = { 0 };

    if (tree_remove(path, &e) != 0)
        fail_msg("%s", err_text(&e));
    assert_false(is_there(path));
}

static void expect_kept(const char *path, const char *part)
{
    struct err e = { 0 };

    assert_int_equal(tree_remove(path, &e), ERR_IO);
    if (!strstr(err_text(&e), part))
        fail_msg("got \"%s\", want \"%s\"", err_text(&e), part);
    assert_true(is_there(path));
    err_done(&e);
}

static void test_all_goes(void **state)
{
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    temp_dir_put(&d, "tree/a", STR("1"));
    temp_dir_put(&d, "tree/b/c/d", STR("2"));
    temp_dir_put(&d, "tree/b/.hidden/e", STR("3"));
    temp_dir_put(&d, "other", STR("4"));
    assert_int_equal(mkdir(temp_dir_at(&d, "tree/empty"), 0700), 0);
    assert_int_equal(mkfifo(temp_dir_at(&d, "tree/fifo"), 0600), 0);
    expect_removed(temp_dir_at(&d, "tree"));
    assert_true(temp_dir_has(&d, "other", STR("4")));
    temp_dir_close(&d);
}

static void test_many_entries(void **state)
{
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    for (int i = 0; i < 3000; i++)
        temp_dir_put(&d, arena_f(&d.arena, "tree/%d/file-%d", i % 3, i).p, STR(""));
    expect_removed(temp_dir_at(&d, "tree"));
    temp_dir_close(&d);
}

static void test_what_is_not_there(void **state)
{
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    expect_removed(temp_dir_at(&d, "nothing"));
    expect_removed(temp_dir_at(&d, "nothing/at/all"));
    temp_dir_close(&d);
}

static void test_links_are_not_followed(void **state)
{
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    temp_dir_put(&d, "elsewhere/kept", STR("1"));
    temp_dir_put(&d, "tree/deep/a", STR("2"));
    assert_int_equal(chmod(temp_dir_at(&d, "elsewhere"), 0555), 0);
    assert_int_equal(
        symlink(temp_dir_at(&d, "elsewhere"), temp_dir_at(&d, "tree/deep/to_directory")), 0);
    assert_int_equal(symlink("../../elsewhere/kept", temp_dir_at(&d, "tree/deep/to_file")), 0);
    assert_int_equal(symlink("nowhere", temp_dir_at(&d, "tree/dangling")), 0);
    assert_int_equal(symlink(".", temp_dir_at(&d, "tree/loop")), 0);
    expect_removed(temp_dir_at(&d, "tree"));
    assert_true(temp_dir_has(&d, "elsewhere/kept", STR("1")));
    struct stat st;
    assert_int_equal(stat(temp_dir_at(&d, "elsewhere"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0555);
    assert_int_equal(chmod(temp_dir_at(&d, "elsewhere"), 0755), 0);
    temp_dir_close(&d);
}

static void test_only_directories(void **state)
{
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    temp_dir_put(&d, "real/kept", STR("1"));
    temp_dir_put(&d, "file", STR("2"));
    assert_int_equal(symlink("real", temp_dir_at(&d, "link")), 0);
    expect_kept(temp_dir_at(&d, "link"), "not a directory");
    expect_kept(temp_dir_at(&d, "file"), "not a directory");
    assert_true(temp_dir_has(&d, "real/kept", STR("1")));
    temp_dir_close(&d);
}

/* root needs no permissions, so that the rest of a test would prove nothing: runs `part` as nobody
 * then. True when it ended well. */
static bool as_nobody(struct temp_dir *d, bool (*part)(struct temp_dir *d))
{
    int status = 0;

    if (geteuid() != 0)
        return part(d);
    temp_dir_check(chown(d->path, NOBODY, NOBODY) == 0, d->path);
    pid_t pid = fork();
    if (pid == 0)
        _exit(setgid(NOBODY) == 0 && setuid(NOBODY) == 0 && part(d) ? 0 : 1);
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool remove_read_only(struct temp_dir *d)
{
    struct err e = { 0 };

    temp_dir_put(d, "tree/a/b/c", STR("1"));
    temp_dir_put(d, "tree/locked/d", STR("2"));
    chmod(temp_dir_at(d, "tree/a/b/c"), 0);
    chmod(temp_dir_at(d, "tree/a/b"), 0555);
    chmod(temp_dir_at(d, "tree/a"), 0500);
    chmod(temp_dir_at(d, "tree/locked"), 0);
    chmod(temp_dir_at(d, "tree"), 0);
    bool ok = tree_remove(temp_dir_at(d, "tree"), &e) == 0;
    fputs(err_text(&e), stderr);
    err_done(&e);
    return ok && !is_there(temp_dir_at(d, "tree"));
}

static void test_read_only(void **state)
{
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    bool ok = as_nobody(&d, remove_read_only);
    temp_dir_close(&d);
    assert_true(ok);
}

/* What can't go is named; everything else goes. */
static bool remove_part(struct temp_dir *d)
{
    struct err e = { 0 };

    temp_dir_put(d, "closed/tree/a/file", STR("1"));
    temp_dir_put(d, "closed/tree/b/file", STR("2"));
    chmod(temp_dir_at(d, "closed"), 0555);
    bool ok = tree_remove(temp_dir_at(d, "closed/tree"), &e) == ERR_IO &&
              strstr(err_text(&e), "can't remove") && temp_dir_count(d, "closed/tree") == 0;
    chmod(temp_dir_at(d, "closed"), 0755);
    err_done(&e);
    return ok;
}

static void test_failure_is_told(void **state)
{
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    bool ok = as_nobody(&d, remove_part);
    temp_dir_close(&d);
    assert_true(ok);
}

/* Far deeper than descriptors and PATH_MAX allow: no path can name the bottom. */
static void test_deep(void **state)
{
    struct temp_dir d;
    char name[] = "a-name-that-soon-makes-the-path-too-long";

    (void)state;
    _Static_assert(DEEP * sizeof(name) > PATH_MAX, "deep enough");
    temp_dir_open(&d);
    int at = open(d.path, O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < DEEP; i++) {
        assert_int_equal(mkdirat(at, i ? name : "tree", 0700), 0);
        int next = openat(at, i ? name : "tree", O_RDONLY | O_DIRECTORY);
        assert_true(next >= 0);
        close(at);
        at = next;
    }
    int file = openat(at, "bottom", O_WRONLY | O_CREAT, 0600);
    assert_true(file >= 0);
    close(file);
    close(at);
    expect_removed(temp_dir_at(&d, "tree"));
    temp_dir_close(&d);
}

static int open_descriptors(void)
{
    int n = 0;

    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void test_descriptors_are_closed(void **state)
{
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    temp_dir_put(&d, "tree/a/b/c/d", STR("1"));
    int before = open_descriptors();
    expect_removed(temp_dir_at(&d, "tree"));
    assert_int_equal(open_descriptors(), before);
    temp_dir_close(&d);
}

/* TMPDIR for the length of one call. */
static char *make_temp_in(const char *tmpdir, struct err *e)
{
    const char *old = getenv("TMPDIR");
    char *kept = old ? strdup(old) : NULL;

    if (tmpdir)
        setenv("TMPDIR", tmpdir, 1);
    else
        unsetenv("TMPDIR");
    char *made = tree_make_temp("test", e);
    if (kept)
        setenv("TMPDIR", kept, 1);
    else
        unsetenv("TMPDIR");
    free(kept);
    return made;
}

static void expect_temp(const char *tmpdir, const char *begins)
{
    struct err e = { 0 };
    struct stat st;
    char *made = make_temp_in(tmpdir, &e);

    if (!made)
        fail_msg("%s", err_text(&e));
    if (!str_starts(str_of(made), str_of(begins)))
        fail_msg("got \"%s\", want \"%s...\"", made, begins);
    assert_int_equal(lstat(made, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    expect_removed(made);
    free(made);
}

static void test_make_temp(void **state)
{
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    assert_int_equal(mkdir(temp_dir_at(&d, "with blank"), 0700), 0);
    assert_int_equal(symlink("with blank", temp_dir_at(&d, "link")), 0);
    const char *real = temp_dir_at(&d, "with blank/dray-test-");
    expect_temp(temp_dir_at(&d, "with blank"), real);
    expect_temp(temp_dir_at(&d, "with blank/"), real);
    expect_temp(temp_dir_at(&d, "link"), real);
    mode_t mask = umask(0);
    expect_temp(temp_dir_at(&d, "with blank"), real);
    umask(mask);
    char *slash_tmp = realpath("/tmp", NULL);
    const char *usual = arena_f(&d.arena, "%s/dray-test-", slash_tmp).p;
    expect_temp(NULL, usual);
    expect_temp("", usual);
    expect_temp(temp_dir_at(&d, "not made yet"), usual);
    free(slash_tmp);
    temp_dir_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_goes),
        cmocka_unit_test(test_many_entries),
        cmocka_unit_test(test_what_is_not_there),
        cmocka_unit_test(test_links_are_not_followed),
        cmocka_unit_test(test_only_directories),
        cmocka_unit_test(test_read_only),
        cmocka_unit_test(test_failure_is_told),
        cmocka_unit_test(test_deep),
        cmocka_unit_test(test_descriptors_are_closed),
        cmocka_unit_test(test_make_temp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
