/* net/http_silence: what it takes for a host to be given up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dray/net/http_silence.h"

enum { SECOND = 1000 * 1000, ROUNDS = 3 };

/* Attempts of `took` seconds each, one after another, `n` of them from `*now` on. */
static void lose(struct http_silence *s, uint64_t *now, unsigned n, uint64_t took)
{
    for (unsigned i = 0; i < n; i++) {
        uint64_t began = *now;
        *now += took * SECOND;
        http_silence_failed(s, began, *now);
    }
}

static void test_rounds_and_time(void **state)
{
    struct http_silence s = { 0 };
    uint64_t now = 1000;

    (void)state;
    assert_false(http_silence_is_final(&s, ROUNDS, now));
    lose(&s, &now, 2, 30); /* long enough, not often enough */
    assert_false(http_silence_is_final(&s, ROUNDS, now));
    lose(&s, &now, 1, 0);
    assert_true(http_silence_is_final(&s, ROUNDS, now));
    s = (struct http_silence){ 0 };
    lose(&s, &now, 100, 0); /* often enough, not long enough: a server that is being restarted */
    now += 30 * (uint64_t)SECOND; /* in which nobody asked */
    assert_false(http_silence_is_final(&s, ROUNDS, now));
    lose(&s, &now, 1, 0);
    assert_true(http_silence_is_final(&s, ROUNDS, now));
}

/* Fifty requests that were under way when it went: that was one event. */
static void test_burst(void **state)
{
    struct http_silence s = { 0 };
    uint64_t now = 100 * (uint64_t)SECOND;

    (void)state;
    for (unsigned i = 0; i < 50; i++)
        http_silence_failed(&s, now - 30 * (uint64_t)SECOND + i, now + i * (uint64_t)SECOND);
    assert_int_equal(s.rounds, 1);
    now += 60 * (uint64_t)SECOND;
    assert_false(http_silence_is_final(&s, ROUNDS, now));
}

/* A long body that is cut is no sign of how long the host has been silent. */
static void test_counts_from_the_first_end(void **state)
{
    struct http_silence s = { 0 };
    uint64_t now = 0;

    (void)state;
    lose(&s, &now, 1, 600);
    lose(&s, &now, ROUNDS, 1);
    assert_false(http_silence_is_final(&s, ROUNDS, now));
}

static void test_forgiven(void **state)
{
    struct http_silence s = { 0 };
    uint64_t now = 0;

    (void)state;
    lose(&s, &now, 10, 15);
    assert_true(http_silence_is_final(&s, ROUNDS, now));
    http_silence_heard(&s);
    assert_false(http_silence_is_final(&s, ROUNDS, now));
    lose(&s, &now, 10, 15);
    now += 60 * (uint64_t)SECOND; /* one is tried */
    assert_false(http_silence_is_final(&s, ROUNDS, now));
    lose(&s, &now, 1, 15);
    assert_true(http_silence_is_final(&s, ROUNDS, now));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounds_and_time),
        cmocka_unit_test(test_burst),
        cmocka_unit_test(test_counts_from_the_first_end),
        cmocka_unit_test(test_forgiven),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
