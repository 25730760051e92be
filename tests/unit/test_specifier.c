/* What a set is, and what is in it, stands in tests/data/specifier; here are the caps, and sets of
 * sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "case.h"
#include "dray/py/specifier.h"
#include "dray/util/buf.h"

/* Is each of the versions between blanks in the set, or is none of them? */
static bool all_are(struct arena *a, const struct specifier_set *s, struct str versions, bool in)
{
    bool ok = true;

    while (versions.n) {
        struct str text = str_cut(versions, ' ', &versions);
        struct version v = { 0 };
        struct err e = { 0 };
        if (version_parse(a, text, &v, &e) || specifier_set_contains(s, &v) != in) {
            fprintf(stderr, "%.*s: %s\n", STR_ARG(text),
                    e.code ? err_text(&e)
                    : in   ? "not in"
                           : "in");
            ok = false;
        }
        err_done(&e);
    }
    return ok;
}

static void check_contains(struct case_line *c, void *ctx)
{
    struct arena a = { 0 };
    struct specifier_set s = { 0 }, again = { 0 };
    struct err e = { 0 };

    (void)ctx;
    bool ok = c->n == 3 && specifier_set_parse(&a, c->fields[0], &s, &e) == 0 &&
              all_are(&a, &s, c->fields[1], true) && all_are(&a, &s, c->fields[2], false);
    /* The canonical text says the same. */
    ok = ok && specifier_set_parse(&a, s.text, &again, &e) == 0 &&
         all_are(&a, &again, c->fields[1], true) && all_are(&a, &again, c->fields[2], false);
    fputs(err_text(&e), stderr);
    err_done(&e);
    arena_done(&a);
    case_check(c, ok);
}

static void test_contains(void **state)
{
    (void)state;
    assert_true(case_each("specifier/contains.case", 60, check_contains, NULL));
}

static void check_set(struct case_line *c, void *ctx)
{
    struct arena a = { 0 };
    struct specifier_set s = { 0 };
    struct err e = { 0 };
    uint64_t items = 0;

    (void)ctx;
    bool ok = c->n == 4 && str_to_u64(c->fields[2], 100, &items) &&
              specifier_set_parse(&a, c->fields[0], &s, &e) == 0 && str_eq(s.text, c->fields[1]) &&
              s.n == items &&
              specifier_set_wants_pre(&s) == (str_search(c->fields[3], STR("pre")) >= 0) &&
              specifier_set_is_pinned(&s) == (str_search(c->fields[3], STR("pinned")) >= 0);
    for (size_t i = 0; ok && i < s.n; i++) /* the texts lie within that of the set */
        ok = s.items[i].text.p >= s.text.p &&
             s.items[i].text.p + s.items[i].text.n <= s.text.p + s.text.n;
    if (!ok)
        case_fail(c, "%s got \"%.*s\"", err_text(&e), STR_ARG(s.text));
    err_done(&e);
    arena_done(&a);
}

static void test_sets(void **state)
{
    (void)state;
    assert_true(case_each("specifier/set.case", 35, check_set, NULL));
}

static void check_invalid(struct case_line *c, void *ctx)
{
    struct arena a = { 0 };
    struct specifier_set s = { .n = 77 };
    struct err e = { 0 };
    char column[40];

    (void)ctx;
    snprintf(column, sizeof(column), "column %.*s:", STR_ARG(c->fields[1]));
    int code = specifier_set_parse(&a, c->fields[0], &s, &e);
    struct str told = str_of(err_text(&e));
    bool ok = c->n == 3 && code == ERR_INPUT && e.code == code && s.n == 77 &&
              str_search(told, c->fields[2]) >= 0 && str_search(told, str_of(column)) >= 0;
    if (!ok)
        case_fail(c, "got %d \"%s\"", code, err_text(&e));
    err_done(&e);
    arena_done(&a);
}

static void test_invalid(void **state)
{
    (void)state;
    assert_true(case_each("specifier/invalid.case", 45, check_invalid, NULL));
}

static struct specifier_set parse(struct arena *a, const char *text)
{
    struct specifier_set s = { 0 };
    struct err e = { 0 };

    if (specifier_set_parse(a, str_of(text), &s, &e))
        fail_msg("%s: %s", text, err_text(&e));
    return s;
}

