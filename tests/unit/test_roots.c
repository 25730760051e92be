/* No path of a job leads out of the roots, neither as it is written nor over what lies there or is
 * put there meanwhile. All of it twice: with the kernel's help, where this one gives it, and
 * without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#ifdef __linux__
#include <linux/fs.h>
#endif

#include "dray/daemon/roots_parts.h"
#include "dray/util/clock.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"
#include "temp_dir.h"

enum { NOBODY = 65534 };

static bool by_names; /* as if the kernel knew no better */

static struct roots *open_roots(const struct str *paths, size_t n)
{
    struct err e = { 0 };
    struct roots *r = roots_open(paths, n, &e);

    if (!r)
        fail_msg("%s", err_text(&e));
    if (by_names)
        r->way = ROOTS_NOFOLLOW;
    return r;
}

/* Two roots: d/first, and d/first/inner/second within it. Beside them d/first-evil and d/out. */
static struct roots *open_two(struct temp_dir *d)
{
    temp_dir_put(d, "first/file", STR("f"));
    temp_dir_put(d, "first/inner/second/deep/file", STR("s"));
    temp_dir_put(d, "first-evil/file", STR("evil"));
    temp_dir_put(d, "out/file", STR("out"));
    struct str paths[] = { str_of(temp_dir_at(d, "first")),
                           str_of(temp_dir_at(d, "first/inner/second/")) };
    return open_roots(paths, 2);
}

