/* Files get into a directory whole or not at all, and nothing else is left there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dray/store/place.h"
#include "full_disk.h"

static struct place *open_place(const char *dir)
{
    struct err e = { 0 };
    struct place *p = place_open(dir, &e);

    if (!p)
        fail_msg("%s", err_text(&e));
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
    assert_int_equal(temp_dir_count(&d, "."), FILES + 1);
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

static void test_full(void **state)
{
    struct temp_dir d;

    (void)state;
    temp_dir_open(&d);
    int got = full_disk_run(d.path, fill);
    temp_dir_close(&d);
    if (got == FULL_DISK_NONE)
        skip();
    assert_int_equal(got, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_open_fails),
        cmocka_unit_test(test_commit),
        cmocka_unit_test(test_commit_fails),
        cmocka_unit_test(test_temporary_names),
        cmocka_unit_test(test_writing_in_pieces),
        cmocka_unit_test(test_directory_is_renamed),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_look),
        cmocka_unit_test(test_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
