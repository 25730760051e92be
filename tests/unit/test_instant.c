/* Points in time: tests/data/instant. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "case.h"
#include "dray/py/instant.h"
#include "dray/util/arena.h"

static void check_one(struct case_line *c, bool is_one, int64_t got, struct str want)
{
    struct arena a = { 0 };

    case_equal(c, is_one ? arena_f(&a, "%" PRId64, got) : STR(""), want);
    arena_done(&a);
}

static void check(struct case_line *c, void *ctx)
{
    int64_t at = -1, end = -1;

    (void)ctx;
    if (!case_has(c, 3, 3))
        return;
    bool is_instant = instant_parse(c->fields[0], &at);
    bool is_end = instant_parse_end(c->fields[0], &end);
    check_one(c, is_instant, at, c->fields[1]);
    check_one(c, is_end, end, c->fields[2]);
}

static void test_table(void **state)
{
    (void)state;
    assert_true(case_each("instant/instant.case", 30, check, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
