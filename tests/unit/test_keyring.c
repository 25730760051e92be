/* net/keyring: what the program says, by the table tests/data/keyring/parse.case; then the program
 * itself, a script that writes down how it was called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "case.h"
#include "temp_dir.h"

#include "dray/net/keyring.h"

static void check_parse(struct case_line *c, void *ctx)
{
    struct keyring_login got = { STR_NONE, STR_NONE };
    struct arena a = { 0 };
    struct err e = { 0 };
    struct buf text = { 0 };

    (void)ctx;
    if (!case_has(c, 2, 3))
        return;
    if (keyring_parse(c->fields[0], &a, &got, &e)) {
        buf_add_f(&text, "error: %s", err_text(&e));
    } else {
        buf_add_str(&text, got.user);
        case_equal(c, got.password, c->fields[2]);
    }
    case_equal(c, buf_str(&text), c->fields[1]);
    buf_done(&text);
    arena_done(&a);
    err_done(&e);
}

static void test_parse(void **state)
{
    (void)state;
    assert_true(case_each("keyring/parse.case", 14, check_parse, NULL));
}

static void test_parse_limits(void **state)
{
    struct keyring_login got;
    struct buf text = { 0 };
    struct arena a = { 0 };
    struct err e = { 0 };

    (void)state;
    for (int i = 0; i < LIMIT_KEYRING_BYTES; i++)
        buf_add_c(&text, '[');
    assert_int_equal(keyring_parse(buf_str(&text), &a, &got, &e), ERR_INPUT);
    buf_add_c(&text, '[');
    assert_int_equal(keyring_parse(buf_str(&text), &a, &got, &e), ERR_LIMIT);
    err_done(&e);
    buf_done(&text);
}

/* A keyring, and what came of asking it. */
struct world {
    struct temp_dir dir;
    struct loop *loop;
    struct keyring *keyring;
    struct buf got, warnings;
    unsigned n_done;
};

static void on_warning(void *ctx, const char *text)
{
    struct world *w = ctx;

    buf_add_f(&w->warnings, "%s\n", text);
}

static void on_got(void *ctx, const struct keyring_login *login)
{
    struct world *w = ctx;

    w->n_done++;
    if (login)
        buf_add_f(&w->got, "%.*s:%.*s\n", STR_ARG(login->user), STR_ARG(login->password));
    else
        buf_add_z(&w->got, "none\n");
}

static void on_set(void *ctx)
{
    struct world *w = ctx;

    w->n_done++;
}

static void world_open(struct world *w, const char *script)
{
    const char *path = getenv("PATH");
    struct err e = { 0 };
    struct strs hidden = { 0 };

    *w = (struct world){ 0 };
    temp_dir_open(&w->dir);
    struct buf text = { 0 }, places = { 0 };
    buf_add_f(&text, "#!/bin/sh\nhere=\"%s\"\n%s\n", w->dir.path, script);
    buf_add_f(&places, "/does/not/exist:%s:%s", w->dir.path, path);
    if (script) {
        temp_dir_put(&w->dir, "keyring", buf_str(&text));
        assert_int_equal(chmod(temp_dir_at(&w->dir, "keyring"), 0755), 0);
    }
    setenv("PATH", script ? buf_z(&places) : "/does/not/exist", 1);
    w->loop = loop_open(&e);
    strs_add(&hidden, STR("HIDDEN"));
    setenv("HIDDEN", "token", 1);
    w->keyring = keyring_open(
        w->loop, &(struct keyring_options){ .env = &hidden, .warn = on_warning, .ctx = w });
    setenv("PATH", path, 1); /* it is looked for once */
    strs_done(&hidden);
    buf_done(&text);
    buf_done(&places);
}

static void world_close(struct world *w)
{
    keyring_close(w->keyring);
    loop_close(w->loop);
    temp_dir_close(&w->dir);
    buf_done(&w->got);
    buf_done(&w->warnings);
}

