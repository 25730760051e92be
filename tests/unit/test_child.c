/* net/child, with programs of any POSIX system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dray/net/child.h"
#include "dray/util/buf.h"
#include "dray/util/clock.h"
#include "dray/util/limits.h"
#include "temp_dir.h"

enum { PATIENCE_MS = 10 * 1000 };

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

static struct child *start_sh_with(struct outcome *o, const char *script,
                                   const struct child_options *options)
{
    const char *const argv[] = { "sh", "-c", script, NULL };

    return child_start_with(o->loop, argv, options, on_done, o);
}

static void run_sh_with(struct outcome *o, const char *script, const struct child_options *options)
{
    outcome_open(o);
    start_sh_with(o, script, options);
    assert_int_equal(o->done, 0);
    assert_false(loop_run(o->loop));
    assert_int_equal(o->done, 1);
}

static void test_environment(void **state)
{
    struct str changes[] = {
        STR("DRAY_TEST_A=first"), STR("DRAY_TEST_A=a=b c"), STR("DRAY_TEST_B"),
        STR("DRAY_TEST_C="),      STR("DRAY_TEST_D=1"),     STR("DRAY_TEST_D")
    };
    struct strs env = { .items = changes, .n = sizeof(changes) / sizeof(*changes) };
    struct child_options options = { .env = &env };
    struct outcome o;

    (void)state;
    setenv("DRAY_TEST_A", "inherited", 1);
    setenv("DRAY_TEST_B", "inherited", 1);
    setenv("DRAY_TEST_E", "inherited", 1);
    run_sh_with(&o,
                "echo \"$DRAY_TEST_A/${DRAY_TEST_B-unset}/${DRAY_TEST_C-unset}/"
                "${DRAY_TEST_D-unset}/$DRAY_TEST_E\"; env | grep -c '^DRAY_TEST_A='",
                &options);
    assert_int_equal(o.code, 0);
    assert_string_equal(buf_z(&o.output), "a=b c/unset//unset/inherited\n1\n");
    assert_string_equal(getenv("DRAY_TEST_A"), "inherited");
    outcome_close(&o);
}

static void test_directory(void **state)
{
    struct child_options options = { 0 };
    struct temp_dir d;
    struct outcome o;

    (void)state;
    temp_dir_open(&d);
    options.directory = d.path;
    run_sh_with(&o, "pwd", &options);
    assert_int_equal(o.code, 0);
    assert_string_equal(buf_z(&o.output), arena_f(&d.arena, "%s\n", d.path).p);
    outcome_close(&o);
    options.directory = temp_dir_at(&d, "nothing");
    run_sh_with(&o, "pwd", &options);
    assert_int_equal(o.code, ERR_CHILD);
    assert_non_null(strstr(buf_z(&o.text), "sh can't be run: no such file"));
    outcome_close(&o);
    temp_dir_close(&d);
}

static const struct child_options tail = { .output = CHILD_TAIL };

static void test_tail_is_in_order(void **state)
{
    struct outcome o;

    (void)state;
    run_sh_with(&o, "echo 1; echo 2 >&2; echo 3; cat; echo 4 >&2; printf 5; exit 3", &tail);
    assert_int_equal(o.code, 0);
    assert_int_equal(o.exit_status, 3);
    assert_string_equal(buf_z(&o.output), "1\n2\n3\n4\n5");
    assert_string_equal(buf_z(&o.errors), "");
    outcome_close(&o);
}

/* Lines of eleven bytes do not divide the limit: a first line cut in two would show. */
static void test_tail_keeps_the_end(void **state)
{
    struct outcome o;

    (void)state;
    run_sh_with(
        &o, "awk 'BEGIN { for (i = 1; i <= 400000; i++) printf \"%010d\\n\", i }'; echo end >&2",
        &tail);
    assert_int_equal(o.code, 0);
    assert_true(o.output.n <= LIMIT_CHILD_TAIL_BYTES);
    assert_true(o.output.n > LIMIT_CHILD_TAIL_BYTES - 11);
    assert_int_equal(o.output.n % 11, 4);
    assert_true(str_ends(buf_str(&o.output), STR("0000399999\n0000400000\nend\n")));
    assert_true(str_starts(buf_str(&o.output), STR("0000394")));
    outcome_close(&o);
}

