/* Sets of one word and of several, against arrays of bool. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dray/resolve/fates.h"

enum { MOST = 200 };

static struct fates some(struct arena *a, size_t n, unsigned seed, bool *out)
{
    struct fates s = fates_none(a, n);

    for (size_t i = 0; i < n; i++) {
        seed = seed * 1103515245u + 12345u;
        out[i] = seed >> 16 & 1;
        if (out[i])
            fates_add(&s, i);
    }
    return s;
}

static void check_pair(struct arena *a, size_t n, unsigned seed)
{
    bool x[MOST], y[MOST], within = true, meet = false;
    struct fates sx = some(a, n, seed, x), sy = some(a, n, seed * 7 + 1, y);
    struct fates both = fates_and(a, sx, sy), any = fates_or(a, sx, sy), but = fates_but(a, sx, sy);
    struct fates not = fates_not(a, sx);
    size_t count = 0, last = n, next = fates_next(sx, 0);

    for (size_t i = 0; i < n; i++) {
        assert_int_equal(fates_has(both, i), x[i] && y[i]);
        assert_int_equal(fates_has(any, i), x[i] || y[i]);
        assert_int_equal(fates_has(but, i), x[i] && !y[i]);
        assert_int_equal(fates_has(not, i), !x[i]);
        within &= !x[i] || y[i];
        meet |= x[i] && y[i];
        if (!x[i])
            continue;
        assert_int_equal(next, i);
        next = fates_next(sx, i + 1);
        count++;
        last = i;
    }
    assert_int_equal(next, n);
    assert_int_equal(fates_count(sx), count);
    assert_int_equal(fates_last(sx), last);
    assert_int_equal(fates_within(sx, sy), within);
    assert_int_equal(fates_meet(sx, sy), meet);
    assert_true(fates_within(both, sx) && fates_within(sx, any));
    assert_true(fates_eq(sx, fates_not(a, not )));
    assert_int_equal(fates_eq(sx, sy), fates_within(sx, sy) && fates_within(sy, sx));
}

static void agrees_with_arrays(void **state)
{
    static const size_t sizes[] = { 1, 2, 63, 64, 65, 127, 128, 129, MOST };
    struct arena a = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
        for (unsigned seed = 1; seed < 200; seed++)
            check_pair(&a, sizes[i], seed);
    arena_done(&a);
}

static void knows_all_and_none(void **state)
{
    struct arena a = { 0 };

    (void)state;
    for (size_t n = 1; n <= MOST; n++) {
        struct fates all = fates_all(&a, n), one = fates_one(&a, n, n - 1);
        assert_true(fates_is_all(all) && fates_is_empty(fates_not(&a, all)));
        assert_int_equal(fates_count(all), n);
        assert_int_equal(fates_count(one), 1);
        assert_int_equal(fates_next(one, 0), n - 1);
        fates_drop(&one, n - 1);
        assert_true(fates_is_empty(one));
        assert_int_equal(fates_last(one), n);
        assert_int_equal(fates_next(one, 0), n);
    }
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_arrays),
        cmocka_unit_test(knows_all_and_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
