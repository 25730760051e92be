/* fetch/build with shell scripts that act as "PYTHON -m pip wheel", and with the real one. TMPDIR
 * is a directory of the test's own, which shows what a build leaves behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "dray/fetch/build.h"
#include "real_pip.h"
#include "temp_dir.h"

enum { PATIENCE_MS = 60 * 1000, WAIT_MS = 10 * 1000, MOST = 8 };

struct bench;

/* What one build came to. */
struct outcome {
    struct bench *bench;
    struct build *build;
    unsigned done;
    int code;
    struct buf text, wheel, filename, content;
    bool destroy_at_once;
    struct outcome *also; /* destroyed from within done */
    struct outcome *next; /* started from within done */
};

struct bench {
    struct temp_dir dir, temp;
    struct loop *loop;
    struct loop_timer *watchdog;
    struct strs env;
    struct build_world world;
    struct builds *builds;
    struct outcome outcomes[MOST];
};

/* Sets $out and $archive. */
#define PLAY_PIP                                                                                   \
    "#!/bin/sh\n"                                                                                  \
    "args=$*\n"                                                                                    \
    "while [ $# -gt 0 ]; do case $1 in -w) out=$2; shift;; *) archive=$1;; esac; shift; done\n"    \
    "mkdir -p \"$out\"\n"

#define MAKE_WHEEL "cat \"$archive\" >\"$out/foo-1.0-py3-none-any.whl\"\n"

static void on_stuck(void *ctx)
{
    (void)ctx;
    fprintf(stderr, "nothing happened for %d ms\n", PATIENCE_MS);
    abort();
}

static void outcome_destroy(struct outcome *o)
{
    build_destroy(o->build);
    o->build = NULL;
}

static void begin(struct outcome *o);

static void on_built(void *ctx, struct build_result *r)
{
    struct outcome *o = ctx;
    struct err e = { 0 };

    o->done++;
    o->code = r->err.code;
    buf_add_z(&o->text, err_text(&r->err));
    assert_true((r->wheel == NULL) == (r->err.code != 0));
    if (r->wheel) {
        buf_add_z(&o->wheel, r->wheel);
        buf_add_z(&o->filename, r->filename);
        assert_int_equal(file_read(r->wheel, 100 * 1000, &o->content, &e), 0);
    }
    if (o->also)
        outcome_destroy(o->also);
    if (o->next)
        begin(o->next);
    if (o->destroy_at_once)
        outcome_destroy(o);
}

static void begin(struct outcome *o)
{
    struct bench *b = o->bench;

    o->build = build_start(b->builds, temp_dir_at(&b->dir, "foo-1.0.tar.gz"), on_built, o);
    assert_int_equal(o->done, 0);
}

static void set_python(struct bench *b, const char *script)
{
    b->world.python = temp_dir_at(&b->dir, "python");
    temp_dir_put(&b->dir, "python", str_of(script));
    assert_int_equal(chmod(b->world.python, 0755), 0);
}

static void bench_open(struct bench *b, const char *script, unsigned at_once)
{
    struct err e = { 0 };

    *b = (struct bench){ .loop = loop_open(&e) };
    assert_non_null(b->loop);
    unsetenv("TMPDIR");
    temp_dir_open(&b->dir);
    temp_dir_open(&b->temp);
    setenv("TMPDIR", b->temp.path, 1);
    temp_dir_put(&b->dir, "foo-1.0.tar.gz", STR("archive"));
    strs_add(&b->env, arena_f(&b->dir.arena, "DIR=%s", b->dir.path));
    b->world = (struct build_world){ .loop = b->loop, .env = &b->env, .at_once = at_once };
    if (script)
        set_python(b, script);
    b->builds = builds_create(&b->world);
    b->watchdog = loop_timer_create(b->loop, on_stuck, NULL);
    loop_timer_start(b->watchdog, PATIENCE_MS);
    loop_timer_unref(b->watchdog);
    for (size_t i = 0; i < MOST; i++)
        b->outcomes[i].bench = b;
}

