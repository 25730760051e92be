/* Small files: caps, what is no file, and that nobody ever sees half of one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "full_disk.h"

static void read_fails(const char *path, size_t max, int code, const char *part)
{
    struct buf out = { 0 };
    struct err e = { 0 };

    buf_add_z(&out, "kept");
    assert_int_equal(file_read(path, max, &out, &e), code);
    if (!strstr(err_text(&e), part) || !strstr(err_text(&e), path))
        fail_msg("%s: \"%s\" does not say \"%s\"", path, err_text(&e), part);
    assert_string_equal(buf_z(&out), "kept");
    buf_done(&out);
    err_done(&e);
}

static void read_is(const char *path, size_t max, struct str want)
{
    struct buf out = { 0 };
    struct err e = { 0 };

    buf_add_z(&out, "before ");
    assert_int_equal(file_read(path, max, &out, &e), 0);
    assert_true(str_starts(buf_str(&out), STR("before ")));
    assert_true(str_eq(str_sub(buf_str(&out), 7, out.n), want));
    buf_done(&out);
}

static void test_read(void **state)
{
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    temp_dir_put(&d, "empty", STR(""));
    temp_dir_put(&d, "nul", (struct str){ "a\0b\n", 4 });
    read_is(temp_dir_at(&d, "empty"), 0, STR(""));
    read_is(temp_dir_at(&d, "nul"), 4, (struct str){ "a\0b\n", 4 });
    read_is(temp_dir_at(&d, "nul"), SIZE_MAX, (struct str){ "a\0b\n", 4 });
    read_fails(temp_dir_at(&d, "nul"), 3, ERR_LIMIT, "more than 3 bytes");
    read_fails(temp_dir_at(&d, "nul"), 0, ERR_LIMIT, "more than 0 bytes");
    read_fails(temp_dir_at(&d, "missing"), 9, ERR_NOT_FOUND, "does not exist");
    read_fails(temp_dir_at(&d, "nul/below"), 9, ERR_NOT_FOUND, "does not exist");
    read_fails(d.path, 9, ERR_IO, "is a directory, not a file");
    read_fails("/dev/null", 9, ERR_IO, "is a device, not a file");
    temp_dir_close(&d);
}

/* The size that stat() tells is not believed: more than one read, and /proc's 0. */
static void test_read_large(void **state)
{
    struct temp_dir d;
    struct buf content = { 0 }, proc = { 0 };
    struct err e = { 0 };

    (void)state;
    temp_dir_open(&d);
    for (int i = 0; i < 300000; i++)
        buf_add_c(&content, (char)(i % 253));
    temp_dir_put(&d, "large", buf_str(&content));
    read_is(temp_dir_at(&d, "large"), 300000, buf_str(&content));
    read_fails(temp_dir_at(&d, "large"), 299999, ERR_LIMIT, "more than 299999 bytes");
    if (file_read("/proc/self/status", 1 << 20, &proc, &e) == 0)
        assert_true(proc.n > 0);
    err_done(&e);
    buf_done(&proc);
    buf_done(&content);
    temp_dir_close(&d);
}

/* As in `dray download -r <(command)`. */
static void test_read_pipe(void **state)
{
    char path[32];
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "from a pipe", 11), 11);
    close(ends[1]);
    snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
    read_is(path, 11, STR("from a pipe"));
    close(ends[0]);
}

static void open_fails(const char *path, int code)
{
    uint64_t bytes = 4711;
    struct err e = { 0 };
    int fd = 4712;

    assert_int_equal(file_open_regular(path, &fd, &bytes, &e), code);
    assert_non_null(strstr(err_text(&e), path));
    assert_true(fd == 4712 && bytes == 4711);
    err_done(&e);
}

