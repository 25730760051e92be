/* net/child, with programs of any POSIX system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "dray/net/child.h"
#include "dray/util/buf.h"
#include "dray/util/clock.h"
#include "dray/util/limits.h"

/* What one child came to. */
struct outcome {
    struct loop *loop;
    unsigned done;
    int code, exit_status;
    struct buf text, output, errors;
    struct child *other; /* cancelled from within done */
};

static void on_done(void *ctx, struct child_result *result)
{
    struct outcome *o = ctx;

    o->done++;
    o->code = result->err.code;
    o->exit_status = result->exit_status;
    buf_add_z(&o->text, err_text(&result->err));
    buf_add_str(&o->output, result->output);
    buf_add_str(&o->errors, result->errors);
    if (o->other)
        child_cancel(o->other);
}

static void outcome_open(struct outcome *o)
{
    struct err e = { 0 };

    *o = (struct outcome){ .loop = loop_open(&e) };
    assert_non_null(o->loop);
}

static void outcome_close(struct outcome *o)
{
    loop_close(o->loop);
    buf_done(&o->text);
    buf_done(&o->output);
    buf_done(&o->errors);
}

static struct child *start_sh(struct outcome *o, const char *script, unsigned timeout_ms)
{
    const char *const argv[] = { "sh", "-c", script, NULL };

    return child_start(o->loop, argv, timeout_ms, on_done, o);
}

static void run_sh(struct outcome *o, const char *script, unsigned timeout_ms)
{
    outcome_open(o);
    start_sh(o, script, timeout_ms);
    assert_int_equal(o->done, 0);
    assert_false(loop_run(o->loop));
    assert_int_equal(o->done, 1);
}

static void test_output(void **state)
{
    struct outcome o;

    (void)state;
    run_sh(&o, "echo out; echo err >&2; exit 7", 0);
    assert_int_equal(o.code, 0);
    assert_int_equal(o.exit_status, 7);
    assert_string_equal(buf_z(&o.output), "out\n");
    assert_string_equal(buf_z(&o.errors), "err\n");
    outcome_close(&o);
}

static void test_input_is_empty(void **state)
{
    struct outcome o;

    (void)state;
    run_sh(&o, "cat; echo end", 5000);
    assert_int_equal(o.code, 0);
    assert_string_equal(buf_z(&o.output), "end\n");
    outcome_close(&o);
}

static void test_cannot_start(void **state)
{
    const char *const argv[] = { "dray-no-such-program", NULL };
    struct outcome o;

    (void)state;
    outcome_open(&o);
    child_start(o.loop, argv, 1000, on_done, &o);
    assert_int_equal(o.done, 0);
    assert_false(loop_run(o.loop));
    assert_int_equal(o.done, 1);
    assert_int_equal(o.code, ERR_CHILD);
    assert_string_equal(buf_z(&o.text),
                        "dray-no-such-program can't be run: no such file or directory");
    child_cancel(child_start(o.loop, argv, 1000, on_done, &o));
    assert_false(loop_run(o.loop));
    assert_int_equal(o.done, 1);
    outcome_close(&o);
}

static void test_killed(void **state)
{
    struct outcome o;

    (void)state;
    run_sh(&o, "kill -9 $$", 0);
    assert_int_equal(o.code, ERR_CHILD);
    assert_non_null(strstr(buf_z(&o.text), "sh was killed by signal 9"));
    outcome_close(&o);
}

/* The whole group goes: the shell's own child holds the pipe, and would for long. */
static void test_timeout(void **state)
{
    struct outcome o;
    uint64_t start = clock_us();

    (void)state;
    run_sh(&o, "echo begun; sleep 60; echo never", 100);
    assert_int_equal(o.code, ERR_CHILD);
    assert_string_equal(buf_z(&o.text), "sh did not end within 100 ms and was killed");
    assert_string_equal(buf_z(&o.output), "begun\n");
    assert_true(clock_us() - start < 5 * 1000 * 1000);
    outcome_close(&o);
}

static void test_too_much(void **state)
{
    struct outcome o;

    (void)state;
    run_sh(&o, "while :; do echo 0123456789012345678901234567890123456789; done", 0);
    assert_int_equal(o.code, ERR_CHILD);
    assert_non_null(strstr(buf_z(&o.text), "more than 1048576 bytes"));
    assert_true(o.output.n <= LIMIT_CHILD_OUTPUT_BYTES);
    outcome_close(&o);
}

static void test_cap_is_allowed(void **state)
{
    struct outcome o;

    (void)state;
    run_sh(&o, "dd if=/dev/zero bs=65536 count=16 2>/dev/null", 0);
    assert_int_equal(o.code, 0);
    assert_int_equal(o.output.n, LIMIT_CHILD_OUTPUT_BYTES);
    outcome_close(&o);
}

/* A program left in the background with the pipe does not hold up the answer for ever, and lives
 * on. */
static void test_background(void **state)
{
    struct outcome o;
    uint64_t start = clock_us();

    (void)state;
    run_sh(&o, "sleep 20 & echo $!", 0);
    assert_int_equal(o.code, 0);
    assert_int_equal(o.exit_status, 0);
    assert_true(clock_us() - start < 10 * 1000 * 1000);
    pid_t pid = (pid_t)strtol(buf_z(&o.output), NULL, 10);
    assert_true(pid > 1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    outcome_close(&o);
}

static void test_cancel(void **state)
{
    struct outcome o;
    uint64_t start = clock_us();

    (void)state;
    outcome_open(&o);
    child_cancel(start_sh(&o, "sleep 60", 0));
    child_cancel(start_sh(&o, "sleep 60", 1000));
    loop_close(o.loop); /* reaps them */
    assert_int_equal(o.done, 0);
    assert_true(clock_us() - start < 10 * 1000 * 1000);
}

static void test_cancel_from_done(void **state)
{
    struct outcome o, quick;

    (void)state;
    outcome_open(&o);
    quick = (struct outcome){ .loop = o.loop };
    quick.other = start_sh(&o, "sleep 60", 0);
    start_sh(&quick, "exit 3", 0);
    assert_false(loop_run(o.loop));
    assert_int_equal(quick.done, 1);
    assert_int_equal(quick.exit_status, 3);
    assert_int_equal(o.done, 0);
    outcome_close(&o);
    buf_done(&quick.text);
    buf_done(&quick.output);
    buf_done(&quick.errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output),         cmocka_unit_test(test_input_is_empty),
        cmocka_unit_test(test_cannot_start),   cmocka_unit_test(test_killed),
        cmocka_unit_test(test_timeout),        cmocka_unit_test(test_too_much),
        cmocka_unit_test(test_cap_is_allowed), cmocka_unit_test(test_background),
        cmocka_unit_test(test_cancel),         cmocka_unit_test(test_cancel_from_done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