static bool is_same(int fd, const char *path)
{
    struct stat one, other;

    return fstat(fd, &one) == 0 && lstat(path, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

static void rooted_done(struct rooted *x)
{
    close(x->fd);
    free(x->path);
}

/* `path` is what `want` is, and is shown as that. */
static void dir_is(struct roots *r, const char *path, bool create, const char *want)
{
    struct rooted got = { 0 };
    struct err e = { 0 };

    if (roots_dir(r, str_of(path), create, &got, &e))
        fail_msg("%s", err_text(&e));
    assert_string_equal(got.path, want);
    assert_true(is_same(got.fd, want));
    assert_int_equal(fcntl(got.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    DIR *dir = fdopendir(dup(got.fd)); /* for reading, too */
    assert_non_null(dir);
    assert_non_null(readdir(dir));
    closedir(dir);
    rooted_done(&got);
}

static void dir_fails(struct roots *r, struct str path, bool create, int code, const char *part)
{
    struct rooted got = { .fd = 4711 };
    struct err e = { 0 };

    if (roots_dir(r, path, create, &got, &e) != code || !strstr(err_text(&e), part))
        fail_msg("\"%.*s\": \"%s\" is %s, not with \"%s\"", STR_ARG(path), err_text(&e),
                 err_name(e.code), part);
    assert_true(got.fd == 4711 && !got.path);
    err_done(&e);
}

static void test_dirs(void **state)
{
    struct temp_dir d;
    struct stat st;
    mode_t before = umask(027);

    (void)state;
    temp_dir_open(&d);
    struct roots *r = open_two(&d);
    const char *first = temp_dir_at(&d, "first"), *second = temp_dir_at(&d, "first/inner/second");
    dir_is(r, first, false, first);
    dir_is(r, temp_dir_at(&d, "first/"), false, first);
    dir_is(r, second, false, second);
    dir_is(r, "inner", false, temp_dir_at(&d, "first/inner"));
    dir_is(r, "inner/", false, temp_dir_at(&d, "first/inner"));
    dir_is(r, temp_dir_at(&d, "first/inner"), true, temp_dir_at(&d, "first/inner"));
    dir_is(r, temp_dir_at(&d, "first/inner/second/deep"), false,
           temp_dir_at(&d, "first/inner/second/deep"));
    dir_is(r, "new/er/...", true, temp_dir_at(&d, "first/new/er/..."));
    assert_int_equal(stat(temp_dir_at(&d, "first/new/er"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0750);
    umask(before);
    roots_close(r);
    roots_close(NULL);
    temp_dir_close(&d);
}

/* The longest root is the one: it stays open when the directory that it was below has gone. */
static void test_longest(void **state)
{
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    struct roots *r = open_two(&d);
    struct rooted got = { 0 };
    assert_int_equal(rename(temp_dir_at(&d, "first/inner"), temp_dir_at(&d, "moved")), 0);
    struct str deep = str_of(temp_dir_at(&d, "first/inner/second/deep"));
    assert_int_equal(roots_dir(r, deep, false, &got, &(struct err){ 0 }), 0);
    assert_true(is_same(got.fd, temp_dir_at(&d, "moved/second/deep")));
    rooted_done(&got);
    dir_fails(r, STR("inner"), false, ERR_NOT_FOUND, "inner does not exist");
    roots_close(r);
    temp_dir_close(&d);
}

static void test_written(void **state)
{
    static const struct {
        const char *path, *part;
    } refused[] = {
        { "", "is empty" },
        { "..", "\"..\" in it" },
        { "../out", "\"..\" in it" },
        { "inner/..", "\"..\" in it" },
        { "inner/../..", "\"..\" in it" },
        { "inner/../../out", "\"..\" in it" },
        { "../", "\"..\" in it" },
        { ".", "\".\" in it" },
        { "./inner", "\".\" in it" },
        { "inner/.", "\".\" in it" },
        { "inner//second", "an empty name" },
        { "inner//", "an empty name" },
        { "/", "outside of the directories" },
        { "/etc", "outside of the directories" },
        { "//etc", "an empty name" },
        { "///", "an empty name" },
        { "/proc/self/root", "outside of the directories" },
    };
    static const char *const below[] = { "", "-evil", "first-evil", "out", "firs", "first/../out" };
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    struct roots *r = open_two(&d);
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
        dir_fails(r, str_of(refused[i].path), true, ERR_USAGE, refused[i].part);
    dir_fails(r, STR_NONE, true, ERR_USAGE, "is empty");
    dir_fails(r, STR("inner\0x"), true, ERR_USAGE, "NUL");
    dir_fails(r, STR("inner\0"), true, ERR_USAGE, "NUL");
    for (size_t i = 0; i < sizeof(below) / sizeof(*below); i++)
        dir_fails(r, str_of(temp_dir_at(&d, below[i])), true, ERR_USAGE,
                  i == 5 ? "\"..\" in it" : temp_dir_at(&d, "first/inner/second"));
    char *many = mem_new(1, LIMIT_PATH_BYTES + 1);
    memset(many, 'a', LIMIT_PATH_BYTES + 1);
    dir_fails(r, (struct str){ many, LIMIT_PATH_BYTES + 1 }, true, ERR_LIMIT, "4095");
    dir_fails(r, (struct str){ many, LIMIT_PATH_BYTES }, true, ERR_USAGE, "too long");
    free(many);
    dir_fails(r, STR("file"), true, ERR_USAGE, "first/file is not a directory");
    dir_fails(r, STR("file/x"), true, ERR_USAGE, "first/file is not a directory");
    dir_fails(r, STR("missing/x"), false, ERR_NOT_FOUND, "first/missing does not exist");
    assert_int_equal(temp_dir_count(&d, "first"), 2);
    assert_int_equal(temp_dir_count(&d, "."), 3);
    roots_close(r);
    temp_dir_close(&d);
}

static void test_links(void **state)
{
    static const char *const refused[][2] = {
        { "out", "first/out is a symbolic link" },
        { "out/", "first/out is a symbolic link" },
        { "out/new", "first/out is a symbolic link" },
        { "back", "first/back is a symbolic link" }, /* inside is no better: it may be changed */
        { "inner/up/out", "inner/up is a symbolic link" },
        { "loop", "first/loop is a symbolic link" },
        { "dangling", "first/dangling is a symbolic link" },
        { "dangling/x", "first/dangling is a symbolic link" },
    };
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    struct roots *r = open_two(&d);
    assert_int_equal(symlink("../out", temp_dir_at(&d, "first/out")), 0);
    assert_int_equal(symlink("inner", temp_dir_at(&d, "first/back")), 0);
    assert_int_equal(symlink("../..", temp_dir_at(&d, "first/inner/up")), 0);
    assert_int_equal(symlink("loop", temp_dir_at(&d, "first/loop")), 0);
    assert_int_equal(symlink("../out/made", temp_dir_at(&d, "first/dangling")), 0);
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
        for (int create = 0; create < 2; create++)
            dir_fails(r, str_of(refused[i][0]), create, ERR_USAGE, refused[i][1]);
    assert_int_equal(temp_dir_count(&d, "out"), 1);
    roots_close(r);
    temp_dir_close(&d);
}

/* The links of /proc lead where no path does. */
static void test_magic_links(void **state)
{
    struct str root = STR("/proc/self");
    struct rooted got = { 0 };
    struct err e = { 0 };

    (void)state;
    if (access("/proc/self/cwd", F_OK) != 0)
        skip();
    struct roots *r = open_roots(&root, 1);
    dir_fails(r, STR("cwd"), false, ERR_USAGE, "/proc/self/cwd is a symbolic link");
    dir_fails(r, STR("root/etc"), false, ERR_USAGE, "/proc/self/root is a symbolic link");
    dir_fails(r, STR("fd/0"), false, ERR_USAGE, "/proc/self/fd/0 is a symbolic link");
    assert_int_equal(roots_file(r, STR("exe"), ROOTS_READ, &got, &e), ERR_USAGE);
    err_done(&e);
    roots_close(r);
}

/* Roots are configuration: somebody with more rights than a job made the links above them. */
static void test_root_below_link(void **state)
{
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    temp_dir_put(&d, "real/root/file", STR("x"));
    assert_int_equal(symlink("real", temp_dir_at(&d, "link")), 0);
    assert_int_equal(symlink("real/root", temp_dir_at(&d, "direct")), 0);
    struct str paths[] = { str_of(temp_dir_at(&d, "link/root")),
                           str_of(temp_dir_at(&d, "direct")) };
    struct roots *r = open_roots(paths, 2);
    dir_is(r, "new", true, temp_dir_at(&d, "link/root/new"));
    dir_is(r, temp_dir_at(&d, "direct/new"), false, temp_dir_at(&d, "direct/new"));
    assert_int_equal(temp_dir_count(&d, "real/root"), 2);
    dir_fails(r, str_of(temp_dir_at(&d, "real/root/new")), false, ERR_USAGE, "outside of");
    roots_close(r);
    temp_dir_close(&d);
}

/* The root of all is a root like others. */
static void test_slash(void **state)
{
    struct str root = STR("/");
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    struct roots *r = open_roots(&root, 1);
    dir_is(r, "/", false, "/");
    dir_is(r, d.path, false, d.path);
    dir_is(r, d.path + 1, false, d.path);
    dir_fails(r, STR("/.."), false, ERR_USAGE, "\"..\" in it");
    roots_close(r);
    temp_dir_close(&d);
}

static void open_fails(struct str path, int code, const char *part)
{
    struct err e = { 0 };

    assert_null(roots_open(&path, 1, &e));
    if (e.code != code || !strstr(err_text(&e), part))
        fail_msg("\"%.*s\": \"%s\" is not with \"%s\"", STR_ARG(path), err_text(&e), part);
    err_done(&e);
}

static void test_open_fails(void **state)
{
    struct temp_dir d;
    struct err e = { 0 };

    (void)state;
    temp_dir_open(&d);
    temp_dir_put(&d, "file", STR("x"));
    open_fails(STR("relative"), ERR_USAGE, "\"relative\" is not absolute");
    open_fails(STR(""), ERR_USAGE, "not absolute");
    open_fails(STR("/tmp/../etc"), ERR_USAGE, "\"..\" in it");
    open_fails(STR("/tmp//x"), ERR_USAGE, "an empty name");
    open_fails(str_of(temp_dir_at(&d, "missing")), ERR_IO, temp_dir_at(&d, "missing"));
    open_fails(str_of(temp_dir_at(&d, "file")), ERR_IO, temp_dir_at(&d, "file"));
    assert_null(roots_open(NULL, LIMIT_ROOTS + 1, &e));
    assert_int_equal(e.code, ERR_LIMIT);
    struct roots *r = open_roots(NULL, 0);
    dir_fails(r, STR("x"), true, ERR_USAGE, "none is configured");
    dir_fails(r, STR("/tmp"), true, ERR_USAGE, "none is configured");
    roots_close(r);
    err_done(&e);
    temp_dir_close(&d);
}

static void file_fails(struct roots *r, const char *path, int code, const char *part)
{
    struct rooted got = { .fd = 4711 };
    struct err e = { 0 };

    for (int use = ROOTS_READ; use <= ROOTS_WRITE; use++) {
        if (roots_file(r, str_of(path), (enum roots_use)use, &got, &e) != code ||
            !strstr(err_text(&e), part))
            fail_msg("\"%s\": \"%s\" is %s, not with \"%s\"", path, err_text(&e), err_name(e.code),
                     part);
        assert_true(got.fd == 4711 && !got.path);
    }
    err_done(&e);
}

static void test_files(void **state)
{
    struct temp_dir d;
    struct err e = { 0 };
    struct rooted got = { 0 };
    char byte = 0;

    (void)state;
    temp_dir_open(&d);
    struct roots *r = open_two(&d);
    struct str deep = str_of(temp_dir_at(&d, "first/inner/second/deep/file"));
    assert_int_equal(roots_file(r, STR("file"), ROOTS_READ, &got, &e), 0);
    assert_true(read(got.fd, &byte, 1) == 1 && byte == 'f');
    assert_string_equal(got.path, temp_dir_at(&d, "first/file"));
    rooted_done(&got);
    assert_int_equal(roots_file(r, deep, ROOTS_READ, &got, &e), 0);
    assert_true(read(got.fd, &byte, 1) == 1 && byte == 's');
    rooted_done(&got);
    assert_int_equal(symlink("file", temp_dir_at(&d, "first/link")), 0);
    assert_int_equal(symlink("../out/made", temp_dir_at(&d, "first/dangling")), 0);
    assert_int_equal(symlink("../out", temp_dir_at(&d, "first/out")), 0);
    assert_int_equal(mkfifo(temp_dir_at(&d, "first/fifo"), 0600), 0);
    file_fails(r, "link", ERR_USAGE, "first/link is a symbolic link");
    file_fails(r, "dangling", ERR_USAGE, "first/dangling is a symbolic link");
    file_fails(r, "out/file", ERR_USAGE, "first/out is a symbolic link");
    file_fails(r, "fifo", ERR_IO, "not a file"); /* and does not wait for another end */
    file_fails(r, "inner", ERR_IO, "not a file");
    file_fails(r, "missing/x", ERR_NOT_FOUND, "first/missing does not exist");
    file_fails(r, temp_dir_at(&d, "first"), ERR_USAGE, "is a directory");
    file_fails(r, temp_dir_at(&d, "first-evil/file"), ERR_USAGE, "outside of");
    file_fails(r, "../out/file", ERR_USAGE, "\"..\" in it");
    file_fails(r, "file/", ERR_USAGE, "an empty name");
    assert_int_equal(roots_file(r, STR("missing"), ROOTS_READ, &got, &e), ERR_NOT_FOUND);
    assert_int_equal(temp_dir_count(&d, "out"), 1);
    err_done(&e);
    roots_close(r);
    temp_dir_close(&d);
}

/* A name is given to a new file: what has another name elsewhere keeps its content there. */
static void test_write(void **state)
{
    struct temp_dir d;
    struct err e = { 0 };
    struct rooted got = { 0 };
    struct stat st;
    mode_t before = umask(027);

    (void)state;
    temp_dir_open(&d);
    struct roots *r = open_two(&d);
    assert_int_equal(link(temp_dir_at(&d, "out/file"), temp_dir_at(&d, "first/report")), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(roots_file(r, STR("report"), ROOTS_WRITE, &got, &e), 0);
        assert_int_equal(write(got.fd, "new", 3), 3);
        assert_int_equal(fstat(got.fd, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0640);
        rooted_done(&got);
        assert_true(temp_dir_has(&d, "first/report", STR("new")));
        assert_true(temp_dir_has(&d, "out/file", STR("out")));
    }
    umask(before);
    roots_close(r);
    temp_dir_close(&d);
}

/* What the daemon's user may not open is told apart from a disk that fails. */
static void test_closed(void **state)
{
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    struct roots *r = open_two(&d);
    assert_int_equal(mkdir(temp_dir_at(&d, "first/closed"), 0), 0);
    bool is_root = geteuid() == 0;
    if (is_root)
        assert_int_equal(seteuid(NOBODY), 0);
    dir_fails(r, STR("closed"), false, ERR_USAGE, "may not open");
    dir_fails(r, STR("closed/new"), true, ERR_USAGE, "may not open");
    if (is_root)
        assert_int_equal(seteuid(0), 0);
    roots_close(r);
    temp_dir_close(&d);
}

/* Exchanges first/a, a directory, with first/b, a link to d/out, until it is killed. */
static pid_t start_swapping(struct temp_dir *d)
{
    const char *a = temp_dir_at(d, "first/a"), *b = temp_dir_at(d, "first/b");

    fflush(NULL);
    pid_t child = fork();
    temp_dir_check(child >= 0, "fork");
    if (child)
        return child;
    alarm(30); /* should the parent fail */
#if defined(SYS_renameat2) && defined(RENAME_EXCHANGE)
    while (syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0)
        ;
#endif
    const char *c = temp_dir_at(d, "first/c");
    while (rename(a, c) == 0 && rename(b, a) == 0 && rename(c, b) == 0)
        ;
    _exit(1);
}

static void check_raced(struct temp_dir *d, const struct rooted *got, bool is_dir)
{
    struct stat st, in, out;

    assert_int_equal(fstat(got->fd, &st), 0);
    assert_int_equal(stat(temp_dir_at(d, is_dir ? "out" : "out/file"), &out), 0);
    assert_true(st.st_ino != out.st_ino || st.st_dev != out.st_dev);
    assert_int_equal(stat(temp_dir_at(d, "first"), &in), 0);
    assert_int_equal(st.st_dev, in.st_dev);
}

static void test_race(void **state)
{
    enum { RACE_US = 2000000 };
    static const struct {
        const char *path;
        bool is_dir, create;
    } ways[] = {
        { "a", true, false },
        { "a/sub", true, true },
        { "a/file", false, false },
        { "a/made", false, true },
    };
    struct temp_dir d;
    struct err e = { 0 };
    size_t opened = 0, refused = 0;

    (void)state;
    temp_dir_open(&d);
    struct roots *r = open_two(&d);
    temp_dir_put(&d, "first/a/file", STR("in"));
    assert_int_equal(symlink("../out", temp_dir_at(&d, "first/b")), 0);
    pid_t child = start_swapping(&d);
    uint64_t end = clock_us() + RACE_US;
    for (size_t i = 0; clock_us() < end; i++) {
        size_t w = i % (sizeof(ways) / sizeof(*ways));
        struct rooted got = { 0 };
        struct str path = str_of(ways[w].path);
        int code = ways[w].is_dir
                       ? roots_dir(r, path, ways[w].create, &got, &e)
                       : roots_file(r, path, ways[w].create ? ROOTS_WRITE : ROOTS_READ, &got, &e);
        if (code) {
            refused++;
            continue;
        }
        opened++;
        check_raced(&d, &got, ways[w].is_dir);
        rooted_done(&got);
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(temp_dir_count(&d, "out"), 1); /* nothing was made there */
    assert_true(opened > 0 && refused > 0);         /* there was a race */
    err_done(&e);
    roots_close(r);
    temp_dir_close(&d);
}

static int walk_by_names(void **state)
{
    (void)state;
    by_names = true;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dirs),        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_written),     cmocka_unit_test(test_links),
        cmocka_unit_test(test_magic_links), cmocka_unit_test(test_root_below_link),
        cmocka_unit_test(test_slash),       cmocka_unit_test(test_open_fails),
        cmocka_unit_test(test_files),       cmocka_unit_test(test_write),
        cmocka_unit_test(test_closed),      cmocka_unit_test(test_race),
    };

    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return failed + cmocka_run_group_tests(tests, walk_by_names, NULL);
}