/* Nothing may be left, however the builds ended. */
static void bench_close(struct bench *b)
{
    for (size_t i = 0; i < MOST; i++) {
        struct outcome *o = &b->outcomes[i];
        outcome_destroy(o);
        buf_done(&o->text);
        buf_done(&o->wheel);
        buf_done(&o->filename);
        buf_done(&o->content);
    }
    builds_destroy(b->builds);
    loop_timer_destroy(b->watchdog);
    loop_close(b->loop);
    assert_int_equal(temp_dir_count(&b->temp, "."), 0);
    unsetenv("TMPDIR");
    strs_done(&b->env);
    temp_dir_close(&b->temp);
    temp_dir_close(&b->dir);
}

/* One build by this script, to its end. */
static struct outcome *run_one(struct bench *b, const char *script)
{
    bench_open(b, script, 1);
    begin(&b->outcomes[0]);
    assert_false(loop_run(b->loop));
    assert_int_equal(b->outcomes[0].done, 1);
    return &b->outcomes[0];
}

static void expect_failure(const char *script, const char *text)
{
    struct bench b;
    struct outcome *o = run_one(&b, script);

    assert_int_equal(o->code, ERR_CHILD);
    assert_string_equal(buf_z(&o->text), text);
    bench_close(&b);
}

static void test_success(void **state)
{
    struct bench b;
    struct outcome *o =
        run_one(&b, PLAY_PIP MAKE_WHEEL "echo \"$args\" >\"$DIR/args\"\n"
                                        "echo \"$TMPDIR|$PIP_REQUIRE_HASHES|$PIP_USER|$PIP_QUIET\" "
                                        ">\"$DIR/env\"\n"
                                        "echo much; echo more >&2\n");

    (void)state;
    assert_string_equal(buf_z(&o->text), "");
    assert_string_equal(buf_z(&o->filename), "foo-1.0-py3-none-any.whl");
    assert_string_equal(buf_z(&o->content), "archive");
    /* TMPDIR/dray-build-XXXXXX */
    struct str dir = str_sub(buf_str(&o->wheel), 0, strlen(b.temp.path) + 18);
    assert_string_equal(buf_z(&o->wheel),
                        arena_f(&b.dir.arena, "%.*s/out/foo-1.0-py3-none-any.whl", STR_ARG(dir)).p);
    assert_true(str_starts(dir, arena_f(&b.dir.arena, "%s/dray-build-", b.temp.path)));
    assert_true(temp_dir_has(&b.dir, "args",
                             arena_f(&b.dir.arena,
                                     "-m pip wheel --no-deps --disable-pip-version-check "
                                     "--no-input --progress-bar off -w %.*s/out "
                                     "%.*s/sdist.tar.gz\n",
                                     STR_ARG(dir), STR_ARG(dir))));
    assert_true(temp_dir_has(&b.dir, "env", arena_f(&b.dir.arena, "%.*s|0|0|0\n", STR_ARG(dir))));
    bench_close(&b);
}

/* Ten thousand lines, of which the last thirty are told. */
static void test_failure(void **state)
{
    struct buf text = { 0 };

    (void)state;
    buf_add_z(&text, "building foo-1.0.tar.gz failed: pip ended with status 3");
    for (int i = 9972; i <= 10000; i++)
        buf_add_f(&text, "\nline %d", i);
    buf_add_z(&text, "\nerror: no compiler");
    expect_failure("#!/bin/sh\n"
                   "awk 'BEGIN { for (i = 1; i <= 10000; i++) print \"line\", i }'\n"
                   "echo 'error: no compiler' >&2; echo; exit 3\n",
                   buf_z(&text));
    buf_done(&text);
}

static void test_failure_in_few_words(void **state)
{
    (void)state;
    expect_failure("#!/bin/sh\nexit 1\n",
                   "building foo-1.0.tar.gz failed: pip ended with status 1");
    expect_failure("#!/bin/sh\necho 'a: b'; echo; echo c; exit 1\n",
                   "building foo-1.0.tar.gz failed: pip ended with status 1\na: b\n\nc");
}

