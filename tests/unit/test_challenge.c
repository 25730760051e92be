/* net/challenge by the table tests/data/challenge/parse.case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "case.h"

#include "dray/net/challenge.h"

static void check_parse(struct case_line *c, void *ctx)
{
    struct buf letters = { 0 };

    (void)ctx;
    if (!case_has(c, 4, 4))
        return;
    struct challenge got = challenge_parse(c->fields[0]);
    if (got.basic)
        buf_add_c(&letters, 'B');
    if (got.bearer)
        buf_add_c(&letters, 'T');
    if (!letters.n)
        buf_add_c(&letters, '-');
    case_equal(c, buf_str(&letters), c->fields[1]);
    case_equal(c, str_of(got.other), c->fields[2]);
    case_equal(c, challenge_can_be_met(&got) ? STR("yes") : STR("no"), c->fields[3]);
    case_check(c, got.given == (got.basic || got.bearer || got.other[0]));
    buf_done(&letters);
}

static void test_parse(void **state)
{
    (void)state;
    assert_true(case_each("challenge/parse.case", 18, check_parse, NULL));
    assert_false(challenge_parse(STR_NONE).given);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_parse) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