static void test_tail_of_one_line(void **state)
{
    struct outcome o;

    (void)state;
    run_sh_with(&o, "dd if=/dev/zero bs=65536 count=10 2>/dev/null | tr '\\0' x", &tail);
    assert_int_equal(o.code, 0);
    assert_int_equal(o.output.n, LIMIT_CHILD_TAIL_BYTES);
    outcome_close(&o);
}

static void test_tail_of_just_the_limit(void **state)
{
    struct outcome o;

    (void)state;
    run_sh_with(&o, "echo; dd if=/dev/zero bs=65535 count=1 2>/dev/null", &tail);
    assert_int_equal(o.output.n, LIMIT_CHILD_TAIL_BYTES);
    outcome_close(&o);
    run_sh_with(&o, "echo; dd if=/dev/zero bs=65536 count=1 2>/dev/null", &tail);
    assert_int_equal(o.output.n, LIMIT_CHILD_TAIL_BYTES);
    assert_int_equal(o.output.p[0], 0);
    outcome_close(&o);
}

static void test_tail_cannot_start(void **state)
{
    const char *const argv[] = { "dray-no-such-program", NULL };
    struct outcome o;

    (void)state;
    outcome_open(&o);
    child_start_with(o.loop, argv, &tail, on_done, &o);
    assert_false(loop_run(o.loop));
    assert_int_equal(o.code, ERR_CHILD);
    assert_non_null(strstr(buf_z(&o.text), "can't be run"));
    outcome_close(&o);
}

/* A FIFO that the processes of a script hold open for writing tells when the last one is dead,
 * whoever reaps it. */