static void test_and(void **state)
{
    struct arena a = { 0 };
    struct specifier_set none = parse(&a, ""), low = parse(&a, " >= 1.0 "),
                         high = parse(&a, "!=1.5.*, <2a1");

    (void)state;
    struct specifier_set both = specifier_set_and(&a, &low, &high);
    assert_true(str_is(both.text, ">=1.0,!=1.5.*,<2a1"));
    assert_true(str_is(low.text, ">=1.0") && str_is(low.items[0].text, "1.0"));
    assert_int_equal(both.n, 3);
    assert_true(specifier_set_wants_pre(&both));
    assert_true(all_are(&a, &both, STR("1.0 1.4 1.6"), true));
    assert_true(all_are(&a, &both, STR("0.9 1.5.1 2"), false));
    both = specifier_set_and(&a, &none, &low);
    assert_true(str_is(both.text, ">=1.0") && both.n == 1);
    both = specifier_set_and(&a, &low, &none);
    assert_true(str_is(both.text, ">=1.0") && both.n == 1);
    both = specifier_set_and(&a, &none, &none);
    assert_true(both.text.n == 0 && both.n == 0);
    arena_done(&a);
}

static void test_lives_in_arena(void **state)
{
    struct arena a = { 0 };
    char text[] = " ~= 1.0 , ===Foo";
    struct specifier_set s = parse(&a, text);

    (void)state;
    memset(text, '#', sizeof(text) - 1);
    assert_true(str_is(s.text, "~=1.0,===Foo"));
    assert_true(str_is(s.items[0].text, "1.0") && str_is(s.items[1].text, "Foo"));
    assert_true(str_is(s.items[0].version.text, "1.0"));
    arena_done(&a);
}

static void test_ops(void **state)
{
    static const struct {
        const char *set;
        enum specifier_op op;
        bool wildcard;
    } cases[] = {
        { "~=1.0", SPECIFIER_COMPATIBLE, false },
        { "==1", SPECIFIER_EQ, false },
        { "==1.*", SPECIFIER_EQ, true },
        { "!=1", SPECIFIER_NE, false },
        { "!=1.*", SPECIFIER_NE, true },
        { "<=1", SPECIFIER_LE, false },
        { ">=1", SPECIFIER_GE, false },
        { "<1", SPECIFIER_LT, false },
        { ">1", SPECIFIER_GT, false },
        { "===1.*", SPECIFIER_ARBITRARY, false },
    };
    struct arena a = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct specifier_set s = parse(&a, cases[i].set);
        assert_int_equal(s.items[0].op, cases[i].op);
        assert_int_equal(s.items[0].wildcard, cases[i].wildcard);
        assert_true(str_starts(s.text, str_of(specifier_op_text(cases[i].op))));
    }
    arena_done(&a);
}

static int parse_repeated(const char *start, const char *piece, size_t bytes)
{
    struct arena a = { 0 };
    struct specifier_set s = { 0 };
    struct buf text = { 0 };
    struct err e = { 0 };

    buf_add_z(&text, start);
    while (text.n < bytes)
        buf_add_z(&text, piece);
    buf_cut(&text, bytes);
    int code = specifier_set_parse(&a, buf_str(&text), &s, &e);
    err_done(&e);
    buf_done(&text);
    arena_done(&a);
    return code;
}

static void test_caps(void **state)
{
    (void)state;
    assert_int_equal(parse_repeated("", ",", LIMIT_REQUIREMENT_BYTES), 0);
    assert_int_equal(parse_repeated("", ",", LIMIT_REQUIREMENT_BYTES + 1), ERR_LIMIT);
    assert_int_equal(parse_repeated(">1", ",<1", LIMIT_REQUIREMENT_BYTES - 2), 0);
    assert_int_equal(parse_repeated("===", "x", LIMIT_VERSION_BYTES + 3), 0);
    assert_int_equal(parse_repeated("===", "x", LIMIT_VERSION_BYTES + 4), ERR_LIMIT);
    assert_int_equal(parse_repeated(">=", "9", LIMIT_VERSION_BYTES + 2), 0);
    assert_int_equal(parse_repeated(">=", "9", LIMIT_VERSION_BYTES + 3), ERR_LIMIT);
    assert_int_equal(parse_repeated("~=1.", "9", LIMIT_VERSION_BYTES + 2), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contains),       cmocka_unit_test(test_sets),
        cmocka_unit_test(test_invalid),        cmocka_unit_test(test_and),
        cmocka_unit_test(test_lives_in_arena), cmocka_unit_test(test_ops),
        cmocka_unit_test(test_caps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
