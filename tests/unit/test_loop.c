/* net/loop: when things run, and that nothing stays behind (loop_close() asserts it). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "dray/net/loop.h"
#include "dray/util/clock.h"

enum { MAX_STEPS = 32 };

struct trace {
    struct loop *loop;
    char steps[MAX_STEPS + 1];
    size_t n;
    struct loop_task a, b;
    struct loop_timer *timer;
};

static void note(struct trace *t, char c)
{
    assert_true(t->n < MAX_STEPS);
    t->steps[t->n++] = c;
}

static void trace_open(struct trace *t, loop_fn a, loop_fn b)
{
    struct err e = { 0 };

    memset(t, 0, sizeof *t);
    t->loop = loop_open(&e);
    assert_non_null(t->loop);
    t->a = (struct loop_task){ .fn = a, .ctx = t };
    t->b = (struct loop_task){ .fn = b, .ctx = t };
}

static void note_a(void *ctx)
{
    note(ctx, 'a');
}

static void note_b(void *ctx)
{
    note(ctx, 'b');
}

static void test_order(void **state)
{
    struct trace t;

    (void)state;
    trace_open(&t, note_a, note_b);
    loop_post(t.loop, &t.a);
    loop_post(t.loop, &t.b);
    loop_post(t.loop, &t.a); /* queued already */
    assert_string_equal(t.steps, "");
    assert_false(loop_run(t.loop)); /* nothing is left */
    assert_string_equal(t.steps, "ab");
    loop_close(t.loop);
}

static void post_again(void *ctx)
{
    struct trace *t = ctx;

    note(t, 'a');
    if (t->n < 8)
        loop_post(t->loop, &t->a);
    if (t->n == 1)
        loop_post(t->loop, &t->b);
}

/* What a task posts comes in the next turn, behind all of this one. */
static void test_post_from_task(void **state)
{
    struct trace t;

    (void)state;
    trace_open(&t, post_again, note_b);
    loop_post(t.loop, &t.a);
    assert_false(loop_run(t.loop));
    assert_string_equal(t.steps, "aabaaaaa");
    loop_close(t.loop);
}

static void unpost_b(void *ctx)
{
    struct trace *t = ctx;

    note(t, 'a');
    loop_unpost(t->loop, &t->b);
}

static void test_unpost(void **state)
{
    struct trace t;

    (void)state;
    trace_open(&t, unpost_b, note_b);
    loop_post(t.loop, &t.a);
    loop_post(t.loop, &t.b); /* in the same batch */
    assert_false(loop_run(t.loop));
    loop_unpost(t.loop, &t.b); /* not queued */
    assert_string_equal(t.steps, "a");
    loop_post(t.loop, &t.b);
    loop_unpost(t.loop, &t.b);
    assert_false(loop_run(t.loop));
    assert_string_equal(t.steps, "a");
    loop_close(t.loop);
}

static void stop(void *ctx)
{
    struct trace *t = ctx;

    note(t, 's');
    loop_stop(t->loop);
}

/* Keeps the turn going until it is told that this takes too long. */
static void take_long(void *ctx)
{
    struct trace *t = ctx;

    assert_false(loop_is_late(t->loop));
    uint64_t start_us = clock_us();
    while (!loop_is_late(t->loop))
        assert_true(clock_us() - start_us < 10000000);
    assert_true(clock_us() - start_us > 1000);
    note(t, 'l');
    if (t->n == 2)
        loop_stop(t->loop);
    else
        loop_post(t->loop, &t->a); /* in the next turn it begins anew */
}

static void test_late(void **state)
{
    struct trace t;

    (void)state;
    trace_open(&t, take_long, note_b);
    loop_post(t.loop, &t.a);
    assert_true(loop_run(t.loop));
    assert_string_equal(t.steps, "ll");
    loop_close(t.loop);
}

static void test_stop(void **state)
{
    struct trace t;

    (void)state;
    trace_open(&t, stop, note_b);
    loop_post(t.loop, &t.a);
    loop_post(t.loop, &t.b);
    assert_true(loop_run(t.loop)); /* the turn is finished */
    assert_string_equal(t.steps, "sb");
    assert_false(loop_run(t.loop));
    loop_close(t.loop);
}

static void test_timer(void **state)
{
    struct trace t;
    uint64_t start = clock_us();

    (void)state;
    trace_open(&t, note_a, note_b);
    struct loop_timer *late = loop_timer_create(t.loop, note_a, &t);
    struct loop_timer *soon = loop_timer_create(t.loop, note_b, &t);
    struct loop_timer *stopped = loop_timer_create(t.loop, note_b, &t);
    loop_timer_start(late, 1);
    loop_timer_start(late, 30); /* anew */
    loop_timer_start(soon, 0);
    loop_timer_start(stopped, 0);
    loop_timer_stop(stopped);
    assert_false(loop_run(t.loop));
    assert_string_equal(t.steps, "ba");
    assert_true(clock_us() - start >= 29 * 1000);
    loop_timer_start(late, 10);
    loop_timer_destroy(late);
    loop_timer_destroy(soon);
    loop_timer_destroy(stopped);
    loop_timer_destroy(NULL);
    assert_false(loop_run(t.loop));
    assert_string_equal(t.steps, "ba");
    loop_close(t.loop);
}

