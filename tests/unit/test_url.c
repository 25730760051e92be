/* net/url by the tables of tests/data/url: see the top of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "dray/net/url.h"
#include "dray/util/file.h"
#include "dray/util/limits.h"

enum { MAX_COLUMNS = 9 };

struct row {
    size_t line, n;
    struct buf column[MAX_COLUMNS];
};

typedef void (*row_fn)(struct row *row);

static void unescape(struct str text, struct buf *out)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned byte;
        char hex[3] = { 0 };
        if (i + 3 < text.n && text.p[i] == '\\' && text.p[i + 1] == 'x') {
            memcpy(hex, text.p + i + 2, 2);
            assert_int_equal(sscanf(hex, "%2x", &byte), 1);
            buf_add_c(out, (char)byte);
            i += 3;
        } else {
            buf_add_c(out, text.p[i]);
        }
    }
}

static void run_row(struct str line, size_t number, row_fn fn)
{
    struct row row = { .line = number };
    struct str rest = line;

    while (rest.p) {
        assert_true(row.n < MAX_COLUMNS);
        unescape(str_cut(rest, '\t', &rest), &row.column[row.n++]);
    }
    fn(&row);
    for (size_t i = 0; i < row.n; i++)
        buf_done(&row.column[i]);
}

static void run_table(const char *path, row_fn fn)
{
    struct buf text = { 0 };
    struct err e = { 0 };
    size_t number = 0, rows = 0;

    assert_int_equal(file_read(path, LIMIT_MIB, &text, &e), 0);
    struct str rest = buf_str(&text);
    while (rest.n > 0) {
        struct str line = str_cut(rest, '\n', &rest);
        number++;
        if (str_starts(line, STR("#")))
            continue;
        run_row(line, number, fn);
        rows++;
    }
    assert_true(rows > 5);
    buf_done(&text);
}

static void expect(const struct row *row, size_t column, struct str got)
{
    assert_true(column < row->n);
    if (!str_eq(buf_str(&row->column[column]), got))
        fail_msg("line %zu, column %zu: got \"%.*s\", want \"%s\"", row->line, column + 1,
                 STR_ARG(got), buf_z(&row->column[column]));
}

static void expect_z(const struct row *row, size_t column, const char *got)
{
    expect(row, column, got ? str_of(got) : STR("-"));
}

/* The error's name is what stands in the second-last place that a success would fill. */
static void expect_error(const struct row *row, size_t column, int code, struct err *e)
{
    assert_true(code == e->code && err_text(e)[0]);
    if (row->n != column + 1)
        fail_msg("line %zu: refused: %s", row->line, err_text(e));
    expect(row, column, str_of(err_name(code)));
    err_done(e);
}

static void parse_row(struct row *row)
{
    struct url u, again;
    struct err e = { 0 };
    char port[16];

    int code = url_parse(buf_str(&row->column[0]), &u, &e);
    if (code) {
        expect_error(row, 1, code, &e);
        return;
    }
    snprintf(port, sizeof port, "%u", u.port);
    const char *const got[] = {
        u.scheme, u.user, u.password, u.host, port, u.path, u.query, u.text
    };
    if (row->n != 9)
        fail_msg("line %zu: taken, as %s", row->line, u.text);
    for (size_t i = 0; i < 8; i++)
        expect_z(row, i + 1, got[i]);
    assert_int_equal(url_parse(str_of(u.text), &again, &e), 0);
    assert_string_equal(again.text, u.text);
    url_done(&again);
    url_done(&u);
}

static void join_row(struct row *row)
{
    struct buf out = { 0 };
    struct err e = { 0 };

    buf_add_z(&out, "before ");
    int code = url_join(buf_str(&row->column[0]), buf_str(&row->column[1]), &out, &e);
    if (code) {
        assert_string_equal(buf_z(&out), "before ");
        expect_error(row, 2, code, &e);
    } else {
        expect(row, 2, str_sub(buf_str(&out), 7, out.n));
    }
    buf_done(&out);
}

static void path_row(struct row *row)
{
    struct buf path = { 0 }, back = { 0 };
    struct err e = { 0 };

    int code = url_to_path(buf_str(&row->column[0]), &path, &e);
    if (code) {
        assert_int_equal(path.n, 0);
        expect_error(row, 1, code, &e);
    } else {
        expect(row, 1, buf_str(&path));
        url_from_path(buf_str(&path), &back);
        expect(row, 2, buf_str(&back));
    }
    buf_done(&path);
    buf_done(&back);
}

static void basename_row(struct row *row)
{
    struct buf out = { 0 };

    url_basename(buf_str(&row->column[0]), &out);
    expect(row, 1, buf_str(&out));
    buf_done(&out);
}

static void redact_row(struct row *row)
{
    struct buf out = { 0 };

    url_redact(buf_str(&row->column[0]), &out);
    expect(row, 1, buf_str(&out));
    buf_done(&out);
}

static void scheme_row(struct row *row)
{
    expect_z(row, 1, url_has_scheme(buf_str(&row->column[0])) ? "yes" : "no");
}

static void origin_row(struct row *row)
{
    struct url a, b;
    struct err e = { 0 };

    assert_int_equal(url_parse(buf_str(&row->column[0]), &a, &e), 0);
    assert_int_equal(url_parse(buf_str(&row->column[1]), &b, &e), 0);
    expect_z(row, 2, url_same_origin(&a, &b) ? "yes" : "no");
    url_done(&a);
    url_done(&b);
}

