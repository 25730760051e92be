/* What is a version, what it is called and how versions are ordered stands in tests/data/version;
 * here are the caps, and what holds for every version. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "case.h"
#include "dray/py/version.h"
#include "dray/py/version_scan.h"
#include "dray/util/buf.h"
#include "dray/util/mem.h"

static struct version parse(struct arena *a, struct str text)
{
    struct version v = { 0 };
    struct err e = { 0 };

    if (version_parse(a, text, &v, &e))
        fail_msg("%.*s: %s", STR_ARG(text), err_text(&e));
    err_done(&e);
    return v;
}

static bool flags_are(const struct version *v, struct str flags)
{
    bool pre = false, post = false, dev = false, local = false;

    for (struct str rest = flags; rest.p;) {
        struct str flag = str_cut(rest, ' ', &rest);
        pre |= str_is(flag, "pre");
        post |= str_is(flag, "post");
        dev |= str_is(flag, "dev");
        local |= str_is(flag, "local");
    }
    return v->pre == pre && v->post == post && v->dev == dev && v->local == local;
}

static void check_valid(struct case_line *c, void *ctx)
{
    struct arena a = { 0 };
    struct version v = { 0 }, again = { 0 };
    struct err e = { 0 };

    (void)ctx;
    bool ok = c->n == 3 && version_parse(&a, c->fields[0], &v, &e) == 0 &&
              str_eq(v.text, c->fields[1]) && flags_are(&v, c->fields[2]) &&
              str_starts(v.key, v.public_key) && str_starts(v.public_key, v.release_key) &&
              str_search(v.text, v.release) >= 0;
    /* The normalised form is one itself, and the same version. */
    ok = ok && version_parse(&a, v.text, &again, &e) == 0 && str_eq(again.text, v.text) &&
         str_eq(again.key, v.key) && v.local == !str_eq(v.key, v.public_key);
    if (!ok)
        case_fail(c, "%s got \"%.*s\"", err_text(&e), STR_ARG(v.text));
    err_done(&e);
    arena_done(&a);
}

static void test_valid(void **state)
{
    (void)state;
    assert_true(case_each("version/valid.case", 55, check_valid, NULL));
}

static void check_invalid(struct case_line *c, void *ctx)
{
    struct arena a = { 0 };
    struct version v = { .pre = true, .text = STR("untouched") };
    struct err e = { 0 };
    char column[40];

    (void)ctx;
    snprintf(column, sizeof(column), "at column %.*s", STR_ARG(c->fields[c->n - 1]));
    int code = version_parse(&a, c->fields[0], &v, &e);
    struct str told = str_of(err_text(&e));
    ptrdiff_t at = str_search(told, str_of(column));
    /* "column 1" is not found in "column 10" */
    bool ok = c->n == 2 && code == ERR_INPUT && e.code == code && str_is(v.text, "untouched") &&
              v.pre && at >= 0 && !str_isdigit(err_text(&e)[(size_t)at + strlen(column)]);
    for (size_t i = 0; i < told.n; i++)
        ok = ok && told.p[i] >= ' ' && told.p[i] < 0x7f;
    if (!ok)
        case_fail(c, "got %d \"%s\"", code, err_text(&e));
    err_done(&e);
    arena_done(&a);
}

static void test_invalid(void **state)
{
    (void)state;
    assert_true(case_each("version/invalid.case", 45, check_invalid, NULL));
}

struct ranked {
    struct arena a;
    struct version *versions;
    int *ranks;
    size_t n, cap, ranks_cap;
    int rank;
};

static void collect(struct case_line *c, void *ctx)
{
    struct ranked *r = ctx;

    for (size_t i = 0; i < c->n; i++) {
        r->versions = mem_grow(r->versions, r->n, &r->cap, sizeof(*r->versions));
        r->ranks = mem_grow(r->ranks, r->n, &r->ranks_cap, sizeof(*r->ranks));
        r->versions[r->n] = parse(&r->a, c->fields[i]);
        r->ranks[r->n++] = r->rank;
    }
    r->rank++;
}

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

static void test_order(void **state)
{
    struct ranked r = { 0 };

    (void)state;
    assert_true(case_each("version/order.case", 65, collect, &r));
    for (size_t i = 0; i < r.n * r.n; i++) {
        const struct version *x = &r.versions[i / r.n], *y = &r.versions[i % r.n];
        int want = sign(r.ranks[i / r.n] - r.ranks[i % r.n]);
        if (sign(version_cmp(x, y)) != want || str_eq(x->key, y->key) != (want == 0) ||
            (str_cmp(x->release_key, y->release_key) * want < 0))
            fail_msg("%.*s and %.*s: expected %d", STR_ARG(x->text), STR_ARG(y->text), want);
    }
    free(r.versions);
    free(r.ranks);
    arena_done(&r.a);
}

