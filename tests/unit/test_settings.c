/* Tables: what each kind of setting takes, DRAY_* variables, suggestions, format control. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "case.h"

#include "dray/job/settings.h"
#include "dray_config.h"

static void show_list(struct buf *out, const struct strs *list)
{
    buf_add_c(out, '[');
    for (size_t i = 0; i < list->n; i++)
        buf_add_f(out, "%s%.*s", i ? ", " : "", STR_ARG(list->items[i]));
    buf_add_c(out, ']');
}

static void show_word(struct buf *out, const struct setting *which, unsigned at)
{
    struct str words = str_of(which->value_name);

    for (; at; at--)
        str_cut(words, '|', &words);
    buf_add_str(out, str_cut(words, '|', &words));
}

static void show_indexes(struct buf *out, const struct settings *s)
{
    for (size_t i = 0; i < s->n_indexes; i++) {
        const struct source_index *ix = &s->indexes[i].is;
        buf_add_f(out, "%s%.*s=%.*s", i ? " " : "", STR_ARG(ix->name), STR_ARG(ix->url));
        for (size_t k = 0; k < ix->n_packages; k++)
            buf_add_f(out, "%c%.*s", k ? ',' : ' ', STR_ARG(ix->packages[k]));
    }
}

static void show_field(struct buf *out, const struct settings *s, const struct setting *which)
{
    const void *field = (const char *)s + which->offset;

    switch (which->kind) {
    case SETTING_FLAG:
        buf_add_z(out, *(const bool *)field ? "true" : "false");
        break;
    case SETTING_TEXT:
    case SETTING_PATH:
    case SETTING_PROXY:
    case SETTING_DATE:
        buf_add_str(out, *(const struct str *)field);
        break;
    case SETTING_LIST:
    case SETTING_FORMAT:
        show_list(out, field);
        break;
    case SETTING_COUNT_UP:
    case SETTING_NUMBER:
    case SETTING_SECONDS:
        buf_add_f(out, "%u", *(const unsigned *)field);
        break;
    case SETTING_WORD:
        show_word(out, which, *(const unsigned *)field);
        break;
    case SETTING_INDEX:
        show_indexes(out, s);
        break;
    case SETTING_BYTES:
    case SETTING_RATE:
        buf_add_f(out, "%ju", (uintmax_t) * (const uint64_t *)field);
        break;
    }
}

/* The message contains what the case promises, and the setting is as it was before. */
static bool expected_error(struct case_line *c, struct str want, const struct err *e)
{
    if (!str_starts(want, STR("error: ")))
        return false;
    want = str_sub(want, 7, want.n);
    if (!e->code || str_search(str_of(err_text(e)), want) < 0)
        case_fail(c, "got \"%s\", want an error with \"%.*s\"", err_text(e), STR_ARG(want));
    return true;
}

static void check_answer(struct case_line *c, const struct settings *s, const struct setting *which,
                         const struct err *e)
{
    struct buf got = { 0 };

    show_field(&got, s, which);
    if (!expected_error(c, c->fields[2], e)) {
        if (e->code)
            case_fail(c, "%s", err_text(e));
        case_equal(c, buf_str(&got), c->fields[2]);
    }
    buf_done(&got);
}

static void check_set(struct case_line *c, void *ctx)
{
    const struct setting *which = settings_find(c->fields[0]);
    struct settings s;
    struct buf before = { 0 }, after = { 0 };
    struct err e = { 0 };

    (void)ctx;
    if (!case_has(c, 3, 3))
        return;
    assert_non_null(which);
    settings_init(&s);
    show_field(&before, &s, which);
    struct str value = str_is(c->fields[1], "-") ? STR_NONE : c->fields[1];
    int code = settings_set(&s, which, value, "--x", &e);
    assert_int_equal(code, e.code);
    show_field(&after, &s, which);
    check_answer(c, &s, which, &e);
    if (e.code)
        case_equal(c, buf_str(&after), buf_str(&before));
    buf_done(&before);
    buf_done(&after);
    err_done(&e);
    settings_done(&s);
}

static void test_set(void **state)
{
    (void)state;
    setenv("HOME", "/home/kim", 1);
    assert_true(case_each("settings/set.case", 50, check_set, NULL));
}

static void set(struct settings *s, const char *name, const char *value)
{
    struct err e = { 0 };

    assert_int_equal(settings_set(s, settings_find(str_of(name)), str_of(value), name, &e), 0);
}

