/* METADATA of a wheel that is a file here: found by a few short reads, compared with what was read
 * of it before. What an archive may look like is tested in test_zip.c, what makes two texts differ
 * in test_metadata.c. */
#include "dray/fetch/wheel_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "small_wheel.h"
#include "temp_dir.h"

enum { LONG = 70000, READ_AT_MOST = 192 * 1024 };

struct bench {
    struct temp_dir dir;
    struct buf wheel, out;
    struct err e;
    int fd;
};

static void bench_open(struct bench *b, const char *text, size_t description_bytes)
{
    *b = (struct bench){ 0 };
    temp_dir_open(&b->dir);
    small_wheel_add(&b->wheel, str_of(text), description_bytes);
    temp_dir_put(&b->dir, "a", buf_str(&b->wheel));
    b->fd = open(temp_dir_at(&b->dir, "a"), O_RDWR);
    assert_true(b->fd >= 0);
}

static void bench_close(struct bench *b)
{
    close(b->fd);
    buf_done(&b->wheel);
    buf_done(&b->out);
    err_done(&b->e);
    temp_dir_close(&b->dir);
}

/* What it says is in `out`. */
static int metadata(struct bench *b, uint64_t bytes)
{
    buf_reset(&b->out);
    err_done(&b->e);
    return wheel_file_metadata(b->fd, bytes, STR(WHEEL_NAME), &b->out, &b->e);
}

static void refuses(struct bench *b, uint64_t bytes, int code, const char *why)
{
    assert_int_equal(metadata(b, bytes), code);
    assert_int_equal(b->e.code, code);
    if (!strstr(err_text(&b->e), why))
        fail_msg("\"%s\" does not say \"%s\"", err_text(&b->e), why);
    assert_int_equal(b->out.n, 0); /* untouched */
}

static void test_small(void **state)
{
    struct bench b;

    (void)state;
    bench_open(&b, WHEEL_TEXT, 0);
    assert_int_equal(lseek(b.fd, 5, SEEK_SET), 5);
    assert_int_equal(metadata(&b, b.wheel.n), 0);
    assert_int_equal(b.e.code, 0);
    assert_string_equal(buf_z(&b.out), WHEEL_TEXT);
    assert_int_equal(lseek(b.fd, 0, SEEK_CUR), 5); /* others read it too */
    assert_int_equal(
        wheel_file_metadata(b.fd, b.wheel.n, STR("Demo-1.0-py3-none-any.whl"), &b.out, &b.e), 0);
    assert_string_equal(buf_z(&b.out), WHEEL_TEXT WHEEL_TEXT); /* appended */
    bench_close(&b);
}

/* More than one piece, each of more than one read. */
static void test_long(void **state)
{
    struct bench b;
    struct buf want = { 0 };

    (void)state;
    bench_open(&b, WHEEL_TEXT, LONG);
    assert_int_equal(metadata(&b, b.wheel.n), 0);
    buf_add_z(&want, WHEEL_TEXT "\n");
    while (want.n < strlen(WHEEL_TEXT) + LONG)
        buf_add_c(&want, 'd');
    assert_true(str_eq(buf_str(&b.out), buf_str(&want)));
    buf_done(&want);
    bench_close(&b);
}

/* Bytes that this process has read so far, or 0 where nobody counts them. */
static uint64_t bytes_read(void)
{
    unsigned long long n = 0;
    FILE *io = fopen("/proc/self/io", "r");

    if (!io)
        return 0;
    if (fscanf(io, "rchar: %llu", &n) != 1)
        n = 0;
    fclose(io);
    return n;
}

/* Most of it is a hole before the archive, which ends beyond 4 GiB. */
static void test_large(void **state)
{
    static const uint64_t holes[] = { 1u << 20, 3ull << 30, 5ull << 30 };
    struct bench b;

    (void)state;
    for (size_t i = 0; i < sizeof(holes) / sizeof(*holes); i++) {
        bench_open(&b, WHEEL_TEXT, 0);
        assert_int_equal(ftruncate(b.fd, 0), 0);
        if (pwrite(b.fd, b.wheel.p, b.wheel.n, (off_t)holes[i]) != (ssize_t)b.wheel.n)
            skip(); /* no room for a hole of that size */
        uint64_t before = bytes_read();
        assert_int_equal(metadata(&b, holes[i] + b.wheel.n), 0);
        assert_string_equal(buf_z(&b.out), WHEEL_TEXT);
        assert_true(bytes_read() - before <= READ_AT_MOST);
        bench_close(&b);
    }
}

static void test_no_wheel(void **state)
{
    struct bench b;

    (void)state;
    bench_open(&b, WHEEL_TEXT, 0);
    refuses(&b, 0, ERR_INPUT, "it is empty");
    refuses(&b, 10, ERR_INPUT, "10 bytes");
    refuses(&b, b.wheel.n - 1, ERR_INPUT, "is cut after 21 bytes"); /* it grew */
    assert_int_equal(pwrite(b.fd, "XX", 2, (off_t)(b.wheel.n - 22)), 2);
    refuses(&b, b.wheel.n, ERR_INPUT, "no zip end record");
    bench_close(&b);
    bench_open(&b, WHEEL_TEXT, 0);
    assert_int_equal(pwrite(b.fd, "m", 1, 30 + (off_t)strlen(WHEEL_MEMBER)), 1);
    refuses(&b, b.wheel.n, ERR_INPUT, "damaged");
    assert_int_equal(
        wheel_file_metadata(b.fd, b.wheel.n, STR("other-1.0-py3-none-any.whl"), &b.out, &b.e),
        ERR_INPUT);
    assert_non_null(strstr(err_text(&b.e), "other"));
    bench_close(&b);
}

