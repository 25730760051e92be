/* net/http_bucket by tables: what is taken when, and how long is to be waited then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dray/net/http_bucket.h"

enum { START = 777, STEPS = 4 };

static const struct {
    uint64_t rate;
    struct {
        uint64_t at_ms, take, wait_us; /* after taking */
    } steps[STEPS];
} cases[] = {
    { 0, { { 0, 1000000000, 0 }, { 1, 1000000000, 0 } } },
    { 1000, { { 0, 1000, 1000000 }, { 400, 0, 600000 }, { 1000, 0, 0 }, { 1000, 1, 1000 } } },
    { 1000, { { 0, 0, 0 }, { 50, 50, 0 }, { 50, 1, 1000 }, { 51, 0, 0 } } }, /* saved */
    { 1000, { { 60000, 100, 0 }, { 60000, 1, 1000 } } },                     /* but not for ever */
    { 1000, { { 0, 500, 500000 }, { 0, 500, 1000000 } } },                   /* debts add up */
    { 3, { { 0, 1, 333334 }, { 333, 0, 333334 }, { 334, 0, 0 } } },
    { UINT64_C(1) << 40, { { 0, UINT64_C(1) << 40, 1000000 }, { 1000, 0, 0 } } },
    { 1, { { 0, 86400, UINT64_C(86400000000) }, { 86400000, 0, 0 } } },
};

static void test_waits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_bucket b;
        http_bucket_init(&b, cases[i].rate, START);
        for (size_t k = 0; k < STEPS; k++) {
            uint64_t now = START + cases[i].steps[k].at_ms * 1000;
            if (k && now == START && !cases[i].steps[k].take)
                break;
            http_bucket_wait(&b, now);
            http_bucket_take(&b, cases[i].steps[k].take);
            if (http_bucket_wait(&b, now) != cases[i].steps[k].wait_us)
                fail_msg("case %zu, step %zu: %llu us", i, k,
                         (unsigned long long)http_bucket_wait(&b, now));
        }
    }
}

/* Asked at odd moments, thousands of times: what comes is neither more nor less than the rate. */
static void test_nothing_is_lost(void **state)
{
    static const uint64_t rates[] = { 1, 7, 1000, 333333, 1u << 30 };

    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct http_bucket b;
        uint64_t now = START, got = 0;
        http_bucket_init(&b, rates[i], START);
        for (uint64_t n = 0; now < START + UINT64_C(20000000); n++) {
            now += 137 + n % 1901;
            if (http_bucket_wait(&b, now))
                continue;
            http_bucket_take(&b, rates[i] / 50 + 1);
            got += rates[i] / 50 + 1;
        }
        assert_in_range(got, 20 * rates[i] * 98 / 100, 20 * rates[i] * 102 / 100 + 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits),
        cmocka_unit_test(test_nothing_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
