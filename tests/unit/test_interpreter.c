/* This program is its own interpreter: run with "-I" it notes the call in the file "asked", then
 * answers with the file "answer", or fails as the file "fails" says. So the tests need no Python,
 * and have a binary that they may change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dray/job/interpreter.h"
#include "dray/util/arena.h"
#include "dray/util/buf.h"
#include "dray/util/file.h"
#include "dray/util/mem.h"

static int play_interpreter(void)
{
    struct buf text = { 0 };
    struct err e = { 0 };
    int status = 0;

    int fd = open("asked", O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (fd < 0 || write(fd, "x", 1) != 1 || close(fd) != 0)
        return 99;
    if (file_read("fails", 1000, &text, &e) == 0) {
        fputs(buf_z(&text), stderr);
        status = 3;
    } else if (file_read("answer", 100000, &text, &e) == 0) {
        fputs(buf_z(&text), stdout);
    }
    buf_done(&text);
    err_done(&e);
    return status;
}

/* What a question came to. */
struct outcome {
    struct loop *loop;
    unsigned calls;
    char version[32]; /* python_full_version, "" without a target */
    int code;
    struct buf error;
};

static void answered(void *ctx, struct target *target, struct err *err)
{
    struct outcome *o = ctx;

    o->calls++;
    o->code = err->code;
    buf_add_z(&o->error, err_text(err));
    if (target)
        snprintf(o->version, sizeof(o->version), "%.*s", STR_ARG(target->env.python_full_version));
    assert_true((target == NULL) == (err->code != 0));
    target_destroy(target);
    loop_stop(o->loop);
}

static void outcome_done(struct outcome *o)
{
    buf_done(&o->error);
}

static struct outcome ask(const char *python, const char *cache_dir)
{
    struct outcome o = { 0 };
    struct err e = { 0 };

    o.loop = loop_open(&e);
    assert_non_null(o.loop);
    interpreter_start(o.loop, python, cache_dir, answered, &o);
    assert_int_equal(o.calls, 0); /* never from inside start() */
    loop_run(o.loop);
    loop_close(o.loop);
    assert_int_equal(o.calls, 1);
    return o;
}

static size_t times_asked(void)
{
    struct stat st;

    return stat("asked", &st) == 0 ? (size_t)st.st_size : 0;
}

static void write_text(const char *path, const char *text)
{
    struct err e = { 0 };

    assert_int_equal(file_write(path, str_of(text), &e), 0);
}

static void expect_version(const char *python, const char *cache_dir, const char *version,
                           size_t asked)
{
    struct outcome o = ask(python, cache_dir);

    assert_string_equal(buf_z(&o.error), "");
    assert_string_equal(o.version, version);
    assert_int_equal(times_asked(), asked);
    outcome_done(&o);
}

static void expect_error(const char *python, int code, const char *part)
{
    struct outcome o = ask(python, "cache");
    glob_t kept;

    assert_int_equal(o.code, code);
    if (!strstr(buf_z(&o.error), part))
        fail_msg("got \"%s\", want \"%s\"", buf_z(&o.error), part);
    assert_int_equal(glob("cache/interpreters/*", 0, NULL, &kept), GLOB_NOMATCH);
    globfree(&kept);
    outcome_done(&o);
}

static void test_asks(void **state)
{
    (void)state;
    expect_version("./python", NULL, "3.11.7", 1);
    expect_version("./python", NULL, "3.11.7", 2);
    expect_version("venv", NULL, "3.11.7", 3);
    setenv("PATH", "missing::venv/bin", 1);
    expect_version("python", NULL, "3.11.7", 4);
    assert_int_not_equal(access("cache", F_OK), 0);
}

static void test_errors(void **state)
{
    (void)state;
    setenv("PATH", "venv", 1);
    expect_error("./missing", ERR_NOT_FOUND, "there is no program ./missing");
    expect_error("./answer", ERR_NOT_FOUND, "there is no program ./answer");
    expect_error("python3", ERR_NOT_FOUND, "no program python3 is on PATH");
    expect_error("cache-less", ERR_NOT_FOUND, "no program cache-less is on PATH");
    expect_error("empty", ERR_NOT_FOUND, "empty is a directory without a Python in bin/python");
    assert_int_equal(times_asked(), 0);
    write_text("fails", "Traceback:\n  somewhere\nImportError: no json\n");
    expect_error("./python", ERR_CHILD, "it ended with status 3: ImportError: no json");
    unlink("fails");
    write_text("answer", "Hello\n");
    expect_error("./python", ERR_CHILD, "./python does not answer as a Python does: ");
    write_text("answer", "");
    expect_error("./python", ERR_CHILD, "./python does not answer as a Python does: ");
}