/* Its size was looked at, then somebody cut it. */
static void test_it_shrinks(void **state)
{
    static const off_t left[] = { LONG / 2, 16 * 1024 + 1, 1, 0 };
    struct bench b;

    (void)state;
    bench_open(&b, WHEEL_TEXT, LONG);
    refuses(&b, b.wheel.n + 1, ERR_IO, "it became shorter while it was read");
    refuses(&b, b.wheel.n * 1000, ERR_IO, "it became shorter while it was read");
    for (size_t i = 0; i < sizeof(left) / sizeof(*left); i++) {
        assert_int_equal(ftruncate(b.fd, left[i]), 0);
        refuses(&b, b.wheel.n, ERR_IO, "it became shorter while it was read");
    }
    bench_close(&b);
}

static void test_can_not_be_read(void **state)
{
    struct bench b;

    (void)state;
    bench_open(&b, WHEEL_TEXT, 0);
    close(b.fd);
    b.fd = open(temp_dir_at(&b.dir, "a"), O_WRONLY);
    refuses(&b, b.wheel.n, ERR_IO, "can't read it: ");
    close(b.fd);
    b.fd = open(b.dir.path, O_RDONLY);
    refuses(&b, b.wheel.n, ERR_IO, "can't read it: ");
    bench_close(&b);
}

/* -- what was read of it before -- */

static const struct {
    const char *known; /* of a wheel that says WHEEL_TEXT and what is in `also` */
    const char *also;
    int code;
    const char *why;
} checks[] = {
    { WHEEL_TEXT, "", 0, "" },
    { WHEEL_TEXT "Summary: another\n\nanother description", "", 0, "" },
    { "Name: Demo\nVersion: 1.0.0\n", "", 0, "" },
    { WHEEL_TEXT "Requires-Dist: b\nRequires-Dist: a >= 1\n",
      "Requires-Dist: a>=1\nRequires-Dist: B\n", 0, "" },
    { WHEEL_TEXT "Requires-Dist: a\n", "", ERR_CONFLICT,
      "Requires-Dist differs: the index has \"a\", the wheel itself has \"\"" },
    { WHEEL_TEXT, "Requires-Dist: a\n", ERR_CONFLICT,
      "Requires-Dist differs: the index has \"\", the wheel itself has \"a\"" },
    { WHEEL_TEXT, "Requires-Python: >=3.9\n", ERR_CONFLICT, "Requires-Python differs" },
    { WHEEL_TEXT, "Provides-Extra: x\n", ERR_CONFLICT, "Provides-Extra differs" },
    { "Name: demo\nVersion: 1.1\n", "", ERR_CONFLICT,
      "Version differs: the index has \"1.1\", the wheel itself has \"1.0\"" },
    { "Name: other\nVersion: 1.0\n", "", ERR_CONFLICT, "Name differs" },
    { "<html>", "", ERR_INPUT, "no metadata" },
    { "", "", ERR_INPUT, "no metadata" },
};

static void test_check(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
        struct bench b;
        struct buf text = { 0 };
        buf_add_f(&text, "%s%s", WHEEL_TEXT, checks[i].also);
        bench_open(&b, buf_z(&text), 0);
        int code = wheel_file_check(b.fd, b.wheel.n, STR(WHEEL_NAME), str_of(checks[i].known),
                                    "the index", &b.e);
        if (code != checks[i].code || code != b.e.code || !strstr(err_text(&b.e), checks[i].why))
            fail_msg("%zu: %s, %s", i, err_name(code), err_text(&b.e));
        buf_done(&text);
        bench_close(&b);
    }
}

/* The same text is the same, even where no field of it can be understood. */
static void test_check_the_same_text(void **state)
{
    struct bench b;
    static const char text[] = "Name: demo\nVersion: of old\nRequires-Dist: ???\n";

    (void)state;
    bench_open(&b, text, 0);
    assert_int_equal(
        wheel_file_check(b.fd, b.wheel.n, STR(WHEEL_NAME), STR(WHEEL_TEXT), "the index", &b.e),
        ERR_INPUT);
    assert_non_null(strstr(err_text(&b.e), "the wheel itself"));
    err_done(&b.e);
    assert_int_equal(
        wheel_file_check(b.fd, b.wheel.n, STR(WHEEL_NAME), str_of(text), "the index", &b.e), 0);
    assert_int_equal(b.e.code, 0);
    bench_close(&b);
}

/* What is no wheel says nothing, be it what was read or not. */
static void test_check_of_no_wheel(void **state)
{
    struct bench b;

    (void)state;
    bench_open(&b, WHEEL_TEXT, 0);
    assert_int_equal(wheel_file_check(b.fd, 0, STR(WHEEL_NAME), STR(""), "the index", &b.e),
                     ERR_INPUT);
    assert_int_equal(
        wheel_file_check(b.fd, b.wheel.n + 9, STR(WHEEL_NAME), STR(WHEEL_TEXT), "the index", &b.e),
        ERR_IO);
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_no_wheel),
        cmocka_unit_test(test_it_shrinks),
        cmocka_unit_test(test_can_not_be_read),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_check_the_same_text),
        cmocka_unit_test(test_check_of_no_wheel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
