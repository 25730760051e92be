/* What is written is always valid JSON in valid UTF-8; texts are in tests/data/json. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <yajl/yajl_parse.h>

#include "case.h"
#include "dray/util/json.h"

/* By yajl's own reader, which checks UTF-8 as well. */
static bool is_valid(struct str text)
{
    yajl_handle h = yajl_alloc(NULL, NULL, NULL);
    bool ok = yajl_parse(h, (const unsigned char *)text.p, text.n) == yajl_status_ok &&
              yajl_complete_parse(h) == yajl_status_ok;

    yajl_free(h);
    return ok;
}

static void check_text(struct case_line *c, void *ctx)
{
    struct buf out = { 0 };

    (void)ctx;
    if (!case_has(c, 2, 2))
        return;
    struct json *j = json_open(&out, false);
    json_str(j, c->fields[0]);
    json_close(j);
    case_equal(c, buf_str(&out), c->fields[1]);
    if (!is_valid(buf_str(&out)))
        case_fail(c, "is not valid");
    buf_done(&out);
}

static void test_texts(void **state)
{
    (void)state;
    assert_true(case_each("json/text.case", 50, check_text, NULL));
}

/* Every pair of bytes, alone and as a key. */
static void test_two_bytes(void **state)
{
    (void)state;
    for (int i = 0; i < 256 * 256; i++) {
        char bytes[3] = { (char)(i / 256), (char)(i % 256), '\0' };
        struct buf out = { 0 };
        struct json *j = json_open(&out, false);
        json_map(j);
        json_key(j, bytes);
        json_str(j, (struct str){ bytes, 2 });
        json_map_end(j);
        json_close(j);
        if (!is_valid(buf_str(&out)))
            fail_msg("%02x%02x: %s", i / 256, i % 256, buf_z(&out));
        buf_done(&out);
    }
}

static void write_document(struct json *j)
{
    json_map(j);
    json_key(j, "list");
    json_list(j);
    json_int(j, INT64_MIN);
    json_int(j, INT64_MAX);
    json_bool(j, true);
    json_bool(j, false);
    json_null(j);
    json_str(j, STR_NONE);
    json_str(j, STR(""));
    json_list_end(j);
    json_key(j, "none");
    json_list(j);
    json_list_end(j);
    json_key(j, "map");
    json_map(j);
    json_map_end(j);
    json_map_end(j);
}

static void test_document(void **state)
{
    struct buf out = { 0 };
    struct json *j = json_open(&out, false);

    (void)state;
    write_document(j);
    json_close(j);
    assert_string_equal(buf_z(&out), "{\"list\":[-9223372036854775808,9223372036854775807,true,"
                                     "false,null,null,\"\"],\"none\":[],\"map\":{}}");
    buf_done(&out);
    json_close(NULL);
}

static void test_pretty(void **state)
{
    struct buf out = { 0 };
    struct json *j = json_open(&out, true);

    (void)state;
    buf_add_z(&out, "before"); /* appends */
    json_map(j);
    json_key(j, "a");
    json_list(j);
    json_int(j, 1);
    json_list_end(j);
    json_map_end(j);
    json_close(j);
    assert_string_equal(buf_z(&out), "before{\n  \"a\": [\n    1\n  ]\n}\n");
    buf_done(&out);
}

/* Written whole, however long. */
static void test_long_text(void **state)
{
    struct buf text = { 0 }, out = { 0 };
    struct json *j = json_open(&out, false);

    (void)state;
    for (int i = 0; i < 200000; i++)
        buf_add_c(&text, i % 1000 == 999 ? '\xff' : 'x');
    json_str(j, buf_str(&text));
    json_close(j);
    assert_int_equal(out.n, 200000 + 200 * 2 + 2);
    assert_true(is_valid(buf_str(&out)));
    buf_done(&text);
    buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),     cmocka_unit_test(test_two_bytes),
        cmocka_unit_test(test_document),  cmocka_unit_test(test_pretty),
        cmocka_unit_test(test_long_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