static int fifo_open(struct temp_dir *d)
{
    assert_int_equal(mkfifo(temp_dir_at(d, "alive"), 0600), 0);
    int fd = open(temp_dir_at(d, "alive"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* Did the last holder let go of it? The first byte says that it was held at all. */
static bool all_are_dead(int fd)
{
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    char bytes[16];

    return poll(&ready, 1, PATIENCE_MS) == 1 && read(fd, bytes, sizeof(bytes)) > 0 &&
           poll(&ready, 1, PATIENCE_MS) == 1 && (ready.revents & POLLHUP) &&
           read(fd, bytes, sizeof(bytes)) == 0;
}

/* Waits until the script has said that it holds the FIFO. */
static void wait_until_up(int fd)
{
    struct pollfd ready = { .fd = fd, .events = POLLIN };

    temp_dir_check(poll(&ready, 1, PATIENCE_MS) == 1, "the script did not start");
}

#define STUBBORN                                                                                   \
    "exec 3>\"$ALIVE\"; trap '' TERM HUP INT; sleep 60 & (sleep 60; sleep 60) & echo >&3; wait"

/* What is started with `options` and ended with `end` leaves nobody. */
static void expect_nobody(struct child_options options, void (*end)(struct child *), int code)
{
    struct temp_dir d;
    struct outcome o;

    temp_dir_open(&d);
    struct str alive = arena_f(&d.arena, "ALIVE=%s", temp_dir_at(&d, "alive"));
    struct strs env = { .items = &alive, .n = 1 };
    options.env = &env;
    int fd = fifo_open(&d);
    outcome_open(&o);
    struct child *c = start_sh_with(&o, STUBBORN, &options);
    wait_until_up(fd);
    if (end)
        end(c);
    assert_int_equal(o.done, 0);
    assert_false(loop_run(o.loop));
    assert_int_equal(o.done, code ? 1 : 0);
    assert_int_equal(o.code, code);
    assert_true(all_are_dead(fd));
    close(fd);
    outcome_close(&o);
    temp_dir_close(&d);
}

static void test_group_is_killed(void **state)
{
    struct child_options options = { 0 };

    (void)state;
    expect_nobody(options, child_cancel, 0);
    expect_nobody(options, child_kill, ERR_INTERRUPTED);
    expect_nobody(tail, child_cancel, 0);
    expect_nobody(tail, child_kill, ERR_INTERRUPTED);
    options.timeout_ms = 300;
    expect_nobody(options, NULL, ERR_CHILD);
}

#define LEAVES_ONE "exec 3>\"$ALIVE\"; sleep 60 & echo >&3; echo done"

static void test_rest_is_killed(void **state)
{
    struct child_options options = { .output = CHILD_TAIL, .kill_rest = true };
    struct temp_dir d;
    struct outcome o;
    uint64_t start = clock_us();

    (void)state;
    temp_dir_open(&d);
    struct str alive = arena_f(&d.arena, "ALIVE=%s", temp_dir_at(&d, "alive"));
    struct strs env = { .items = &alive, .n = 1 };
    options.env = &env;
    int fd = fifo_open(&d);
    run_sh_with(&o, LEAVES_ONE, &options);
    assert_int_equal(o.code, 0);
    assert_string_equal(buf_z(&o.output), "done\n");
    assert_true(all_are_dead(fd));
    assert_true(clock_us() - start < 10 * 1000 * 1000);
    close(fd);
    outcome_close(&o);
    temp_dir_close(&d);
}

struct ender {
    struct child *child;
    void (*end)(struct child *);
};

static void end_now(void *ctx)
{
    struct ender *e = ctx;

    e->end(e->child);
}

/* It has exited, and is waited for because of a pipe that somebody else holds. */
static void expect_lingering_ended(void (*end)(struct child *), unsigned done)
{
    struct child_options options = { 0 };
    struct temp_dir d;
    struct outcome o;
    struct ender e = { .end = end };

    temp_dir_open(&d);
    struct str alive = arena_f(&d.arena, "ALIVE=%s", temp_dir_at(&d, "alive"));
    struct strs env = { .items = &alive, .n = 1 };
    options.env = &env;
    int fd = fifo_open(&d);
    outcome_open(&o);
    e.child = start_sh_with(&o, LEAVES_ONE, &options);
    struct loop_timer *t = loop_timer_create(o.loop, end_now, &e);
    loop_timer_start(t, 400);
    assert_false(loop_run(o.loop));
    loop_timer_destroy(t);
    assert_int_equal(o.done, done);
    assert_true(all_are_dead(fd));
    close(fd);
    outcome_close(&o);
    temp_dir_close(&d);
}

static void test_lingering(void **state)
{
    (void)state;
    expect_lingering_ended(child_cancel, 0);
    expect_lingering_ended(child_kill, 1);
}

/* Also when the loop is closed before it had a turn. */
static void test_kill_before_a_turn(void **state)
{
    const char *const argv[] = { "dray-no-such-program", NULL };
    struct outcome o;

    (void)state;
    outcome_open(&o);
    child_kill(child_start(o.loop, argv, 1000, on_done, &o));
    child_kill(start_sh(&o, "sleep 60", 0));
    assert_int_equal(o.done, 0);
    loop_close(o.loop);
    assert_int_equal(o.done, 2);
    buf_done(&o.text);
    buf_done(&o.output);
    buf_done(&o.errors);
}

/* Runs `script` with its standard streams inherited, in a process whose own are files of `d`; so
 * this program's report is left alone. `end` is called once the script is up. Returns the status
 * that says what came of it: 100 + done * 10 + (code != 0). */
static int run_inheriting(struct temp_dir *d, const char *script, void (*end)(struct child *))
{
    int status = 0, fd = fifo_open(d);
    pid_t pid = fork();

    if (pid == 0) {
        struct str alive = arena_f(&d->arena, "ALIVE=%s", temp_dir_at(d, "alive"));
        struct strs env = { .items = &alive, .n = 1 };
        struct child_options options = { .output = CHILD_INHERIT, .env = &env };
        struct outcome o;
        outcome_open(&o);
        temp_dir_check(freopen(temp_dir_at(d, "in"), "r", stdin) &&
                           freopen(temp_dir_at(d, "out"), "w", stdout) &&
                           freopen(temp_dir_at(d, "err"), "w", stderr),
                       "streams");
        struct child *c = start_sh_with(&o, script, &options);
        wait_until_up(fd);
        if (end)
            end(c);
        bool stopped = loop_run(o.loop);
        status = 100 + (int)o.done * 10 + (o.code != 0) + (stopped ? 50 : 0);
        outcome_close(&o);
        arena_done(&d->arena);
        _exit(status);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_true(all_are_dead(fd));
    close(fd);
    return WEXITSTATUS(status);
}

static void expect_inherited(const char *script, void (*end)(struct child *), int status,
                             const char *out)
{
    struct temp_dir d;

    temp_dir_open(&d);
    temp_dir_put(&d, "in", STR("question\n"));
    assert_int_equal(run_inheriting(&d, script, end), status);
    assert_true(temp_dir_has(&d, "out", str_of(out)));
    assert_true(temp_dir_has(&d, "err", STR("err\n")));
    temp_dir_close(&d);
}

#define UP "exec 3>\"$ALIVE\"; echo err >&2; echo >&3; "

/* The script has told its pid on standard output; a terminal lets it read if it is of our group. */
static void cancel_if_of_our_group(struct child *c)
{
    struct buf pid = { 0 };
    struct err e = { 0 };
    uint64_t n = 0;

    temp_dir_check(file_read(getenv("DRAY_TEST_OUT"), 100, &pid, &e) == 0, err_text(&e));
    if (str_to_u64(str_trim(buf_str(&pid)), INT32_MAX, &n) && getpgid((pid_t)n) == getpgrp())
        child_cancel(c);
    buf_done(&pid);
}

static void test_inherit(void **state)
{
    struct temp_dir d;

    (void)state;
    expect_inherited(UP "read line; echo \"got $line\"", NULL, 110, "got question\n");
    temp_dir_open(&d);
    temp_dir_put(&d, "in", STR(""));
    setenv("DRAY_TEST_OUT", temp_dir_at(&d, "out"), 1);
    assert_int_equal(run_inheriting(&d, "echo $$; " UP "sleep 5", cancel_if_of_our_group), 100);
    unsetenv("DRAY_TEST_OUT");
    temp_dir_close(&d);
}

static void test_inherit_is_ended(void **state)
{
    uint64_t start = clock_us();

    (void)state;
    /* SIGTERM first: who heeds it can clear up. */
    expect_inherited("trap 'echo term; exit 0' TERM; " UP "while :; do :; done", child_cancel, 100,
                     "term\n");
    expect_inherited("trap 'echo term; exit 0' TERM; " UP "while :; do :; done", child_kill, 111,
                     "term\n");
    expect_inherited("trap '' TERM; " UP "while :; do :; done", child_cancel, 100, "");
    expect_inherited("trap '' TERM; " UP "while :; do :; done", child_kill, 111, "");
    assert_true(clock_us() - start < 10 * 1000 * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_input_is_empty),
        cmocka_unit_test(test_cannot_start),
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_too_much),
        cmocka_unit_test(test_cap_is_allowed),
        cmocka_unit_test(test_background),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_cancel_from_done),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_directory),
        cmocka_unit_test(test_tail_is_in_order),
        cmocka_unit_test(test_tail_keeps_the_end),
        cmocka_unit_test(test_tail_of_one_line),
        cmocka_unit_test(test_tail_of_just_the_limit),
        cmocka_unit_test(test_tail_cannot_start),
        cmocka_unit_test(test_group_is_killed),
        cmocka_unit_test(test_rest_is_killed),
        cmocka_unit_test(test_lingering),
        cmocka_unit_test(test_kill_before_a_turn),
        cmocka_unit_test(test_inherit),
        cmocka_unit_test(test_inherit_is_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