static void test_tables(void **state)
{
    (void)state;
    run_table(TEST_DATA "/url/parse.case", parse_row);
    run_table(TEST_DATA "/url/join.case", join_row);
    run_table(TEST_DATA "/url/path.case", path_row);
    run_table(TEST_DATA "/url/basename.case", basename_row);
    run_table(TEST_DATA "/url/redact.case", redact_row);
    run_table(TEST_DATA "/url/scheme.case", scheme_row);
    run_table(TEST_DATA "/url/origin.case", origin_row);
}

static void test_cap(void **state)
{
    struct buf text = { 0 }, out = { 0 };
    struct url u = { .scheme = NULL };
    struct err e = { 0 };

    (void)state;
    buf_add_z(&text, "https://example.org/");
    while (text.n < LIMIT_URL_BYTES)
        buf_add_c(&text, 'x');
    assert_int_equal(url_parse(buf_str(&text), &u, &e), 0);
    assert_int_equal(strlen(u.text), LIMIT_URL_BYTES);
    url_done(&u);
    buf_add_c(&text, 'x');
    assert_int_equal(url_parse(buf_str(&text), &u, &e), ERR_LIMIT);
    assert_null(u.scheme);
    assert_int_equal(url_join(buf_str(&text), STR("x"), &out, &e), ERR_LIMIT);
    assert_int_equal(url_join(STR("http://h/"), buf_str(&text), &out, &e), ERR_LIMIT);
    assert_int_equal(out.n, 0);
    buf_done(&text);
    err_done(&e);
}

/* A message about a malformed URL must not show the password in it. */
static void test_secrets_stay(void **state)
{
    struct url u;
    struct err e = { 0 };
    struct buf text = { 0 };

    (void)state;
    buf_add_z(&text, "https://me:");
    for (int i = 0; i < 300; i++)
        buf_add_z(&text, "pw");
    buf_add_z(&text, "@example.org:port/");
    assert_int_equal(url_parse(buf_str(&text), &u, &e), ERR_INPUT);
    assert_null(strstr(err_text(&e), "pwpw"));
    assert_non_null(strstr(err_text(&e), "me:****@example.org:port"));
    buf_done(&text);
    err_done(&e);
}

static void test_fragment(void **state)
{
    struct str fragment;

    (void)state;
    assert_true(str_is(url_cut_fragment(STR("a#b#c"), &fragment), "a"));
    assert_true(str_is(fragment, "b#c"));
    assert_true(str_is(url_cut_fragment(STR("a"), &fragment), "a"));
    assert_null(fragment.p);
    assert_true(str_is(url_cut_fragment(STR("a#"), &fragment), "a"));
    assert_non_null(fragment.p);
}

static void test_userinfo_is_lent_to_its_origin(void **state)
{
    static const struct {
        const char *from, *text, *want;
    } cases[] = {
        { "https://me:p%40@x.org/simple/", "https://x.org/f.whl", "https://me:p%40@x.org/f.whl" },
        { "https://me@x.org/", "https://X.org:443/f", "https://me@X.org:443/f" },
        { "https://me:p@x.org/", "http://x.org/f", "http://x.org/f" },
        { "https://me:p@x.org/", "https://x.org:444/f", "https://x.org:444/f" },
        { "https://me:p@x.org/", "https://y.org/f", "https://y.org/f" },
        { "https://me:p@x.org/", "https://you@x.org/f", "https://you@x.org/f" },
        { "https://x.org/", "https://x.org/f", "https://x.org/f" },
        { "https://me:p@x.org/", "file:///f", "file:///f" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf out = { 0 };
        url_lend_userinfo(str_of(cases[i].from), str_of(cases[i].text), &out);
        assert_string_equal(buf_z(&out), cases[i].want);
        buf_done(&out);
    }
}

static void test_whom_to_trust(void **state)
{
    static const char *const hosts[] = { "x.org", "y.org:8443", "[::2]:81" };
    static const struct {
        const char *url;
        bool trusted, loopback;
    } cases[] = {
        { "https://x.org/", true, false },          { "https://X.ORG:99/", true, false },
        { "https://a.x.org/", false, false },       { "https://y.org:8443/", true, false },
        { "https://y.org/", false, false },         { "http://[::2]:81/", true, false },
        { "http://[::2]/", false, false },          { "http://localhost:81/", false, true },
        { "http://127.9.8.7/", false, true },       { "http://[::1]/", false, true },
        { "http://127.example.org", false, false }, { "http://10.0.0.1/", false, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct url u;
        struct err e = { 0 };
        assert_int_equal(url_parse(str_of(cases[i].url), &u, &e), 0);
        if (url_is_trusted(&u, hosts, 3) != cases[i].trusted ||
            url_is_loopback(&u) != cases[i].loopback)
            fail_msg("%s", cases[i].url);
        url_done(&u);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_cap),
        cmocka_unit_test(test_secrets_stay),
        cmocka_unit_test(test_fragment),
        cmocka_unit_test(test_userinfo_is_lent_to_its_origin),
        cmocka_unit_test(test_whom_to_trust),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
