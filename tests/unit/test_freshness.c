/* net/freshness by the tables of tests/data/freshness: see the top of each. The fields go through
 * net/http_answer, as those of a server do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "case.h"

#include "dray/net/freshness.h"
#include "dray/net/http_answer.h"

enum { RECEIVED_S = 784111777, AN_HOUR_S = 3600 };

/* What an answer comes with, beside its fields. */
struct circumstances {
    int64_t took_s;
    int status;
    bool moved;
};

/* The value of "name=value", or STR_NONE. */
static struct str value_of(struct str word, const char *name)
{
    struct str value;

    return str_is(str_cut(word, '=', &value), name) ? value : STR_NONE;
}

static struct circumstances read_circumstances(struct case_line *c, struct str text, int status)
{
    struct circumstances out = { .status = status };
    uint64_t number;

    for (struct str rest = text, word; rest.n > 0;) {
        word = str_cut(rest, ' ', &rest);
        struct str took = value_of(word, "took"), other = value_of(word, "status");
        bool back = str_starts(took, STR("-"));
        if (str_is(word, "moved"))
            out.moved = true;
        else if (took.p && str_to_u64(str_sub(took, back, took.n), 1000, &number))
            out.took_s = back ? -(int64_t)number : (int64_t)number;
        else if (other.p && str_to_u64(other, 999, &number))
            out.status = (int)number;
        else
            case_fail(c, "\"%.*s\" is no circumstance", STR_ARG(word));
    }
    return out;
}

/* Borrows from `a`. */
static struct http_head read_head(struct http_answer *a, struct str lines,
                                  const struct circumstances *at)
{
    struct http_head head = { .body_bytes = -1, .moved_for_now = at->moved };
    struct buf line = { 0 };
    struct err e = { 0 };

    http_answer_reset(a);
    buf_add_f(&line, "HTTP/1.1 %d X\r\n", at->status);
    assert_int_equal(http_answer_line(a, buf_str(&line), &e), 0);
    while (lines.p) {
        buf_reset(&line);
        buf_add_str(&line, str_cut(lines, '\n', &lines));
        buf_add_z(&line, "\r\n");
        assert_int_equal(http_answer_line(a, buf_str(&line), &e), 0);
    }
    assert_int_equal(http_answer_line(a, STR("\r\n"), &e), 0);
    buf_done(&line);
    http_answer_fill(a, &head);
    return head;
}

static void check_freshness(struct case_line *c, const struct freshness *f, int64_t received_s,
                            struct str want)
{
    struct buf got = { 0 };

    buf_add_f(&got, "%lld%s%s", (long long)(f->fresh_until_s - f->received_s),
              f->no_stale ? " no-stale" : "", f->immutable ? " immutable" : "");
    case_equal(c, buf_str(&got), want);
    case_check(c, f->received_s == received_s);
    buf_done(&got);
}

static void keep_case(struct case_line *c, void *ctx)
{
    struct http_answer a = { 0 };
    struct freshness f = { 1, 2, true, true };

    (void)ctx;
    if (!case_has(c, 3, 3))
        return;
    struct circumstances at = read_circumstances(c, c->fields[1], 200);
    struct http_head head = read_head(&a, c->fields[0], &at);
    if (freshness_of(&head, RECEIVED_S - at.took_s, RECEIVED_S, &f))
        check_freshness(c, &f, RECEIVED_S, c->fields[2]);
    else
        case_check(c, str_is(c->fields[2], "no") && f.received_s == 1 && f.fresh_until_s == 2);
    http_answer_done(&a);
}

static void renew_case(struct case_line *c, void *ctx)
{
    enum { LATER_S = RECEIVED_S + AN_HOUR_S };
    static const struct circumstances first = { .status = 200 };
    struct http_answer a = { 0 };
    struct freshness f;

    (void)ctx;
    if (!case_has(c, 4, 4))
        return;
    struct http_head head = read_head(&a, c->fields[0], &first);
    if (!freshness_of(&head, RECEIVED_S, RECEIVED_S, &f))
        case_fail(c, "the 200 is not kept");
    struct circumstances at = read_circumstances(c, c->fields[2], 304);
    head = read_head(&a, c->fields[1], &at);
    if (!c->failed) {
        freshness_renew(&head, LATER_S - at.took_s, LATER_S, &f);
        check_freshness(c, &f, LATER_S, c->fields[3]);
    }
    http_answer_done(&a);
}

static void date_case(struct case_line *c, void *ctx)
{
    struct buf got = { 0 };

    (void)ctx;
    if (!case_has(c, 2, 2))
        return;
    buf_add_f(&got, "%lld", (long long)freshness_date(c->fields[0]));
    case_equal(c, buf_str(&got), c->fields[1]);
    buf_done(&got);
}

static void test_keep(void **state)
{
    (void)state;
    assert_true(case_each("freshness/keep.case", 100, keep_case, NULL));
}

static void test_renew(void **state)
{
    (void)state;
    assert_true(case_each("freshness/renew.case", 25, renew_case, NULL));
}

static void test_dates(void **state)
{
    (void)state;
    assert_true(case_each("freshness/date.case", 50, date_case, NULL));
    assert_int_equal(freshness_date(STR_NONE), -1);
}

static void test_is_fresh(void **state)
{
    struct freshness f = { .received_s = 1000, .fresh_until_s = 1600 };

    (void)state;
    assert_true(freshness_is_fresh(&f, 1000));
    assert_true(freshness_is_fresh(&f, 1599));
    assert_false(freshness_is_fresh(&f, 1600));
    assert_false(freshness_is_fresh(&f, 999)); /* the clock was set back */
    assert_false(freshness_is_fresh(&f, INT64_MIN));
    assert_false(freshness_is_fresh(&f, INT64_MAX));
    f.fresh_until_s = 1000;
    assert_false(freshness_is_fresh(&f, 1000));
}

/* A record that was read from a damaged file. */
static void test_damaged(void **state)
{
    static const struct circumstances at = { .status = 304 };
    static const struct freshness damaged[] = {
        { .received_s = INT64_MIN, .fresh_until_s = INT64_MAX },
        { .received_s = INT64_MAX, .fresh_until_s = INT64_MIN },
        { .received_s = -5, .fresh_until_s = INT64_MAX },
    };
    struct http_answer a = { 0 };

    (void)state;
    struct http_head head = read_head(&a, STR("ETag: \"a\""), &at);
    for (size_t i = 0; i < 3; i++) {
        struct freshness f = damaged[i];
        freshness_renew(&head, RECEIVED_S, RECEIVED_S, &f);
        assert_int_equal(f.received_s, RECEIVED_S);
        assert_int_equal(f.fresh_until_s - f.received_s, i == 1 ? 0 : 365 * 24 * 3600);
    }
    http_answer_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keep),    cmocka_unit_test(test_renew),
        cmocka_unit_test(test_dates),   cmocka_unit_test(test_is_fresh),
        cmocka_unit_test(test_damaged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
