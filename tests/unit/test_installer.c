/* job/installer with shell scripts that act as "PYTHON -m pip install", and with the real one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "dray/job/installer.h"
#include "dray/util/clock.h"
#include "real_pip.h"
#include "temp_dir.h"

struct bench {
    struct temp_dir dir;
    struct loop *loop;
    const char *python;
    struct strs pins, options;
    int stdout_kept, stderr_kept;
    unsigned done;
    int code;
    struct buf text;
};

static void on_installed(void *ctx, struct err *err)
{
    struct bench *b = ctx;

    b->done++;
    b->code = err->code;
    buf_add_z(&b->text, err_text(err));
}

/* While a child inherits them, standard output and error are the files "out" and "err". */
static void divert(struct bench *b)
{
    const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
    int out = open(temp_dir_at(&b->dir, "out"), flags, 0600);
    int err = open(temp_dir_at(&b->dir, "err"), flags, 0600);

    fflush(stdout);
    b->stdout_kept = dup(STDOUT_FILENO);
    b->stderr_kept = dup(STDERR_FILENO);
    temp_dir_check(dup2(out, STDOUT_FILENO) >= 0 && dup2(err, STDERR_FILENO) >= 0, "dup2");
    close(out);
    close(err);
}

static void divert_end(struct bench *b)
{
    dup2(b->stdout_kept, STDOUT_FILENO);
    dup2(b->stderr_kept, STDERR_FILENO);
    close(b->stdout_kept);
    close(b->stderr_kept);
}

static void bench_open(struct bench *b, const char *script)
{
    struct err e = { 0 };

    *b = (struct bench){ .loop = loop_open(&e), .python = "python3" };
    assert_non_null(b->loop);
    temp_dir_open(&b->dir);
    assert_int_equal(mkdir(temp_dir_at(&b->dir, "wheels"), 0700), 0);
    strs_add(&b->pins, STR("tiny==" TINY));
    setenv("DRAY_TEST_DIR", b->dir.path, 1);
    if (!script)
        return;
    b->python = temp_dir_at(&b->dir, "python");
    temp_dir_put(&b->dir, "python", str_of(script));
    assert_int_equal(chmod(b->python, 0755), 0);
}

static void bench_close(struct bench *b)
{
    loop_close(b->loop);
    unsetenv("DRAY_TEST_DIR");
    strs_done(&b->pins);
    strs_done(&b->options);
    buf_done(&b->text);
    temp_dir_close(&b->dir);
}

static struct installer *begin(struct bench *b, struct err *e)
{
    struct installer_order order = { .python = b->python,
                                     .wheelhouse = temp_dir_at(&b->dir, "wheels"),
                                     .pins = &b->pins,
                                     .options = b->options.n ? &b->options : NULL };

    return installer_start(b->loop, &order, on_installed, b, e);
}

static void install(struct bench *b)
{
    struct err e = { 0 };

    divert(b);
    struct installer *i = begin(b, &e);
    unsigned done = b->done;
    bool stopped = loop_run(b->loop);
    divert_end(b);
    assert_non_null(i);
    assert_int_equal(done, 0);
    assert_false(stopped);
    assert_int_equal(b->done, 1);
}

static void expect_file(struct bench *b, const char *name, const char *content)
{
    struct buf got = { 0 };
    struct err e = { 0 };

    if (file_read(temp_dir_at(&b->dir, name), 1000 * 1000, &got, &e))
        fail_msg("%s", err_text(&e));
    assert_string_equal(buf_z(&got), content);
    buf_done(&got);
}

static void test_call(void **state)
{
    struct bench b;

    (void)state;
    bench_open(&b, "#!/bin/sh\n"
                   "printf '%s\\n' \"$@\" >\"$DRAY_TEST_DIR/args\"\n"
                   "echo seen; echo heard >&2\n");
    strs_add(&b.pins, STR("other==2.0+local.1"));
    strs_add(&b.options, STR("--target"));
    strs_add(&b.options, STR("a b"));
    install(&b);
    assert_int_equal(b.code, 0);
    assert_string_equal(buf_z(&b.text), "");
    expect_file(&b, "out", "seen\n");
    expect_file(&b, "err", "heard\n");
    expect_file(&b, "args",
                arena_f(&b.dir.arena,
                        "-m\npip\ninstall\n--no-index\n--find-links\n%s/wheels\n--no-deps\n"
                        "--target\na b\ntiny==" TINY "\nother==2.0+local.1\n",
                        b.dir.path)
                    .p);
    assert_int_equal(temp_dir_count(&b.dir, "wheels"), 0);
    bench_close(&b);
}

