/* Runs of bytes: what holds at their edges, with none, and with NULs in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dray/util/str.h"
#include "dray/util/strs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

static void test_order(void **state)
{
    static const struct {
        struct str a, b;
        int order;
        bool same_but_case;
    } cases[] = {
        { { "", 0 }, { NULL, 0 }, 0, true },
        { { "a", 1 }, { NULL, 0 }, 1, false },
        { { "a", 1 }, { "ab", 2 }, -1, false },
        { { "b", 1 }, { "ab", 2 }, 1, false },
        { { "abc", 3 }, { "abc", 3 }, 0, true },
        { { "a\0b", 3 }, { "a\0c", 3 }, -1, false },
        { { "a\0b", 3 }, { "A\0B", 3 }, 1, true },
        { { "a\0", 2 }, { "a", 1 }, 1, false },
        { { "Foo", 3 }, { "fOO", 3 }, -1, true },
        { { "[", 1 }, { "{", 1 }, -1, false },       /* 0x20 apart, but no letters */
        { { "\x7f", 1 }, { "\x80", 1 }, -1, false }, /* bytes are unsigned */
        { { "\xc3", 1 }, { "\xe3", 1 }, -1, false }, /* Latin-1 letters stay apart */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str a = cases[i].a, b = cases[i].b;
        assert_int_equal(sign(str_cmp(a, b)), cases[i].order);
        assert_int_equal(sign(str_cmp(b, a)), -cases[i].order);
        assert_int_equal(str_eq(a, b), cases[i].order == 0);
        assert_int_equal(str_eq_nocase(a, b), cases[i].same_but_case);
        assert_int_equal(str_eq_nocase(b, a), cases[i].same_but_case);
    }
}

static void test_affixes(void **state)
{
    static const struct {
        struct str s, affix;
        bool starts, ends;
    } cases[] = {
        { { "", 0 }, { "", 0 }, true, true },         { { NULL, 0 }, { "", 0 }, true, true },
        { { NULL, 0 }, { "a", 1 }, false, false },    { { "abc", 3 }, { "", 0 }, true, true },
        { { "abc", 3 }, { "abc", 3 }, true, true },   { { "abc", 3 }, { "abcd", 4 }, false, false },
        { { "abc", 3 }, { "ab", 2 }, true, false },   { { "abc", 3 }, { "bc", 2 }, false, true },
        { { "a\0b", 3 }, { "a\0", 2 }, true, false }, { { "a\0b", 3 }, { "\0b", 2 }, false, true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(str_starts(cases[i].s, cases[i].affix), cases[i].starts);
        assert_int_equal(str_ends(cases[i].s, cases[i].affix), cases[i].ends);
    }
}

static void test_finding(void **state)
{
    static const struct {
        struct str s;
        char c;
        ptrdiff_t first, last;
    } bytes[] = {
        { { NULL, 0 }, 'a', -1, -1 },   { { "", 0 }, '\0', -1, -1 },
        { { "a", 1 }, 'a', 0, 0 },      { { "abab", 4 }, 'b', 1, 3 },
        { { "abab", 4 }, 'c', -1, -1 }, { { "a\0b\0", 4 }, '\0', 1, 3 },
        { { "a\0b", 3 }, 'b', 2, 2 },   { { "ab", 1 }, 'b', -1, -1 },
    };
    static const struct {
        struct str s, what;
        ptrdiff_t at;
    } runs[] = {
        { { NULL, 0 }, { "", 0 }, 0 },      { { "ab", 2 }, { "", 0 }, 0 },
        { { NULL, 0 }, { "a", 1 }, -1 },    { { "ab", 2 }, { "abc", 3 }, -1 },
        { { "aab", 3 }, { "ab", 2 }, 1 },   { { "aaab", 4 }, { "aab", 3 }, 1 },
        { { "a\0b", 3 }, { "\0b", 2 }, 1 }, { { "abc", 3 }, { "abc", 3 }, 0 },
        { { "abab", 4 }, { "ab", 2 }, 0 },  { { "abc", 2 }, { "bc", 2 }, -1 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(bytes); i++) {
        assert_int_equal(str_find(bytes[i].s, bytes[i].c), bytes[i].first);
        assert_int_equal(str_rfind(bytes[i].s, bytes[i].c), bytes[i].last);
    }
    for (size_t i = 0; i < COUNT(runs); i++)
        assert_int_equal(str_search(runs[i].s, runs[i].what), runs[i].at);
}

static void test_parts_are_clamped(void **state)
{
    static const struct {
        size_t from, to;
        const char *want;
    } cases[] = {
        { 0, 3, "abc" },        { 0, 0, "" },
        { 1, 2, "b" },          { 2, 1, "" },
        { 1, 99, "bc" },        { 99, 99, "" },
        { 99, 1, "" },          { 3, 3, "" },
        { 0, SIZE_MAX, "abc" }, { SIZE_MAX, SIZE_MAX, "" },
    };
    struct str s = STR("abc");

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str part = str_sub(s, cases[i].from, cases[i].to);
        assert_true(str_is(part, cases[i].want));
        assert_true(part.p >= s.p && part.p + part.n <= s.p + s.n);
    }
    assert_null(str_sub(STR_NONE, 0, 5).p);
}

static void test_trim(void **state)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        { "", "" },
        { " ", "" },
        { "a", "a" },
        { " a ", "a" },
        { "\t\n\v\f\r a b \r\f\v\n\t", "a b" },
        { "\xc2\xa0"
          "a",
          "\xc2\xa0"
          "a" }, /* ASCII only */
        { "\x1c"
          "a",
          "\x1c"
          "a" }, /* what Python strips besides */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_true(str_is(str_trim(str_of(cases[i].text)), cases[i].want));
    struct str zero = { "\0", 1 };
    assert_int_equal(str_trim(zero).n, 1);
    assert_null(str_trim(STR_NONE).p);
}

