/* tests/data/human/numbers.case */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "case.h"
#include "dray/ui/human.h"

static void count_files(struct buf *out, uint64_t n)
{
    human_count(out, n, "file");
}

static const struct {
    const char *name;
    void (*add)(struct buf *out, uint64_t n);
} kinds[] = {
    { "bytes", human_bytes }, { "rate", human_rate },   { "took", human_took },
    { "left", human_left },   { "count", count_files },
};

static void check_number(struct case_line *c, void *ctx)
{
    uint64_t n = 0;
    struct buf got = { 0 };

    (void)ctx;
    assert_true(str_to_u64(c->fields[1], UINT64_MAX, &n));
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (str_is(c->fields[0], kinds[i].name))
            kinds[i].add(&got, n);
    case_equal(c, buf_str(&got), c->fields[2]);
    buf_done(&got);
}

static void test_numbers(void **state)
{
    (void)state;
    assert_true(case_each("human/numbers.case", 50, check_number, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_numbers) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
