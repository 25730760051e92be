/* A table: what several files come to, or what is wrong with them; then where they are looked for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "case.h"

#include "dray/job/config_file.h"
#include "dray/ui/config_text.h"

static void show_indexes(struct buf *out, const struct settings *s)
{
    for (size_t i = 0; i < s->n_indexes; i++) {
        const struct source_index *ix = &s->indexes[i].is;
        buf_add_f(out, "%s%.*s=%.*s", i ? " " : "", STR_ARG(ix->name), STR_ARG(ix->url));
        for (size_t k = 0; k < ix->n_packages; k++)
            buf_add_f(out, "%c%.*s", k ? ',' : ' ', STR_ARG(ix->packages[k]));
    }
}

static void show_list(struct buf *out, const struct strs *list)
{
    buf_add_c(out, '[');
    for (size_t i = 0; i < list->n; i++)
        buf_add_f(out, "%s%.*s", i ? ", " : "", STR_ARG(list->items[i]));
    buf_add_c(out, ']');
}

/* What `dray config` says of it; lists are told apart here. */
static void show_value(struct buf *out, const struct settings *s, const struct setting *w)
{
    struct buf all = { 0 }, start = { 0 };

    if (w->kind == SETTING_INDEX) {
        show_indexes(out, s);
        return;
    }
    if (w->kind == SETTING_LIST || w->kind == SETTING_FORMAT) {
        show_list(out, (const void *)((const char *)s + w->offset));
        return;
    }
    config_text_plain(&all, s);
    buf_add_f(&start, "%s = ", w->name);
    for (struct str rest = buf_str(&all); rest.n;) {
        struct str line = str_cut(rest, '\n', &rest);
        if (!str_starts(line, buf_str(&start)))
            continue;
        line = str_sub(line, start.n, line.n);
        buf_add_str(out, str_sub(line, 0, (size_t)str_search(line, STR("  "))));
        break;
    }
    buf_done(&all);
    buf_done(&start);
}

/* The settings and origins that the case names, as they are. */
static void show_named(const struct settings *s, struct str names, struct buf *out)
{
    for (struct str rest = names, value; rest.p;) {
        struct str name = str_cut(str_cut(rest, ';', &rest), '=', &value);
        if (str_starts(name, STR(" "))) /* an origin of several places has ";" in it */
            continue;
        bool origin = str_starts(name, STR("@"));
        const struct setting *w = settings_find(origin ? str_sub(name, 1, name.n) : name);
        assert_non_null(w);
        buf_add_f(out, "%s%.*s=", out->n ? ";" : "", STR_ARG(name));
        if (origin)
            buf_add_str(out, settings_origin(s, w));
        else
            show_value(out, s, w);
    }
}

static void apply(struct settings *s, struct str texts, struct err *e)
{
    for (unsigned i = 0; texts.p && !e->code; i++) {
        const char path[] = { 'f', (char)('0' + i), '\0' };
        int code = config_file_apply_text(s, str_cut(texts, '\x1e', &texts), path, e);
        assert_int_equal(code, e->code);
    }
}

static void check_apply(struct case_line *c, void *ctx)
{
    struct settings s;
    struct err e = { 0 };
    struct buf got = { 0 };

    (void)ctx;
    if (!case_has(c, 3, 3))
        return;
    settings_init(&s);
    if (str_is(c->fields[0], "lock"))
        s.command = COMMAND_LOCK;
    apply(&s, c->fields[1], &e);
    struct str want = c->fields[2];
    if (str_starts(want, STR("error: "))) {
        case_contains(c, str_of(err_text(&e)), str_sub(want, 7, want.n));
        assert_true(e.code == ERR_USAGE || e.code == ERR_INPUT);
    } else {
        if (e.code)
            case_fail(c, "%s", err_text(&e));
        show_named(&s, want, &got);
        case_equal(c, buf_str(&got), want);
    }
    buf_done(&got);
    err_done(&e);
    settings_done(&s);
}

static void test_apply(void **state)
{
    (void)state;
    setenv("HOME", "/home/kim", 1);
    assert_true(case_each("config/apply.case", 85, check_apply, NULL));
}

static void check_paths(const struct config_site *site, bool must_exist, const char *want)
{
    struct arena a = { 0 };
    struct strs paths = { 0 };
    struct buf got = { 0 };
    bool must = !must_exist;

    config_file_paths(&a, site, &paths, &must);
    for (size_t i = 0; i < paths.n; i++)
        buf_add_f(&got, "%s%.*s", i ? " " : "", STR_ARG(paths.items[i]));
    assert_string_equal(buf_z(&got), want);
    assert_int_equal(must, must_exist);
    buf_done(&got);
    strs_done(&paths);
    arena_done(&a);
}

#define ENV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void test_paths(void **state)
{
    const char system_files[] = "/etc/dray/dray.yaml /etc/xdg/dray/dray.yaml";

    (void)state;
    check_paths(&(struct config_site){ .env = ENV("HOME=/h") }, false,
                "/etc/dray/dray.yaml /etc/xdg/dray/dray.yaml /h/.config/dray/dray.yaml");
    check_paths(&(struct config_site){ .env = ENV("HOME=/h", "XDG_CONFIG_HOME=/c/") }, false,
                "/etc/dray/dray.yaml /etc/xdg/dray/dray.yaml /c/dray/dray.yaml");
    /* The base directory specification: one that is not absolute does not count. */
    check_paths(&(struct config_site){ .env = ENV("HOME=/h", "XDG_CONFIG_HOME=c") }, false,
                "/etc/dray/dray.yaml /etc/xdg/dray/dray.yaml /h/.config/dray/dray.yaml");
    /* Its first directory is the one that counts most. */
    check_paths(&(struct config_site){ .env = ENV("HOME=/h", "XDG_CONFIG_DIRS=/x:y:/z:") }, false,
                "/etc/dray/dray.yaml /z/dray/dray.yaml /x/dray/dray.yaml "
                "/h/.config/dray/dray.yaml");
    check_paths(
        &(struct config_site){ .env = ENV("HOME=/h", "DRAY_CONFIG=/d.yaml"), .isolated = true },
        false, system_files);
    check_paths(&(struct config_site){ .env = ENV("HOME=/h", "DRAY_CONFIG=d.yaml") }, true,
                "d.yaml");
    check_paths(&(struct config_site){ .env = ENV("HOME=/h", "DRAY_CONFIG=/dev/null") }, true, "");
    check_paths(&(struct config_site){ .env = ENV("HOME=/h", "DRAY_CONFIG=") }, false,
                "/etc/dray/dray.yaml /etc/xdg/dray/dray.yaml /h/.config/dray/dray.yaml");
    check_paths(&(struct config_site){ .env = ENV("HOME=/h", "DRAY_CONFIG=d.yaml"),
                                       .named = "n.yaml",
                                       .isolated = true },
                true, "n.yaml");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_apply),
                                        cmocka_unit_test(test_paths) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