static void test_output_is_plain(void **state)
{
    (void)state;
    expect_failure("#!/bin/sh\n"
                   "printf 'one\\r\\n10 %%\\r20 %%\\n\\033[31mred\\033]0;title\\007\\n\\t"
                   "\\303\\251\\177\\nnul\\000nul\\n'\n"
                   "exit 1\n",
                   "building foo-1.0.tar.gz failed: pip ended with status 1\n"
                   "one\n20 %\n\\x1b[31mred\\x1b]0;title\\x07\n    \303\251\\x7f\nnul\\x00nul");
}

static void test_no_single_wheel(void **state)
{
    (void)state;
    expect_failure(PLAY_PIP "echo built\n",
                   "building foo-1.0.tar.gz failed: pip made 0 wheels instead of one\nbuilt");
    expect_failure(PLAY_PIP "rmdir \"$out\"\n",
                   "building foo-1.0.tar.gz failed: pip made 0 wheels instead of one");
    expect_failure(PLAY_PIP MAKE_WHEEL "echo >\"$out/bar-1.0-py3-none-any.whl\"\n",
                   "building foo-1.0.tar.gz failed: pip made 2 wheels instead of one");
    expect_failure(PLAY_PIP "mkdir \"$out/a-1-py3-none-any.whl\"\n"
                            "ln -s \"$archive\" \"$out/b-1-py3-none-any.whl\"\n",
                   "building foo-1.0.tar.gz failed: pip made 0 wheels instead of one");
}

static void test_killed(void **state)
{
    struct bench b;
    struct outcome *o = run_one(&b, PLAY_PIP MAKE_WHEEL "echo last words; kill -9 $$\n");

    (void)state;
    assert_int_equal(o->code, ERR_CHILD);
    assert_non_null(strstr(buf_z(&o->text), "python was killed by signal 9"));
    assert_true(str_ends(buf_str(&o->text), STR("\nlast words")));
    bench_close(&b);
}

static void test_cannot_begin(void **state)
{
    struct bench b;

    (void)state;
    bench_open(&b, NULL, 2);
    b.world.python = "/nonexistent/python";
    builds_destroy(b.builds);
    b.builds = builds_create(&b.world);
    struct outcome *o = &b.outcomes[0], *other = &b.outcomes[1];
    begin(o);
    other->destroy_at_once = true;
    other->build = build_start(b.builds, "no/such-1.0.zip", on_built, other);
    assert_false(loop_run(b.loop));
    assert_int_equal(o->code, ERR_CHILD);
    assert_string_equal(buf_z(&o->text), "building foo-1.0.tar.gz failed: /nonexistent/python "
                                         "can't be run: no such file or directory");
    assert_int_equal(other->code, ERR_IO);
    assert_string_equal(buf_z(&other->text), "building such-1.0.zip failed: can't find "
                                             "no/such-1.0.zip: No such file or directory");
    /* Destroyed before it has had a turn. */
    begin(&b.outcomes[2]);
    bench_close(&b);
}

