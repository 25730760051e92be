/* py/pip_report: pip's JSON back into a METADATA file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "dray/py/metadata.h"
#include "dray/py/pip_report.h"

#define ITEM(metadata) "{\"version\": \"1\", \"install\": [{\"metadata\": " metadata "}]}"

static void gives(const char *report, const char *want)
{
    struct buf out = { 0 };
    struct err e = { 0 };

    assert_int_equal(pip_report_metadata(str_of(report), &out, &e), 0);
    assert_string_equal(buf_z(&out), want);
    buf_done(&out);
}

static void fails(const char *report, const char *part)
{
    struct buf out = { 0 };
    struct err e = { 0 };

    assert_int_equal(pip_report_metadata(str_of(report), &out, &e), ERR_INPUT);
    assert_non_null(strstr(err_text(&e), part));
    assert_int_equal(out.n, 0);
    buf_done(&out);
    err_done(&e);
}

static void test_headers(void **state)
{
    (void)state;
    gives(ITEM("{\"metadata_version\": \"2.1\", \"name\": \"a\", \"description\": \"x\\ny\\n\", "
               "\"requires_dist\": [\"b\", \"c>1\"], \"version\": \"1\", \"obsolete\": null, "
               "\"keywords\": []}"),
          "Metadata-Version: 2.1\nName: a\nRequires-Dist: b\nRequires-Dist: c>1\nVersion: 1\n\n"
          "x\ny\n");
}

/* A value of several lines stays one. */
static void test_lines(void **state)
{
    struct buf out = { 0 };
    struct arena a = { 0 };
    struct metadata m;
    struct err e = { 0 };

    (void)state;
    const char *report = ITEM("{\"name\": \"a\", \"version\": \"1\", "
                              "\"license\": \"MIT\\r\\nRequires-Dist: evil\\n\\nName: b\"}");
    assert_int_equal(pip_report_metadata(str_of(report), &out, &e), 0);
    assert_int_equal(metadata_parse(&a, buf_str(&out), &m, &e), 0);
    assert_int_equal(m.n_fields, 3);
    assert_int_equal(m.n_requires_dist, 0);
    assert_true(str_is(m.name, "a"));
    buf_done(&out);
    arena_done(&a);
}

static void test_others(void **state)
{
    (void)state;
    fails("", "no JSON");
    fails("{\"install\": [", "no JSON");
    fails("[]", "0 distributions");
    fails("{\"install\": {}}", "0 distributions");
    fails("{\"install\": []}", "0 distributions");
    fails("{\"install\": [{}]}", "1 distributions");
    fails("{\"install\": [1]}", "1 distributions");
    fails(ITEM("[]"), "1 distributions");
    fails("{\"install\": [{\"metadata\": {}}, {\"metadata\": {}}]}", "2 distributions");
}

/* Brackets within strings are none; too many of the others are not even read. */
static void test_nested(void **state)
{
    char deep[200];
    struct buf out = { 0 };
    struct err e = { 0 };

    (void)state;
    gives(ITEM("{\"name\": "
               "\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}"),
          "Name: \"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n\n");
    memset(deep, '[', sizeof(deep));
    struct str json = { deep, sizeof(deep) };
    assert_int_equal(pip_report_metadata(json, &out, &e), ERR_LIMIT);
    err_done(&e);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_nested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
