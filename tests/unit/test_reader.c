/* A file read in slices: all of its bytes, in order, and one end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dray/fetch/reader.h"
#include "dray/util/file.h"
#include "dray/util/mem.h"
#include "local_world.h"

struct reading {
    struct local_world w;
    struct reader *reader;
    struct buf got;
    struct err err;
    size_t refuse_after; /* bytes; 0: never */
    unsigned opens, ends, turns;
    struct loop_task turn;
};

static int open_it(void *ctx, const char *path, int *fd, struct err *e)
{
    struct reading *r = ctx;
    uint64_t bytes;

    r->opens++;
    return file_open_regular(path, fd, &bytes, e);
}

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
    *r = (struct reading){ 0 };
    world_open(&r->w);
    temp_dir_put(&r->w.dir, "file", content);
    r->reader = reader_start(r->w.readers, temp_dir_at(&r->w.dir, "file"),
                             &(struct reader_sink){ open_it, take, end, r });
    assert_true(r->opens == 0 && r->got.n == 0 && r->ends == 0); /* later, never from inside */
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

static int open_directory(void *ctx, const char *path, int *fd, struct err *e)
{
    struct reading *r = ctx;

    (void)e;
    r->opens++;
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    return 0;
}

/* read() fails: a directory's descriptor. It is closed all the same. */
static void test_unreadable(void **state)
{
    struct reading r = { 0 };

    (void)state;
    world_open(&r.w);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC); /* the number that comes next */
    close(fd);
    r.reader = reader_start(r.w.readers, r.w.dir.path,
                            &(struct reader_sink){ open_directory, take, end, &r });
    assert_true(world_run(&r.w));
    assert_true(r.opens == 1 && r.ends == 1 && r.err.code == ERR_IO);
    assert_non_null(strstr(err_text(&r.err), r.w.dir.path));
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    reading_close(&r);
}

static void test_not_there(void **state)
{
    struct reading r = { 0 };

    (void)state;
    world_open(&r.w);
    r.reader = reader_start(r.w.readers, "/nowhere/at/all",
                            &(struct reader_sink){ open_it, take, end, &r });
    assert_true(world_run(&r.w));
    assert_true(r.opens == 1 && r.ends == 1 && r.err.code == ERR_NOT_FOUND);
    reading_close(&r);
}

enum { CROWD = 100, CROWD_OPEN = 8 };

struct crowd {
    struct reading readings[CROWD];
    size_t open, most, ended;
};

static int crowd_open(void *ctx, const char *path, int *fd, struct err *e)
{
    struct crowd *all = ctx;

    if (++all->open > all->most)
        all->most = all->open;
    uint64_t bytes;
    return file_open_regular(path, fd, &bytes, e);
}

static int crowd_data(void *ctx, const void *bytes, size_t n, struct err *e)
{
    (void)ctx;
    (void)bytes;
    (void)n;
    (void)e;
    return 0;
}

static void crowd_end(void *ctx, struct err *e)
{
    struct crowd *all = ctx;

    assert_int_equal(e->code, 0);
    all->open--;
    all->ended++;
}

/* However many are wanted at once, few have a descriptor; those that are cancelled, waiting or
 * under way, leave their room to the others. */
static void test_crowd(void **state)
{
    struct local_world w;
    struct crowd *all = mem_new(1, sizeof(*all));
    struct buf content = { 0 };

    (void)state;
    world_open(&w);
    add_bytes(&content, 600000);
    temp_dir_put(&w.dir, "file", buf_str(&content));
    for (size_t i = 0; i < CROWD; i++)
        all->readings[i].reader =
            reader_start(w.readers, temp_dir_at(&w.dir, "file"),
                         &(struct reader_sink){ crowd_open, crowd_data, crowd_end, all });
    for (size_t i = 0; i < CROWD; i += 2)
        reader_cancel(all->readings[i].reader);
    while (all->ended < CROWD / 2)
        world_settle(&w);
    assert_true(all->most >= 1 && all->most <= CROWD_OPEN);
    assert_int_equal(all->ended, CROWD / 2);
    buf_done(&content);
    free(all);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),      cmocka_unit_test(test_large),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_unreadable), cmocka_unit_test(test_not_there),
        cmocka_unit_test(test_crowd),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
