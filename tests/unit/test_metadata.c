/* What metadata says, is refused for and differs in stands in tests/data/metadata; here are the
 * caps, and which parts are there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "case.h"
#include "dray/py/metadata.h"

static void check_json(struct case_line *c, void *ctx)
{
    struct arena a = { 0 };
    struct metadata m = { 0 };
    struct err e = { 0 };
    struct buf text = { 0 };

    (void)ctx;
    if (case_has(c, 2, 2) && metadata_parse(&a, c->fields[0], &m, &e)) {
        case_fail(c, "%s", err_text(&e));
    } else if (!c->failed) {
        struct json *j = json_open(&text, false);
        metadata_json(&m, j);
        json_close(j);
        case_equal(c, buf_str(&text), c->fields[1]);
    }
    buf_done(&text);
    err_done(&e);
    arena_done(&a);
}

static void test_json(void **state)
{
    (void)state;
    assert_true(case_each("metadata/json.case", 45, check_json, NULL));
}

static void check_invalid(struct case_line *c, void *ctx)
{
    struct arena a = { 0 };
    struct metadata m = { .name = STR("untouched") };
    struct err e = { 0 };

    (void)ctx;
    if (!case_has(c, 2, 2))
        return;
    case_check(c, metadata_parse(&a, c->fields[0], &m, &e) == ERR_INPUT && e.code == ERR_INPUT);
    case_check(c, str_is(m.name, "untouched") && m.n_fields == 0);
    case_contains(c, str_of(err_text(&e)), c->fields[1]);
    err_done(&e);
    arena_done(&a);
}

static void test_invalid(void **state)
{
    (void)state;
    assert_true(case_each("metadata/invalid.case", 10, check_invalid, NULL));
}

/* The lines that a case leaves out. */
static struct str completed(struct arena *a, struct str lines)
{
    struct buf text = { 0 };

    buf_add_str(&text, lines);
    buf_add_z(&text, "\nName: foo\nVersion: 1\n");
    struct str all = arena_str(a, buf_str(&text));
    buf_done(&text);
    return all;
}

static void check_answer(struct case_line *c, int code, const struct err *e, struct str part)
{
    static const struct {
        const char *word;
        int code;
    } words[] = { { "same", 0 }, { "differs", ERR_CONFLICT }, { "invalid", ERR_INPUT } };
    bool known = false;

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        known |= str_is(c->fields[c->n - 2], words[i].word) && code == words[i].code;
    if (!known || e->code != code)
        case_fail(c, "got %s \"%s\"", err_name(code), err_text(e));
    case_contains(c, str_of(err_text(e)), part);
}

static void check_compare(struct case_line *c, void *ctx)
{
    struct arena a = { 0 };
    struct metadata m[2];
    struct err e = { 0 };

    (void)ctx;
    if (!case_has(c, 4, 4))
        return;
    for (size_t i = 0; i < 2; i++)
        case_check(c, metadata_parse(&a, completed(&a, c->fields[i]), &m[i], &e) == 0);
    if (!c->failed) {
        int code = metadata_compare(&m[0], "one", &m[1], "other", &e);
        check_answer(c, code, &e, c->fields[3]);
        err_done(&e);
        /* The other way round it is no other answer. */
        case_check(c, metadata_compare(&m[1], "other", &m[0], "one", &e) == code);
    }
    err_done(&e);
    arena_done(&a);
}

static void test_compare(void **state)
{
    (void)state;
    assert_true(case_each("metadata/compare.case", 45, check_compare, NULL));
}

static void check_check(struct case_line *c, void *ctx)
{
    struct arena a = { 0 };
    struct metadata m;
    struct err e = { 0 };

    (void)ctx;
    if (!case_has(c, 5, 5))
        return;
    case_check(c, metadata_parse(&a, completed(&a, c->fields[0]), &m, &e) == 0);
    struct str project = str_is(c->fields[1], "-") ? STR_NONE : c->fields[1];
    struct str version = str_is(c->fields[2], "-") ? STR_NONE : c->fields[2];
    if (!c->failed)
        check_answer(c, metadata_check(&m, project, version, &e), &e, c->fields[4]);
    err_done(&e);
    arena_done(&a);
}

