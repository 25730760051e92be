/* What a requirement is, and what its parts are, stands in tests/data/requirement; here are the
 * caps, and what holds for every requirement. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "case.h"
#include "dray/py/requirement.h"
#include "dray/util/buf.h"

static bool extras_are(const struct requirement *r, struct str joined)
{
    struct buf text = { 0 };

    for (size_t i = 0; i < r->n_extras; i++) {
        if (i)
            buf_add_c(&text, ',');
        buf_add_str(&text, r->extras[i]);
    }
    bool same = str_eq(buf_str(&text), joined);
    buf_done(&text);
    return same;
}

/* `fields`: text, name, extras, specifiers, URL, marker. */
static bool requirement_is(struct arena *a, const struct requirement *r, const struct str *fields)
{
    return str_eq(r->name, fields[1]) && str_eq(r->project, project_name_normalize(a, fields[1])) &&
           extras_are(r, fields[2]) && str_eq(r->specifiers.text, fields[3]) &&
           (r->specifiers.n > 0) == (fields[3].n > 0) && str_eq(r->url, fields[4]) &&
           (r->url.p != NULL) == (fields[4].n > 0) &&
           str_eq(marker_text(a, r->marker), fields[5]) && (r->marker != NULL) == (fields[5].n > 0);
}

static void check_valid(struct case_line *c, void *ctx)
{
    struct arena a = { 0 };
    struct requirement r = { 0 };
    struct err e = { 0 };

    (void)ctx;
    /* a copy that is gone before the look: nothing may be borrowed from the text */
    struct buf text = { 0 };
    buf_add_str(&text, c->fields[0]);
    int code = requirement_parse(&a, buf_str(&text), &r, &e);
    buf_done(&text);
    bool ok = c->n == 6 && code == 0 && requirement_is(&a, &r, c->fields);
    if (!ok)
        case_fail(c, "%s got \"%.*s\" \"%.*s\" \"%.*s\"", err_text(&e), STR_ARG(r.name),
                  STR_ARG(r.specifiers.text), STR_ARG(r.url));
    err_done(&e);
    arena_done(&a);
}

static void test_valid(void **state)
{
    (void)state;
    assert_true(case_each("requirement/valid.case", 45, check_valid, NULL));
}

static void check_invalid(struct case_line *c, void *ctx)
{
    struct arena a = { 0 };
    struct requirement r = { .name = STR("untouched") };
    struct err e = { 0 };
    char column[40];

    (void)ctx;
    snprintf(column, sizeof(column), "column %.*s", STR_ARG(c->fields[1]));
    int code = requirement_parse(&a, c->fields[0], &r, &e);
    struct str told = str_of(err_text(&e));
    ptrdiff_t at = str_search(told, str_of(column));
    /* "column 1" is not found in "column 10" */
    bool ok = c->n == 3 && code == ERR_INPUT && e.code == code && str_is(r.name, "untouched") &&
              r.project.p == NULL && at >= 0 && !str_isdigit(told.p[(size_t)at + strlen(column)]) &&
              str_search(told, c->fields[2]) >= 0;
    if (!ok)
        case_fail(c, "got %d \"%s\"", code, err_text(&e));
    err_done(&e);
    arena_done(&a);
}

static void test_invalid(void **state)
{
    (void)state;
    assert_true(case_each("requirement/invalid.case", 55, check_invalid, NULL));
}

static void check_name(struct case_line *c, void *ctx)
{
    struct arena a = { 0 };

    (void)ctx;
    struct str normal = project_name_normalize(&a, c->fields[0]);
    bool ok = c->n == 3 && str_eq(normal, c->fields[1]) &&
              str_eq(project_name_normalize(&a, normal), normal) &&
              project_name_is_valid(c->fields[0]) == str_is(c->fields[2], "valid") &&
              (project_name_is_valid(c->fields[0]) || str_is(c->fields[2], "invalid"));
    arena_done(&a);
    case_check(c, ok);
}

static void test_names(void **state)
{
    (void)state;
    assert_true(case_each("requirement/name.case", 20, check_name, NULL));
}

static int parse_buf(const struct buf *text)
{
    struct arena a = { 0 };
    struct requirement r;
    struct err e = { 0 };

    int code = requirement_parse(&a, buf_str(text), &r, &e);
    assert_true(code == 0 || e.text != NULL);
    err_done(&e);
    arena_done(&a);
    return code;
}

static void test_length_is_capped(void **state)
{
    struct buf text = { 0 };

    (void)state;
    while (text.n < LIMIT_REQUIREMENT_BYTES)
        buf_add_c(&text, 'a');
    assert_int_equal(parse_buf(&text), 0);
    buf_add_c(&text, 'a');
    assert_int_equal(parse_buf(&text), ERR_LIMIT);
    buf_done(&text);
}

/* As many extras and specifiers as fit are not too many. */
static void test_long_lists(void **state)
{
    struct buf text = { 0 };

    (void)state;
    buf_add_z(&text, "foo[a");
    for (int i = 0; i < 5000; i++)
        buf_add_f(&text, ",e%d", i % 2500);
    buf_add_z(&text, "]>=1");
    for (int i = 0; i < 4000; i++)
        buf_add_f(&text, ",!=1.%d", i);
    struct arena a = { 0 };
    struct requirement r;
    struct err e = { 0 };
    assert_int_equal(requirement_parse(&a, buf_str(&text), &r, &e), 0);
    assert_int_equal(r.n_extras, 2501);
    assert_int_equal(r.specifiers.n, 4001);
    buf_add_z(&text, ",>=x");
    assert_int_equal(requirement_parse(&a, buf_str(&text), &r, &e), ERR_INPUT);
    err_done(&e);
    arena_done(&a);
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid),      cmocka_unit_test(test_invalid),
        cmocka_unit_test(test_names),      cmocka_unit_test(test_length_is_capped),
        cmocka_unit_test(test_long_lists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
