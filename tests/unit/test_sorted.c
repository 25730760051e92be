/* Against counting, for every key in and around arrays of every small length, with repeats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dray/util/sorted.h"

static int compare(const void *a, const void *b)
{
    const int *x = a, *y = b;

    return *x < *y ? -1 : *x > *y;
}

static size_t count(const int *items, size_t n, int key)
{
    size_t before = 0;

    for (size_t i = 0; i < n; i++)
        before += items[i] < key;
    return before;
}

static void test_before(void **state)
{
    static const int items[] = { 1, 3, 3, 3, 5, 7, 7, 9 };

    (void)state;
    for (size_t n = 0; n <= sizeof(items) / sizeof(items[0]); n++)
        for (int key = 0; key <= 10; key++)
            assert_int_equal(sorted_before(items, n, sizeof(items[0]), &key, compare),
                             count(items, n, key));
    assert_int_equal(sorted_before(NULL, 0, sizeof(items[0]), &items[0], compare), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_before) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
