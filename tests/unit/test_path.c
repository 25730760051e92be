/* Tables: what paths come to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "case.h"

#include "dray/util/path.h"

static void check_normalize(struct case_line *c, void *ctx)
{
    struct buf got = { 0 };

    (void)ctx;
    if (!case_has(c, 2, 2))
        return;
    buf_add_z(&got, "kept:");
    path_normalize(c->fields[0], &got);
    case_equal(c, str_sub(buf_str(&got), 5, got.n), c->fields[1]);
    buf_done(&got);
}

static void check_join(struct case_line *c, void *ctx)
{
    struct buf got = { 0 };

    (void)ctx;
    if (!case_has(c, 3, 3))
        return;
    path_join(c->fields[0], c->fields[1], &got);
    case_equal(c, buf_str(&got), c->fields[2]);
    buf_done(&got);
}

static void test_normalize(void **state)
{
    (void)state;
    assert_true(case_each("path/normalize.case", 15, check_normalize, NULL));
}

static void test_join(void **state)
{
    (void)state;
    assert_true(case_each("path/join.case", 5, check_join, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_normalize),
                                        cmocka_unit_test(test_join) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