static void check_env(struct case_line *c, void *ctx)
{
    const struct setting *which = settings_find(c->fields[1]);
    const char *env[8] = { NULL };
    struct arena a = { 0 };
    struct settings s;
    struct err e = { 0 };
    size_t n = 0;

    (void)ctx;
    if (!case_has(c, 3, 3))
        return;
    settings_init(&s);
    set(&s, "extra-index-url", "https://below.example.org");
    set(&s, "index-url", "https://below.example.org/simple");
    for (struct str rest = c->fields[0]; rest.p && n < 7;)
        env[n++] = arena_str(&a, str_cut(rest, ';', &rest)).p;
    int code = settings_from_env(&s, env, &e);
    assert_int_equal(code, e.code);
    check_answer(c, &s, which, &e);
    err_done(&e);
    settings_done(&s);
    arena_done(&a);
}

static void test_env(void **state)
{
    (void)state;
    assert_true(case_each("settings/env.case", 15, check_env, NULL));
}

static void check_suggest(struct case_line *c, void *ctx)
{
    const char *near = settings_suggest(c->fields[0]);

    (void)ctx;
    if (!case_has(c, 2, 2))
        return;
    case_equal(c, str_of(near ? near : "-"), c->fields[1]);
}

static void test_suggest(void **state)
{
    (void)state;
    assert_true(case_each("settings/suggest.case", 10, check_suggest, NULL));
}

static void check_formats(struct case_line *c, void *ctx)
{
    struct settings s;
    struct err e = { 0 };
    struct buf got = { 0 };

    (void)ctx;
    if (!case_has(c, 3, 3))
        return;
    settings_init(&s);
    for (struct str rest = c->fields[0], name, value; rest.p;) {
        name = str_cut(str_cut(rest, ' ', &rest), '=', &value);
        if (value.p)
            assert_int_equal(settings_set(&s, settings_find(name), value, "--x", &e), 0);
    }
    struct settings_formats f = settings_formats_of(&s, c->fields[1]);
    buf_add_f(&got, "%s%s%s", f.wheel ? "wheel" : "", f.wheel && f.sdist ? " " : "",
              f.sdist ? "sdist" : "");
    case_equal(c, buf_str(&got), c->fields[2]);
    buf_done(&got);
    settings_done(&s);
}

static void test_formats(void **state)
{
    (void)state;
    assert_true(case_each("settings/formats.case", 30, check_formats, NULL));
}

static void test_init(void **state)
{
    struct settings s;

    (void)state;
    settings_init(&s);
    assert_int_equal(s.timeout_s, 15);
    assert_int_equal(s.retries, 5);
    assert_int_equal(s.connections, 50);
    assert_true(str_is(s.dest, "."));
    assert_true(str_is(s.index_url, DRAY_DEFAULT_INDEX));
    settings_done(&s);
    settings_done(&s);
}

static void test_counts_add_up(void **state)
{
    struct settings s;
    struct err e = { 0 };

    (void)state;
    settings_init(&s);
    set(&s, "verbose", NULL);
    set(&s, "verbose", NULL);
    assert_int_equal(s.verbose, 2);
    set(&s, "verbose", NULL);
    set(&s, "verbose", NULL);
    assert_int_equal(s.verbose, 3); /* pip knows no more than three either */
    err_done(&e);
    settings_done(&s);
}

static void test_cache_dir_undoes_no_cache_dir(void **state)
{
    struct settings s;

    (void)state;
    settings_init(&s);
    set(&s, "no-cache-dir", NULL);
    set(&s, "cache-dir", "/c");
    assert_false(s.no_cache_dir);
    set(&s, "no-cache-dir", NULL);
    assert_true(s.no_cache_dir);
    settings_done(&s);
}

