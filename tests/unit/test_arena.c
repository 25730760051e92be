/* What an arena hands out is zeroed, aligned, disjoint, and stays where it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdalign.h>

#include "dray/util/arena.h"

static void test_empty(void **state)
{
    struct arena a = { 0 };

    (void)state;
    arena_done(NULL);
    arena_done(&a);
    assert_non_null(arena_alloc(&a, 0, 8));
    assert_non_null(arena_alloc(&a, 8, 0));
    arena_done(&a);
    assert_true(a.head == NULL && a.bytes == 0);
    arena_done(&a);
}

static bool is_zero(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i])
            return false;
    return true;
}

/* Sizes below, at and above those of its blocks, small ones between them. */
static void test_growth(void **state)
{
    enum { PIECES = 400 };
    struct arena a = { 0 };
    unsigned char *pieces[PIECES];
    size_t sizes[PIECES], sum = 0;

    (void)state;
    for (size_t i = 0; i < PIECES; i++) {
        sizes[i] = i % 50 == 49 ? 300000 : i * 7 % 1500;
        arena_str(&a, STR("x")); /* leaves the end unaligned */
        pieces[i] = arena_alloc(&a, sizes[i], 1);
        sum += sizes[i] + 2;
        assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        assert_true(is_zero(pieces[i], sizes[i]));
        memset(pieces[i], (int)(i % 255) + 1, sizes[i]);
    }
    assert_int_equal(a.bytes, sum);
    for (size_t i = 0; i < PIECES; i++)
        for (size_t k = 0; k < sizes[i]; k++)
            if (pieces[i][k] != i % 255 + 1)
                fail_msg("piece %zu has changed at %zu", i, k);
    arena_done(&a);
}

/* The size of a block exactly, and one byte on both sides of it. */
static void test_block_edges(void **state)
{
    (void)state;
    for (size_t n = 1000; n < 1050; n++) {
        struct arena a = { 0 };
        unsigned char *p = arena_alloc(&a, n, 1), *q = arena_alloc(&a, 1, n);
        memset(p, 1, n);
        assert_true(is_zero(q, n));
        memset(q, 2, n);
        assert_int_equal(p[n - 1], 1);
        arena_done(&a);
    }
}

static void test_text(void **state)
{
    struct arena a = { 0 };
    char source[] = "a\0b";

    (void)state;
    struct str copy = arena_str(&a, (struct str){ source, 3 });
    memset(source, '#', 3);
    assert_true(str_eq(copy, (struct str){ "a\0b", 3 }));
    assert_int_equal(copy.p[3], '\0');
    assert_null(arena_str(&a, STR_NONE).p);
    struct str empty = arena_str(&a, STR(""));
    assert_true(empty.p && empty.n == 0 && empty.p[0] == '\0');
    for (int width = 0; width < 3000; width += 100) {
        struct str f = arena_f(&a, "%*s|%s", width, "", "end");
        assert_int_equal(f.n, width + 4);
        assert_true(str_ends(f, STR("|end")));
        assert_int_equal(f.p[f.n], '\0');
    }
    assert_true(arena_f(&a, "%s", "").p != NULL);
    arena_done(&a);
}

static void test_copy(void **state)
{
    struct arena a = { 0 };
    uint64_t items[] = { 1, 2, 3 };

    (void)state;
    const uint64_t *copy = arena_copy(&a, items, 3, sizeof(*items));
    items[1] = 99;
    assert_true(copy[0] == 1 && copy[1] == 2 && copy[2] == 3);
    assert_non_null(arena_copy(&a, NULL, 0, sizeof(*items)));
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),       cmocka_unit_test(test_growth),
        cmocka_unit_test(test_block_edges), cmocka_unit_test(test_text),
        cmocka_unit_test(test_copy),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