static void get(struct world *w, const char *service, const char *user)
{
    unsigned before = w->n_done;

    assert_true(keyring_is_usable(w->keyring));
    keyring_get(w->keyring, service, user, on_got, w);
    assert_int_equal(w->n_done, before);
    loop_run(w->loop);
    assert_int_equal(w->n_done, before + 1);
}

#define ANSWER "echo '{\"username\": \"me\", \"password\": \"secret\"}'"

static void test_get(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, "{ echo \"$*\"; wc -c; echo $PYTHONIOENCODING \"[$HIDDEN]\"; } | tr -d ' ' "
                   ">>\"$here/log\"\n" ANSWER);
    get(&w, "https://h.example.org/simple/", NULL);
    get(&w, "h.example.org", "me");
    assert_string_equal(buf_z(&w.got), "me:secret\nme:secret\n");
    assert_true(temp_dir_has(&w.dir, "log",
                             STR("--mode=creds--output=jsongethttps://h.example.org/simple/\n0\n"
                                 "utf-8[]\n"
                                 "--mode=creds--output=jsongeth.example.orgme\n0\nutf-8[]\n")));
    assert_string_equal(buf_z(&w.warnings), "");
    world_close(&w);
}

static void test_nothing_there(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, "echo no; exit 1");
    get(&w, "h.example.org", NULL);
    get(&w, "h.example.org", "me");
    assert_string_equal(buf_z(&w.got), "none\nnone\n");
    assert_string_equal(buf_z(&w.warnings), "");
    assert_true(keyring_is_usable(w.keyring));
    world_close(&w);
}

/* Each is said once, and the program is not run again. */
static void test_failures(void **state)
{
    static const struct {
        const char *script, *said;
    } rows[] = {
        { "echo 'keyring: error: unrecognized arguments: --mode=creds' >&2; exit 2", "25.2.1" },
        { "echo topsecret", "not a JSON object" },
        { "kill -9 $$", "killed by signal 9" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct world w;
        world_open(&w, rows[i].script);
        get(&w, "h.example.org", NULL);
        assert_string_equal(buf_z(&w.got), "none\n");
        assert_true(str_search(buf_str(&w.warnings), str_of(rows[i].said)) >= 0);
        assert_true(str_search(buf_str(&w.warnings), STR("topsecret")) < 0);
        assert_false(keyring_is_usable(w.keyring));
        world_close(&w);
    }
}

static void test_no_program(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, NULL);
    assert_false(keyring_is_usable(w.keyring));
    world_close(&w);
}

static void set(struct world *w)
{
    struct keyring_login login = { STR("me"), STR("s3cret word") };

    keyring_set(w->keyring, "h.example.org:8080", &login, on_set, w);
    loop_run(w->loop);
    assert_int_equal(w->n_done, 1);
}

static void test_set(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, "{ echo \"$*\"; cat; } >\"$here/log\"");
    set(&w);
    assert_true(temp_dir_has(&w.dir, "log", STR("set h.example.org:8080 me\ns3cret word\n")));
    assert_string_equal(buf_z(&w.warnings), "");
    world_close(&w);
    world_open(&w, "exit 3");
    set(&w);
    assert_true(str_search(buf_str(&w.warnings), STR("ended with status 3")) >= 0);
    assert_true(str_search(buf_str(&w.warnings), STR("s3cret")) < 0);
    world_close(&w);
}

static void test_cancel(void **state)
{
    struct world w;

    (void)state;
    world_open(&w, "exec sleep 100");
    keyring_cancel(keyring_get(w.keyring, "h.example.org", NULL, on_got, &w));
    keyring_cancel(NULL);
    world_close(&w);
    assert_int_equal(w.n_done, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),    cmocka_unit_test(test_parse_limits),
        cmocka_unit_test(test_get),      cmocka_unit_test(test_nothing_there),
        cmocka_unit_test(test_failures), cmocka_unit_test(test_no_program),
        cmocka_unit_test(test_set),      cmocka_unit_test(test_cancel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