static void test_open_regular(void **state)
{
    struct temp_dir d;
    uint64_t bytes = 0;
    struct err e = { 0 };
    int fd = -1;

    (void)state;
    temp_dir_open(&d);
    temp_dir_put(&d, "file", STR("12345"));
    assert_int_equal(mkfifo(temp_dir_at(&d, "fifo"), 0600), 0);
    assert_int_equal(symlink("file", temp_dir_at(&d, "link")), 0);
    assert_int_equal(symlink("nowhere", temp_dir_at(&d, "dangling")), 0);
    assert_int_equal(file_open_regular(temp_dir_at(&d, "link"), &fd, &bytes, &e), 0);
    assert_int_equal(bytes, 5);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    close(fd);
    open_fails(temp_dir_at(&d, "fifo"), ERR_IO); /* and does not wait for a writer */
    open_fails(d.path, ERR_IO);
    open_fails("/dev/null", ERR_IO);
    open_fails(temp_dir_at(&d, "missing"), ERR_NOT_FOUND);
    open_fails(temp_dir_at(&d, "dangling"), ERR_NOT_FOUND);
    open_fails(temp_dir_at(&d, "file/below"), ERR_NOT_FOUND);
    temp_dir_close(&d);
}

static void test_write_follows_umask(void **state)
{
    static const mode_t masks[] = { 0, 022, 027, 077 };
    struct temp_dir d;
    struct stat st;

    (void)state;
    temp_dir_open(&d);
    for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
        mode_t before = umask(masks[i]);
        temp_dir_put(&d, "file", STR("x"));
        assert_int_equal(umask(before), masks[i]); /* still set */
        assert_int_equal(stat(temp_dir_at(&d, "file"), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0666 & ~masks[i]);
    }
    temp_dir_close(&d);
}

/* Who has the old file open goes on reading that one. */
static void test_write_replaces_whole(void **state)
{
    struct temp_dir d;
    struct buf large = { 0 };
    struct err e = { 0 };
    uint64_t bytes;
    char old[4];
    int fd = -1;

    (void)state;
    temp_dir_open(&d);
    temp_dir_put(&d, "file", STR("old"));
    assert_int_equal(file_open_regular(temp_dir_at(&d, "file"), &fd, &bytes, &e), 0);
    for (int i = 0; i < 100000; i++)
        buf_add_z(&large, "new ");
    assert_int_equal(file_write(temp_dir_at(&d, "file"), buf_str(&large), &e), 0);
    assert_int_equal(read(fd, old, sizeof(old)), 3);
    assert_memory_equal(old, "old", 3);
    close(fd);
    assert_true(temp_dir_has(&d, "file", buf_str(&large)));
    assert_int_equal(file_write(temp_dir_at(&d, "file"), STR_NONE, &e), 0);
    assert_true(temp_dir_has(&d, "file", STR("")));
    assert_int_equal(temp_dir_count(&d, "."), 1); /* no temporary file is left */
    buf_done(&large);
    temp_dir_close(&d);
}

static void test_write_fails(void **state)
{
    struct temp_dir d;
    struct err e = { 0 };

    (void)state;
    temp_dir_open(&d);
    temp_dir_put(&d, "dir/inner", STR("x"));
    assert_int_equal(file_write(temp_dir_at(&d, "dir"), STR("x"), &e), ERR_IO);
    assert_non_null(strstr(err_text(&e), temp_dir_at(&d, "dir")));
    assert_int_equal(file_write(temp_dir_at(&d, "missing/x"), STR("x"), &e), ERR_IO);
    assert_int_equal(file_write(temp_dir_at(&d, "dir/inner/x"), STR("x"), &e), ERR_IO);
    assert_int_equal(temp_dir_count(&d, "."), 1);
    assert_int_equal(temp_dir_count(&d, "dir"), 1);
    assert_true(temp_dir_has(&d, "dir/inner", STR("x")));
    err_done(&e);
    temp_dir_close(&d);
}

static bool write_when_full(const char *dir)
{
    struct buf path = { 0 }, large = { 0 }, got = { 0 };
    struct err e = { 0 };

    buf_add_f(&path, "%s/file", dir);
    while (large.n <= FULL_DISK_BYTES)
        buf_add_z(&large, "0123456789abcdef");
    bool ok = file_write(path.p, STR("old"), &e) == 0 &&
              file_write(path.p, buf_str(&large), &e) == ERR_SPACE &&
              strstr(err_text(&e), path.p) && file_read(path.p, 9, &got, &e) == 0 &&
              str_is(buf_str(&got), "old");
    if (!ok)
        fprintf(stderr, "%s\n", err_text(&e));
    buf_reset(&large);
    while (large.n < FULL_DISK_BYTES / 2) /* fits only if nothing was left behind */
        buf_add_c(&large, 'x');
    ok = ok && file_write(path.p, buf_str(&large), &e) == 0;
    buf_done(&path);
    buf_done(&large);
    buf_done(&got);
    err_done(&e);
    return ok;
}

