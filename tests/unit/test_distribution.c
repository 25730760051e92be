/* What the name of a file makes it to a project: tests/data/distribution. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "case.h"
#include "dray/fetch/distribution.h"

static void check(struct case_line *c, void *ctx)
{
    struct arena a = { 0 };
    struct distribution d = { 0 };
    struct str got = STR("none");

    (void)ctx;
    if (!case_has(c, 3, 3))
        return;
    struct simple_file file = { .filename = c->fields[0] };
    if (distribution_parse(&a, &file, c->fields[1], STR("file:///base/"), &d)) {
        got = arena_f(&a, "%s %.*s", d.is_wheel ? "wheel" : "sdist", STR_ARG(d.version.text));
        if (d.file != &file || !str_is(d.base, "file:///base/"))
            case_fail(c, "forgot its file or base");
        if (d.is_wheel && version_cmp(&d.version, &d.wheel.version) != 0)
            case_fail(c, "the wheel has another version");
    }
    case_equal(c, got, c->fields[2]);
    arena_done(&a);
}

static void test_parse(void **state)
{
    (void)state;
    assert_true(case_each("distribution/parse.case", 40, check, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_parse) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