/* The kept file, which must be the only one. */
static struct str kept_path(struct arena *a)
{
    glob_t kept;

    assert_int_equal(glob("cache/interpreters/*", 0, NULL, &kept), 0);
    assert_int_equal(kept.gl_pathc, 1);
    struct str path = arena_str(a, str_of(kept.gl_pathv[0]));
    globfree(&kept);
    return path;
}

static void test_keeps(void **state)
{
    struct arena a = { 0 };
    struct timespec times[2] = { { 1000000000, 0 }, { 1000000000, 0 } };

    (void)state;
    expect_version("./python", "cache", "3.11.7", 1);
    expect_version("./python", "cache", "3.11.7", 1);
    expect_version("venv", "cache", "3.11.7", 1); /* the same binary by another name */
    write_text(kept_path(&a).p, "{broken");
    expect_version("./python", "cache", "3.11.7", 2);
    expect_version("./python", "cache", "3.11.7", 2);
    assert_int_equal(utimensat(AT_FDCWD, "python", times, 0), 0);
    expect_version("./python", "cache", "3.11.7", 3);
    arena_done(&a);
}

static void test_unusable_cache(void **state)
{
    (void)state;
    expect_version("./python", "answer/no-directory", "3.11.7", 1);
    expect_version("./python", "answer/no-directory", "3.11.7", 2);
}

static void test_script_is_asked_each_time(void **state)
{
    (void)state;
    write_text("script", "#!/bin/sh\nexec ./python \"$@\"\n");
    assert_int_equal(chmod("script", 0755), 0);
    expect_version("./script", "cache", "3.11.7", 1);
    expect_version("./script", "cache", "3.11.7", 2);
}

/* Cancelled at once: neither a running child nor a kept answer calls back. */
static void test_cancel(void **state)
{
    struct err e = { 0 };
    struct outcome o = { 0 };

    (void)state;
    expect_version("./python", "cache", "3.11.7", 1);
    o.loop = loop_open(&e);
    interpreter_cancel(interpreter_start(o.loop, "./python", "cache", answered, &o));
    interpreter_cancel(interpreter_start(o.loop, "./missing", "cache", answered, &o));
    interpreter_cancel(interpreter_start(o.loop, "./python", NULL, answered, &o));
    interpreter_cancel(NULL);
    loop_run(o.loop);
    loop_close(o.loop);
    assert_int_equal(o.calls, 0);
}

static void copy_file(const char *from, const char *to, int mode)
{
    struct buf text = { 0 };
    struct err e = { 0 };

    if (file_read(from, 1u << 30, &text, &e) || file_write(to, buf_str(&text), &e) ||
        chmod(to, (mode_t)mode))
        fail_msg("%s", err_text(&e));
    buf_done(&text);
}

static int enter_directory(void **state)
{
    char path[] = "/tmp/dray-test-interpreter-XXXXXX";

    if (!mkdtemp(path) || chdir(path) != 0)
        return -1;
    *state = mem_dup(path);
    copy_file(getenv("TEST_SELF"), "python", 0755);
    copy_file(TEST_DATA "/interpreter/answer.json", "answer", 0644);
    return mkdir("venv", 0777) || mkdir("venv/bin", 0777) || mkdir("empty", 0777) ||
           symlink("../../python", "venv/bin/python");
}

static int leave_directory(void **state)
{
    static const char *const names[] = { "asked",  "answer", "fails",
                                         "script", "python", "venv/bin/python" };
    static const char *const directories[] = { "venv/bin", "venv", "empty", "cache/interpreters",
                                               "cache" };
    glob_t kept;

    if (glob("cache/interpreters/*", 0, NULL, &kept) == 0)
        for (size_t i = 0; i < kept.gl_pathc; i++)
            unlink(kept.gl_pathv[i]);
    globfree(&kept);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unlink(names[i]);
    for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
        rmdir(directories[i]);
    int code = chdir("/") || rmdir(*state);
    free(*state);
    return code;
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, enter_directory, leave_directory)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        IN_DIRECTORY(test_asks),
        IN_DIRECTORY(test_errors),
        IN_DIRECTORY(test_keeps),
        IN_DIRECTORY(test_unusable_cache),
        IN_DIRECTORY(test_script_is_asked_each_time),
        IN_DIRECTORY(test_cancel),
    };

    if (argc > 1 && strcmp(argv[1], "-I") == 0)
        return play_interpreter();
    char *self = realpath(argv[0], NULL);
    setenv("TEST_SELF", self ? self : argv[0], 1);
    free(self);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