/* A full file system: the old content stays, and no temporary file does. */
static void test_write_when_full(void **state)
{
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    int got = full_disk_run(d.path, write_when_full);
    temp_dir_close(&d);
    if (got == FULL_DISK_NONE)
        skip();
    assert_int_equal(got, 0);
}

static void test_copy(void **state)
{
    static char large[200000];
    struct temp_dir d;
    struct err e = { 0 };

    (void)state;
    temp_dir_open(&d);
    for (size_t i = 0; i < sizeof(large); i++)
        large[i] = (char)(i % 251);
    temp_dir_put(&d, "from", (struct str){ large, sizeof(large) });
    int fd = open(temp_dir_at(&d, "from"), O_RDONLY);
    assert_int_equal(lseek(fd, 100, SEEK_SET), 100); /* from its beginning all the same */
    assert_int_equal(file_copy(fd, temp_dir_at(&d, "to"), &e), 0);
    read_is(temp_dir_at(&d, "to"), SIZE_MAX, (struct str){ large, sizeof(large) });
    assert_int_equal(file_copy(fd, temp_dir_at(&d, "to"), &e), ERR_IO); /* not over another */
    assert_non_null(strstr(err_text(&e), "exists"));
    err_done(&e);
    close(fd);
    fd = open(temp_dir_at(&d, "."), O_RDONLY);
    assert_int_equal(file_copy(fd, temp_dir_at(&d, "dir"), &e), ERR_IO);
    err_done(&e);
    close(fd);
    temp_dir_close(&d);
}

static void test_make_dir(void **state)
{
    struct temp_dir d;
    struct stat st;
    struct err e = { 0 };
    mode_t before = umask(027);

    (void)state;
    temp_dir_open(&d);
    assert_int_equal(file_make_dir(temp_dir_at(&d, "a/b//c/"), &e), 0);
    assert_int_equal(file_make_dir(temp_dir_at(&d, "a/b/c"), &e), 0); /* there already */
    assert_int_equal(stat(temp_dir_at(&d, "a/b/c"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0777 & ~027);
    umask(before);
    assert_int_equal(file_make_dir("/", &e), 0);
    assert_int_equal(file_make_dir(".", &e), 0);
    temp_dir_put(&d, "file", STR("x"));
    assert_int_equal(file_make_dir(temp_dir_at(&d, "file/x/y"), &e), ERR_IO);
    assert_non_null(strstr(err_text(&e), temp_dir_at(&d, "file")));
    assert_null(strstr(err_text(&e), temp_dir_at(&d, "file/x"))); /* the component that failed */
    err_done(&e);
    temp_dir_close(&d);
}

static void test_make_dir_over_file(void **state)
{
    struct temp_dir d;
    struct err e = { 0 };

    (void)state;
    temp_dir_open(&d);
    temp_dir_put(&d, "file", STR("x"));
    assert_int_equal(symlink("dir", temp_dir_at(&d, "link")), 0);
    assert_int_equal(symlink("nowhere", temp_dir_at(&d, "dangling")), 0);
    assert_int_equal(file_make_dir(temp_dir_at(&d, "file"), &e), ERR_IO);
    assert_int_equal(file_make_dir(temp_dir_at(&d, "dangling"), &e), ERR_IO);
    assert_int_equal(file_make_dir(temp_dir_at(&d, "dir"), &e), 0);
    assert_int_equal(file_make_dir(temp_dir_at(&d, "link/below"), &e), 0);
    err_done(&e);
    temp_dir_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_read_large),
        cmocka_unit_test(test_read_pipe),
        cmocka_unit_test(test_open_regular),
        cmocka_unit_test(test_write_follows_umask),
        cmocka_unit_test(test_write_replaces_whole),
        cmocka_unit_test(test_write_fails),
        cmocka_unit_test(test_write_when_full),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_make_dir),
        cmocka_unit_test(test_make_dir_over_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