/* Names and values that contradict each other, and the word of the message that says so. */
static void test_check(void **state)
{
    static const struct {
        const char *names[2], *values[2], *message;
    } cases[] = {
        { { "target", "platform" }, { "3.12:win_amd64", "win_amd64" }, "--platform" },
        { { "target", "abi" }, { "3.12:win_amd64", "cp312" }, "--abi" },
        { { "target", "implementation" }, { "3.12:win_amd64", "cp" }, "--implementation" },
        { { "target", "python-version" }, { "3.12:win_amd64", "3.12" }, "--python-version" },
        { { "require-hashes", "no-require-hashes" }, { NULL, NULL }, "contradict" },
        { { "connections", "retries" }, { "0", "0" }, "at least 1" },
        { { "connections-per-host", "retries" }, { "0", "0" }, "at least 1" },
        { { "timeout", "retries" }, { "0", "0" }, "at least one second" },
        { { "bearer-token", "retries" }, { "h=V_1", "0" }, NULL },
        { { "bearer-token", "retries" }, { "h", "0" }, "expected HOST=VARIABLE" },
        { { "bearer-token", "retries" }, { "h=a.b", "0" }, "expected HOST=VARIABLE" },
        { { "bearer-token", "retries" }, { "*=V", "0" }, "expected HOST=VARIABLE" },
        { { "bearer-token", "retries" }, { "me@h=V", "0" }, "expected HOST=VARIABLE" },
        { { "report", "trace" }, { "-", "-" }, "--report - and --trace - both" },
        { { "report", "progress" }, { "-", "json" }, "--progress json both" },
        { { "report", "trace" }, { "same", "same" }, "name the same file" },
        { { "report", "progress" }, { "r.json", "json" }, NULL },
        { { "report", "trace" }, { "-", "t.jsonl" }, NULL },
        { { "platform", "abi" }, { "win_amd64", "cp312" }, NULL },
        { { "target", "require-hashes" }, { "3.12:win_amd64", NULL }, NULL },
        { { "link-mode", "no-cache-dir" }, { "hardlink", NULL }, "--link-mode hardlink needs" },
        { { "no-cache-dir", "link-mode" }, { NULL, "reflink" }, "--link-mode reflink needs" },
        { { "link-mode", "no-cache-dir" }, { "copy", NULL }, NULL },
        { { "link-mode", "no-cache-dir" }, { "auto", NULL }, NULL },
        { { "link-mode", "no-cache-dir" }, { "hardlink", "no" }, NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct settings s;
        struct err e = { 0 };
        settings_init(&s);
        set(&s, cases[i].names[0], cases[i].values[0]);
        set(&s, cases[i].names[1], cases[i].values[1]);
        assert_int_equal(settings_check(&s, &e), cases[i].message ? ERR_USAGE : 0);
        if (cases[i].message)
            assert_non_null(strstr(err_text(&e), cases[i].message));
        err_done(&e);
        settings_done(&s);
    }
}

static void test_only_who_places_is_asked_how(void **state)
{
    static const struct {
        enum settings_command command;
        int code;
    } cases[] = { { COMMAND_DOWNLOAD, ERR_USAGE },
                  { COMMAND_WHEEL, ERR_USAGE },
                  { COMMAND_INSTALL, 0 },
                  { COMMAND_METADATA, 0 } };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct settings s;
        struct err e = { 0 };
        settings_init(&s);
        s.command = cases[i].command;
        set(&s, "link-mode", "hardlink");
        set(&s, "no-cache-dir", NULL);
        assert_int_equal(settings_check(&s, &e), cases[i].code);
        err_done(&e);
        settings_done(&s);
    }
}

static void test_check_index(void **state)
{
    struct settings s;
    struct err e = { 0 };

    (void)state;
    settings_init(&s);
    s.index_url = STR_NONE;
    assert_int_equal(settings_check_index(&s, &e), ERR_USAGE);
    assert_string_equal(err_text(&e),
                        "no package index is configured: use -i URL, --no-index with -f, or pip "
                        "config set global.index-url");
    set(&s, "no-index", NULL);
    assert_int_equal(settings_check_index(&s, &e), ERR_USAGE);
    assert_non_null(strstr(err_text(&e), "-f DIR"));
    err_done(&e);
    set(&s, "find-links", "d");
    assert_int_equal(settings_check_index(&s, &e), 0);
    set(&s, "no-index", "no");
    set(&s, "index-url", "https://index.example.org");
    assert_int_equal(settings_check_index(&s, &e), 0);
    settings_done(&s);
}

/* No name or letter twice; every text fits what --help makes of it. */
static void test_table(void **state)
{
    (void)state;
    for (const struct setting *w = settings_table; w->name; w++) {
        bool mentioned = w->kind == SETTING_FLAG || w->kind == SETTING_COUNT_UP;
        assert_ptr_equal(settings_find(str_of(w->name)), w);
        if (w->letter)
            assert_ptr_equal(settings_find_letter(w->letter), w);
        assert_int_equal(w->value_name == NULL, mentioned);
        assert_in_range(strlen(w->help), 5, 80);
        assert_true(w->where & SETTING_IN_CLI);
    }
    for (const struct setting_alias *a = settings_aliases; a->name; a++)
        assert_non_null(settings_find(str_of(a->name)));
    assert_null(settings_find(STR("no-such")));
    assert_null(settings_find_letter('z'));
    assert_null(settings_find_letter('\0'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_env),
        cmocka_unit_test(test_suggest),
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_init),
        cmocka_unit_test(test_counts_add_up),
        cmocka_unit_test(test_cache_dir_undoes_no_cache_dir),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_only_who_places_is_asked_how),
        cmocka_unit_test(test_check_index),
        cmocka_unit_test(test_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
