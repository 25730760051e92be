/* Tables of files and what is in them; caps, which no table could show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "case.h"

#include "dray/job/reqfile.h"
#include "dray/util/limits.h"

static const char *env_get(void *ctx, const char *name)
{
    static const char *const variables[][2] = {
        { "URL", "https://u.example.org" },
        { "NEST", "<${URL}>" },
        { "SPACE", "a b" },
        { "OPT", "-e x" },
        { "EMPTY", "" },
        { "SELF", "${SELF}${SELF}" },
    };

    (void)ctx;
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        if (strcmp(name, variables[i][0]) == 0)
            return variables[i][1];
    return NULL;
}

/* "@a@" becomes 64 times "a", "@a96@" 96 times. */
static void write_out(struct str s, struct buf *out)
{
    for (size_t i = 0; i < s.n; i++) {
        struct str behind, number = str_cut(str_sub(s, i + 2, s.n), '@', &behind);
        uint64_t times = 64;
        bool ok = s.p[i] == '@' && behind.p && number.n < 4 &&
                  (!number.n || str_to_u64(number, 128, &times));
        for (uint64_t n = ok ? times : 0; n > 0; n--)
            buf_add_c(out, s.p[i + 1]);
        if (ok)
            i = (size_t)(behind.p - s.p) - 1;
        else
            buf_add_c(out, s.p[i]);
    }
}

static void show_item(const struct reqfile_item *item, struct buf *out)
{
    char hex[DIGEST_HEX_SIZE];

    buf_reset(out);
    buf_add_f(out, "%zu ", item->line);
    if (item->kind != REQFILE_OPTION)
        buf_add_z(out, item->kind == REQFILE_EDITABLE ? "editable " : "requirement ");
    buf_add_str(out, item->text);
    if (item->value.p)
        buf_add_c(out, '=');
    buf_add_str(out, item->value);
    for (size_t i = 0; i < item->n_hashes; i++)
        buf_add_f(out, "%s{%s:%.4s}", i ? "" : " ", digest_name(item->hashes[i].alg),
                  digest_hex(&item->hashes[i], hex));
}

static void check_warning(struct case_line *c, const struct reqfile *f, struct str want)
{
    if (want.p ? str_search(f->warning, want) < 0 : f->warning.p != NULL)
        case_fail(c, "the warning is \"%.*s\"", STR_ARG(f->warning));
}

static void check_items(struct case_line *c, const struct reqfile *f)
{
    struct buf got = { 0 };
    struct str warning = STR_NONE;
    size_t want = c->n - 1;

    bool says_config = str_is(c->fields[want], "config-settings");
    if (says_config != f->has_config_settings)
        case_fail(c, "--config-settings is %s", f->has_config_settings ? "seen" : "not seen");
    want -= says_config;
    if (str_starts(c->fields[want], STR("warning: ")))
        warning = str_sub(c->fields[want--], 9, SIZE_MAX);
    else if (want == 1 && !c->fields[1].n)
        want = 0;
    check_warning(c, f, warning);
    if (f->n != want)
        case_fail(c, "%zu items, want %zu", f->n, want);
    for (size_t i = 0; i < want && i < f->n; i++) {
        show_item(&f->items[i], &got);
        case_equal(c, buf_str(&got), c->fields[i + 1]);
    }
    buf_done(&got);
}

static void check_lines(struct case_line *c, void *ctx)
{
    struct reqfile f = { 0 };
    struct err e = { 0 };
    struct buf file = { 0 };

    (void)ctx;
    if (!case_has(c, 2, CASE_FIELDS_MAX))
        return;
    write_out(c->fields[0], &file);
    if (reqfile_parse(buf_str(&file), "reqs.txt", env_get, NULL, &f, &e))
        case_fail(c, "%s", err_text(&e));
    check_items(c, &f);
    reqfile_done(&f);
    buf_done(&file);
}

static void check_errors(struct case_line *c, void *ctx)
{
    struct reqfile f = { 0 };
    struct err e = { 0 };
    struct buf file = { 0 }, want = { 0 };

    (void)ctx;
    if (!case_has(c, 2, 2))
        return;
    write_out(c->fields[0], &file);
    write_out(c->fields[1], &want);
    int code = reqfile_parse(buf_str(&file), "reqs.txt", env_get, NULL, &f, &e);
    assert_int_equal(code, e.code);
    case_equal(c, str_of(err_text(&e)), buf_str(&want));
    reqfile_done(&f);
    buf_done(&file);
    buf_done(&want);
    err_done(&e);
}

static void test_lines(void **state)
{
    (void)state;
    assert_true(case_each("reqfile/lines.case", 80, check_lines, NULL));
}

static void test_errors(void **state)
{
    (void)state;
    assert_true(case_each("reqfile/errors.case", 25, check_errors, NULL));
}

static int parse_repeated(const char *piece, size_t times, struct reqfile *f, struct err *e)
{
    struct buf file = { 0 };

    for (size_t i = 0; i < times; i++)
        buf_add_z(&file, piece);
    int code = reqfile_parse(buf_str(&file), "reqs.txt", env_get, NULL, f, e);
    buf_done(&file);
    return code;
}

static void test_limits(void **state)
{
    static const struct {
        const char *piece;
        size_t times;
        const char *message; /* NULL: it is read */
    } cases[] = {
        { "a", LIMIT_REQUIREMENT_BYTES, NULL },
        { "a", LIMIT_REQUIREMENT_BYTES + 1, "line 1: the line has more than 65536 bytes" },
        { "abcdefg\\\n", LIMIT_REQUIREMENT_BYTES / 7 + 1,
          "line 1: the line has more than 65536 bytes" },
        { "# abcdefg\n", LIMIT_REQUIREMENT_BYTES, NULL },
        { "a\n", LIMIT_REQUIREMENTS, NULL },
        { "a\n", LIMIT_REQUIREMENTS + 1, "has more than 100000 lines that say something" },
        { "${SELF}", 20, "line 1: the line has more than 65536 bytes" },
        { "#0123456789abcd\n", LIMIT_REQFILE_BYTES / 16, NULL },
        { "#0123456789abcd\n", LIMIT_REQFILE_BYTES / 16 + 1, "at most 67108864 are read" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct reqfile f = { 0 };
        struct err e = { 0 };
        int code = parse_repeated(cases[i].piece, cases[i].times, &f, &e);
        assert_int_equal(code, cases[i].message ? ERR_LIMIT : 0);
        if (cases[i].message)
            assert_non_null(strstr(err_text(&e), cases[i].message));
        reqfile_done(&f);
        err_done(&e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