static void test_cut(void **state)
{
    struct str rest;

    (void)state;
    assert_true(str_is(str_cut(STR("a=b=c"), '=', &rest), "a"));
    assert_true(str_is(rest, "b=c"));
    assert_true(str_is(str_cut(STR("a="), '=', &rest), "a"));
    assert_true(rest.p && rest.n == 0); /* nothing behind it */
    assert_true(str_is(str_cut(STR("a"), '=', &rest), "a"));
    assert_null(rest.p); /* no separator */
    assert_true(str_is(str_cut(STR("=a"), '=', &rest), ""));
    assert_true(str_is(rest, "a"));
    assert_null(str_cut(STR_NONE, '=', &rest).p);
    assert_null(rest.p);
    struct str nul = { "a\0b", 3 };
    assert_true(str_is(str_cut(nul, '\0', &rest), "a"));
    assert_true(str_is(rest, "b"));

    unsigned parts = 0;
    for (struct str list = STR(",a,,b,"); list.p; parts++)
        str_cut(list, ',', &list);
    assert_int_equal(parts, 5);
}

static void test_numbers(void **state)
{
    static const struct {
        const char *text;
        uint64_t max, want;
        bool ok;
    } cases[] = {
        { "0", UINT64_MAX, 0, true },
        { "0", 0, 0, true },
        { "1", 0, 0, false },
        { "007", 7, 7, true },
        { "8", 7, 0, false },
        { "9223372036854775808", UINT64_MAX, 9223372036854775808u, true },
        { "18446744073709551614", UINT64_MAX, UINT64_MAX - 1, true },
        { "18446744073709551615", UINT64_MAX, UINT64_MAX, true },
        { "18446744073709551616", UINT64_MAX, 0, false },
        { "18446744073709551625", UINT64_MAX, 0, false },
        { "184467440737095516150", UINT64_MAX, 0, false },
        { "99999999999999999999", UINT64_MAX, 0, false },
        { "000000000000000000000000000000001", 1, 1, true },
        { "", UINT64_MAX, 0, false },
        { "-1", UINT64_MAX, 0, false },
        { "+1", UINT64_MAX, 0, false },
        { " 1", UINT64_MAX, 0, false },
        { "1 ", UINT64_MAX, 0, false },
        { "1_0", UINT64_MAX, 0, false },
        { "0x1", UINT64_MAX, 0, false },
        { "1.0", UINT64_MAX, 0, false },
        { "\xd9\xa1", UINT64_MAX, 0, false }, /* a digit, but not of ASCII */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint64_t n = 4711;
        bool ok = str_to_u64(str_of(cases[i].text), cases[i].max, &n);
        if (ok != cases[i].ok || n != (ok ? cases[i].want : 4711))
            fail_msg("\"%s\" up to %ju: got %d, %ju", cases[i].text, (uintmax_t)cases[i].max, ok,
                     (uintmax_t)n);
    }
    uint64_t n = 4711;
    assert_false(str_to_u64(STR_NONE, UINT64_MAX, &n));
    struct str nul = { "1\0", 2 };
    assert_false(str_to_u64(nul, UINT64_MAX, &n));
    assert_int_equal(n, 4711);
}

/* Every byte, against the C locale. */
static void test_classes(void **state)
{
    (void)state;
    for (int i = 0; i < 256; i++) {
        char c = (char)i;
        bool upper = i >= 'A' && i <= 'Z', lower = i >= 'a' && i <= 'z';
        assert_int_equal(str_isalpha(c), upper || lower);
        assert_int_equal(str_isdigit(c), i >= '0' && i <= '9');
        assert_int_equal(str_isspace(c), i && strchr(" \t\n\v\f\r", i) != NULL);
        assert_int_equal((unsigned char)str_lower(c), upper ? i + 32 : i);
    }
}

static void test_list_grows(void **state)
{
    struct strs list = { 0 };
    static const char text[1000] = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(text); i++)
        strs_add(&list, (struct str){ text + i, 1 });
    assert_int_equal(list.n, sizeof(text));
    for (size_t i = 0; i < sizeof(text); i++)
        assert_ptr_equal(list.items[i].p, text + i);
    strs_done(&list);
    assert_true(list.items == NULL && list.n == 0 && list.cap == 0);
    strs_done(&list);
    strs_done(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),      cmocka_unit_test(test_affixes),
        cmocka_unit_test(test_finding),    cmocka_unit_test(test_parts_are_clamped),
        cmocka_unit_test(test_trim),       cmocka_unit_test(test_cut),
        cmocka_unit_test(test_numbers),    cmocka_unit_test(test_classes),
        cmocka_unit_test(test_list_grows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
