/* A file read in slices: all of its bytes, in order, and one end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dray/fetch/reader.h"
#include "local_world.h"

struct reading {
    struct local_world w;
    struct reader *reader;
    struct buf got;
    struct err err;
    size_t refuse_after; /* bytes; 0: never */
    unsigned ends, turns;
    struct loop_task turn;
};

static int take(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct reading *r = ctx;

    buf_add(&r->got, bytes, n);
    if (r->refuse_after && r->got.n >= r->refuse_after)
        return err_set(e, ERR_LENGTH, "enough");
    return 0;
}

static void end(void *ctx, struct err *e)
{
    struct reading *r = ctx;

    r->ends++;
    r->reader = NULL;
    err_move(&r->err, e);
    loop_stop(r->w.loop);
}

static void turn(void *ctx)
{
    struct reading *r = ctx;

    r->turns++;
    loop_post(r->w.loop, &r->turn);
}

static void reading_open(struct reading *r, struct str content)
{
    uint64_t bytes;
    int fd = -1;
    struct err e = { 0 };

    *r = (struct reading){ 0 };
    world_open(&r->w);
    temp_dir_put(&r->w.dir, "file", content);
    assert_int_equal(file_open_regular(temp_dir_at(&r->w.dir, "file"), &fd, &bytes, &e), 0);
    r->reader = reader_start(r->w.loop, fd, "file", &(struct reader_sink){ take, end, r });
    assert_true(r->got.n == 0 && r->ends == 0); /* later, never from inside */
}

static void reading_close(struct reading *r)
{
    buf_done(&r->got);
    err_done(&r->err);
    world_close(&r->w);
}

static void test_empty(void **state)
{
    struct reading r;

    (void)state;
    reading_open(&r, STR(""));
    assert_true(world_run(&r.w));
    assert_true(r.ends == 1 && r.err.code == 0 && r.got.n == 0);
    reading_close(&r);
}

static void add_bytes(struct buf *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_add_c(out, (char)(i * 7 % 257));
}

/* More than a slice: others get their turn in between. */
static void test_large(void **state)
{
    static const size_t sizes[] = { 1, 65535, 65536, 65537, 1048576, 5 * 1048576 + 1 };

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct buf content = { 0 };
        struct reading r;
        add_bytes(&content, sizes[i]);
        reading_open(&r, buf_str(&content));
        r.turn = (struct loop_task){ .fn = turn, .ctx = &r };
        loop_post(r.w.loop, &r.turn);
        assert_true(world_run(&r.w));
        loop_unpost(r.w.loop, &r.turn);
        assert_true(r.ends == 1 && r.err.code == 0);
        assert_true(str_eq(buf_str(&r.got), buf_str(&content)));
        assert_true(r.turns >= sizes[i] / 1048576);
        world_settle(&r.w);
        assert_int_equal(r.ends, 1);
        buf_done(&content);
        reading_close(&r);
    }
}

static void test_refused(void **state)
{
    struct buf content = { 0 };
    struct reading r;

    (void)state;
    add_bytes(&content, 400000);
    reading_open(&r, buf_str(&content));
    r.refuse_after = 100000;
    assert_true(world_run(&r.w));
    assert_true(r.ends == 1 && r.err.code == ERR_LENGTH);
    assert_string_equal(err_text(&r.err), "enough");
    assert_true(r.got.n >= 100000 && r.got.n < 400000);
    buf_done(&content);
    reading_close(&r);
}

static void test_cancelled(void **state)
{
    struct reading r;

    (void)state;
    reading_open(&r, STR("content"));
    reader_cancel(r.reader);
    world_settle(&r.w);
    assert_true(r.ends == 0 && r.got.n == 0);
    reading_close(&r);
}

/* read() fails: a directory's descriptor. It is closed all the same. */
static void test_unreadable(void **state)
{
    struct reading r = { 0 };

    (void)state;
    world_open(&r.w);
    int fd = open(r.w.dir.path, O_RDONLY | O_CLOEXEC);
    r.reader = reader_start(r.w.loop, fd, "the-name", &(struct reader_sink){ take, end, &r });
    assert_true(world_run(&r.w));
    assert_true(r.ends == 1 && r.err.code == ERR_IO);
    assert_non_null(strstr(err_text(&r.err), "the-name"));
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    reading_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),      cmocka_unit_test(test_large),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_unreadable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
