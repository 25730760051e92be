/* daemon/server: requests and answers, later and as streams, and that nothing wakes it in vain. */
#include "server_world.h"

static void test_answers(void **state)
{
    struct server_world w;
    struct client c;

    (void)state;
    world_open(&w);
    ask(&c, &w, w.path, "GET /x%2Fy?b=1&a=%41+%26 HTTP/1.1\r\nHost: any\r\n\r\n");
    expect_text(&c, "HTTP/1.1 200 OK\r\n");
    expect_text(&c, "Content-Type: text/plain\r\n");
    expect_text(&c, "Cache-Control: no-store\r\n");
    expect_text(&c, "X-Content-Type-Options: nosniff\r\n");
    expect_text(&c, "\r\n\r\nGET /x%2Fy a=A & who=local body=0:");
    assert_false(client_has(&c, "Access-Control"));
    client_close(&c);
    ask(&c, &w, w.path,
        "PUT /x HTTP/1.1\r\nHost: any\r\nContent-Type: Application/JSON; charset=utf-8\r\n"
        "Content-Length: 4\r\n\r\n[1]\n");
    expect_text(&c, "PUT /x a= who=local body=4:[1]\n");
    client_close(&c);
    ask(&c, &w, w.path, "GET /none HTTP/1.1\r\nHost: any\r\n\r\n");
    expect_text(&c, "HTTP/1.1 404 Not Found\r\n");
    expect_text(&c, "Allow: GET\r\n");
    expect_text(&c, "Content-Type: application/problem+json\r\n");
    expect_text(&c, "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,"
                    "\"detail\":\"there is no such thing\"}");
    world_pass(&w, 5);
    assert_int_equal(server_calls(w.server), 0);
    client_close(&c);
    world_close(&w);
}

