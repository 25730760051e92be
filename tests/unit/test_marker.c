/* What a marker is, how it is written and when it is true stands in tests/data/marker; here are the
 * caps, and what holds for every marker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "case.h"
#include "dray/py/marker.h"
#include "dray/util/buf.h"

static const struct marker_env usual = {
    .implementation_name = { "cpython", 7 },
    .implementation_version = { "3.12.4", 6 },
    .os_name = { "posix", 5 },
    .platform_machine = { "x86_64", 6 },
    .platform_python_implementation = { "CPython", 7 },
    .platform_release = { "6.1.0-18-amd64", 14 },
    .platform_system = { "Linux", 5 },
    .platform_version = { "#1 SMP PREEMPT_DYNAMIC", 22 },
    .python_full_version = { "3.12.4", 6 },
    .python_version = { "3.12", 4 },
    .sys_platform = { "linux", 5 },
};

static const struct marker *parse(struct arena *a, struct str text)
{
    const struct marker *m = NULL;
    struct err e = { 0 };

    if (marker_parse(a, text, &m, &e))
        fail_msg("%.*s: %s", STR_ARG(text), err_text(&e));
    err_done(&e);
    return m;
}

static void check_valid(struct case_line *c, void *ctx)
{
    struct arena a = { 0 };
    struct buf source = { 0 };

    (void)ctx;
    /* a copy that is gone before the look: nothing may be borrowed from the text */
    buf_add_str(&source, c->fields[0]);
    const struct marker *m = parse(&a, buf_str(&source));
    buf_done(&source);
    struct str text = marker_text(&a, m);
    bool ok = c->n == 2 && str_eq(text, c->fields[1]);
    if (!ok)
        case_fail(c, "got \"%.*s\"", STR_ARG(text));
    arena_done(&a);
}

static void test_valid(void **state)
{
    (void)state;
    assert_true(case_each("marker/valid.case", 50, check_valid, NULL));
}

static void check_invalid(struct case_line *c, void *ctx)
{
    static const struct marker *const untouched = (const struct marker *)&usual;
    struct arena a = { 0 };
    const struct marker *m = untouched;
    struct err e = { 0 };
    char column[40];

    (void)ctx;
    snprintf(column, sizeof(column), "column %.*s", STR_ARG(c->fields[1]));
    int code = marker_parse(&a, c->fields[0], &m, &e);
    struct str told = str_of(err_text(&e));
    ptrdiff_t at = str_search(told, str_of(column));
    /* "column 1" is not found in "column 10" */
    bool ok = c->n == 3 && code == ERR_INPUT && e.code == code && m == untouched && at >= 0 &&
              !str_isdigit(told.p[(size_t)at + strlen(column)]) &&
              str_search(told, c->fields[2]) >= 0;
    if (!ok)
        case_fail(c, "got %d \"%s\"", code, err_text(&e));
    err_done(&e);
    arena_done(&a);
}

static void test_invalid(void **state)
{
    (void)state;
    assert_true(case_each("marker/invalid.case", 45, check_invalid, NULL));
}