static void restart_timer(void *ctx)
{
    struct trace *t = ctx;

    note(t, 't');
    if (t->n < 6)
        loop_timer_start(t->timer, 0);
    loop_post(t->loop, &t->a);
}

/* A chain of timers of 0 ms lets others run between. */
static void test_timer_chain(void **state)
{
    struct trace t;

    (void)state;
    trace_open(&t, note_a, note_b);
    t.timer = loop_timer_create(t.loop, restart_timer, &t);
    loop_timer_start(t.timer, 0);
    assert_false(loop_run(t.loop));
    assert_string_equal(t.steps, "ttattata");
    loop_timer_destroy(t.timer);
    loop_close(t.loop);
}

static void test_timer_unref(void **state)
{
    struct trace t;

    (void)state;
    trace_open(&t, note_a, note_b);
    t.timer = loop_timer_create(t.loop, note_a, &t);
    loop_timer_unref(t.timer);
    loop_timer_start(t.timer, 1);
    assert_false(loop_run(t.loop)); /* does not wait for it */
    assert_string_equal(t.steps, "");
    struct loop_timer *counted = loop_timer_create(t.loop, note_b, &t);
    loop_timer_start(counted, 20);
    assert_false(loop_run(t.loop));
    assert_string_equal(t.steps, "ab");
    loop_timer_destroy(counted);
    loop_timer_destroy(t.timer);
    loop_close(t.loop);
}

static void on_signal(void *ctx, int number)
{
    struct trace *t = ctx;

    note(t, number == SIGUSR1 ? 'u' : '?');
    loop_stop(t->loop);
}

static void raise_signal(void *ctx)
{
    note(ctx, 'r');
    raise(SIGUSR1);
}

static void test_signal(void **state)
{
    struct trace t;
    struct err e = { 0 };

    (void)state;
    trace_open(&t, note_a, note_b);
    assert_int_equal(loop_on_signal(t.loop, SIGUSR1, on_signal, &t, &e), 0);
    assert_false(loop_run(t.loop)); /* a signal that may come is no reason to stay */
    t.timer = loop_timer_create(t.loop, raise_signal, &t);
    struct loop_timer *long_one = loop_timer_create(t.loop, note_a, &t);
    loop_timer_start(t.timer, 1);
    loop_timer_start(long_one, 60 * 1000);
    assert_true(loop_run(t.loop));
    assert_string_equal(t.steps, "ru");
    assert_int_equal(loop_on_signal(t.loop, SIGKILL, on_signal, &t, &e), ERR_IO);
    assert_non_null(strstr(err_text(&e), "signal 9"));
    err_done(&e);
    loop_timer_destroy(t.timer);
    loop_timer_destroy(long_one);
    loop_close(t.loop);
    assert_int_equal(raise(SIGPIPE), 0); /* ignored since loop_open() */
}

/* A little longer, as its clock and the loop's are each cut to microseconds. */
static void work_20_ms(void *ctx)
{
    struct trace *t = ctx;
    uint64_t until = clock_us() + 20100;

    note(t, 'w');
    while (clock_us() < until)
        ;
}

static void on_readable(uv_poll_t *uv, int status, int events)
{
    (void)status;
    (void)events;
    work_20_ms(uv->data);
    uv_close((uv_handle_t *)uv, NULL);
}

/* Long ones are seen, of tasks, timers and sockets; waiting is none. */
static void test_turns(void **state)
{
    struct trace t;
    uv_poll_t poll;
    int fds[2];

    (void)state;
    trace_open(&t, work_20_ms, note_b);
    assert_int_equal(loop_turns(t.loop).count, 0);
    t.timer = loop_timer_create(t.loop, note_b, &t);
    loop_timer_start(t.timer, 400);
    assert_false(loop_run(t.loop));
    struct loop_turns waited = loop_turns(t.loop);
    assert_in_range(waited.count, 1, 20);
    assert_true(waited.max_us < 200 * 1000);
    loop_post(t.loop, &t.a);
    assert_false(loop_run(t.loop));
    struct loop_turns worked = loop_turns(t.loop);
    assert_true(worked.max_us >= 20000 && worked.p99_us >= 20000);
    assert_true(worked.p50_us <= worked.p99_us && worked.count > waited.count);

    loop_timer_destroy(t.timer);
    loop_close(t.loop);
    trace_open(&t, note_a, note_b);
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    uv_poll_init(loop_uv(t.loop), &poll, fds[0]);
    poll.data = &t;
    uv_poll_start(&poll, UV_READABLE, on_readable);
    assert_false(loop_run(t.loop));
    assert_string_equal(t.steps, "w");
    assert_true(loop_turns(t.loop).max_us >= 20000);
    close(fds[0]);
    close(fds[1]);
    loop_close(t.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),       cmocka_unit_test(test_post_from_task),
        cmocka_unit_test(test_unpost),      cmocka_unit_test(test_stop),
        cmocka_unit_test(test_timer),       cmocka_unit_test(test_timer_chain),
        cmocka_unit_test(test_timer_unref), cmocka_unit_test(test_signal),
        cmocka_unit_test(test_late),        cmocka_unit_test(test_turns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
