/* Tables: what one file says, what several files and variables come to; then where the files are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "case.h"

#include <unistd.h>

#include "dray/job/pipconf.h"
#include "dray/job/pipconf_file.h"

static void show_entry(const struct pipconf_entry *x, struct buf *out)
{
    buf_reset(out);
    buf_add_f(out, "%zu %.*s %.*s=%.*s", x->line, STR_ARG(x->section), STR_ARG(x->key),
              STR_ARG(x->value));
    for (size_t i = 0; i < out->n; i++)
        out->p[i] = out->p[i] == '\n' ? '~' : out->p[i];
}

static void check_file(struct case_line *c, void *ctx)
{
    struct pipconf_entries entries = { 0 };
    struct arena a = { 0 };
    struct err e = { 0 };
    struct buf got = { 0 };
    struct str first = c->n > 1 ? c->fields[1] : STR("");

    (void)ctx;
    if (!case_has(c, 2, CASE_FIELDS_MAX))
        return;
    int code = pipconf_file_parse(&a, c->fields[0], &entries, &e);
    assert_int_equal(code, e.code);
    if (code || str_starts(first, STR("error: "))) {
        buf_add_f(&got, "error: %s", err_text(&e));
        case_equal(c, buf_str(&got), first);
    } else {
        size_t want = first.n ? c->n - 1 : 0;
        if (entries.n != want)
            case_fail(c, "%zu entries, want %zu", entries.n, want);
        for (size_t i = 0; i < want && i < entries.n; i++) {
            show_entry(&entries.items[i], &got);
            case_equal(c, buf_str(&got), c->fields[i + 1]);
        }
    }
    free(entries.items);
    buf_done(&got);
    err_done(&e);
    arena_done(&a);
}

static void test_file(void **state)
{
    (void)state;
    assert_true(case_each("pipconf/file.case", 40, check_file, NULL));
}

/* "NAME=VALUE;NAME=VALUE" as an environment. */
struct variables {
    struct arena arena;
    struct str text;
};

static const char *const *environment(struct variables *v)
{
    const char **env = arena_alloc(&v->arena, 16, sizeof(*env));
    size_t n = 0;

    for (struct str rest = v->text; rest.p && n < 15;)
        env[n++] = arena_str(&v->arena, str_cut(rest, ';', &rest)).p;
    return env;
}

static void show_list(struct buf *out, const struct strs *list)
{
    buf_add_c(out, '[');
    for (size_t i = 0; i < list->n; i++)
        buf_add_f(out, "%s%.*s", i ? ", " : "", STR_ARG(list->items[i]));
    buf_add_c(out, ']');
}

static void show_setting(const struct settings *s, const struct setting *w, struct buf *out)
{
    const void *field = (const char *)s + w->offset;

    buf_add_f(out, "%s%s=", out->n ? ";" : "", w->name);
    switch (w->kind) {
    case SETTING_FLAG:
        buf_add_z(out, *(const bool *)field ? "true" : "false");
        break;
    case SETTING_TEXT:
    case SETTING_PATH:
    case SETTING_PROXY:
    case SETTING_DATE:
        buf_add_str(out, ((const struct str *)field)->p ? *(const struct str *)field : STR("-"));
        break;
    case SETTING_LIST:
    case SETTING_FORMAT:
        show_list(out, field);
        break;
    case SETTING_COUNT_UP:
    case SETTING_NUMBER:
    case SETTING_SECONDS:
    case SETTING_WORD:
        buf_add_f(out, "%u", *(const unsigned *)field);
        break;
    case SETTING_INDEX:
        fail_msg("pip has no such setting");
        break;
    case SETTING_BYTES:
    case SETTING_RATE:
        buf_add_f(out, "%ju", (uintmax_t) * (const uint64_t *)field);
        break;
    }
}

/* The settings that the case names, as they are. */
static void show_named(const struct settings *s, struct str names, struct buf *out)
{
    for (struct str rest = names, value; rest.p;) {
        struct str name = str_cut(str_cut(rest, ';', &rest), '=', &value);
        const struct setting *which = settings_find(name);
        assert_non_null(which);
        show_setting(s, which, out);
    }
}

static void write_files(struct arena *a, struct str texts, struct strs *paths)
{
    struct err e = { 0 };

    while (texts.p) {
        struct str path = arena_f(a, "f%zu", paths->n);
        assert_int_equal(file_write(path.p, str_cut(texts, '\x1e', &texts), &e), 0);
        strs_add(paths, path);
    }
    strs_add(paths, STR("not-there"));
}

static void check_apply(struct case_line *c, void *ctx)
{
    struct variables v = { .text = c->fields[1] };
    struct settings s;
    struct strs paths = { 0 };
    struct err e = { 0 };
    struct buf got = { 0 };
    struct str want = c->fields[2];

    (void)ctx;
    if (!case_has(c, 3, 3))
        return;
    settings_init(&s);
    s.index_url = STR_NONE;
    write_files(&v.arena, c->fields[0], &paths);
    struct pipconf_site site = { .command = "download", .env = environment(&v) };
    int code = pipconf_apply(&s, &site, &paths, &e);
    assert_int_equal(code, e.code);
    if (str_starts(want, STR("error: "))) {
        if (!code || str_search(str_of(err_text(&e)), str_sub(want, 7, want.n)) < 0)
            case_fail(c, "got \"%s\"", err_text(&e));
    } else {
        if (code)
            case_fail(c, "%s", err_text(&e));
        show_named(&s, want, &got);
        case_equal(c, buf_str(&got), want);
    }
    buf_done(&got);
    err_done(&e);
    strs_done(&paths);
    settings_done(&s);
    arena_done(&v.arena);
}

