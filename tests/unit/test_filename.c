/* What names are taken, and for what, stands in tests/data/filename; here are the caps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "case.h"
#include "dray/py/filename.h"
#include "dray/util/buf.h"

static void check_wheel(struct case_line *c, void *ctx)
{
    struct arena a = { 0 };
    struct err e = { 0 };
    struct wheel_name w = { 0 };

    (void)ctx;
    bool ok = c->n == 7 && wheel_name_parse(&a, c->fields[0], &w, &e) == 0;
    struct str build =
        w.has_build ? arena_f(&a, "%.*s/%.*s", STR_ARG(w.build_digits), STR_ARG(w.build_rest))
                    : STR("");
    ok = ok && str_eq(w.project, c->fields[1]) && str_eq(w.version.text, c->fields[2]) &&
         str_eq(build, c->fields[3]) && str_eq(w.python_tags, c->fields[4]) &&
         str_eq(w.abi_tags, c->fields[5]) && str_eq(w.platform_tags, c->fields[6]);
    if (!ok)
        case_fail(c, "%s got %.*s %.*s %.*s", err_text(&e), STR_ARG(w.project),
                  STR_ARG(w.version.text), STR_ARG(build));
    err_done(&e);
    arena_done(&a);
}

static void check_wheel_bad(struct case_line *c, void *ctx)
{
    struct arena a = { 0 };
    struct err e = { 0 };
    struct wheel_name w = { .project = STR("untouched") };

    (void)ctx;
    int code = wheel_name_parse(&a, c->fields[0], &w, &e);
    bool ok = c->n == 2 && code == ERR_INPUT && e.code == code && str_is(w.project, "untouched") &&
              str_search(str_of(err_text(&e)), c->fields[1]) >= 0;
    if (!ok)
        case_fail(c, "got %d \"%s\"", code, err_text(&e));
    err_done(&e);
    arena_done(&a);
}

static void test_wheel(void **state)
{
    (void)state;
    assert_true(case_each("filename/wheel.case", 15, check_wheel, NULL));
    assert_true(case_each("filename/wheel_bad.case", 20, check_wheel_bad, NULL));
}

static void check_build_order(struct case_line *c, void *ctx)
{
    struct arena a = { 0 };
    struct err e = { 0 };
    struct wheel_name w[8] = { 0 };
    bool ok = case_has(c, 2, sizeof(w) / sizeof(w[0]));

    (void)ctx;
    for (size_t i = 0; ok && i < c->n; i++) {
        struct str build =
            str_is(c->fields[i], "-") ? STR("") : arena_f(&a, "-%.*s", STR_ARG(c->fields[i]));
        ok = ok && !wheel_name_parse(&a, arena_f(&a, "x-1%.*s-py3-none-any.whl", STR_ARG(build)),
                                     &w[i], &e);
    }
    for (size_t i = 0; ok && i < c->n * c->n; i++) {
        int order = wheel_build_cmp(&w[i / c->n], &w[i % c->n]);
        ok = (order > 0) == (i / c->n > i % c->n) && (order < 0) == (i / c->n < i % c->n);
    }
    err_done(&e);
    arena_done(&a);
    case_check(c, ok);
}

static void test_build_order(void **state)
{
    (void)state;
    assert_true(case_each("filename/build_order.case", 2, check_build_order, NULL));
}

static void check_sdist(struct case_line *c, void *ctx)
{
    struct arena a = { 0 };
    struct err e = { 0 };
    struct version v = { .text = STR("untouched") };

    (void)ctx;
    int code = sdist_name_parse(&a, c->fields[0], c->fields[1], &v, &e);
    bool ok = c->n == 4 && code == (c->fields[2].n ? 0 : ERR_INPUT) && e.code == code &&
              str_eq(v.text, c->fields[2].n ? c->fields[2] : STR("untouched"));
    if (code == 0)
        ok = ok && str_eq(sdist_name_python(c->fields[0], c->fields[1]), c->fields[3]);
    if (!ok)
        case_fail(c, "got %d \"%s\" %.*s", code, err_text(&e), STR_ARG(v.text));
    err_done(&e);
    arena_done(&a);
}

static void test_sdist(void **state)
{
    (void)state;
    assert_true(case_each("filename/sdist.case", 30, check_sdist, NULL));
    assert_null(sdist_name_python(STR("foo-1.0.tar.gz"), STR("foo")).p);
    assert_null(sdist_name_python(STR("foo-1.0-py3.whl"), STR("foo")).p);
}

static void check_ending(struct case_line *c, void *ctx)
{
    struct str ending = sdist_ending(c->fields[0]);

    (void)ctx;
    case_check(c, c->n == 2 && str_eq(ending, c->fields[1]) &&
                      (c->fields[1].n > 0) == (ending.p != NULL));
}

static void test_ending(void **state)
{
    (void)state;
    assert_true(case_each("filename/ending.case", 25, check_ending, NULL));
}

static void check_safe(struct case_line *c, void *ctx)
{
    (void)ctx;
    case_check(c, c->n == 2 && filename_is_safe(c->fields[0]) == str_is(c->fields[1], "yes") &&
                      (str_is(c->fields[1], "yes") || str_is(c->fields[1], "no")));
}

static void test_safe(void **state)
{
    (void)state;
    assert_true(case_each("filename/safe.case", 15, check_safe, NULL));
}

static void test_caps(void **state)
{
    struct arena a = { 0 };
    struct buf name = { 0 };
    struct err e = { 0 };
    struct wheel_name w = { 0 };
    struct version v = { 0 };
    const char *rest = "-1.0-py3-none-any.whl";

    (void)state;
    while (name.n + strlen(rest) < LIMIT_FILENAME_BYTES)
        buf_add_c(&name, 'x');
    buf_add_z(&name, rest);
    assert_int_equal(name.n, 255);
    assert_true(filename_is_safe(buf_str(&name)));
    assert_int_equal(wheel_name_parse(&a, buf_str(&name), &w, &e), 0);
    buf_add_c(&name, 'l');
    assert_false(filename_is_safe(buf_str(&name)));
    assert_int_equal(wheel_name_parse(&a, buf_str(&name), &w, &e), ERR_LIMIT);
    assert_int_equal(sdist_name_parse(&a, buf_str(&name), STR("x"), &v, &e), ERR_LIMIT);
    assert_non_null(strstr(err_text(&e), "256 bytes"));
    err_done(&e);
    buf_done(&name);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wheel), cmocka_unit_test(test_build_order),
        cmocka_unit_test(test_sdist), cmocka_unit_test(test_ending),
        cmocka_unit_test(test_safe),  cmocka_unit_test(test_caps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
