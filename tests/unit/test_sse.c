/* Messages of a stream, however it is cut; what ends the reading. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dray/net/sse.h"
#include "dray/util/limits.h"

static int note(void *ctx, const struct sse_message *m, struct err *e)
{
    struct buf *out = ctx;

    buf_add_f(out, "[%.*s|%.*s|", STR_ARG(m->type), STR_ARG(m->data));
    if (m->has_id)
        buf_add_f(out, "%llu", (unsigned long long)m->id);
    buf_add_c(out, ']');
    return str_is(m->data, "stop") ? 1 : str_is(m->data, "bad") ? err_set(e, ERR_INPUT, "bad") : 0;
}

static void take(const char *text, size_t piece, struct buf *out)
{
    struct sse s = { 0 };
    struct buf bytes = { 0 };
    struct err e = { 0 };

    for (struct str left = str_of(text); left.n; left = str_sub(left, piece, left.n)) {
        buf_add_str(&bytes, str_sub(left, 0, piece));
        assert_int_equal(sse_take(&s, &bytes, note, out, &e), 0);
    }
    buf_done(&bytes);
    sse_done(&s);
}

static const struct {
    const char *text, *want;
} rows[] = {
    { "data: a\n\n", "[message|a|]" },
    { "data:a\r\n\r\ndata:  b\n\n", "[message|a|][message| b|]" },
    { "id: 7\ndata: a\n\ndata: b\n\n", "[message|a|7][message|b|]" },
    { "event: progress\ndata: a\n\ndata: b\n\n", "[progress|a|][message|b|]" },
    { "event: x\nevent: y\ndata: a\n\n", "[y|a|]" },
    { "event: x\n\ndata: a\n\n", "[message|a|]" },
    { "data: a\ndata: b\ndata\n\n", "[message|a\nb\n|]" },
    { "data\n\n", "[message||]" },
    { ": a comment\n\n:\nretry: 3\nDATA: a\nunknown\n\n", "" },
    { "id: 7\nid: x\ndata: a\n\n", "[message|a|]" },
    { "id: 99999999999999999999\ndata: a\n\n", "[message|a|]" },
    { "data: not ended\n", "" },
    { "data: {\"t\":1,\"event\":\"job\"}\nid: 1\n\n", "[message|{\"t\":1,\"event\":\"job\"}|1]" },
};

static void test_messages(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        for (size_t piece = 1; piece <= strlen(rows[i].text); piece++) {
            struct buf out = { 0 };
            take(rows[i].text, piece, &out);
            assert_string_equal(buf_z(&out), rows[i].want);
            buf_done(&out);
        }
}

static void check_end(const char *text, int code, const char *left)
{
    struct sse s = { 0 };
    struct buf bytes = { 0 }, out = { 0 };
    struct err e = { 0 };

    buf_add_z(&bytes, text);
    assert_int_equal(sse_take(&s, &bytes, note, &out, &e), code);
    assert_int_equal(e.code, code < 0 ? code : 0);
    assert_string_equal(buf_z(&bytes), left);
    err_done(&e);
    buf_done(&out);
    buf_done(&bytes);
    sse_done(&s);
}

static void test_ends_when_told(void **state)
{
    (void)state;
    check_end("data: stop\n\ndata: b\n\n", 1, "data: b\n\n");
    check_end("data: a\n\ndata: bad\n\ndata: b\n", ERR_INPUT, "data: b\n");
}

static void test_too_long(void **state)
{
    struct sse s = { 0 };
    struct buf bytes = { 0 }, line = { 0 };
    struct err e = { 0 };
    size_t lines = 0;
    int code = 0;

    (void)state;
    buf_add_z(&line, "data: ");
    for (int i = 0; i < 1 << 16; i++)
        buf_add_z(&line, "0123456789abcdef");
    buf_add_c(&line, '\n');
    for (; !code && lines < 100; lines++) {
        buf_add_str(&bytes, buf_str(&line));
        code = sse_take(&s, &bytes, note, &bytes, &e);
    }
    assert_int_equal(code, ERR_LIMIT);
    assert_int_equal(lines, LIMIT_CLIENT_MESSAGE_BYTES / LIMIT_MIB);
    err_done(&e);
    buf_done(&line);
    buf_done(&bytes);
    sse_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_ends_when_told),
        cmocka_unit_test(test_too_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
