/* daemon/server: what it refuses by itself, and what it cuts. */
#include "server_world.h"

/* "GET /x" by TCP with these header lines, "@" standing for the address. */
static void ask_tcp(struct client *c, struct server_world *w, const char *headers)
{
    struct buf request = { 0 };

    buf_add_z(&request, "GET /x HTTP/1.1\r\n");
    for (const char *p = headers; *p; p++) {
        if (*p == '@')
            buf_add_z(&request, w->tcp);
        else
            buf_add_c(&request, *p);
    }
    buf_add_z(&request, "\r\n");
    ask(c, w, w->tcp, buf_z(&request));
    buf_done(&request);
}

static const struct {
    const char *headers, *status, *says;
} by_tcp[] = {
    { "Host: @\r\nAuthorization: Bearer " TOKEN "\r\n", "200 OK", "GET /x a= who=127.0.0.1:" },
    { "Host: @\r\n", "401 Unauthorized", "WWW-Authenticate: Bearer\r\n" },
    { "Host: @\r\nAuthorization: Bearer " TOKEN "0\r\n", "401 Unauthorized", "token file" },
    { "Host: @\r\nAuthorization: Basic " TOKEN "\r\n", "401 Unauthorized", "token file" },
    { "Host: evil.example.org\r\nAuthorization: Bearer " TOKEN "\r\n", "421 Misdirected Request",
      "evil.example.org" },
    { "Host: @\r\nOrigin: http://evil.example.org\r\nAuthorization: Bearer " TOKEN "\r\n",
      "403 Forbidden", "web page" },
    { "Host: @\r\nOrigin: null\r\nAuthorization: Bearer " TOKEN "\r\n", "403 Forbidden",
      "web page" },
    { "Host: allowed.example.org:99\r\nAuthorization: Bearer " TOKEN "\r\n", "200 OK", "GET /x" },
};

static void test_tcp(void **state)
{
    struct server_world w;
    struct str name = STR("allowed.example.org");

    (void)state;
    world_open_with(&w, (struct server_options){ .hosts = { .items = &name, .n = 1 } });
    for (size_t i = 0; i < sizeof(by_tcp) / sizeof(*by_tcp); i++) {
        struct client c;
        ask_tcp(&c, &w, by_tcp[i].headers);
        expect_text(&c, by_tcp[i].status);
        expect_text(&c, by_tcp[i].says);
        expect_text(&c, "Cache-Control: no-store\r\n");
        client_close(&c);
    }
    assert_int_equal(w.n_asked, 2);
    world_close(&w);
}

