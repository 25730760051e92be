/* net/turns: what a histogram says of numbers that are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dray/net/turns.h"

static void test_nothing(void **state)
{
    struct turns t = { .count = 0 };

    (void)state;
    assert_int_equal(turns_permille(&t, 990), 0);
}

/* One value alone is exact; the bound of its cell is never below it, nor more than an eighth above.
 */
static void test_cells(void **state)
{
    (void)state;
    for (uint64_t us = 0; us < UINT64_C(1) << 34; us += 1 + us / 7) {
        struct turns one = { .count = 0 }, with_longer = { .count = 0 };
        turns_add(&one, us);
        assert_int_equal(turns_permille(&one, 500), us);
        turns_add(&with_longer, us);
        turns_add(&with_longer, UINT64_MAX);
        assert_int_equal(with_longer.max_us, UINT64_MAX);
        if (us < UINT64_C(1) << 32)
            assert_in_range(turns_permille(&with_longer, 500), us, us + us / 8 + 1);
    }
}

/* part in a thousand: the value of rank so many of 1..1000 */
static const struct {
    unsigned permille;
    uint64_t at_least;
} ranks[] = {
    { 0, 1 }, { 1, 1 }, { 2, 2 }, { 500, 500 }, { 900, 900 }, { 990, 990 }, { 1000, 1000 }
};

static void test_ranks(void **state)
{
    struct turns t = { .count = 0 };

    (void)state;
    for (uint64_t i = 1000; i > 0; i--)
        turns_add(&t, i);
    assert_int_equal(t.count, 1000);
    assert_int_equal(t.max_us, 1000);
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++)
        assert_in_range(turns_permille(&t, ranks[i].permille), ranks[i].at_least,
                        ranks[i].at_least + ranks[i].at_least / 8);
}

/* One long one among a hundred is not seen at p99, two are. */
static void test_rare(void **state)
{
    struct turns t = { .count = 0 };

    (void)state;
    for (int i = 0; i < 99; i++)
        turns_add(&t, 1);
    turns_add(&t, 1000000);
    assert_int_equal(turns_permille(&t, 990), 1);
    turns_add(&t, 1000000);
    assert_int_equal(turns_permille(&t, 990), 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_ranks),
        cmocka_unit_test(test_rare),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