/* "1.<first><digits>" with as many digits as asked for. */
static struct version long_version(struct arena *a, char first, char digit, size_t digits)
{
    struct buf text = { 0 };

    buf_add_z(&text, "1.");
    for (size_t i = 0; i < digits; i++)
        buf_add_c(&text, i ? digit : first);
    struct version v = parse(a, buf_str(&text));
    assert_true(str_eq(v.text, buf_str(&text)));
    buf_done(&text);
    return v;
}

/* Numbers of every length sort as numbers; around 253 digits the key has another shape. */
static void test_long_numbers(void **state)
{
    struct arena a = { 0 };

    (void)state;
    for (size_t digits = 1; digits < LIMIT_VERSION_BYTES - 2; digits++) {
        struct version low = long_version(&a, '1', '0', digits),
                       high = long_version(&a, '9', '9', digits);
        struct version next = long_version(&a, '1', '0', digits + 1);
        assert_true(version_cmp(&low, &high) < 0);
        assert_true(version_cmp(&high, &next) < 0);
        assert_true(str_eq(version_series_end(&a, &high, 0), next.release_key));
    }
    arena_done(&a);
}

static void test_caps(void **state)
{
    struct arena a = { 0 };
    struct buf text = { 0 };
    struct err e = { 0 };
    struct version v = { 0 };

    (void)state;
    for (size_t i = 0; i < LIMIT_VERSION_BYTES; i++)
        buf_add_c(&text, i % 2 ? '.' : '1');
    buf_cut(&text, LIMIT_VERSION_BYTES - strlen("crdev"));
    buf_add_z(&text, "crdev"); /* the most that can be implied */
    assert_int_equal(text.n, LIMIT_VERSION_BYTES);
    assert_int_equal(version_parse(&a, buf_str(&text), &v, &e), 0);
    assert_true(str_ends(v.text, STR("1rc0.post0.dev0")));
    buf_add_z(&text, " \n");
    assert_int_equal(version_parse(&a, buf_str(&text), &v, &e), 0); /* white space does not count */
    buf_cut(&text, LIMIT_VERSION_BYTES);
    buf_add_c(&text, '0');
    assert_int_equal(version_parse(&a, buf_str(&text), &v, &e), ERR_LIMIT);
    assert_non_null(strstr(err_text(&e), "1025"));
    err_done(&e);
    buf_done(&text);
    arena_done(&a);
}

static void test_series_end(void **state)
{
    static const struct {
        const char *version;
        size_t drop;
        const char *end;
    } cases[] = {
        { "1.2.5", 0, "1.2.6" },
        { "1.2.5", 1, "1.3" },
        { "1.2.5", 2, "2" },
        { "1.0.0", 0, "1.0.1" },
        { "1.0.0", 1, "1.1" },
        { "1.9", 0, "1.10" },
        { "1.99.1", 1, "1.100" },
        { "3!1.0", 0, "3!1.1" },
        { "3!1.0", 1, "3!2" },
        { "0", 0, "1" },
        { "0.0.9+x", 0, "0.0.10" },
        { "1.2a1.post3.dev4", 0, "1.3" },
        { "1.2a1.post3.dev4", 1, "2" },
    };
    struct arena a = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct version v = parse(&a, str_of(cases[i].version)),
                       end = parse(&a, str_of(cases[i].end));
        assert_true(str_eq(version_series_end(&a, &v, cases[i].drop), end.release_key));
    }
    arena_done(&a);
}

static void test_trim(void **state)
{
    (void)state;
    assert_true(str_is(version_trim(STR(" \t\xe2\x80\x89 x y\xc2\xa0\x1c ")), "x y"));
    assert_int_equal(version_trim(STR("\xe3\x80\x80 \n")).n, 0);
    assert_int_equal(version_trim(STR_NONE).n, 0);
    assert_int_equal(version_space(STR("\xe2\x80\x8b")), 0);
    assert_int_equal(version_space(STR("\xe2\x80")), 0);
    assert_int_equal(version_space(STR_NONE), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid), cmocka_unit_test(test_invalid),
        cmocka_unit_test(test_order), cmocka_unit_test(test_long_numbers),
        cmocka_unit_test(test_caps),  cmocka_unit_test(test_series_end),
        cmocka_unit_test(test_trim),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