static void test_check(void **state)
{
    (void)state;
    assert_true(case_each("metadata/check.case", 14, check_check, NULL));
}

static void test_parts(void **state)
{
    static const char text[] = "Metadata-Version: 2.4\nname: Foo\nVERSION: 1.0\n"
                               "Requires-Dist: \n bar >=1\nRequires-Dist: baz \t\n"
                               "Provides-Extra: tls\nProvides-Extra: x\nRequires-Python: >=3\n"
                               "Name: second\n\nbody\n";
    char copy[sizeof(text)];
    struct arena a = { 0 };
    struct metadata m;
    struct err e = { 0 };

    (void)state;
    memcpy(copy, text, sizeof(text));
    assert_int_equal(metadata_parse(&a, str_of(copy), &m, &e), 0);
    memset(copy, '?', sizeof(copy)); /* nothing of it is kept */
    assert_true(str_is(m.name, "Foo") && str_is(m.version, "1.0"));
    assert_true(str_is(m.metadata_version, "2.4") && str_is(m.requires_python, ">=3"));
    assert_int_equal(m.n_requires_dist, 2);
    assert_true(str_is(m.requires_dist[0], "bar >=1") && str_is(m.requires_dist[1], "baz"));
    assert_int_equal(m.n_provides_extra, 2);
    assert_true(str_is(m.provides_extra[0], "tls") && str_is(m.provides_extra[1], "x"));
    assert_int_equal(m.n_fields, 9);
    assert_true(str_is(m.fields[1].name, "name") && str_is(m.fields[3].value, "\n bar >=1"));
    assert_true(str_is(m.description, "body\n"));
    assert_true(str_is(metadata_get(&m, "nAmE"), "Foo"));
    assert_null(metadata_get(&m, "Summary").p);
    arena_done(&a);

    assert_int_equal(metadata_parse(&a, STR("Name: a\nVersion: 1"), &m, &e), 0);
    assert_null(m.requires_python.p);
    assert_null(m.metadata_version.p);
    assert_true(m.n_requires_dist == 0 && m.n_provides_extra == 0);
    assert_true(m.description.p && m.description.n == 0);
    arena_done(&a);
}

static int parse_fields(size_t n, struct err *e)
{
    struct arena a = { 0 };
    struct metadata m;
    struct buf text = { 0 };

    buf_add_z(&text, "Name: a\nVersion: 1\n");
    for (size_t i = 2; i < n; i++)
        buf_add_z(&text, "a:\n");
    int code = metadata_parse(&a, buf_str(&text), &m, e);
    buf_done(&text);
    arena_done(&a);
    return code;
}

static int parse_bytes(size_t n, struct err *e)
{
    struct arena a = { 0 };
    struct metadata m;
    struct buf text = { 0 };

    buf_add_z(&text, "Name: a\nVersion: 1\n\n");
    while (text.n < n)
        buf_add_c(&text, 'x');
    int code = metadata_parse(&a, buf_str(&text), &m, e);
    buf_done(&text);
    arena_done(&a);
    return code;
}

static void test_limits(void **state)
{
    struct err e = { 0 };

    (void)state;
    assert_int_equal(parse_fields(LIMIT_METADATA_FIELDS, &e), 0);
    assert_int_equal(parse_fields(LIMIT_METADATA_FIELDS + 1, &e), ERR_LIMIT);
    err_done(&e);
    assert_int_equal(parse_bytes(LIMIT_METADATA_BYTES, &e), 0);
    assert_int_equal(parse_bytes(LIMIT_METADATA_BYTES + 1, &e), ERR_LIMIT);
    err_done(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json),    cmocka_unit_test(test_invalid),
        cmocka_unit_test(test_compare), cmocka_unit_test(test_check),
        cmocka_unit_test(test_parts),   cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