static void expect_pins(size_t n, bool in_a_file)
{
    struct bench b;
    struct buf lines = { 0 }, args = { 0 };

    bench_open(&b, "#!/bin/sh\nprintf '%s\\n' \"$@\" >\"$DRAY_TEST_DIR/args\"\n");
    b.pins.n = 0;
    for (size_t i = 0; i < n; i++) {
        strs_add(&b.pins, arena_f(&b.dir.arena, "project-%zu==%zu", i, i));
        buf_add_f(&lines, "project-%zu==%zu\n", i, i);
    }
    install(&b);
    assert_int_equal(b.code, 0);
    buf_add_f(&args, "-m\npip\ninstall\n--no-index\n--find-links\n%s/wheels\n--no-deps\n",
              b.dir.path);
    if (in_a_file) {
        buf_add_f(&args, "-r\n%s/wheels/requirements.txt\n", b.dir.path);
        expect_file(&b, "wheels/requirements.txt", buf_z(&lines));
    } else {
        buf_add_str(&args, buf_str(&lines));
        assert_int_equal(temp_dir_count(&b.dir, "wheels"), 0);
    }
    expect_file(&b, "args", buf_z(&args));
    buf_done(&lines);
    buf_done(&args);
    bench_close(&b);
}

static void test_many_pins(void **state)
{
    (void)state;
    expect_pins(100, false);
    expect_pins(101, true);
    expect_pins(20000, true);
}

static void expect_error(const char *script, const char *python, const char *part)
{
    struct bench b;

    bench_open(&b, script);
    if (python)
        b.python = python;
    install(&b);
    assert_int_equal(b.code, ERR_CHILD);
    if (!strstr(buf_z(&b.text), part))
        fail_msg("got \"%s\", want \"%s\"", buf_z(&b.text), part);
    bench_close(&b);
}

static void test_errors(void **state)
{
    struct bench b;
    struct err e = { 0 };

    (void)state;
    expect_error("#!/bin/sh\nexit 23\n", NULL, "pip install ended with status 23");
    expect_error("#!/bin/sh\nkill -9 $$\n", NULL, "was killed by signal 9");
    expect_error(NULL, "/nonexistent/python",
                 "pip install: /nonexistent/python can't be run: no such file");
    bench_open(&b, "#!/bin/sh\n");
    for (int i = 0; i < 200; i++)
        strs_add(&b.pins, STR("tiny==" TINY));
    temp_dir_check(rmdir(temp_dir_at(&b.dir, "wheels")) == 0, "rmdir");
    assert_null(begin(&b, &e));
    assert_int_equal(e.code, ERR_IO);
    assert_non_null(strstr(err_text(&e), "wheels/requirements.txt"));
    err_done(&e);
    assert_false(loop_run(b.loop));
    assert_int_equal(b.done, 0);
    bench_close(&b);
}

/* Ends pip, and lets it clear up. */
static void test_cancel(void **state)
{
    struct bench b;
    struct err e = { 0 };
    uint64_t start = clock_us();

    (void)state;
    bench_open(&b, "#!/bin/sh\ntrap 'echo >\"$DRAY_TEST_DIR/heeded\"; exit 0' TERM\n"
                   ": >\"$DRAY_TEST_DIR/up\"\nwhile :; do :; done\n");
    struct installer *i = begin(&b, &e);
    while (access(temp_dir_at(&b.dir, "up"), F_OK) != 0 && clock_us() - start < 10 * 1000 * 1000)
        continue;
    installer_cancel(i);
    assert_false(loop_run(b.loop));
    expect_file(&b, "heeded", "\n");
    installer_cancel(begin(&b, &e)); /* at once */
    installer_cancel(NULL);
    b.python = "/nonexistent/python";
    installer_cancel(begin(&b, &e));
    assert_false(loop_run(b.loop));
    assert_int_equal(b.done, 0);
    assert_true(clock_us() - start < 10 * 1000 * 1000);
    bench_close(&b);
}

/* What a user may have set, and what does not concern the call; @ is the directory of the test. */
static const char *const hostile[] = {
    "PIP_FIND_LINKS=@/other",
    "PIP_REQUIREMENT=/nonexistent",
    "PIP_EDITABLE=/nonexistent",
    "PIP_REQUIREMENTS_FROM_SCRIPT=/nonexistent",
    "PIP_GROUP=none",
    "PIP_ONLY_DEPS=1",
    "PIP_CONSTRAINT=@/constraints.txt",
    "PIP_BUILD_CONSTRAINT=/nonexistent",
    "PIP_NO_BINARY=:all:",
    "PIP_REQUIRE_HASHES=1",
    "PIP_ONLY_FINAL=:all:",
    "PIP_PYTHON=/nonexistent",
    "PIP_NO_DEPS=0",
    "PIP_NO_INDEX=0",
    "PIP_CONFIG_FILE=@/pip.conf",
};

