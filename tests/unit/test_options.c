/* A table of command lines, and --help for all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "case.h"

#include "dray/cli/options.h"

static void show_list(struct buf *out, const struct strs *list)
{
    buf_add_c(out, '[');
    for (size_t i = 0; i < list->n; i++)
        buf_add_f(out, "%s%.*s", i ? ", " : "", STR_ARG(list->items[i]));
    buf_add_c(out, ']');
}

static void show_field(struct buf *out, const struct settings *s, const struct setting *w)
{
    const void *field = (const char *)s + w->offset;

    switch (w->kind) {
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
    case SETTING_WORD:
        buf_add_f(out, "%u", *(const unsigned *)field);
        break;
    case SETTING_INDEX:
        for (size_t i = 0; i < s->n_indexes; i++)
            buf_add_f(out, "[%.*s=%.*s]", STR_ARG(s->indexes[i].is.name),
                      STR_ARG(s->indexes[i].is.url));
        break;
    case SETTING_BYTES:
    case SETTING_RATE:
        buf_add_f(out, "%ju", (uintmax_t) * (const uint64_t *)field);
        break;
    }
}

/* All that differs from what settings_init() says. */
static void show_settings(struct buf *out, const struct settings *s)
{
    struct settings fresh;

    settings_init(&fresh);
    for (const struct setting *w = settings_table; w->name; w++) {
        struct buf now = { 0 }, before = { 0 };
        if (!(w->commands & s->command))
            continue;
        show_field(&now, s, w);
        show_field(&before, &fresh, w);
        if (!str_eq(buf_str(&now), buf_str(&before)))
            buf_add_f(out, "%s%s=%s", out->n ? " " : "", w->name, buf_z(&now));
        buf_done(&now);
        buf_done(&before);
    }
    if (s->requirements.n) {
        buf_add_z(out, out->n ? " " : "");
        show_list(out, &s->requirements);
    }
    settings_done(&fresh);
}

/* \x01 stands for a blank within an argument. */
static int split_arguments(struct arena *a, struct str text, char **argv, int max)
{
    int argc = 0;

    argv[argc++] = (char *)(uintptr_t)arena_str(a, STR("download")).p;
    while (text.p && argc < max - 1) {
        struct str word = arena_str(a, str_cut(text, ' ', &text));
        if (str_is(word, "~"))
            word = arena_str(a, STR(""));
        argv[argc++] = (char *)(uintptr_t)word.p;
    }
    argv[argc] = NULL;
    return argc;
}

static void check_argv(struct case_line *c, void *ctx)
{
    struct arena a = { 0 };
    struct buf got = { 0 };
    struct settings s;
    struct err e = { 0 };
    char *argv[16];

    (void)ctx;
    if (!case_has(c, 2, 2))
        return;
    settings_init(&s);
    int argc = split_arguments(&a, c->fields[0], argv, 16);
    for (int i = 0; i < argc; i++)
        for (char *p = argv[i]; *p; p++)
            *p = *p == '\x01' ? ' ' : *p;
    enum options_wish wish = options_wish(s.command, argc, argv);
    int code = wish == OPTIONS_RUN ? options_parse(&s, argc, argv, &e) : 0;
    assert_int_equal(code, e.code);
    if (code)
        buf_add_f(&got, "error: %s", err_text(&e));
    else if (wish != OPTIONS_RUN)
        buf_add_z(&got, wish == OPTIONS_HELP ? "help" : "version");
    else
        show_settings(&got, &s);
    case_equal(c, buf_str(&got), c->fields[1]);
    buf_done(&got);
    err_done(&e);
    settings_done(&s);
    arena_done(&a);
}

static void test_argv(void **state)
{
    (void)state;
    unsetenv("HOME");
    assert_true(case_each("settings/argv.case", 50, check_argv, NULL));
}

/* glibc would stop at the first argument; dray's answers don't depend on it. */
static void test_argv_posix(void **state)
{
    (void)state;
    setenv("POSIXLY_CORRECT", "1", 1);
    assert_true(case_each("settings/argv.case", 50, check_argv, NULL));
    unsetenv("POSIXLY_CORRECT");
}

static void test_help(void **state)
{
    struct buf out = { 0 };
    struct str rest, line;
    size_t lines = 0;

    (void)state;
    options_help(COMMAND_DOWNLOAD, &out);
    for (const struct setting *w = settings_table; w->name; w++) {
        struct buf want = { 0 };
        buf_add_f(&want, "%s--%s%s%s", w->letter ? ", " : "  ", w->name, w->value_name ? " " : "",
                  w->value_name ? w->value_name : "");
        assert_true((str_search(buf_str(&out), buf_str(&want)) > 0) ==
                    ((w->commands & COMMAND_DOWNLOAD) != 0));
        buf_done(&want);
    }
    for (rest = buf_str(&out); rest.p; lines++) {
        line = str_cut(rest, '\n', &rest);
        assert_true(line.n < 100);
        assert_true(!line.n || line.p[line.n - 1] != ' ');
    }
    assert_true(lines > 30);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_argv),
        cmocka_unit_test(test_argv_posix),
        cmocka_unit_test(test_help),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
