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

/* The annotated file, with its settings commented out or not ("#key", but not "# words"). */
static void read_annotated(struct buf *out, bool uncomment)
{
    struct buf text = { 0 };
    struct err e = { 0 };

    assert_int_equal(file_read(TEST_DATA "/../../config/dray.yaml", LIMIT_CONFIG_BYTES, &text, &e),
                     0);
    for (struct str rest = buf_str(&text); rest.n;) {
        struct str line = str_cut(rest, '\n', &rest);
        bool words = line.n < 2 || (line.p[1] == ' ' && (line.n < 3 || line.p[2] != ' '));
        if (uncomment && str_starts(line, STR("#")) && !words)
            line = str_sub(line, 1, line.n);
        buf_add_str(out, line);
        buf_add_c(out, '\n');
    }
    buf_done(&text);
}

static void apply_annotated(bool uncomment, enum settings_command command, struct settings *s)
{
    struct buf text = { 0 };
    struct err e = { 0 };

    settings_init(s);
    s->command = command;
    read_annotated(&text, uncomment);
    assert_int_equal(config_file_apply_text(s, buf_str(&text), "dray.yaml", &e), 0);
    if (settings_check(s, &e))
        fail_msg("%s", err_text(&e));
    buf_done(&text);
}

static void test_annotated(void **state)
{
    static const enum settings_command commands[] = { COMMAND_DOWNLOAD, COMMAND_WHEEL,
                                                      COMMAND_INSTALL, COMMAND_METADATA,
                                                      COMMAND_LOCK };
    struct settings s;
    struct buf before = { 0 }, after = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        apply_annotated(true, commands[i], &s);
        assert_int_equal(s.n_indexes, 2);
        assert_int_equal(s.extra_index_urls.n, 1);
        settings_done(&s);
    }
    settings_init(&s);
    config_text_plain(&before, &s);
    settings_done(&s);
    apply_annotated(false, COMMAND_DOWNLOAD, &s);
    config_text_plain(&after, &s);
    settings_done(&s);
    assert_string_equal(buf_z(&after), buf_z(&before));
    buf_done(&before);
    buf_done(&after);
}

/* Each setting that may stand in a file stands in it, once. */
static void test_annotated_whole(void **state)
{
    struct buf text = { 0 }, key = { 0 };

    (void)state;
    read_annotated(&text, true);
    for (const struct setting *w = settings_table; w->name; w++) {
        if (!(w->where & SETTING_IN_FILE))
            continue;
        size_t n = 0;
        for (int deep = 0; deep < 2; deep++) {
            buf_reset(&key);
            buf_add_f(&key, "\n%s%s: ", deep ? "  " : "", w->name);
            n += str_search(buf_str(&text), buf_str(&key)) >= 0;
        }
        if (!n)
            fail_msg("config/dray.yaml lacks %s", w->name);
    }
    buf_done(&text);
    buf_done(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_apply), cmocka_unit_test(test_paths),
                                        cmocka_unit_test(test_annotated),
                                        cmocka_unit_test(test_annotated_whole) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