static const char hostile_conf[] = "[global]\n"
                                   "find-links = @/other\n"
                                   "no-binary = :all:\n"
                                   "require-hashes = true\n"
                                   "only-final = :all:\n"
                                   "[install]\n"
                                   "requirement = /nonexistent\n"
                                   "editable = /nonexistent\n"
                                   "requirements-from-script = /nonexistent\n"
                                   "constraint = @/constraints.txt\n"
                                   "only-deps = true\n";

/* `text` with the directory's path for each "@". */
static struct str with_path(struct bench *b, const char *text)
{
    struct buf out = { 0 };

    for (const char *p = text; *p; p++) {
        if (*p == '@')
            buf_add_z(&out, b->dir.path);
        else
            buf_add_c(&out, *p);
    }
    struct str s = arena_str(&b->dir.arena, buf_str(&out));
    buf_done(&out);
    return s;
}

static void hostile_set(struct bench *b, bool on)
{
    for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
        struct str value, name = str_cut(with_path(b, hostile[i]), '=', &value);
        const char *z = arena_str(&b->dir.arena, name).p;
        if (on)
            setenv(z, value.p, 1);
        else
            unsetenv(z);
    }
}

/* Builds the wheel that is to be installed; beside it, elsewhere, what must not be taken: the same
 * version, with a build number that makes it the better one. */
static void prepare_wheels(struct bench *b)
{
    const char *const argv[] = { "python3", "-c",
                                 "import backend; backend.build_wheel('../wheels')", NULL };

    tiny_sdist(&b->dir, "tiny", NULL);
    assert_true(real_run(argv, temp_dir_at(&b->dir, "tiny-" TINY), NULL));
    assert_int_equal(temp_dir_count(&b->dir, "wheels"), 1);
    temp_dir_put(&b->dir, "other/tiny-" TINY "-1-py3-none-any.whl", STR("not a wheel"));
    temp_dir_put(&b->dir, "constraints.txt", STR("tiny==2.0\n"));
    temp_dir_put(&b->dir, "pip.conf", with_path(b, hostile_conf));
}

static void expect_installed(struct bench *b, const char *target)
{
    struct buf said = { 0 };
    struct err e = { 0 };
    struct arena *a = &b->dir.arena;

    file_read(temp_dir_at(&b->dir, "err"), 1000 * 1000, &said, &e);
    if (b->code)
        fail_msg("%s\n%s", buf_z(&b->text), buf_z(&said));
    buf_done(&said);
    assert_true(
        temp_dir_has(&b->dir, arena_f(a, "%s/tiny_backend.py", target).p, str_of(tiny_backend)));
    const char *info = arena_f(a, "%s/tiny-" TINY ".dist-info", target).p;
    assert_true(temp_dir_count(&b->dir, info) > 0);
    /* PEP 610: of what was asked for by name there is none. */
    assert_int_not_equal(
        access(temp_dir_at(&b->dir, arena_f(a, "%s/direct_url.json", info).p), F_OK), 0);
}

static void test_real_pip(void **state)
{
    struct bench b;

    (void)state;
    if (real_pip_is_missing())
        skip();
    bench_open(&b, NULL);
    prepare_wheels(&b);
    strs_add(&b.options, STR("--target"));
    strs_add(&b.options, str_of(temp_dir_at(&b.dir, "target")));
    strs_add(&b.options, STR("--no-compile"));
    hostile_set(&b, true);
    install(&b);
    hostile_set(&b, false);
    expect_installed(&b, "target");
    bench_close(&b);
}

/* Where to is pip's affair; and the requirements are a file. */
static void test_real_pip_many(void **state)
{
    struct bench b;

    (void)state;
    if (real_pip_is_missing())
        skip();
    bench_open(&b, NULL);
    prepare_wheels(&b);
    for (int i = 0; i < 200; i++)
        strs_add(&b.pins, STR("tiny==" TINY));
    hostile_set(&b, true);
    setenv("PIP_TARGET", temp_dir_at(&b.dir, "by variable"), 1);
    install(&b);
    unsetenv("PIP_TARGET");
    hostile_set(&b, false);
    expect_installed(&b, "by variable");
    bench_close(&b);
}

static void test_real_failure(void **state)
{
    struct bench b;

    (void)state;
    if (real_pip_is_missing())
        skip();
    bench_open(&b, NULL);
    strs_add(&b.options, STR("--target"));
    strs_add(&b.options, str_of(temp_dir_at(&b.dir, "target")));
    install(&b); /* the wheelhouse is empty */
    assert_string_equal(buf_z(&b.text), "pip install ended with status 1");
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_call),         cmocka_unit_test(test_many_pins),
        cmocka_unit_test(test_errors),       cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_real_pip),     cmocka_unit_test(test_real_pip_many),
        cmocka_unit_test(test_real_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