static int fifo_open(struct bench *b)
{
    assert_int_equal(mkfifo(temp_dir_at(&b->dir, "alive"), 0600), 0);
    int fd = open(temp_dir_at(&b->dir, "alive"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static bool is_ready(int fd, int wait_ms)
{
    struct pollfd ready = { .fd = fd, .events = POLLIN };

    return poll(&ready, 1, wait_ms) == 1;
}

/* Has the last process that held the FIFO let go of it? */
static bool all_are_dead(int fd)
{
    char bytes[16];

    return read(fd, bytes, sizeof(bytes)) > 0 && is_ready(fd, WAIT_MS) &&
           read(fd, bytes, sizeof(bytes)) == 0;
}

/* Stops the loop once the script says by the FIFO that it is up. */
struct watch {
    struct loop *loop;
    struct loop_timer *timer;
    int fd;
};

static void look_whether_up(void *ctx)
{
    struct watch *w = ctx;

    if (is_ready(w->fd, 0))
        loop_stop(w->loop);
    else
        loop_timer_start(w->timer, 10);
}

static void run_until_up(struct bench *b, int fd)
{
    struct watch w = { .loop = b->loop, .fd = fd };

    w.timer = loop_timer_create(b->loop, look_whether_up, &w);
    loop_timer_start(w.timer, 10);
    assert_true(loop_run(b->loop));
    loop_timer_destroy(w.timer);
}

/* Ignores signals, leaves a read-only directory, and has children that go on, one of them with
 * writing. */
#define STUBBORN                                                                                   \
    PLAY_PIP "exec 3>\"$DIR/alive\"\n"                                                             \
             "trap '' TERM INT HUP\n"                                                              \
             "mkdir -p \"$TMPDIR/pip-x/deep\"; chmod 555 \"$TMPDIR/pip-x/deep\"\n"                 \
             "(sleep 60; sleep 60) & sleep 60 &\n"                                                 \
             "(while :; do mkdir -p \"$TMPDIR/$((i += 1))/a\"; done) &\n"                          \
             "echo >&3; wait\n"

static void expect_destroyed(bool turns_follow)
{
    struct bench b;

    bench_open(&b, STUBBORN, 1);
    int fd = fifo_open(&b);
    begin(&b.outcomes[0]);
    begin(&b.outcomes[1]); /* queued */
    run_until_up(&b, fd);
    assert_int_equal(temp_dir_count(&b.temp, "."), 1);
    outcome_destroy(&b.outcomes[0]);
    outcome_destroy(&b.outcomes[1]);
    if (turns_follow) {
        assert_false(loop_run(b.loop));
        assert_int_equal(temp_dir_count(&b.temp, "."), 0);
    }
    assert_int_equal(b.outcomes[0].done + b.outcomes[1].done, 0);
    bench_close(&b);
    assert_true(all_are_dead(fd));
    close(fd);
}

static void test_destroy_while_running(void **state)
{
    (void)state;
    expect_destroyed(true);
    expect_destroyed(false);
}

/* What a build leaves running is dead once the build is over, and not waited for. */
static void test_rest_is_killed(void **state)
{
    struct bench b;

    (void)state;
    bench_open(&b, PLAY_PIP MAKE_WHEEL "exec 3>\"$DIR/alive\"\nsleep 60 &\necho >&3\n", 1);
    int fd = fifo_open(&b);
    begin(&b.outcomes[0]);
    assert_false(loop_run(b.loop));
    assert_string_equal(buf_z(&b.outcomes[0].text), "");
    assert_true(all_are_dead(fd));
    close(fd);
    bench_close(&b);
}

/* Each of the first three waits for the other two, so three do run at once; each counts how many
 * there are. */
static void test_at_once(void **state)
{
    struct bench b;
    struct buf seen = { 0 };
    struct err e = { 0 };

    (void)state;
    bench_open(&b,
               PLAY_PIP MAKE_WHEEL
               "mkdir -p \"$DIR/alive\"; cd \"$DIR/alive\"; : >$$\n"
               "while [ ! -e ../three ]; do [ $(ls | wc -l) -lt 3 ] || : >../three; done\n"
               "sleep 0.1; echo $(ls | wc -l) >>../seen; rm $$\n",
               3);
    for (size_t i = 0; i < MOST; i++)
        begin(&b.outcomes[i]);
    assert_false(loop_run(b.loop));
    for (size_t i = 0; i < MOST; i++)
        assert_string_equal(buf_z(&b.outcomes[i].text), "");
    assert_int_equal(file_read(temp_dir_at(&b.dir, "seen"), 1000, &seen, &e), 0);
    assert_int_equal(seen.n, 2 * MOST);
    for (size_t i = 0; i < seen.n; i += 2)
        assert_in_range(seen.p[i], '1', '3');
    buf_done(&seen);
    bench_close(&b);
}

/* In the order of the calls; who is destroyed in the queue leaves the others in theirs. */
static void test_queue(void **state)
{
    struct bench b;
    static const char *const names[] = { "a", "b", "c", "d", "e", "f" };

    (void)state;
    bench_open(&b, PLAY_PIP MAKE_WHEEL "cat \"$archive\" >>\"$DIR/order\"\n", 1);
    for (size_t i = 0; i < 6; i++) {
        struct outcome *o = &b.outcomes[i];
        temp_dir_put(&b.dir, names[i], str_of(names[i]));
        o->build = build_start(b.builds, temp_dir_at(&b.dir, names[i]), on_built, o);
    }
    outcome_destroy(&b.outcomes[5]); /* the last, the first, one between */
    outcome_destroy(&b.outcomes[0]);
    outcome_destroy(&b.outcomes[3]);
    begin(&b.outcomes[6]);
    assert_false(loop_run(b.loop));
    assert_true(temp_dir_has(&b.dir, "order", STR("bcearchive")));
    assert_int_equal(b.outcomes[0].done + b.outcomes[3].done + b.outcomes[5].done, 0);
    bench_close(&b);
}

/* From done anything may be destroyed or started. */
static void test_from_within_done(void **state)
{
    struct bench b;

    (void)state;
    bench_open(&b, PLAY_PIP MAKE_WHEEL "case $(cat \"$archive\") in slow) sleep 60;; esac\n", 2);
    struct outcome *slow = &b.outcomes[0], *quick = &b.outcomes[1], *queued = &b.outcomes[2],
                   *next = &b.outcomes[3];
    temp_dir_put(&b.dir, "slow", STR("slow"));
    slow->build = build_start(b.builds, temp_dir_at(&b.dir, "slow"), on_built, slow);
    begin(quick);
    begin(queued);
    quick->also = slow;
    quick->next = next;
    quick->destroy_at_once = true;
    next->destroy_at_once = true;
    assert_false(loop_run(b.loop));
    assert_int_equal(slow->done, 0);
    assert_int_equal(quick->done + queued->done + next->done, 3);
    assert_int_equal(quick->code | queued->code | next->code, 0);
    bench_close(&b);
}

/* The world's variables come behind ours. */
static void test_environment(void **state)
{
    struct bench b;

    (void)state;
    setenv("PIP_TARGET", "/nonexistent", 1);
    setenv("PIP_CONSTRAINT", "kept.txt", 1);
    setenv("DRAY_TEST_SECRET", "1", 1);
    bench_open(&b,
               PLAY_PIP MAKE_WHEEL
               "echo \"${PIP_TARGET-unset} $PIP_CONSTRAINT ${DRAY_TEST_SECRET-unset} "
               "$PIP_INDEX_URL $PIP_QUIET\" >\"$DIR/env\"\n",
               1);
    strs_add(&b.env, STR("PIP_INDEX_URL=https://example.org/simple"));
    strs_add(&b.env, STR("DRAY_TEST_SECRET"));
    strs_add(&b.env, STR("PIP_QUIET=1"));
    begin(&b.outcomes[0]);
    assert_false(loop_run(b.loop));
    unsetenv("PIP_TARGET");
    unsetenv("PIP_CONSTRAINT");
    unsetenv("DRAY_TEST_SECRET");
    assert_true(
        temp_dir_has(&b.dir, "env", STR("unset kept.txt unset https://example.org/simple 1\n")));
    bench_close(&b);
}

/* What a user may have in the environment and in pip.conf, and what does not concern the call. */
static const char *const hostile[] = {
    "PIP_REQUIRE_HASHES=1",
    "PIP_REQUIREMENT=/nonexistent",
    "PIP_TARGET=/nonexistent/target",
    "PIP_DRY_RUN=1",
    "PIP_QUIET=3",
    "PIP_ONLY_DEPS=1",
    "PIP_USER=1",
    "PIP_PREFIX=/nonexistent",
    "PIP_PYTHON=/nonexistent",
    "PIP_NO_INDEX=1",
    "PIP_EDITABLE=/nonexistent",
    "PIP_PLATFORM=win_amd64",
};

static const char hostile_conf[] = "[global]\nrequire-hashes = true\nquiet = 3\n"
                                   "[wheel]\nrequirement = /nonexistent\neditable = /nonexistent\n"
                                   "requirements-from-script = /nonexistent\nonly-deps = true\n";

static void hostile_set(struct bench *b, bool on)
{
    for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
        struct str value, name = str_cut(str_of(hostile[i]), '=', &value);
        const char *z = arena_str(&b->dir.arena, name).p;
        if (on)
            setenv(z, value.p, 1);
        else
            unsetenv(z);
    }
    temp_dir_put(&b->dir, "pip.conf", str_of(hostile_conf));
    if (on)
        setenv("PIP_CONFIG_FILE", temp_dir_at(&b->dir, "pip.conf"), 1);
    else
        unsetenv("PIP_CONFIG_FILE");
}

static void build_really(struct bench *b, struct outcome *o, const char *sdist)
{
    o->build = build_start(b->builds, sdist, on_built, o);
    assert_false(loop_run(b->loop));
    assert_string_equal(buf_z(&o->text), "");
    assert_int_equal(o->done, 1);
}

/* The second is built with the first as its requirement, which pip installs into an environment
 * that it makes for that. */
static void test_real_pip(void **state)
{
    struct bench b;

    (void)state;
    if (real_pip_is_missing())
        skip();
    bench_open(&b, NULL, 0);
    b.world.python = "python3";
    strs_add(&b.env, arena_f(&b.dir.arena, "PIP_CACHE_DIR=%s/cache", b.dir.path));
    strs_add(&b.env, arena_f(&b.dir.arena, "PIP_FIND_LINKS=%s/wheels", b.dir.path));
    builds_destroy(b.builds);
    b.builds = builds_create(&b.world);
    const char *first = tiny_sdist(&b.dir, "tiny", NULL);
    const char *second = tiny_sdist(&b.dir, "other", "tiny");
    hostile_set(&b, true);
    build_really(&b, &b.outcomes[0], first);
    assert_string_equal(buf_z(&b.outcomes[0].filename), "tiny-" TINY "-py3-none-any.whl");
    temp_dir_put(&b.dir, "wheels/tiny-" TINY "-py3-none-any.whl", buf_str(&b.outcomes[0].content));
    build_really(&b, &b.outcomes[1], second);
    assert_string_equal(buf_z(&b.outcomes[1].filename), "other-" TINY "-py3-none-any.whl");
    hostile_set(&b, false);
    /* Not kept under paths that will never be asked for again. */
    assert_int_not_equal(access(temp_dir_at(&b.dir, "cache/wheels"), F_OK), 0);
    bench_close(&b);
}

static void test_real_failure(void **state)
{
    struct bench b;
    struct outcome *o = &b.outcomes[0];

    (void)state;
    if (real_pip_is_missing())
        skip();
    bench_open(&b, NULL, 0);
    b.world.python = "python3";
    builds_destroy(b.builds);
    b.builds = builds_create(&b.world);
    o->build = build_start(b.builds, tiny_sdist(&b.dir, "broken", NULL), on_built, o);
    assert_false(loop_run(b.loop));
    assert_int_equal(o->code, ERR_CHILD);
    assert_true(str_starts(buf_str(&o->text), STR("building broken-" TINY
                                                  ".tar.gz failed: pip ended with status 1\n")));
    if (!strstr(buf_z(&o->text), "no such compiler"))
        fail_msg("got \"%s\"", buf_z(&o->text));
    bench_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_success),
        cmocka_unit_test(test_failure),
        cmocka_unit_test(test_failure_in_few_words),
        cmocka_unit_test(test_output_is_plain),
        cmocka_unit_test(test_no_single_wheel),
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_cannot_begin),
        cmocka_unit_test(test_destroy_while_running),
        cmocka_unit_test(test_rest_is_killed),
        cmocka_unit_test(test_at_once),
        cmocka_unit_test(test_queue),
        cmocka_unit_test(test_from_within_done),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_real_pip),
        cmocka_unit_test(test_real_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
