/* What names are taken, and for what, stands in tests/data/filename; here are the caps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dray/py/filename.h"
#include "dray/util/buf.h"
#include "version_case.h"

static bool check_wheel(const struct str *fields, size_t n, void *with)
{
    struct arena a = { 0 };
    struct err e = { 0 };
    struct wheel_name w = { 0 };

    (void)with;
    bool ok = n == 7 && wheel_name_parse(&a, fields[0], &w, &e) == 0;
    struct str build =
        w.has_build ? arena_f(&a, "%.*s/%.*s", STR_ARG(w.build_digits), STR_ARG(w.build_rest))
                    : STR("");
    ok = ok && str_eq(w.project, fields[1]) && str_eq(w.version.text, fields[2]) &&
         str_eq(build, fields[3]) && str_eq(w.python_tags, fields[4]) &&
         str_eq(w.abi_tags, fields[5]) && str_eq(w.platform_tags, fields[6]);
    if (!ok)
        fprintf(stderr, "%s got %.*s %.*s %.*s\n", err_text(&e), STR_ARG(w.project),
                STR_ARG(w.version.text), STR_ARG(build));
    err_done(&e);
    arena_done(&a);
    return ok;
}

static bool check_wheel_bad(const struct str *fields, size_t n, void *with)
{
    struct arena a = { 0 };
    struct err e = { 0 };
    struct wheel_name w = { .project = STR("untouched") };

    (void)with;
    int code = wheel_name_parse(&a, fields[0], &w, &e);
    bool ok = n == 2 && code == ERR_INPUT && e.code == code && str_is(w.project, "untouched") &&
              str_search(str_of(err_text(&e)), fields[1]) >= 0;
    if (!ok)
        fprintf(stderr, "got %d \"%s\"\n", code, err_text(&e));
    err_done(&e);
    arena_done(&a);
    return ok;
}

static void test_wheel(void **state)
{
    (void)state;
    assert_int_equal(case_run(TEST_DATA "/filename/wheel.case", check_wheel, NULL), 0);
    assert_int_equal(case_run(TEST_DATA "/filename/wheel_bad.case", check_wheel_bad, NULL), 0);
}

static bool check_build_order(const struct str *fields, size_t n, void *with)
{
    struct arena a = { 0 };
    struct err e = { 0 };
    struct wheel_name w[8] = { 0 };
    bool ok = n > 1;

    (void)with;
    for (size_t i = 0; i < n; i++) {
        struct str build =
            str_is(fields[i], "-") ? STR("") : arena_f(&a, "-%.*s", STR_ARG(fields[i]));
        ok = ok && !wheel_name_parse(&a, arena_f(&a, "x-1%.*s-py3-none-any.whl", STR_ARG(build)),
                                     &w[i], &e);
    }
    for (size_t i = 0; ok && i < n * n; i++) {
        int order = wheel_build_cmp(&w[i / n], &w[i % n]);
        ok = (order > 0) == (i / n > i % n) && (order < 0) == (i / n < i % n);
    }
    err_done(&e);
    arena_done(&a);
    return ok;
}

static void test_build_order(void **state)
{
    (void)state;
    assert_int_equal(case_run(TEST_DATA "/filename/build_order.case", check_build_order, NULL), 0);
}

static bool check_sdist(const struct str *fields, size_t n, void *with)
{
    struct arena a = { 0 };
    struct err e = { 0 };
    struct version v = { .text = STR("untouched") };

    (void)with;
    int code = sdist_name_parse(&a, fields[0], fields[1], &v, &e);
    bool ok = n == 4 && code == (fields[2].n ? 0 : ERR_INPUT) && e.code == code &&
              str_eq(v.text, fields[2].n ? fields[2] : STR("untouched"));
    if (code == 0)
        ok = ok && str_eq(sdist_name_python(fields[0], fields[1]), fields[3]);
    if (!ok)
        fprintf(stderr, "got %d \"%s\" %.*s\n", code, err_text(&e), STR_ARG(v.text));
    err_done(&e);
    arena_done(&a);
    return ok;
}

static void test_sdist(void **state)
{
    (void)state;
    assert_int_equal(case_run(TEST_DATA "/filename/sdist.case", check_sdist, NULL), 0);
    assert_null(sdist_name_python(STR("foo-1.0.tar.gz"), STR("foo")).p);
    assert_null(sdist_name_python(STR("foo-1.0-py3.whl"), STR("foo")).p);
}

static bool check_ending(const struct str *fields, size_t n, void *with)
{
    struct str ending = sdist_ending(fields[0]);

    (void)with;
    return n == 2 && str_eq(ending, fields[1]) && (fields[1].n > 0) == (ending.p != NULL);
}

static void test_ending(void **state)
{
    (void)state;
    assert_int_equal(case_run(TEST_DATA "/filename/ending.case", check_ending, NULL), 0);
}

static bool check_safe(const struct str *fields, size_t n, void *with)
{
    (void)with;
    return n == 2 && filename_is_safe(fields[0]) == str_is(fields[1], "yes") &&
           (str_is(fields[1], "yes") || str_is(fields[1], "no"));
}

static void test_safe(void **state)
{
    (void)state;
    assert_int_equal(case_run(TEST_DATA "/filename/safe.case", check_safe, NULL), 0);
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