static void test_chunked_body(void **state)
{
    struct server_world w;
    struct client c;

    (void)state;
    world_open(&w);
    client_open(&c, &w, w.path);
    client_send(&c, "POST /x HTTP/1.1\r\nHost: any\r\nContent-Type: application/yaml\r\n"
                    "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
    client_await(&c, 1);
    expect_text(&c, "HTTP/1.1 100 Continue\r\n\r\n");
    client_send(&c, "3\r\na: \r\n");
    world_pass(&w, 10);
    client_send(&c, "2\r\nbc\r\n0\r\n\r\n");
    client_await(&c, 2);
    expect_text(&c, "POST /x a= who=local body=5:a: bc");
    client_close(&c);
    world_close(&w);
}

static void test_keep_alive(void **state)
{
    struct server_world w;
    struct client c;

    (void)state;
    world_open(&w);
    ask(&c, &w, w.path, "GET /1 HTTP/1.1\r\nHost: any\r\n\r\n");
    client_send(&c, "GET /2 HTTP/1.1\r\nHost: any\r\n\r\nGET /3 HTTP/1.1\r\nHost: any\r\n\r\n"
                    "HEAD /4 HTTP/1.1\r\nHost: any\r\nConnection: close\r\n\r\n");
    client_await(&c, 0); /* to its end */
    expect_text(&c, "GET /1 ");
    expect_text(&c, "GET /2 ");
    expect_text(&c, "GET /3 ");
    assert_true(str_ends(buf_str(&c.got), STR("\r\n\r\n"))); /* of HEAD, no body */
    assert_int_equal(w.n_asked, 4);
    client_close(&c);
    client_open(&c, &w, w.path);
    client_send(&c, "GET /old HTTP/1.0\r\n\r\n");
    client_await(&c, 0); /* closes, as nothing else was said */
    expect_text(&c, "GET /old ");
    client_close(&c);
    world_close(&w);
}

/* An answer that comes later; meanwhile others are served. */
static void test_later(void **state)
{
    struct server_world w;
    struct client slow, quick;

    (void)state;
    world_open(&w);
    client_open(&slow, &w, w.path);
    client_send(&slow, "GET /hold HTTP/1.1\r\nHost: any\r\n\r\n");
    ask(&quick, &w, w.path, "GET /quick HTTP/1.1\r\nHost: any\r\n\r\n");
    expect_text(&quick, "GET /quick ");
    world_pass(&w, 5);
    assert_int_equal(w.n_held, 1);
    assert_int_equal(server_calls(w.server), 1);
    assert_int_equal(slow.got.n, 0);
    server_answer(w.held[0], 202, "text/plain", STR("at last"));
    server_answer(w.held[0], 500, "text/plain", STR("a second one has no effect"));
    client_await(&slow, 1);
    expect_text(&slow, "HTTP/1.1 202 Accepted\r\n");
    world_pass(&w, 5);
    assert_int_equal(w.n_gone, 1);
    assert_int_equal(server_calls(w.server), 0);
    client_close(&slow);
    client_close(&quick);
    world_close(&w);
}

/* Who waits for an answer and leaves is gone at once; who is there when the server closes, too. */
static void test_gone(void **state)
{
    struct server_world w;
    struct client a, b, c;

    (void)state;
    world_open(&w);
    client_open(&a, &w, w.path);
    client_send(&a, "GET /hold HTTP/1.1\r\nHost: any\r\n\r\n");
    client_open(&b, &w, w.tcp);
    client_send(&b, "GET /hold HTTP/1.1\r\nHost: localhost:");
    client_send(&b, strchr(w.tcp, ':') + 1);
    client_send(&b, "\r\nAuthorization: bearer " TOKEN "\r\n\r\n");
    client_open(&c, &w, w.path);
    client_send(&c, "GET /hold HTTP/1.1\r\nHost: any\r\n\r\n");
    for (int i = 0; i < 1000 && w.n_held < 3; i++)
        world_pass(&w, 1);
    assert_int_equal(w.n_held, 3);
    client_close(&a);
    client_close(&b);
    for (int i = 0; i < 1000 && w.n_gone < 2; i++)
        world_pass(&w, 1);
    assert_int_equal(w.n_gone, 2);
    assert_int_equal(server_calls(w.server), 1);
    server_close(w.server);
    w.server = NULL;
    assert_int_equal(w.n_gone, 3);
    client_close(&c);
    world_close(&w);
}

static void test_stream(void **state)
{
    struct server_world w;
    struct client c;

    (void)state;
    world_open(&w);
    w.stream_left = 3;
    client_open(&c, &w, w.path);
    client_send(&c, "GET /stream HTTP/1.1\r\nHost: any\r\n\r\n");
    world_pass(&w, 30);
    size_t reads = w.stream_reads;
    assert_int_equal(w.stream_left, 0);
    world_pass(&w, 30);
    assert_int_equal(w.stream_reads, reads); /* nobody asks while there is nothing */
    w.stream_left = 2;
    server_stream_wake(w.streamed);
    world_pass(&w, 30);
    w.stream_ends = true;
    server_stream_wake(w.streamed);
    client_await(&c, 1);
    expect_text(&c, "Content-Type: application/x-ndjson\r\n");
    expect_text(&c, "3\r\nsss\r\n2\r\nss\r\n0\r\n\r\n");
    client_send(&c, "GET /after HTTP/1.1\r\nHost: any\r\n\r\n");
    client_await(&c, 2);
    expect_text(&c, "GET /after ");
    client_close(&c);
    assert_int_equal(w.n_gone, 1);
    world_close(&w);
}

/* A reader that takes nothing is asked for no more than what fits into its socket and one buffer;
 * others are served, and its end is noticed. */
static void test_stalled_reader(void **state)
{
    struct server_world w;
    struct client stalled, quick;
    const size_t much = (size_t)1 << 30;

    (void)state;
    world_open(&w);
    w.stream_left = much;
    client_open(&stalled, &w, w.path);
    client_send(&stalled, "GET /stream HTTP/1.1\r\nHost: any\r\n\r\n");
    world_pass(&w, 50);
    size_t left = w.stream_left;
    assert_true(left < much && much - left < ((size_t)16 << 20));
    for (int i = 0; i < 20; i++) {
        ask(&quick, &w, w.path, "GET /quick HTTP/1.1\r\nHost: any\r\n\r\n");
        expect_text(&quick, "GET /quick ");
        client_close(&quick);
    }
    uint64_t turns = loop_turns(w.loop).count;
    world_pass(&w, 100);
    assert_true(loop_turns(w.loop).count - turns < 10); /* and it keeps nothing awake */
    assert_int_equal(w.stream_left, left);
    client_close(&stalled);
    for (int i = 0; i < 1000 && w.n_gone == 0; i++)
        world_pass(&w, 1);
    assert_int_equal(w.n_gone, 1);
    world_close(&w);
}

/* A stream in which nothing happens is given up once nobody reads it. */
static void test_quiet_stream_gone(void **state)
{
    struct server_world w;
    struct client c;

    (void)state;
    world_open(&w);
    client_open(&c, &w, w.path);
    client_send(&c, "GET /stream HTTP/1.1\r\nHost: any\r\n\r\n");
    world_pass(&w, 20);
    assert_int_equal(w.n_gone, 0);
    client_close(&c);
    for (int i = 0; i < 1000 && w.n_gone == 0; i++)
        world_pass(&w, 1);
    assert_int_equal(w.n_gone, 1);
    world_close(&w);
}

static size_t count_threads(void)
{
    struct buf text = { 0 };
    struct err e = { 0 };
    uint64_t n = 1;

    if (file_read("/proc/self/status", LIMIT_MIB, &text, &e) == 0) {
        ptrdiff_t at = str_search(buf_str(&text), STR("Threads:"));
        struct str line, rest;
        assert_true(at >= 0);
        line = str_cut(str_sub(buf_str(&text), (size_t)at + 8, text.n), '\n', &rest);
        assert_true(str_to_u64(str_trim(line), 10000, &n));
    }
    buf_done(&text);
    err_done(&e);
    return (size_t)n;
}

/* With connections open, one of them waiting, one at rest, the loop sleeps: the turns are those of
 * the test's own timer, and that of the time limit. */
static void test_idle(void **state)
{
    struct server_world w;
    struct client at_rest, held, stream;

    (void)state;
    world_open(&w);
    ask(&at_rest, &w, w.path, "GET /1 HTTP/1.1\r\nHost: any\r\n\r\n");
    client_open(&held, &w, w.path);
    client_send(&held, "GET /hold HTTP/1.1\r\nHost: any\r\n\r\n");
    client_open(&stream, &w, w.path);
    client_send(&stream, "GET /stream HTTP/1.1\r\nHost: any\r\n\r\n");
    world_pass(&w, 50);
    uint64_t turns = loop_turns(w.loop).count;
    world_pass(&w, 300);
    assert_true(loop_turns(w.loop).count - turns <= 3);
    assert_int_equal(count_threads(), 1);
    client_close(&at_rest);
    client_close(&held);
    client_close(&stream);
    world_close(&w);
}

/* No new ones; who is there is served to the end. */
static void test_stop(void **state)
{
    struct server_world w;
    struct client c;
    struct stat st;

    (void)state;
    world_open(&w);
    client_open(&c, &w, w.path);
    client_send(&c, "GET /hold HTTP/1.1\r\nHost: any\r\n\r\n");
    while (w.n_held == 0)
        world_pass(&w, 1);
    server_stop(w.server);
    assert_int_equal(stat(w.path, &st), -1);
    assert_null(server_where(w.server, 0));
    server_answer(w.held[0], 200, "text/plain", STR("still"));
    client_await(&c, 1);
    expect_text(&c, "still");
    client_close(&c);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),        cmocka_unit_test(test_chunked_body),
        cmocka_unit_test(test_keep_alive),     cmocka_unit_test(test_later),
        cmocka_unit_test(test_gone),           cmocka_unit_test(test_stream),
        cmocka_unit_test(test_stalled_reader), cmocka_unit_test(test_quiet_stream_gone),
        cmocka_unit_test(test_idle),           cmocka_unit_test(test_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