static const struct {
    const char *request, *status;
} by_socket[] = {
    { "POST /x HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}",
      "415 Unsupported Media Type" },
    { "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}", "415 Unsupported Media Type" },
    { "POST /x HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
      "Content-Length: 0\r\n\r\n",
      "415 Unsupported Media Type" },
    { "DELETE /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
      "415 Unsupported Media Type" },
    { "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "200 OK" },
    { "POST /x HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
      "Content-Length: 67108865\r\n\r\n",
      "413 Content Too Large" },
    { "POST /x HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
      "Expect: 100-continue\r\nContent-Length: 99999999999999999\r\n\r\n",
      "413 Content Too Large" },
    { "GET /x%00y HTTP/1.1\r\nHost: a\r\n\r\n", "400 Bad Request" },
    { "GET /x%2 HTTP/1.1\r\nHost: a\r\n\r\n", "400 Bad Request" },
    { "GET /x?a=%zz HTTP/1.1\r\nHost: a\r\n\r\n", "400 Bad Request" },
    { "GET /x HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\n\r\n", "403 Forbidden" },
};

static void test_socket(void **state)
{
    struct server_world w;

    (void)state;
    world_open(&w);
    for (size_t i = 0; i < sizeof(by_socket) / sizeof(*by_socket); i++) {
        struct client c;
        ask(&c, &w, w.path, by_socket[i].request);
        expect_text(&c, by_socket[i].status);
        assert_true(client_has(&c, "200 OK") ||
                    client_has(&c, "Content-Type: application/problem+json\r\n"));
        client_close(&c);
    }
    assert_int_equal(w.n_asked, 1);
    world_close(&w);
}

/* Refused, read to its end, and the connection is still of use. */
static void test_refused_keeps_connection(void **state)
{
    struct server_world w;
    struct client c;
    struct buf body = { 0 };

    (void)state;
    world_open(&w);
    for (int i = 0; i < 100000; i++)
        buf_add_c(&body, 'x');
    client_open(&c, &w, w.path);
    client_send(&c, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"
                    "Content-Length: 100000\r\n\r\n");
    client_send_n(&c, body.p, body.n);
    client_send(&c, "GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    client_await(&c, 2);
    expect_text(&c, "415 Unsupported Media Type");
    expect_text(&c, "GET /next ");
    buf_done(&body);
    client_close(&c);
    world_close(&w);
}

/* A body that never says how long it will be. */
static void test_endless_body(void **state)
{
    struct server_world w;
    struct client c;
    struct buf chunk = { 0 };

    (void)state;
    world_open(&w);
    buf_add_z(&chunk, "100000\r\n");
    for (int i = 0; i < LIMIT_MIB; i++)
        buf_add_c(&chunk, ' ');
    buf_add_z(&chunk, "\r\n");
    client_open(&c, &w, w.path);
    client_send(&c, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 80; i++)
        client_send_n(&c, chunk.p, chunk.n);
    client_await(&c, 0);
    assert_int_equal(w.n_asked, 0);
    world_pass(&w, 5);
    assert_int_equal(server_calls(w.server), 0);
    buf_done(&chunk);
    client_close(&c);
    world_close(&w);
}

static void test_head_too_long(void **state)
{
    struct server_world w;
    struct client c;
    struct buf request = { 0 };

    (void)state;
    world_open(&w);
    buf_add_z(&request, "GET /x HTTP/1.1\r\nHost: a\r\nX: ");
    for (int i = 0; i < LIMIT_DAEMON_HEAD_BYTES; i++)
        buf_add_c(&request, 'x');
    buf_add_z(&request, "\r\n\r\n");
    ask(&c, &w, w.path, buf_z(&request));
    expect_text(&c, "431 ");
    client_close(&c);
    /* Beyond the library's own buffer it answers by itself. */
    buf_reset(&request);
    buf_add_z(&request, "GET /x HTTP/1.1\r\nHost: a\r\nX: ");
    for (int i = 0; i < 4 * LIMIT_DAEMON_HEAD_BYTES; i++)
        buf_add_c(&request, 'x');
    buf_add_z(&request, "\r\n\r\n");
    client_open(&c, &w, w.path);
    client_send(&c, buf_z(&request));
    client_await(&c, 0);
    expect_text(&c, "431 ");
    assert_int_equal(w.n_asked, 0);
    buf_done(&request);
    client_close(&c);
    world_close(&w);
}

/* Bytes that come one by one don't make it longer. */
static void drip(const char *begin, unsigned head_ms, unsigned body_ms)
{
    struct server_world w;
    struct client c;

    world_open_with(&w, (struct server_options){ .head_ms = head_ms, .body_ms = body_ms });
    uint64_t start_us = clock_us();
    client_open(&c, &w, w.path);
    client_send(&c, begin);
    for (int i = 0; i < 1000 && !c.ended; i++) {
        char byte;
        world_pass(&w, 10);
        client_send(&c, "x");
        c.ended = recv(c.fd, &byte, 1, MSG_PEEK) >= 0 || errno != EAGAIN;
    }
    assert_true(c.ended);
    assert_in_range(clock_us() - start_us, 90 * 1000, 2000 * 1000);
    assert_int_equal(w.n_asked, 0);
    world_pass(&w, 5);
    assert_int_equal(server_calls(w.server), 0);
    client_close(&c);
    world_close(&w);
}

static void test_slow(void **state)
{
    (void)state;
    drip("GET /x HTTP/1.1\r\nX-Slow: ", 100, 10000);
    drip("", 100, 10000);
    drip("POST /x HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
         "Content-Length: 100000\r\n\r\n",
         10000, 100);
}

/* A connection at rest goes as well, and then nothing is left to wait for. */
static void test_rest_ends(void **state)
{
    struct server_world w;
    struct client c;

    (void)state;
    world_open_with(&w, (struct server_options){ .head_ms = 50 });
    ask(&c, &w, w.path, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    client_await(&c, 0);
    client_close(&c);
    world_pass(&w, 10);
    uint64_t turns = loop_turns(w.loop).count;
    world_pass(&w, 200);
    assert_in_range(loop_turns(w.loop).count - turns, 0, 3);
    world_close(&w);
}

static void test_rate(void **state)
{
    struct server_world w;
    struct client c;
    int refused = 0;

    (void)state;
    world_open(&w);
    for (int i = 0; i < 20 * LIMIT_DAEMON_BURST && !refused; i++) {
        ask_tcp(&c, &w, "Host: @\r\nAuthorization: Bearer " TOKEN "\r\n");
        refused = client_has(&c, "429 Too Many Requests");
        if (refused)
            expect_text(&c, "Retry-After: 1\r\n");
        client_close(&c);
    }
    assert_true(refused);
    assert_true(w.n_asked >= LIMIT_DAEMON_BURST);
    ask(&c, &w, w.path, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"); /* is not of that address */
    expect_text(&c, "200 OK");
    client_close(&c);
    world_close(&w);
}

/* The one too many is told so; the others go on, and when they end there is room again. */
static void test_too_many(void **state)
{
    struct server_world w;
    static struct client many[LIMIT_DAEMON_PEER_CONNECTIONS];
    struct rlimit files;
    struct client c;

    (void)state;
    getrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < 3 * LIMIT_DAEMON_PEER_CONNECTIONS)
        skip();
    world_open(&w);
    for (int i = 0; i < LIMIT_DAEMON_PEER_CONNECTIONS; i++) {
        client_open(&many[i], &w, w.path);
        if (i % 16 == 0)
            world_pass(&w, 1);
    }
    world_pass(&w, 20);
    ask(&c, &w, w.path, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_text(&c, "503 Service Unavailable");
    expect_text(&c, "Retry-After: 1\r\n");
    expect_text(&c, "Connection: close\r\n");
    client_close(&c);
    client_send(&many[0], "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    client_await(&many[0], 1);
    expect_text(&many[0], "200 OK");
    for (int i = 0; i < LIMIT_DAEMON_PEER_CONNECTIONS; i++)
        client_close(&many[i]);
    world_pass(&w, 20);
    ask(&c, &w, w.path, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_text(&c, "200 OK");
    client_close(&c);
    world_close(&w);
}

/* With all taken and those to spare as well, who comes waits, costs no turn, and has its turn. */
static void test_full(void **state)
{
    enum { ALL = LIMIT_DAEMON_CONNECTIONS + LIMIT_DAEMON_SPARE_CONNECTIONS };
    struct server_world w;
    static struct client many[ALL];
    struct rlimit files, more;
    struct client c;

    (void)state;
    getrlimit(RLIMIT_NOFILE, &files);
    more = files;
    more.rlim_cur = files.rlim_max < 3 * ALL ? files.rlim_max : 3 * ALL;
    if (more.rlim_cur < 3 * ALL || setrlimit(RLIMIT_NOFILE, &more) != 0)
        skip();
    world_open(&w);
    for (int i = 0; i < ALL; i++) {
        client_open(&many[i], &w, i < LIMIT_DAEMON_PEER_CONNECTIONS ? w.path : w.tcp);
        if (i % 16 == 0)
            world_pass(&w, 1);
    }
    world_pass(&w, 20);
    client_open(&c, &w, w.path);
    client_send(&c, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    uint64_t turns = loop_turns(w.loop).count;
    world_pass(&w, 100);
    assert_in_range(loop_turns(w.loop).count - turns, 0, 3);
    assert_int_equal(w.n_asked, 0);
    for (int i = 0; i < ALL; i++)
        client_close(&many[i]);
    client_await(&c, 1);
    expect_text(&c, "200 OK");
    client_close(&c);
    world_close(&w);
    setrlimit(RLIMIT_NOFILE, &files);
}

/* Without descriptors it neither turns for ever nor loses who comes. */
static void test_no_descriptors(void **state)
{
    struct server_world w;
    struct rlimit files, few;
    struct client c;
    int next;

    (void)state;
    world_open(&w);
    client_open(&c, &w, w.path);
    client_send(&c, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    next = dup(0);
    close(next);
    getrlimit(RLIMIT_NOFILE, &files);
    few = files;
    few.rlim_cur = (rlim_t)next;
    setrlimit(RLIMIT_NOFILE, &few);
    uint64_t turns = loop_turns(w.loop).count;
    world_pass(&w, 100);
    assert_true(loop_turns(w.loop).count - turns <= 5);
    assert_int_equal(w.n_asked, 0);
    setrlimit(RLIMIT_NOFILE, &files);
    client_await(&c, 1);
    expect_text(&c, "200 OK");
    client_close(&c);
    world_close(&w);
}

/* Of another user: only the superuser can try it. */
static void test_other_user(void **state)
{
    struct server_world w;
    struct client c;

    (void)state;
    if (geteuid() != 0)
        skip();
    world_open(&w);
    assert_int_equal(chmod(w.dir.path, 0711), 0);
    assert_int_equal(chmod(w.path, 0666), 0);
    assert_int_equal(seteuid(12345), 0);
    client_open(&c, &w, w.path); /* who it is counts from now on */
    assert_int_equal(seteuid(0), 0);
    client_send(&c, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    client_await(&c, 1);
    expect_text(&c, "403 Forbidden");
    expect_text(&c, "uid 12345 may not use this daemon");
    client_close(&c);
    assert_int_equal(w.n_asked, 0);
    world_close(&w);
}

static void test_allowed_user(void **state)
{
    struct server_world w;
    struct client c;
    const uid_t uid = 12345;

    (void)state;
    if (geteuid() != 0)
        skip();
    world_open_with(&w, (struct server_options){ .uids = &uid, .n_uids = 1 });
    assert_int_equal(chmod(w.dir.path, 0711), 0);
    assert_int_equal(chmod(w.path, 0666), 0);
    assert_int_equal(seteuid(12345), 0);
    client_open(&c, &w, w.path);
    assert_int_equal(seteuid(0), 0);
    client_send(&c, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    client_await(&c, 1);
    expect_text(&c, "200 OK");
    client_close(&c);
    world_close(&w);
}

static const char *const nonsense[] = {
    "\r\n\r\n",
    "GET\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "GET /x HTTP/9.9\r\n\r\n",
    "GET  /x  HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    "GET /x HTTP/1.1\r\n Host: a\r\n\r\n",
    "GET /x HTTP/1.1\r\nHost a\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n",
    "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
};

/* The server outlives all of it, and whoever sends it leaves nothing behind. */
static void test_nonsense(void **state)
{
    struct server_world w;
    struct client c;

    (void)state;
    world_open_with(&w, (struct server_options){ .head_ms = 100, .body_ms = 100 });
    for (size_t i = 0; i < sizeof(nonsense) / sizeof(*nonsense); i++) {
        client_open(&c, &w, w.path);
        client_send(&c, nonsense[i]);
        client_await(&c, 0);
        client_close(&c);
    }
    world_pass(&w, 5);
    assert_int_equal(server_calls(w.server), 0);
    ask(&c, &w, w.path, "GET /x HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_text(&c, "200 OK");
    client_close(&c);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tcp),           cmocka_unit_test(test_socket),
        cmocka_unit_test(test_endless_body),  cmocka_unit_test(test_refused_keeps_connection),
        cmocka_unit_test(test_head_too_long), cmocka_unit_test(test_slow),
        cmocka_unit_test(test_rest_ends),     cmocka_unit_test(test_rate),
        cmocka_unit_test(test_too_many),      cmocka_unit_test(test_no_descriptors),
        cmocka_unit_test(test_full),          cmocka_unit_test(test_other_user),
        cmocka_unit_test(test_allowed_user),  cmocka_unit_test(test_nonsense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