static bool env_set(struct marker_env *env, struct str assignment)
{
    struct str value;
    struct str name = str_cut(assignment, '=', &value);
    struct {
        const char *name;
        struct str *value;
    } all[] = {
#define FIELD_PLACE(field, text) { text, &env->field },
        MARKER_VARIABLES(FIELD_PLACE)
#undef FIELD_PLACE
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (str_is(name, all[i].name)) {
            *all[i].value = value;
            return true;
        }
    return false;
}

/* `fields`: marker, extra, "true" or "false", assignments. */
static void check_eval(struct case_line *c, void *ctx)
{
    struct arena a = { 0 };
    struct marker_env env = usual;
    struct str extra = c->fields[1].n ? c->fields[1] : STR_NONE;
    bool ok = c->n >= 3, wanted = str_is(c->fields[2], "true");

    (void)ctx;
    for (size_t i = 3; i < c->n; i++)
        ok = ok && env_set(&env, c->fields[i]);
    const struct marker *m = parse(&a, c->fields[0]);
    bool given = marker_eval(m, &env, extra);
    bool again = marker_eval(m, &env, extra); /* a marker is not changed by being asked */
    ok = ok && given == wanted && again == given && (wanted || str_is(c->fields[2], "false"));
    arena_done(&a);
    case_check(c, ok);
}

static void test_eval(void **state)
{
    (void)state;
    assert_true(case_each("marker/eval.case", 115, check_eval, NULL));
}

static void test_no_marker(void **state)
{
    struct arena a = { 0 };

    (void)state;
    assert_true(marker_eval(NULL, &usual, STR_NONE));
    assert_true(str_is(marker_text(&a, NULL), ""));
    arena_done(&a);
}

/* Values that nobody knows are empty ones. */
static void test_empty_environment(void **state)
{
    struct arena a = { 0 };
    const struct marker_env nothing = { 0 };

    (void)state;
    assert_true(marker_eval(parse(&a, STR("os_name == ''")), &nothing, STR_NONE));
    assert_false(marker_eval(parse(&a, STR("python_version >= '3'")), &nothing, STR_NONE));
    assert_true(marker_eval(parse(&a, STR("'' in platform_release")), &nothing, STR_NONE));
    assert_false(marker_eval(parse(&a, STR("'3' <= python_version")), &nothing, STR_NONE));
    arena_done(&a);
}

static int parse_nested(size_t depth)
{
    struct arena a = { 0 };
    struct buf text = { 0 };
    struct err e = { 0 };
    const struct marker *m;

    for (size_t i = 0; i < depth; i++)
        buf_add_z(&text, "(os_name == 'nt' or ");
    buf_add_z(&text, "os_name == 'posix'");
    for (size_t i = 0; i < depth; i++)
        buf_add_c(&text, ')');
    int code = marker_parse(&a, buf_str(&text), &m, &e);
    if (code == 0)
        assert_true(marker_eval(m, &usual, STR_NONE));
    err_done(&e);
    buf_done(&text);
    arena_done(&a);
    return code;
}

static void test_depth_is_capped(void **state)
{
    (void)state;
    assert_int_equal(parse_nested(LIMIT_MARKER_DEPTH), 0);
    assert_int_equal(parse_nested(LIMIT_MARKER_DEPTH + 1), ERR_LIMIT);
}

/* The cap is on depth: groups side by side are as many as fit. */
static void test_many_groups(void **state)
{
    struct arena a = { 0 };
    struct buf text = { 0 };

    (void)state;
    for (int i = 0; i < 2000; i++)
        buf_add_z(&text, "(os_name == 'posix') and ");
    buf_add_z(&text, "os_name == 'posix'");
    assert_true(marker_eval(parse(&a, buf_str(&text)), &usual, STR_NONE));
    buf_done(&text);
    arena_done(&a);
}

static void test_length_is_capped(void **state)
{
    struct arena a = { 0 };
    struct buf text = { 0 };
    struct err e = { 0 };
    const struct marker *m;

    (void)state;
    buf_add_z(&text, "os_name == '");
    while (text.n < LIMIT_REQUIREMENT_BYTES - 1)
        buf_add_c(&text, 'x');
    buf_add_c(&text, '\'');
    assert_int_equal(marker_parse(&a, buf_str(&text), &m, &e), 0);
    buf_add_c(&text, ' ');
    assert_int_equal(marker_parse(&a, buf_str(&text), &m, &e), ERR_LIMIT);
    err_done(&e);
    buf_done(&text);
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_invalid),
        cmocka_unit_test(test_eval),
        cmocka_unit_test(test_no_marker),
        cmocka_unit_test(test_empty_environment),
        cmocka_unit_test(test_depth_is_capped),
        cmocka_unit_test(test_many_groups),
        cmocka_unit_test(test_length_is_capped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
