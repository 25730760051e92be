/* What the name of a file makes it to a project, and where it is: tests/data/distribution. */
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

/* What `want` is: a text, or "! " and a part of the error's. */
static void check_end(struct case_line *c, int code, struct err *e, struct str got, struct str want)
{
    if (!str_starts(want, STR("! ")))
        case_equal(c, code ? str_of(err_text(e)) : got, want);
    else if (code != ERR_INPUT)
        case_fail(c, "got \"%.*s\" and %s", STR_ARG(got), err_name(code));
    else
        case_contains(c, str_of(err_text(e)), str_sub(want, 2, want.n));
    err_done(e);
}

static void check_url(struct case_line *c, void *ctx)
{
    struct arena a = { 0 };
    struct err e = { 0 };
    struct str got = STR("untouched");

    (void)ctx;
    if (!case_has(c, 3, 3))
        return;
    struct simple_file file = { .url = c->fields[1] };
    struct distribution d = { .file = &file, .base = c->fields[0] };
    int code = distribution_url(&d, &a, &got, &e);
    if (code && !str_is(got, "untouched"))
        case_fail(c, "told \"%.*s\" all the same", STR_ARG(got));
    check_end(c, code, &e, got, c->fields[2]);
    arena_done(&a);
}

static void test_url(void **state)
{
    (void)state;
    assert_true(case_each("distribution/url.case", 20, check_url, NULL));
}

static void check_of_url(struct case_line *c, void *ctx)
{
    struct arena a = { 0 };
    struct err e = { 0 };
    struct distribution d = { 0 };
    struct str project = STR_NONE, got = STR_NONE, url;

    (void)ctx;
    if (!case_has(c, 3, 3))
        return;
    struct str known = str_is(c->fields[1], "-") ? STR_NONE : c->fields[1];
    int code = distribution_of_url(&a, c->fields[0], known, &d, &project, &e);
    if (!code) {
        got = arena_f(&a, "%s %.*s %.*s", d.is_wheel ? "wheel" : "sdist", STR_ARG(project),
                      STR_ARG(d.version.text));
        if (d.file->n_digests)
            got = arena_f(&a, "%.*s %s", STR_ARG(got), digest_name(d.file->digests[0].alg));
        if (d.file->size != SIMPLE_SIZE_UNKNOWN || d.file->has_metadata)
            case_fail(c, "knows what no URL tells");
        if (distribution_url(&d, &a, &url, &e) || !str_starts(c->fields[0], url))
            case_fail(c, "is not where it is");
    }
    check_end(c, code, &e, got, c->fields[2]);
    arena_done(&a);
}

static void test_of_url(void **state)
{
    (void)state;
    assert_true(case_each("distribution/of_url.case", 25, check_of_url, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_url),
        cmocka_unit_test(test_of_url),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
