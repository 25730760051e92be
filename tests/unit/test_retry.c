/* When there is another attempt, and within which bounds it is waited for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "dray/fetch/retry.h"
#include "dray/util/limits.h"

enum { DRAWS = 2000 };

static void test_bounds(void **state)
{
    static const struct {
        unsigned attempt;
        int64_t retry_after_ms;
        uint64_t floor_ms, bound_ms; /* the delay is in [floor, floor + bound) */
    } cases[] = {
        { 1, -1, 0, 500 },
        { 2, -1, 0, 1000 },
        { 3, -1, 0, 2000 },
        { 6, -1, 0, 16000 },
        { 7, -1, 0, 20000 },
        { 8, -1, 0, 20000 },
        { 1000000, -1, 0, 20000 },
        { UINT32_MAX, -1, 0, 20000 },
        { 1, 0, 0, 500 },
        { 1, 1, 1, 500 },
        { 1, 7000, 7000, 500 },
        { 4, 30000, 30000, 4000 },
        { 1, LIMIT_RETRY_AFTER_S * 1000, LIMIT_RETRY_AFTER_S * 1000, 500 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_result r = { .again = true, .retry_after_ms = cases[i].retry_after_ms };
        uint64_t low = UINT64_MAX, high = 0;
        for (int k = 0; k < DRAWS; k++) {
            uint64_t delay = UINT64_MAX;
            assert_true(retry_after(&r, cases[i].attempt, UINT32_MAX, &delay));
            low = delay < low ? delay : low;
            high = delay > high ? delay : high;
        }
        uint64_t floor = cases[i].floor_ms, bound = cases[i].bound_ms;
        assert_in_range(low, floor, floor + bound / 10); /* full jitter: both ends are reached */
        assert_in_range(high, floor + bound - bound / 10, floor + bound - 1);
    }
}

static void test_count(void **state)
{
    static const struct {
        unsigned attempt, retries;
        bool again, want;
    } cases[] = {
        { 1, 0, true, false },         { 1, 1, true, true },  { 2, 1, true, false },
        { 5, 5, true, true },          { 6, 5, true, false }, { 1, 5, false, false },
        { 1, UINT32_MAX, true, true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_result r = { .again = cases[i].again, .retry_after_ms = -1 };
        uint64_t delay = UINT64_MAX;
        assert_int_equal(retry_after(&r, cases[i].attempt, cases[i].retries, &delay),
                         cases[i].want);
        assert_int_equal(delay != UINT64_MAX, cases[i].want); /* untouched otherwise */
    }
}

/* A server that asks for longer is reported, not waited for. */
static void test_asks_for_too_long(void **state)
{
    static const int64_t too_long[] = { LIMIT_RETRY_AFTER_S * 1000 + 1, INT32_MAX, INT64_MAX };

    (void)state;
    for (size_t i = 0; i < sizeof(too_long) / sizeof(too_long[0]); i++) {
        struct http_result r = { .again = true, .retry_after_ms = too_long[i] };
        uint64_t delay = 4711;
        char seconds[32];
        err_set(&r.err, ERR_STATUS, "the server answered 503");
        assert_false(retry_after(&r, 1, 5, &delay));
        assert_int_equal(delay, 4711);
        assert_int_equal(r.err.code, ERR_STATUS);
        snprintf(seconds, sizeof(seconds), " %jd s", (intmax_t)(too_long[i] / 1000));
        assert_non_null(strstr(err_text(&r.err), "answered 503"));
        assert_non_null(strstr(err_text(&r.err), seconds));
        err_done(&r.err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_asks_for_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