static void test_apply(void **state)
{
    (void)state;
    setenv("HOME", "/home/kim", 1);
    assert_true(case_each("pipconf/apply.case", 40, check_apply, NULL));
}

static void check_paths(const char *variables, const char *prefix, const char *want)
{
    struct variables v = { .text = str_of(variables) };
    struct strs paths = { 0 };
    struct buf got = { 0 };
    bool isolated = str_starts(v.text, STR("--isolated"));
    struct pipconf_site site = { .prefix = prefix, .env = environment(&v), .isolated = isolated };

    pipconf_paths(&v.arena, &site, &paths);
    for (size_t i = 0; i < paths.n; i++)
        buf_add_f(&got, "%s%.*s", i ? " " : "", STR_ARG(paths.items[i]));
    assert_string_equal(buf_z(&got), want);
    buf_done(&got);
    strs_done(&paths);
    arena_done(&v.arena);
}

#ifndef __APPLE__
static void test_paths(void **state)
{
    struct err e = { 0 };

    (void)state;
    assert_int_equal(file_write("own.conf", STR(""), &e), 0);
    check_paths("HOME=/h", NULL,
                "/etc/xdg/pip/pip.conf /etc/pip.conf /h/.pip/pip.conf /h/.config/pip/pip.conf");
    check_paths("HOME=/h", "/venv",
                "/etc/xdg/pip/pip.conf /etc/pip.conf /h/.pip/pip.conf /h/.config/pip/pip.conf "
                "/venv/pip.conf");
    check_paths("HOME=/h;XDG_CONFIG_HOME=/c", NULL,
                "/etc/xdg/pip/pip.conf /etc/pip.conf /h/.pip/pip.conf /c/pip/pip.conf");
    check_paths("HOME=/h;XDG_CONFIG_HOME=c", NULL,
                "/etc/xdg/pip/pip.conf /etc/pip.conf /h/.pip/pip.conf /h/.config/pip/pip.conf");
    check_paths(
        "HOME=/h;XDG_CONFIG_DIRS=/x:y: /z", NULL,
        "/x/pip/pip.conf /z/pip/pip.conf /etc/pip.conf /h/.pip/pip.conf /h/.config/pip/pip.conf");
    check_paths("HOME=/h;PIP_CONFIG_FILE=/dev/null", "/venv", "");
    check_paths("--isolated;HOME=/h", "/venv",
                "/etc/xdg/pip/pip.conf /etc/pip.conf /venv/pip.conf");
    check_paths("--isolated;HOME=/h;PIP_CONFIG_FILE=missing.conf", NULL,
                "/etc/xdg/pip/pip.conf /etc/pip.conf missing.conf");
    check_paths("HOME=/h;PIP_CONFIG_FILE=own.conf", "/venv",
                "/etc/xdg/pip/pip.conf /etc/pip.conf /venv/pip.conf own.conf");
    check_paths("HOME=/h;PIP_CONFIG_FILE=missing.conf", NULL,
                "/etc/xdg/pip/pip.conf /etc/pip.conf /h/.pip/pip.conf /h/.config/pip/pip.conf "
                "missing.conf");
    check_paths(
        "HOME=/h;PIP_CONFIG_FILE=/etc/pip.conf;XDG_CONFIG_HOME=/etc/../etc", "/etc",
        access("/etc/pip.conf", F_OK) == 0
            ? "/etc/xdg/pip/pip.conf /etc/pip.conf"
            : "/etc/xdg/pip/pip.conf /etc/pip.conf /h/.pip/pip.conf /etc/../etc/pip/pip.conf");
}
#endif

static void test_whole(void **state)
{
    struct variables v = { .text = STR("HOME=.;PIP_CONFIG_FILE=own.conf;PIP_RETRIES=7") };
    struct settings s;
    struct err e = { 0 };

    (void)state;
    assert_int_equal(
        file_write("own.conf", STR("[global]\nextra-index-url = https://own.example.org\n"), &e),
        0);
    settings_init(&s);
    struct pipconf_site site = { .command = "download", .env = environment(&v) };
    struct strs paths = { 0 };
    pipconf_paths(&v.arena, &site, &paths);
    assert_int_equal(pipconf_apply(&s, &site, &paths, &e), 0);
    strs_done(&paths);
    assert_int_equal(s.retries, 7);
    assert_true(s.extra_index_urls.n == 1 &&
                str_is(s.extra_index_urls.items[0], "https://own.example.org"));
    settings_done(&s);
    arena_done(&v.arena);
}

/* All files are written in a directory of its own, which goes in the end. */
static int enter_directory(void **state)
{
    static char path[] = "/tmp/dray-test-pipconf-XXXXXX";

    *state = mkdtemp(path);
    return *state ? chdir(*state) : -1;
}

static int leave_directory(void **state)
{
    static const char *const files[] = { "f0", "f1", "own.conf" };

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        unlink(files[i]);
    return chdir("/") || rmdir(*state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_apply),
#ifndef __APPLE__
        cmocka_unit_test(test_paths),
#endif
        cmocka_unit_test(test_whole),
    };

    return cmocka_run_group_tests(tests, enter_directory, leave_directory);
}
