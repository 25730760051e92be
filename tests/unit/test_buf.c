/* A buffer's content is always followed by a NUL that is not counted, whatever was done to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "dray/util/buf.h"
#include "dray/util/mem.h"

static void check(const struct buf *b, struct str want)
{
    assert_true(str_eq(buf_str(b), want));
    assert_non_null(buf_str(b).p);
    assert_int_equal(buf_z(b)[b->n], '\0');
    assert_true(b->n == 0 || b->n < b->cap);
}

static void test_empty(void **state)
{
    struct buf b = { 0 };

    (void)state;
    check(&b, STR(""));
    buf_cut(&b, 0);
    buf_reset(&b);
    check(&b, STR(""));
    assert_null(b.p);
    buf_add(&b, NULL, 0);
    buf_add_str(&b, STR_NONE);
    buf_add_z(&b, "");
    buf_add_f(&b, "%s", "");
    check(&b, STR(""));
    buf_done(&b);
    assert_null(b.p);
    buf_done(&b);
    buf_done(NULL);
}

static void test_adding(void **state)
{
    struct buf b = { 0 };

    (void)state;
    buf_add(&b, "a\0b", 3);
    check(&b, (struct str){ "a\0b", 3 });
    buf_add_c(&b, '\0');
    buf_add_c(&b, 'c');
    buf_add_str(&b, STR("de"));
    buf_add_z(&b, "f");
    buf_add_f(&b, "%d-%.*s", 12, 2, "ghi");
    check(&b, (struct str){ "a\0b\0cdef12-gh", 13 });
    buf_done(&b);
}

static void test_cutting(void **state)
{
    struct buf b = { 0 };

    (void)state;
    buf_add_z(&b, "abc");
    buf_cut(&b, 4); /* never longer */
    check(&b, STR("abc"));
    buf_cut(&b, 3);
    check(&b, STR("abc"));
    buf_cut(&b, 1);
    check(&b, STR("a"));
    size_t cap = b.cap;
    buf_reset(&b);
    check(&b, STR(""));
    assert_int_equal(b.cap, cap); /* keeps its memory */
    buf_add_z(&b, "x");
    check(&b, STR("x"));
    buf_done(&b);
}

/* One byte at a time, and in pieces of every size. */
static void test_growth(void **state)
{
    struct buf b = { 0 }, pieces = { 0 };
    char piece[300];

    (void)state;
    for (size_t i = 0; i < 100000; i++) {
        buf_add_c(&b, (char)(i % 251));
        if (buf_z(&b)[b.n])
            fail_msg("no NUL after %zu bytes", b.n);
    }
    for (size_t i = 0; i < b.n; i++)
        if (b.p[i] != (char)(i % 251))
            fail_msg("byte %zu has changed", i);
    for (size_t n = 0; n < sizeof(piece); n++) {
        memset(piece, (char)n, n);
        buf_add(&pieces, piece, n);
        assert_int_equal(buf_z(&pieces)[pieces.n], '\0');
    }
    assert_int_equal(pieces.n, 300 * 299 / 2);
    assert_true(b.cap < 4 * b.n);
    buf_done(&b);
    buf_done(&pieces);
}

/* Formatted text of every length around the room that is left. */
static void test_formatting(void **state)
{
    (void)state;
    for (int width = 0; width < 200; width++) {
        struct buf b = { 0 };
        buf_add_f(&b, "%*s", width, "");
        buf_add_f(&b, "%*d|", width, 7);
        assert_int_equal(b.n, (size_t)width + (width > 1 ? (size_t)width : 1) + 1);
        assert_int_equal(b.p[b.n - 1], '|');
        assert_int_equal(buf_z(&b)[b.n], '\0');
        buf_done(&b);
    }
}

static void test_take(void **state)
{
    struct buf b = { 0 };

    (void)state;
    char *nothing = buf_take(&b);
    assert_string_equal(nothing, "");
    free(nothing);
    buf_add_z(&b, "abc");
    char *text = buf_take(&b);
    assert_string_equal(text, "abc");
    check(&b, STR(""));
    assert_null(b.p);
    buf_add_z(&b, "new");
    check(&b, STR("new"));
    assert_string_equal(text, "abc");
    free(text);
    buf_done(&b);
}

static void test_mem(void **state)
{
    size_t cap = 0, moves = 0;
    uint32_t *items = NULL;

    (void)state;
    char *empty = mem_new(0, 0);
    assert_int_equal(empty[0], 0);
    free(empty);
    for (uint32_t n = 0; n < 10000; n++) {
        size_t before = cap;
        items = mem_grow(items, n, &cap, sizeof(*items));
        moves += cap != before;
        assert_true(cap > n);
        items[n] = n;
    }
    for (uint32_t n = 0; n < 10000; n++)
        assert_int_equal(items[n], n);
    assert_true(moves < 16); /* doubles */
    free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),      cmocka_unit_test(test_adding),
        cmocka_unit_test(test_cutting),    cmocka_unit_test(test_growth),
        cmocka_unit_test(test_formatting), cmocka_unit_test(test_take),
        cmocka_unit_test(test_mem),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
