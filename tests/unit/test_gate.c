/* daemon/gate: what comes in, and what is said of the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dray/daemon/gate.h"
#include "dray/util/limits.h"

#define TOKEN "0123456789abcdef"

static struct gate_request good(void)
{
    return (struct gate_request){ .target = STR("/jobs"),
                                  .host = STR("127.0.0.1:8137"),
                                  .authorization = STR("Bearer " TOKEN),
                                  .reached = STR("127.0.0.1:8137") };
}

static unsigned refused(const struct gate_request *r)
{
    struct str hosts[] = { STR("dray.example.org"), STR("other.example.org:80") };
    struct gate g;
    struct err e = { 0 };
    struct buf why = { 0 };

    assert_int_equal(
        gate_init(&g, STR(TOKEN), (struct strs){ .items = hosts, .n = 2, .cap = 2 }, &e), 0);
    unsigned status = gate_refuse(&g, r, &why);
    assert_true(status == 0 ? why.n == 0 : why.n > 20);
    assert_true(str_search(buf_str(&why), STR(TOKEN)) < 0);
    buf_done(&why);
    return status;
}

static void test_host(void **state)
{
    static const struct {
        const char *host, *reached;
        unsigned status;
    } cases[] = {
        { "127.0.0.1:8137", "127.0.0.1:8137", 0 },
        { "localhost:8137", "127.0.0.1:8137", 0 },
        { "LOCALHOST:8137", "[::1]:8137", 0 },
        { "[::1]:8137", "[::1]:8137", 0 },
        { "localhost", "127.0.0.1:8137", 421 },
        { "localhost:80", "127.0.0.1:8137", 421 },
        { "localhost:8137", "192.0.2.7:8137", 421 },
        { "192.0.2.7:8137", "192.0.2.7:8137", 0 },
        { "127.0.0.1", "127.0.0.1:8137", 421 },
        { "127.0.0.1:8137.example.org", "127.0.0.1:8137", 421 },
        { "evil.example.org:8137", "127.0.0.1:8137", 421 },
        { "dray.example.org", "127.0.0.1:8137", 0 },
        { "Dray.example.org:99", "127.0.0.1:8137", 0 },
        { "other.example.org:80", "127.0.0.1:8137", 0 },
        { "other.example.org", "127.0.0.1:8137", 421 },
        { "other.example.org:81", "127.0.0.1:8137", 421 },
        { "dray.example.org.evil.example.org", "127.0.0.1:8137", 421 },
        { "", "127.0.0.1:8137", 421 },
        { NULL, "127.0.0.1:8137", 421 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct gate_request r = good();
        r.host = str_of(cases[i].host);
        r.reached = str_of(cases[i].reached);
        if (refused(&r) != cases[i].status)
            fail_msg("%s at %s", cases[i].host ? cases[i].host : "none", cases[i].reached);
    }
}

static void test_token(void **state)
{
    static const struct {
        const char *authorization;
        unsigned status;
    } cases[] = {
        { "Bearer " TOKEN, 0 },
        { "bearer   " TOKEN " ", 0 },
        { "Bearer " TOKEN "x", 401 },
        { "Bearer", 401 },
        { "Bearer ", 401 },
        { TOKEN, 401 },
        { "Basic " TOKEN, 401 },
        { "", 401 },
        { NULL, 401 },
        { "Bearer 0123456789abcde", 401 },
    };
    struct gate_request r = good();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        r.authorization = str_of(cases[i].authorization);
        assert_int_equal(refused(&r), cases[i].status);
    }
    r.is_local = true; /* there the user counts */
    assert_int_equal(refused(&r), 0);
    struct gate g;
    struct err e = { 0 };
    struct buf why = { 0 };
    assert_int_equal(gate_init(&g, STR_NONE, (struct strs){ 0 }, &e), 0);
    r = good();
    assert_int_equal(gate_refuse(&g, &r, &why), 401); /* no token opens a gate without one */
    buf_done(&why);
}

static void test_token_shape(void **state)
{
    struct gate g;
    struct err e = { 0 };

    (void)state;
    assert_int_equal(gate_init(&g, STR("short"), (struct strs){ 0 }, &e), ERR_INPUT);
    assert_int_equal(gate_init(&g, STR(""), (struct strs){ 0 }, &e), ERR_INPUT);
    assert_int_equal(gate_init(&g, STR("0123456789 abcdef"), (struct strs){ 0 }, &e), ERR_INPUT);
    assert_true(str_search(str_of(err_text(&e)), STR("place 11")) >= 0);
    err_done(&e);
}

static void test_body(void **state)
{
    static const struct {
        const char *type;
        uint64_t bytes;
        unsigned status;
    } cases[] = {
        { "application/json", 1, 0 },
        { "Application/Json ;charset=utf-8", 1, 0 },
        { "application/yaml", 0, 0 },
        { NULL, 0, 0 },
        { NULL, 1, 415 },
        { "text/plain; application/json", 1, 415 },
        { "application/jsonp", 1, 415 },
        { "multipart/form-data", 0, 415 },
        { "application/json", (uint64_t)LIMIT_DAEMON_BODY_BYTES, 0 },
        { "application/json", (uint64_t)LIMIT_DAEMON_BODY_BYTES + 1, 413 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct gate_request r = good();
        r.content_type = str_of(cases[i].type);
        r.body_bytes = cases[i].bytes;
        r.has_body = cases[i].bytes > 0;
        assert_int_equal(refused(&r), cases[i].status);
    }
}

static void test_rest(void **state)
{
    struct gate_request r = good();

    (void)state;
    r.head_bytes = LIMIT_DAEMON_HEAD_BYTES + 1;
    assert_int_equal(refused(&r), 431);
    r = good();
    r.origin = STR("null");
    assert_int_equal(refused(&r), 403);
    r.is_local = true;
    assert_int_equal(refused(&r), 403);
    r = good();
    r.host = STR("evil.example.org"); /* who is wrong in several ways is told the first */
    r.authorization = STR_NONE;
    r.head_bytes = SIZE_MAX;
    assert_int_equal(refused(&r), 421);
}

static void test_escapes(void **state)
{
    static const struct {
        const char *text, *decoded;
    } cases[] = {
        { "", "" },         { "/a%2Fb", "/a/b" }, { "%41%7e%c3%BC", "A~\xc3\xbc" },
        { "%2541", "%41" }, { "a+b", "a+b" },     { "%", NULL },
        { "%4", NULL },     { "%4g", NULL },      { "%00", NULL },
    };
    struct arena a = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct str got = gate_decode(&a, str_of(cases[i].text));
        assert_int_equal(got.p != NULL, cases[i].decoded != NULL);
        assert_true(str_eq(got, str_of(cases[i].decoded)));
        struct gate_request r = good();
        r.target = arena_f(&a, "/%s", cases[i].text);
        assert_int_equal(refused(&r), cases[i].decoded ? 0 : 400);
    }
    static const char *const unsound[] = { "", "x", "**", "/a b", "/\x7f", "http://a/" };
    for (size_t i = 0; i < sizeof(unsound) / sizeof(*unsound); i++) {
        struct gate_request r = good();
        r.target = str_of(unsound[i]);
        assert_int_equal(refused(&r), 400);
    }
    arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host), cmocka_unit_test(test_token),
        cmocka_unit_test(test_body), cmocka_unit_test(test_token_shape),
        cmocka_unit_test(test_rest), cmocka_unit_test(test_escapes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
