/* net/http against a server in the same loop (http_server.h). Names come from a hosts file of
 * the test's own, to which CARES_HOSTS points: libcurl does not know them, so each request that
 * arrives was fed by CURLOPT_RESOLVE. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "case.h"
#include "http_server.h"

#include "dray/net/http.h"
#include "dray/net/http_answer.h"
#include "dray/net/http_range.h"
#include "dray/util/clock.h"
#include "dray/util/limits.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
#define EMPTY   "Content-Length: 0\r\n\r\n"
#define GZIP_28                                                                                    \
    "\037\213\010\000\000\000\000\000\002\003\053\110\114\117\125\050\240\055\001\000\337\137\065" \
    "\140\144\000\000\000"

static const char gzip_page[] =
    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 28\r\n\r\n" GZIP_28;
static const char gzip_cut[] =
    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 30\r\n\r\n" GZIP_28;

static const char gzip_part[] =
    "HTTP/1.1 206 Partial Content\r\nContent-Encoding: gzip\r\nContent-Length: 28\r\n"
    "Content-Range: bytes 0-27/28\r\n\r\n" GZIP_28;

#define PART_HEAD "HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\n"
#define MULTIPART                                                                                  \
    "--x\r\nContent-Range: bytes 0-0/9\r\n\r\na\r\n--x\r\nContent-Range: bytes 2-2/9\r\n\r\nb\r\n" \
    "--x--\r\n"
/* The answer, and by way of a redirect. */
#define TWICE(name, ...)                                                                           \
    { name, __VA_ARGS__ },                                                                         \
    {                                                                                              \
        "/302" name, "HTTP/1.1 302 Found\r\nLocation: " name "\r\nContent-Length: 0\r\n\r\n",      \
            .after = KEEP                                                                          \
    }

enum { SHARE = 2 * 1024 * 1024 }; /* what a transfer may take before it rests: http_rest.c */

static const struct server_route routes[] = {
    { "/share", "HTTP/1.1 200 OK\r\nContent-Length: 2097152\r\n\r\n", .more = SHARE },
    { "/shares", "HTTP/1.1 200 OK\r\nContent-Length: 6291457\r\n\r\n", .more = 3 * SHARE + 1 },
    { "/shares-until-close", "HTTP/1.1 200 OK\r\n\r\n", .after = CLOSE, .more = 2 * SHARE },
    { "/shares-cut", "HTTP/1.1 200 OK\r\nContent-Length: 6291457\r\n\r\n", .after = CLOSE,
      .more = 2 * SHARE },
    { "/ok", OK_HEAD "Content-Type: text/plain\r\n\r\nhello", .after = KEEP },
    { "/slow", OK_HEAD "\r\nhello", .delay_ms = 10 },
    { "/chunked",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\nX: "
      "y\r\n\r\n",
      .after = KEEP },
    { "/until-close", "HTTP/1.1 200 OK\r\n\r\nhello", .after = CLOSE },
    { "/old", "HTTP/1.0 200 OK\r\n\r\nhello", .after = CLOSE },
    { "/hints", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" OK_HEAD "\r\nhello", .after = KEEP },
    { "/cut", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", .after = CLOSE },
    { "/cut-reset", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", .after = RESET },
    { "/cut-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nhello",
      .after = CLOSE },
    { "/cut-chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
      .after = CLOSE },
    { "/too-long", OK_HEAD "\r\nhello world", .after = KEEP },
    { "/empty", "HTTP/1.1 200 OK\r\n" EMPTY, .after = KEEP },
    { "/relative", "HTTP/1.1 302 Found\r\nLocation: ./x/../ok#f\r\n" EMPTY, .after = KEEP },
    { "/absolute", "HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:PORT/ok\r\n" EMPTY,
      .after = KEEP },
    { "/other", "HTTP/1.1 307 X\r\nLocation: http://other.example.org:PORT/back\r\n" EMPTY,
      .after = KEEP },
    { "/back", "HTTP/1.1 308 X\r\nLocation: http://one.example.org:PORT/ok\r\n" EMPTY,
      .after = KEEP },
    { "/with-body", "HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 4\r\n\r\ngone",
      .after = KEEP },
    { "/loop", "HTTP/1.1 302 Found\r\nLocation: /loop\r\n" EMPTY, .after = KEEP },
    { "/to-file", "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n" EMPTY, .after = KEEP },
    { "/to-ftp", "HTTP/1.1 302 Found\r\nLocation: ftp://127.0.0.1/x\r\n" EMPTY, .after = KEEP },
    { "/to-nowhere", "HTTP/1.1 302 Found\r\nLocation: http://:80/x\r\n" EMPTY, .after = KEEP },
    { "/no-location", "HTTP/1.1 302 Found\r\n" EMPTY, .after = KEEP },
    { "/404", "HTTP/1.1 404 Nope\r\nContent-Length: 4\r\n\r\nnope", .after = KEEP },
    { "/404-large", "HTTP/1.1 404 Nope\r\nContent-Length: 1000000\r\n\r\nnope", .after = HANG },
    { "/404-endless", "HTTP/1.1 404 Nope\r\n\r\n", .after = HANG,
      .more = LIMIT_IGNORED_BODY_BYTES + 1 },
    { "/404-cut", "HTTP/1.1 404 Nope\r\nContent-Length: 10\r\n\r\nnope", .after = CLOSE },
    { "/410", "HTTP/1.1 410 Gone\r\n" EMPTY, .after = KEEP },
    { "/403", "HTTP/1.1 403 \033[31m\r\n" EMPTY, .after = KEEP },
    { "/299", "HTTP/1.1 299 What\r\n" EMPTY, .after = KEEP },
    { "/204", "HTTP/1.1 204 No Content\r\n\r\n", .after = KEEP },
    { "/206", "HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\n\r\nhello", .after = KEEP },
    { "/408", "HTTP/1.1 408 X\r\nConnection: close\r\n" EMPTY, .after = CLOSE },
    { "/425", "HTTP/1.1 425 X\r\n" EMPTY, .after = KEEP },
    { "/429", "HTTP/1.1 429 X\r\nRetry-After: 1\r\n" EMPTY, .after = KEEP },
    { "/500", "HTTP/1.1 500 X\r\n" EMPTY, .after = KEEP },
    { "/503-past", "HTTP/1.1 503 X\r\nRetry-After: Wed, 21 Oct 2015 07:28:00 GMT\r\n" EMPTY,
      .after = KEEP },
    { "/503-future", "HTTP/1.1 503 X\r\nretry-after: Fri, 31 Dec 2100 23:59:59 GMT\r\n" EMPTY,
      .after = KEEP },
    { "/503-bad", "HTTP/1.1 503 X\r\nRetry-After: -7\r\n" EMPTY, .after = KEEP },
    { "/503-huge", "HTTP/1.1 503 X\r\nRetry-After: 99999999999999999999\r\n" EMPTY, .after = KEEP },
    { "/reset", "", .after = RESET },
    { "/close", "", .after = CLOSE },
    { "/half-head", "HTTP/1.1 200 OK\r\nContent-Le", .after = CLOSE },
    { "/garbage", "SSH-2.0-x\r\n", .after = CLOSE },
    { "/no-number", "HTTP/1.1 abc\r\n\r\n", .after = CLOSE },
    { "/silent", "", .after = HANG },
    { "/silent-body", OK_HEAD "\r\nhel", .after = HANG },
    { "/drip", "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n", .after = KEEP, .drip = 40 },
    { "/gzip", gzip_page, .after = KEEP, .n = sizeof gzip_page - 1 },
    { "/gzip-cut", gzip_cut, .after = CLOSE, .n = sizeof gzip_cut - 1 },
    { "/gzip-bad", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
      .after = KEEP },
    { "/long-line", "HTTP/1.1 200 OK\r\nX: ", .after = HANG, .more = 120000, .one_line = true },
    { "/long-head", "HTTP/1.1 200 OK\r\n", .after = KEEP, .more = LIMIT_HEADER_BYTES },
    { "/long", "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", .after = KEEP, .more = 100000 },
    TWICE("/part", PART_HEAD "Content-Range: bytes 10-14/1000\r\nETag: \"v1\"\r\n\r\nhello",
          .after = KEEP),
    TWICE("/part-last", PART_HEAD "Content-Range: bytes 995-999/1000\r\n\r\nhello", .after = KEEP),
    TWICE("/part-chunked",
          "HTTP/1.1 206 X\r\nTransfer-Encoding: chunked\r\nContent-Range: bytes 0-4/*\r\n\r\n"
          "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
          .after = KEEP),
    TWICE("/part-until-close", "HTTP/1.1 206 X\r\nContent-Range: bytes 0-4/9\r\n\r\nhello",
          .after = CLOSE),
    TWICE("/part-cut",
          "HTTP/1.1 206 X\r\nContent-Length: 10\r\nContent-Range: bytes 0-9/99\r\n\r\nhello",
          .after = CLOSE),
    TWICE("/part-bogus", PART_HEAD "Content-Range: bytes -10-99/100\r\n\r\nhello", .after = KEEP),
    TWICE("/part-two",
          PART_HEAD "Content-Range: bytes 0-4/9\r\nContent-Range: bytes 4-8/9\r\n\r\nhello",
          .after = KEEP),
    TWICE("/part-bare", PART_HEAD "\r\nhello", .after = KEEP),
    TWICE("/part-many",
          "HTTP/1.1 206 X\r\nContent-Type: multipart/byteranges; boundary=x\r\n\r\n" MULTIPART,
          .after = CLOSE),
    TWICE("/part-gzip", gzip_part, .after = KEEP, .n = sizeof gzip_part - 1),
    TWICE("/whole", OK_HEAD "\r\nhello", .after = KEEP),
    TWICE("/416", "HTTP/1.1 416 X\r\nContent-Range: bytes */1000\r\nContent-Length: 4\r\n\r\nnope",
          .after = KEEP),
    TWICE("/416-bare", "HTTP/1.1 416 X\r\n" EMPTY, .after = KEEP),
    TWICE("/416-large", "HTTP/1.1 416 X\r\nContent-Length: 1000000\r\n\r\nnope", .after = HANG),
    TWICE("/416-endless", "HTTP/1.1 416 X\r\n\r\n", .after = HANG,
          .more = LIMIT_IGNORED_BODY_BYTES + 1),
    TWICE("/416-cut", "HTTP/1.1 416 X\r\nContent-Length: 10\r\n\r\nnope", .after = CLOSE),
    TWICE("/304", "HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\nContent-Length: 1000000\r\n\r\n",
          .after = KEEP),
    TWICE("/304-chunked", "HTTP/1.1 304 X\r\nTransfer-Encoding: chunked\r\n\r\n", .after = KEEP),
    TWICE("/304-gzip", "HTTP/1.1 304 X\r\nContent-Encoding: gzip\r\n\r\n", .after = KEEP),
    TWICE("/412", "HTTP/1.1 412 X\r\n" EMPTY, .after = KEEP),
    { "/301", "HTTP/1.1 301 X\r\nLocation: /whole\r\n" EMPTY, .after = KEEP },
    { "/303", "HTTP/1.1 303 X\r\nLocation: /301\r\n" EMPTY, .after = KEEP },
    { "/307", "HTTP/1.1 307 X\r\nLocation: /whole\r\n" EMPTY, .after = KEEP },
    { "/308", "HTTP/1.1 308 X\r\nLocation: /301\r\n" EMPTY, .after = KEEP },
    { "/301-303", "HTTP/1.1 301 X\r\nLocation: /303\r\n" EMPTY, .after = KEEP },
    { "/fields",
      OK_HEAD "ETag: \"v1\"\r\nLast-Modified: m\r\nCache-Control: a\r\nDate: d\r\nAge: 1\r\n"
              "Expires: 0\r\nVary: v\r\nCache-Control: b\r\n\r\nhello",
      .after = KEEP },
    { "/encoded-twice", OK_HEAD "Content-Encoding: gzip\r\nContent-Encoding: identity\r\n\r\nhello",
      .after = KEEP },
    { "/huge", "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", .after = HANG,
      .more = 3000000 },
    { "/long-chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n186a0\r\n",
      .after = HANG, .more = 100000 },
};

struct world {
    struct loop *loop;
    struct server server;
    struct http *http;
    unsigned running; /* the loop stops at 0 */
};

/* One exchange and what came of it. */
struct get {
    struct world *world;
    struct http_exchange *x; /* NULL once it is done */
    unsigned started, heads, done;
    struct buf body, type, url, text, address;
    struct buf fields; /* etag|last_modified|cache_control|date|age|expires|vary */
    struct http_content_range range;
    int64_t body_bytes;
    int code, status, head_status;
    bool again, reused, encoded, moved_for_now;
    int64_t retry_after_ms;
    uint64_t counted, done_us;
    int refuse_head, refuse_data;
    struct get *victim;        /* cancelled when this one is done */
    struct loop_task suicide;  /* posted when bytes come, if it has a fn */
    struct http_request *next; /* started when this one is done, into the same get */
};

static void get_start(struct get *g, const struct http_request *rq);

static void on_started(void *ctx)
{
    struct get *g = ctx;

    g->started++;
}

static int on_head(void *ctx, const struct http_head *head, struct err *e)
{
    struct get *g = ctx;

    g->heads++;
    g->head_status = head->status;
    g->range = head->content_range;
    g->encoded = head->encoded;
    g->moved_for_now = head->moved_for_now;
    g->body_bytes = head->body_bytes;
    buf_add_f(&g->fields, "%.*s|%.*s|%.*s|%.*s|%.*s|%.*s|%.*s", STR_ARG(head->etag),
              STR_ARG(head->last_modified), STR_ARG(head->cache_control), STR_ARG(head->date),
              STR_ARG(head->age), STR_ARG(head->expires), STR_ARG(head->vary));
    buf_add_str(&g->type, head->content_type);
    buf_add_str(&g->url, head->url);
    return g->refuse_head ? err_set(e, g->refuse_head, "head refused") : 0;
}

static int on_data(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct get *g = ctx;

    assert_int_equal(g->heads, 1);
    assert_true(n <= 16 * 1024);
    buf_add(&g->body, bytes, n);
    if (g->suicide.fn)
        loop_post(g->world->loop, &g->suicide);
    return g->refuse_data ? err_set(e, g->refuse_data, "data refused") : 0;
}

static void get_cancel(struct get *g)
{
    http_cancel(g->x);
    g->x = NULL;
    if (--g->world->running == 0)
        loop_stop(g->world->loop);
}

static void on_done(void *ctx, struct http_result *r)
{
    struct get *g = ctx;

    g->x = NULL;
    g->done++;
    g->code = r->err.code;
    g->status = r->status;
    g->again = r->again;
    g->reused = r->reused;
    g->retry_after_ms = r->retry_after_ms;
    g->counted = r->body_bytes;
    g->done_us = clock_us();
    buf_reset(&g->text);
    buf_add_z(&g->text, err_text(&r->err));
    buf_reset(&g->address);
    buf_add_z(&g->address, r->address ? r->address : "none");
    assert_int_equal(g->body.n, r->body_bytes);
    if (g->heads)
        assert_int_equal(g->head_status, r->status);
    if (g->victim)
        get_cancel(g->victim);
    if (g->next) {
        struct http_request *rq = g->next;
        g->next = NULL;
        get_start(g, rq);
    }
    if (--g->world->running == 0)
        loop_stop(g->world->loop);
}

static const struct http_sink sink_template = {
    .started = on_started,
    .head = on_head,
    .data = on_data,
    .done = on_done,
};

static void get_start(struct get *g, const struct http_request *rq)
{
    struct http_sink sink = sink_template;

    sink.ctx = g;
    g->world->running++;
    g->heads = g->started = 0;
    buf_reset(&g->body);
    buf_reset(&g->type);
    buf_reset(&g->url);
    buf_reset(&g->fields);
    g->x = http_start(g->world->http, rq, &sink);
    assert_non_null(g->x);
}

static void get_done(struct get *g)
{
    buf_done(&g->body);
    buf_done(&g->type);
    buf_done(&g->url);
    buf_done(&g->fields);
    buf_done(&g->text);
    buf_done(&g->address);
}

static void world_open(struct world *w, const struct http_options *o)
{
    struct err e = { 0 };

    memset(w, 0, sizeof *w);
    w->loop = loop_open(&e);
    assert_non_null(w->loop);
    server_open(&w->server, w->loop, routes, sizeof routes / sizeof *routes);
    w->http = http_create(w->loop, o, &e);
    assert_non_null(w->http);
}

static void world_close(struct world *w)
{
    assert_int_equal(w->running, 0);
    http_destroy(w->http);
    server_close(&w->server);
    loop_close(w->loop);
}

static void world_run(struct world *w)
{
    assert_true(w->running == 0 || loop_run(w->loop));
}

/* "http://HOST:PORT/PATH" */
static void ask_of(struct get *g, struct world *w, const char *host, const char *path,
                   struct http_request rq)
{
    struct buf url = { 0 };

    g->world = w;
    buf_add_f(&url, "http://%s:%u%s", host, w->server.port, path);
    rq.url = buf_z(&url);
    get_start(g, &rq);
    buf_done(&url);
}

static void ask(struct get *g, struct world *w, const char *path)
{
    ask_of(g, w, "127.0.0.1", path, (struct http_request){ .accept = "text/x-test" });
}

static const struct http_options plain = { .user_agent = "dray-test", .timeout_ms = 5000 };

/* path, error, status, again, Retry-After in ms (-2: a date to come), bytes of the body that
 * came, words in the text */
static const struct {
    const char *path;
    int code, status;
    bool again;
    int64_t retry_after_ms;
    const char *body;
    const char *text;
} results[] = {
    { "/ok", 0, 200, false, -1, "hello", "" },
    { "/chunked", 0, 200, false, -1, "hello", "" },
    { "/until-close", 0, 200, false, -1, "hello", "" },
    { "/old", 0, 200, false, -1, "hello", "" },
    { "/hints", 0, 200, false, -1, "hello", "" },
    { "/too-long", 0, 200, false, -1, "hello", "" },
    { "/empty", 0, 200, false, -1, "", "" },
    { "/cut", ERR_NETWORK, 200, true, -1, "hello", "(5 of 10 bytes)" },
    { "/cut-reset", ERR_NETWORK, 200, true, -1, NULL, "reset" },
    { "/cut-chunk", ERR_NETWORK, 200, true, -1, "hello", "/cut-chunk: " },
    { "/cut-chunks", ERR_NETWORK, 200, true, -1, "hello", "before the end" },
    { "/relative", 0, 200, false, -1, "hello", "" },
    { "/absolute", 0, 200, false, -1, "hello", "" },
    { "/with-body", 0, 200, false, -1, "hello", "" },
    { "/loop", ERR_REDIRECT, 302, false, -1, "", "one redirect too many" },
    { "/to-file", ERR_REDIRECT, 302, false, -1, "",
      "redirects to file:///etc/passwd: only http and https" },
    { "/to-ftp", ERR_REDIRECT, 302, false, -1, "", "only http and https" },
    { "/to-nowhere", ERR_REDIRECT, 302, false, -1, "", "redirects to http://:80/x" },
    { "/no-location", ERR_STATUS, 302, false, -1, "", "the server answered 302" },
    { "/404", ERR_NOT_FOUND, 404, false, -1, "", "/404: the server answered 404 Not Found" },
    { "/404-large", ERR_NOT_FOUND, 404, false, -1, "", "404 Not Found" },
    { "/404-endless", ERR_NOT_FOUND, 404, false, -1, "", "404 Not Found" },
    { "/404-cut", ERR_NOT_FOUND, 404, false, -1, "", "404 Not Found" },
    { "/410", ERR_NOT_FOUND, 410, false, -1, "", "410 Gone" },
    { "/403", ERR_STATUS, 403, false, -1, "", "403 Forbidden" },
    { "/299", ERR_STATUS, 299, false, -1, "", "the server answered 299" },
    { "/204", ERR_STATUS, 204, false, -1, "", "204 No Content" },
    { "/206", ERR_STATUS, 206, false, -1, "", "206 Partial Content" },
    { "/304", ERR_STATUS, 304, false, -1, "", "304 Not Modified" },
    { "/416", ERR_STATUS, 416, false, -1, "", "416 Range Not Satisfiable" },
    { "/part", ERR_STATUS, 206, false, -1, "", "206 Partial Content" },
    { "/408", ERR_STATUS, 408, true, -1, "", "408 Request Timeout" },
    { "/425", ERR_STATUS, 425, true, -1, "", "425 Too Early" },
    { "/429", ERR_STATUS, 429, true, 1000, "", "429 Too Many Requests" },
    { "/500", ERR_STATUS, 500, true, -1, "", "500 Internal Server Error" },
    { "/503-past", ERR_STATUS, 503, true, 0, "", "503 Service Unavailable" },
    { "/503-future", ERR_STATUS, 503, true, -2, "", "503 Service Unavailable" },
    { "/503-bad", ERR_STATUS, 503, true, -1, "", "503 Service Unavailable" },
    { "/503-huge", ERR_STATUS, 503, true, -1, "", "503 Service Unavailable" },
    { "/reset", ERR_NETWORK, 0, true, -1, "", "/reset: " },
    { "/close", ERR_NETWORK, 0, true, -1, "", "without an answer" },
    { "/half-head", ERR_NETWORK, 0, true, -1, "", "/half-head: " },
    { "/garbage", ERR_NETWORK, 0, true, -1, "", "not HTTP" },
    { "/no-number", ERR_NETWORK, 0, true, -1, "", "not HTTP" },
    { "/long-line", ERR_LIMIT, 0, false, -1, "", "/long-line: a line of the answer's head" },
    { "/long-head", ERR_LIMIT, 0, false, -1, "", "/long-head: the answer's headers" },
};

static void check_result(const struct get *g, size_t i)
{
    if (g->code != results[i].code || g->status != results[i].status ||
        g->again != results[i].again || !strstr(buf_z(&g->text), results[i].text))
        fail_msg("%s: %s, status %d, again %d: %s", results[i].path, err_name(g->code), g->status,
                 g->again, buf_z(&g->text));
    if (results[i].body)
        assert_string_equal(buf_z(&g->body), results[i].body);
    if (results[i].retry_after_ms == -2)
        assert_true(g->retry_after_ms > 1000 * 1000);
    else
        assert_int_equal(g->retry_after_ms, results[i].retry_after_ms);
    assert_int_equal(g->started, 1);
    assert_int_equal(g->done, 1);
    assert_int_equal(g->heads, g->status == 200 && g->code != ERR_REDIRECT ? 1 : 0);
    assert_string_equal(buf_z(&g->address), "127.0.0.1");
}

/* Each answer alone, and all of them at once. */
static void test_results(void **state)
{
    enum { N = sizeof results / sizeof *results };
    struct get gets[N] = { { 0 } };
    struct world w;

    (void)state;
    for (int together = 0; together < 2; together++) {
        world_open(&w, &plain);
        memset(gets, 0, sizeof gets);
        for (size_t i = 0; i < N; i++) {
            ask(&gets[i], &w, results[i].path);
            if (!together)
                world_run(&w);
        }
        world_run(&w);
        for (size_t i = 0; i < N; i++) {
            check_result(&gets[i], i);
            get_done(&gets[i]);
        }
        world_close(&w);
    }
}

static void test_head(void **state)
{
    struct get g = { 0 };
    struct world w;
    char url[64];

    (void)state;
    world_open(&w, &plain);
    ask_of(&g, &w, "me:secret@127.0.0.1", "/relative",
           (struct http_request){ .accept = "text/x-test" });
    assert_int_equal(g.started, 0);
    world_run(&w);
    assert_int_equal(g.body_bytes, 5);
    assert_string_equal(buf_z(&g.type), "text/plain");
    snprintf(url, sizeof url, "http://127.0.0.1:%u/ok", w.server.port);
    assert_string_equal(buf_z(&g.url), url);
    const char *sent = buf_z(&w.server.requests);
    assert_non_null(strstr(sent, "GET /relative HTTP/1.1\r\n"));
    assert_non_null(strstr(sent, "Accept: text/x-test\r\n"));
    assert_non_null(strstr(sent, "Accept-Encoding: identity\r\n"));
    assert_non_null(strstr(sent, "User-Agent: dray-test\r\n"));
    assert_non_null(strstr(sent, "Authorization: Basic bWU6c2VjcmV0\r\n"));
    ask(&g, &w, "/until-close");
    world_run(&w);
    assert_int_equal(g.body_bytes, -1);
    assert_string_equal(buf_z(&g.type), "");
    get_done(&g);
    world_close(&w);
}

/* Credentials go to their origin, not to where that redirects, and again to the origin. */
static void test_credentials(void **state)
{
    struct get g = { 0 };
    struct world w;

    (void)state;
    world_open(&w, &plain);
    ask_of(&g, &w, "me:secret@one.example.org", "/other", (struct http_request){ .url = NULL });
    world_run(&w);
    assert_int_equal(g.code, 0);
    assert_int_equal(g.started, 1);
    assert_string_equal(buf_z(&w.server.log), "/other\n/back\n/ok\n");
    struct str rest = buf_str(&w.server.requests);
    for (int i = 0; i < 3; i++) {
        ptrdiff_t end = str_search(rest, STR("\r\n\r\n"));
        struct str head = str_sub(rest, 0, (size_t)end);
        assert_int_equal(str_search(head, STR("Authorization:")) >= 0, i != 1);
        rest = str_sub(rest, (size_t)end + 4, rest.n);
    }
    get_done(&g);
    world_close(&w);
}

static void expect_one_thread(void)
{
#ifdef __linux__
    char line[256];
    bool seen = false;
    FILE *f = fopen("/proc/self/status", "r");

    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        if (strncmp(line, "Threads:", 8) != 0)
            continue;
        assert_int_equal(strtol(line + 8, NULL, 10), 1);
        seen = true;
    }
    fclose(f);
    assert_true(seen);
#endif
}

/* Names, and an address that refuses before the one that serves. */
static void test_names(void **state)
{
    struct get a = { 0 }, b = { 0 }, c = { 0 };
    struct world w;

    (void)state;
    world_open(&w, &plain);
    ask_of(&a, &w, "one.example.org", "/slow", (struct http_request){ .url = NULL });
    ask_of(&b, &w, "two.example.org", "/slow", (struct http_request){ .url = NULL });
    ask_of(&c, &w, "localhost", "/slow", (struct http_request){ .url = NULL });
    world_run(&w);
    expect_one_thread();
    assert_int_equal(a.code, 0);
    assert_int_equal(b.code, 0);
    assert_int_equal(c.code, 0);
    assert_string_equal(buf_z(&b.address), "127.0.0.1");
    assert_int_equal(b.started, 1);
    get_done(&a);
    get_done(&b);
    get_done(&c);
    world_close(&w);
}

/* The connection that won the race of two addresses is the one that the request goes over. */
static void test_the_winner_is_used(void **state)
{
    struct get g[4] = { 0 };
    struct world w;

    (void)state;
    world_open(&w, &(struct http_options){ .per_host = 2 });
    ask_of(&g[0], &w, "two.example.org", "/ok", (struct http_request){ .url = NULL });
    world_run(&w);
    assert_int_equal(w.server.connections, 1);
    assert_false(g[0].reused);
    assert_string_equal(buf_z(&g[0].address), "127.0.0.1");
    for (int i = 1; i < 4; i++)
        ask_of(&g[i], &w, "two.example.org", "/slow", (struct http_request){ .url = NULL });
    world_run(&w);
    assert_int_equal(w.server.connections, 2);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(g[i].code, 0);
        get_done(&g[i]);
    }
    world_close(&w);
}

/* In each of its states; with others waiting for the same race, and the last one of them. */
static void test_cancel_a_race(void **state)
{
    struct get first = { 0 }, second = { 0 };
    struct world w;

    (void)state;
    for (int turns = 0; turns < 12; turns++) {
        world_open(&w, &plain);
        ask_of(&first, &w, "two.example.org", "/ok", (struct http_request){ .url = NULL });
        ask_of(&second, &w, "two.example.org", "/ok", (struct http_request){ .url = NULL });
        for (int i = 0; i < turns && first.x; i++)
            uv_run(loop_uv(w.loop), UV_RUN_NOWAIT);
        if (first.x)
            get_cancel(&first);
        if (turns % 2 && second.x)
            get_cancel(&second);
        world_run(&w);
        assert_true(turns % 2 || second.code == 0);
        get_done(&first);
        get_done(&second);
        first = second = (struct get){ 0 };
        world_close(&w);
    }
}

static void test_no_connection(void **state)
{
    struct get g = { 0 }, name = { 0 };
    struct world w;
    struct sockaddr_in address;
    uv_tcp_t taken;
    int size = sizeof address;
    char text[128];

    (void)state;
    world_open(&w, &plain);
    /* A port that is bound but not listened to refuses. */
    uv_tcp_init(loop_uv(w.loop), &taken);
    uv_ip4_addr("127.0.0.1", 0, &address);
    assert_int_equal(uv_tcp_bind(&taken, (struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_tcp_getsockname(&taken, (struct sockaddr *)&address, &size), 0);
    unsigned served = w.server.port;
    w.server.port = ntohs(address.sin_port);
    ask_of(&g, &w, "me:secret@two.example.org", "/x?token=1", (struct http_request){ .url = NULL });
    world_run(&w);
    assert_int_equal(g.code, ERR_CONNECT);
    assert_true(g.again);
    snprintf(text, sizeof text, "connecting to two.example.org port %u: Connection refused",
             w.server.port);
    assert_string_equal(buf_z(&g.text), text);
    w.server.port = served;
    name.world = &w;
    get_start(&name, &(struct http_request){
                         .url = "http://xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                                "xxxxxxxxxxxxxxxxxxxx.example.org/" });
    world_run(&w);
    assert_int_equal(name.code, ERR_DNS);
    assert_false(name.again);
    uv_close((uv_handle_t *)&taken, NULL);
    get_done(&g);
    get_done(&name);
    world_close(&w);
}

static void test_bad_url(void **state)
{
    struct get g = { 0 };
    struct world w;

    (void)state;
    world_open(&w, &plain);
    g.world = &w;
    get_start(&g, &(struct http_request){ .url = "file:///etc/passwd" });
    assert_int_equal(g.done, 0);
    world_run(&w);
    assert_int_equal(g.code, ERR_INPUT);
    assert_int_equal(g.started, 0);
    get_start(&g, &(struct http_request){ .url = "" });
    get_cancel(&g);
    assert_int_equal(g.done, 1);
    get_done(&g);
    world_close(&w);
}

static void test_encoding(void **state)
{
    struct get g = { 0 };
    struct world w;

    (void)state;
    world_open(&w, &plain);
    ask_of(&g, &w, "127.0.0.1", "/gzip", (struct http_request){ .is_page = true });
    world_run(&w);
    assert_int_equal(g.code, 0);
    assert_int_equal(g.body.n, 100);
    assert_memory_equal(g.body.p, "page page ", 10);
    assert_int_equal(g.body_bytes, -1);
    assert_non_null(strstr(buf_z(&w.server.requests), "gzip"));
    ask(&g, &w, "/gzip"); /* asked for identity: whatever comes are the file's bytes */
    world_run(&w);
    assert_int_equal(g.code, 0);
    assert_int_equal(g.body.n, 28);
    assert_memory_equal(g.body.p, GZIP_28, 28);
    assert_int_equal(g.body_bytes, 28);
    ask_of(&g, &w, "127.0.0.1", "/gzip-cut", (struct http_request){ .is_page = true });
    world_run(&w);
    assert_int_equal(g.code, ERR_NETWORK);
    assert_true(g.again);
    ask_of(&g, &w, "127.0.0.1", "/gzip-bad", (struct http_request){ .is_page = true });
    world_run(&w);
    assert_int_equal(g.code, ERR_NETWORK);
    assert_non_null(strstr(buf_z(&g.text), "compressed answer is malformed"));
    ask_of(&g, &w, "127.0.0.1", "/gzip", (struct http_request){ .is_page = true, .max_bytes = 99 });
    world_run(&w);
    assert_int_equal(g.code, ERR_LIMIT);
    get_done(&g);
    world_close(&w);
}

static void test_max_bytes(void **state)
{
    struct get g = { 0 };
    struct world w;

    (void)state;
    world_open(&w, &plain);
    ask_of(&g, &w, "127.0.0.1", "/long", (struct http_request){ .max_bytes = 100000 });
    world_run(&w);
    assert_int_equal(g.code, 0);
    assert_int_equal(g.counted, 100000);
    ask_of(&g, &w, "127.0.0.1", "/long", (struct http_request){ .max_bytes = 99999 });
    world_run(&w);
    assert_int_equal(g.code, ERR_LIMIT);
    assert_int_equal(g.heads, 0); /* known before the first byte */
    assert_false(g.again);
    ask_of(&g, &w, "127.0.0.1", "/long-chunk", (struct http_request){ .max_bytes = 99999 });
    world_run(&w);
    assert_int_equal(g.code, ERR_LIMIT);
    assert_non_null(strstr(buf_z(&g.text), "more than 99999 bytes"));
    assert_true(g.counted <= 99999);
    get_done(&g);
    world_close(&w);
}

static void test_sink_refuses(void **state)
{
    struct get head = { .refuse_head = ERR_SPACE }, data = { .refuse_data = ERR_IO };
    struct world w;

    (void)state;
    world_open(&w, &plain);
    ask(&head, &w, "/ok");
    ask(&data, &w, "/long");
    world_run(&w);
    assert_int_equal(head.code, ERR_SPACE);
    assert_string_equal(buf_z(&head.text), "head refused");
    assert_int_equal(head.counted, 0);
    assert_int_equal(data.code, ERR_IO);
    assert_string_equal(buf_z(&data.text), "data refused");
    assert_false(data.again);
    get_done(&head);
    get_done(&data);
    world_close(&w);
}

enum { RANGED = 1, CONDITIONAL = 2 };

/* path, what was asked for, error, heads, body, Content-Length as the head has it, Content-Range
 * (all 0: none), encoded */
static const struct {
    const char *path;
    unsigned asked;
    int code;
    unsigned heads;
    const char *body;
    int64_t body_bytes;
    struct http_content_range range;
    bool encoded;
} partial[] = {
    { "/part", RANGED, 0, 1, "hello", 5, { true, 10, 14, 1000 }, false },
    { "/part", RANGED | CONDITIONAL, 0, 1, "hello", 5, { true, 10, 14, 1000 }, false },
    { "/part", CONDITIONAL, ERR_STATUS, 0, "", 0, { 0 }, false },
    { "/part-last", RANGED, 0, 1, "hello", 5, { true, 995, 999, 1000 }, false },
    { "/part-chunked", RANGED, 0, 1, "hello", -1, { true, 0, 4, -1 }, false },
    { "/part-until-close", RANGED, 0, 1, "hello", -1, { true, 0, 4, 9 }, false },
    { "/part-cut", RANGED, ERR_NETWORK, 1, "hello", 10, { true, 0, 9, 99 }, false },
    { "/part-bogus", RANGED, 0, 1, "hello", 5, { 0 }, false },
    { "/part-two", RANGED, 0, 1, "hello", 5, { 0 }, false },
    { "/part-bare", RANGED, 0, 1, "hello", 5, { 0 }, false },
    { "/part-many", RANGED, 0, 1, MULTIPART, -1, { 0 }, false },
    { "/part-gzip", RANGED, 0, 1, NULL, 28, { true, 0, 27, 28 }, true },
    { "/whole", RANGED, 0, 1, "hello", 5, { 0 }, false },
    { "/whole", CONDITIONAL, 0, 1, "hello", 5, { 0 }, false },
    { "/416", RANGED, 0, 1, "", -1, { true, -1, -1, 1000 }, false },
    { "/416", CONDITIONAL, ERR_STATUS, 0, "", 0, { 0 }, false },
    { "/416-bare", RANGED, 0, 1, "", -1, { 0 }, false },
    { "/416-large", RANGED, 0, 1, "", -1, { 0 }, false },
    { "/416-endless", RANGED, 0, 1, "", -1, { 0 }, false },
    { "/416-cut", RANGED, 0, 1, "", -1, { 0 }, false },
    { "/304", CONDITIONAL, 0, 1, "", -1, { 0 }, false },
    { "/304", RANGED | CONDITIONAL, 0, 1, "", -1, { 0 }, false },
    { "/304", RANGED, ERR_STATUS, 0, "", 0, { 0 }, false },
    { "/304-chunked", CONDITIONAL, 0, 1, "", -1, { 0 }, false },
    { "/304-gzip", CONDITIONAL, 0, 1, "", -1, { 0 }, true },
    { "/412", RANGED | CONDITIONAL, ERR_STATUS, 0, "", 0, { 0 }, false },
    { "/404", RANGED | CONDITIONAL, ERR_NOT_FOUND, 0, "", 0, { 0 }, false },
};

static void check_partial(const struct get *g, size_t i, bool redirected)
{
    struct http_content_range want = partial[i].range;

    if (!want.given)
        want.first = want.last = want.total = -1;
    if (g->code != partial[i].code || g->heads != partial[i].heads)
        fail_msg("%s asked %u: %s, %u heads: %s", partial[i].path, partial[i].asked,
                 err_name(g->code), g->heads, buf_z(&g->text));
    if (partial[i].body)
        assert_string_equal(buf_z(&g->body), partial[i].body);
    else
        assert_memory_equal(g->body.p, GZIP_28, 28);
    assert_int_equal(g->again, g->code == ERR_NETWORK);
    if (g->heads == 0)
        return;
    assert_int_equal(g->body_bytes, partial[i].body_bytes);
    assert_int_equal(g->encoded, partial[i].encoded);
    assert_int_equal(g->moved_for_now, redirected);
    assert_int_equal(g->range.given, want.given);
    assert_int_equal(g->range.first, want.first);
    assert_int_equal(g->range.last, want.last);
    assert_int_equal(g->range.total, want.total);
}

/* As a body and as a page, straight and by way of a redirect. */
static void run_partial(size_t i, bool is_page, bool redirected)
{
    struct http_request rq = { .is_page = is_page, .max_bytes = 1000 };
    struct get g = { 0 };
    struct world w;
    char path[64];

    if (partial[i].asked & RANGED)
        rq.range = (struct http_range){ .kind = HTTP_SPAN, .first = 10, .n = 5 };
    if (partial[i].asked & CONDITIONAL)
        rq.if_none_match = "\"v1\"";
    world_open(&w, &plain);
    snprintf(path, sizeof path, "%s%s", redirected ? "/302" : "", partial[i].path);
    ask_of(&g, &w, "127.0.0.1", path, rq);
    world_run(&w);
    check_partial(&g, i, redirected);
    get_done(&g);
    world_close(&w);
}

static void test_partial(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof partial / sizeof *partial; i++) {
        for (int kind = 0; kind < 4; kind++) {
            bool is_page = kind & 1, redirected = kind & 2;
            /* A page that is no range is decoded, and /404 is not there by way of a redirect. */
            if ((is_page && partial[i].encoded && !(partial[i].asked & RANGED)) ||
                (redirected && strcmp(partial[i].path, "/404") == 0))
                continue;
            run_partial(i, is_page, redirected);
        }
    }
}

/* Every one of `n` requests has the line, or none has. */
static void expect_line(const struct world *w, const char *line, int n)
{
    struct buf whole = { 0 };
    struct str rest = buf_str(&w->server.requests);
    int found = 0;

    buf_add_f(&whole, "\r\n%s\r\n", line);
    for (ptrdiff_t at; (at = str_search(rest, buf_str(&whole))) >= 0; found++)
        rest = str_sub(rest, (size_t)at + 2, rest.n);
    if (found != n)
        fail_msg("\"%s\" was sent %d times, not %d:\n%s", line, found, n,
                 buf_z(&w->server.requests));
    buf_done(&whole);
}

static void test_request_fields(void **state)
{
    struct get g = { 0 };
    struct world w;

    (void)state;
    world_open(&w, &plain);
    ask_of(&g, &w, "127.0.0.1", "/302/part",
           (struct http_request){ .is_page = true,
                                  .accept = "x/y",
                                  .range = { HTTP_SPAN, 10, 5 },
                                  .if_range = "\"v1\"",
                                  .if_none_match = "W/\"v2\"",
                                  .if_modified_since = "Sun, 06 Nov 1994 08:49:37 GMT" });
    world_run(&w);
    assert_int_equal(g.code, 0);
    assert_int_equal(w.server.n_requests, 2);
    expect_line(&w, "Range: bytes=10-14", 2);
    expect_line(&w, "If-Range: \"v1\"", 2);
    expect_line(&w, "If-None-Match: W/\"v2\"", 2);
    expect_line(&w, "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", 2);
    expect_line(&w, "Accept-Encoding: identity", 2);
    expect_line(&w, "Accept: x/y", 2);
    assert_null(strstr(buf_z(&w.server.requests), "gzip"));
    buf_reset(&w.server.requests);
    ask_of(&g, &w, "127.0.0.1", "/part-last",
           (struct http_request){ .range = { HTTP_SUFFIX, 0, UINT64_MAX } });
    world_run(&w);
    ask_of(&g, &w, "127.0.0.1", "/part-last",
           (struct http_request){ .range = { HTTP_SPAN, UINT64_MAX - 1, 1 } });
    world_run(&w);
    ask_of(&g, &w, "127.0.0.1", "/part-last",
           (struct http_request){ .range = { HTTP_REST, 10, 0 },
                                  .if_range = "Sun, 06 Nov 1994 08:49:37 GMT" });
    world_run(&w);
    expect_line(&w, "Range: bytes=10-", 1);
    expect_line(&w, "If-Range: Sun, 06 Nov 1994 08:49:37 GMT", 1);
    expect_line(&w, "Range: bytes=-18446744073709551615", 1);
    expect_line(&w, "Range: bytes=18446744073709551614-18446744073709551614", 1);
    /* What was asked before leaves nothing to the next one. */
    buf_reset(&w.server.requests);
    ask_of(&g, &w, "127.0.0.1", "/ok", (struct http_request){ .is_page = true });
    world_run(&w);
    assert_int_equal(g.code, 0);
    assert_null(strstr(buf_z(&w.server.requests), "Range"));
    assert_null(strstr(buf_z(&w.server.requests), "If-"));
    assert_null(strstr(buf_z(&w.server.requests), "identity"));
    assert_int_equal(w.server.connections, 1);
    get_done(&g);
    world_close(&w);
}

/* A validator is what a server sent once: it ends no line, and one of blanks alone is none. */
static void test_validator_text(void **state)
{
    struct get g = { 0 };
    struct world w;

    (void)state;
    world_open(&w, &plain);
    ask_of(&g, &w, "127.0.0.1", "/304",
           (struct http_request){ .if_none_match = "\"a\r\nX-Evil: 1\"" });
    world_run(&w);
    assert_int_equal(g.code, 0);
    expect_line(&w, "If-None-Match: \"a  X-Evil: 1\"", 1);
    buf_reset(&w.server.requests);
    ask_of(&g, &w, "127.0.0.1", "/304",
           (struct http_request){ .if_none_match = " \r\n", .if_modified_since = "" });
    world_run(&w);
    assert_int_equal(g.code, ERR_STATUS);
    assert_null(strstr(buf_z(&w.server.requests), "If-"));
    ask_of(&g, &w, "127.0.0.1", "/304", (struct http_request){ .if_modified_since = "x" });
    world_run(&w);
    assert_int_equal(g.code, 0);
    expect_line(&w, "If-Modified-Since: x", 1);
    get_done(&g);
    world_close(&w);
}

static void test_moved_for_now(void **state)
{
    static const struct {
        const char *path;
        bool for_now;
    } moved[] = {
        { "/whole", false },  { "/301", false }, { "/302/whole", true }, { "/303", true },
        { "/301-303", true }, { "/307", true },  { "/308", false },
    };
    struct get g = { 0 };
    struct world w;

    (void)state;
    world_open(&w, &plain);
    for (size_t i = 0; i < sizeof moved / sizeof *moved; i++) {
        ask(&g, &w, moved[i].path);
        world_run(&w);
        assert_int_equal(g.code, 0);
        assert_int_equal(g.moved_for_now, moved[i].for_now);
    }
    get_done(&g);
    world_close(&w);
}

static void test_head_fields(void **state)
{
    struct get g = { 0 };
    struct world w;

    (void)state;
    world_open(&w, &plain);
    ask(&g, &w, "/fields");
    world_run(&w);
    assert_string_equal(buf_z(&g.fields), "\"v1\"|m|a, b|d|1|0|v");
    ask(&g, &w, "/ok"); /* nothing is left of what the transfer had before */
    world_run(&w);
    assert_string_equal(buf_z(&g.fields), "||||||");
    ask(&g, &w, "/gzip");
    world_run(&w);
    assert_true(g.encoded);
    ask(&g, &w, "/encoded-twice");
    world_run(&w);
    assert_true(g.encoded);
    ask_of(&g, &w, "127.0.0.1", "/gzip", (struct http_request){ .is_page = true });
    world_run(&w);
    assert_false(g.encoded);
    get_done(&g);
    world_close(&w);
}

/* 304 and 416 have a Content-Length, but no body that it could be of. */
static void test_partial_caps(void **state)
{
    static const struct http_range five = { HTTP_SPAN, 10, 5 };
    struct get g = { 0 };
    struct world w;

    (void)state;
    world_open(&w, &plain);
    ask_of(&g, &w, "127.0.0.1", "/304",
           (struct http_request){ .max_bytes = 1, .if_none_match = "\"v1\"" });
    world_run(&w);
    assert_int_equal(g.code, 0);
    ask_of(&g, &w, "127.0.0.1", "/416", (struct http_request){ .max_bytes = 1, .range = five });
    world_run(&w);
    assert_int_equal(g.code, 0);
    ask_of(&g, &w, "127.0.0.1", "/part", (struct http_request){ .max_bytes = 5, .range = five });
    world_run(&w);
    assert_int_equal(g.code, 0);
    assert_int_equal(w.server.connections, 1); /* all of these were read to their ends */
    ask_of(&g, &w, "127.0.0.1", "/part", (struct http_request){ .max_bytes = 4, .range = five });
    world_run(&w);
    assert_int_equal(g.code, ERR_LIMIT);
    assert_int_equal(g.heads, 0);
    ask_of(&g, &w, "127.0.0.1", "/part-chunked",
           (struct http_request){ .max_bytes = 4, .range = five });
    world_run(&w);
    assert_int_equal(g.code, ERR_LIMIT);
    assert_true(g.counted <= 4);
    get_done(&g);
    world_close(&w);
}

/* The whole of a large file came where a part was asked for: that connection goes at once, and no
 * other. */
static void test_refuse_whole(void **state)
{
    static const struct http_range five = { HTTP_SUFFIX, 0, 5 };
    struct get whole = { .refuse_head = ERR_UNSUPPORTED }, other = { 0 }, next = { 0 };
    struct get none = { .refuse_head = ERR_UNSUPPORTED };
    struct world w;

    (void)state;
    world_open(&w, &plain);
    uint64_t start = clock_us();
    ask_of(&other, &w, "127.0.0.1", "/drip", (struct http_request){ .url = NULL });
    ask_of(&whole, &w, "127.0.0.1", "/huge", (struct http_request){ .range = five });
    ask_of(&none, &w, "127.0.0.1", "/416", (struct http_request){ .range = five });
    world_run(&w);
    assert_true(whole.done_us - start < 700 * 1000); /* /drip takes 800 ms, the stall rule 5 s */
    assert_true(other.done_us > whole.done_us);
    assert_int_equal(whole.code, ERR_UNSUPPORTED);
    assert_string_equal(buf_z(&whole.text), "head refused");
    assert_int_equal(whole.status, 200);
    assert_int_equal(whole.counted, 0);
    assert_false(whole.again);
    assert_int_equal(none.code, ERR_UNSUPPORTED);
    assert_int_equal(other.code, 0);
    assert_int_equal(other.counted, 40);
    ask(&next, &w, "/ok");
    world_run(&w);
    assert_true(next.reused); /* the connection of /drip, the one that is left */
    assert_int_equal(w.server.connections, 3);
    get_done(&whole);
    get_done(&none);
    get_done(&other);
    get_done(&next);
    world_close(&w);
}

static void content_range_case(struct case_line *c, void *ctx)
{
    struct buf got = { 0 }, want = { 0 };
    struct http_content_range r = http_content_range_parse(c->fields[0]);

    (void)ctx;
    if (!case_has(c, 2, 4))
        return;
    buf_add_f(&got, r.given ? "%lld %lld %lld" : "no", (long long)r.first, (long long)r.last,
              (long long)r.total);
    for (size_t i = 1; i < c->n; i++)
        buf_add_f(&want, "%s%.*s", i > 1 ? " " : "", STR_ARG(c->fields[i]));
    case_equal(c, buf_str(&got), buf_str(&want));
    case_check(c, r.given || (r.first == -1 && r.last == -1 && r.total == -1));
    buf_done(&got);
    buf_done(&want);
}

static void field_case(struct case_line *c, void *ctx)
{
    static const char *const names[] = {
#define NAME(field, name, second) name,
        HTTP_FIELDS(NAME)
#undef NAME
    };
    struct http_answer a = { 0 };
    struct err e = { 0 };
    struct buf line = { 0 };
    size_t at = 0;

    (void)ctx;
    if (!case_has(c, 3, 3))
        return;
    assert_int_equal(http_answer_line(&a, STR("HTTP/1.1 200 OK\r\n"), &e), 0);
    for (struct str rest = c->fields[0]; rest.p;) {
        buf_reset(&line);
        buf_add_str(&line, str_cut(rest, '\n', &rest));
        buf_add_z(&line, "\r\n");
        assert_int_equal(http_answer_line(&a, buf_str(&line), &e), 0);
        assert_false(a.head_complete);
    }
    while (at < HTTP_FIELD_COUNT && !str_is(c->fields[1], names[at]))
        at++;
    assert_true(at < HTTP_FIELD_COUNT);
    struct str got = http_answer_field(&a, (enum http_field)at);
    case_equal(c, got.p ? got : STR("none"), c->fields[2]);
    buf_done(&line);
    http_answer_done(&a);
}

static void test_fields(void **state)
{
    (void)state;
    assert_true(case_each("http/content_range.case", 50, content_range_case, NULL));
    assert_true(case_each("http/field.case", 30, field_case, NULL));
}

static void cancel_later(void *ctx)
{
    get_cancel(ctx);
}

static void stop_loop(void *ctx)
{
    loop_stop(ctx);
}

/* In every phase: at once, each of the first turns, without answer, within a body, done but not
 * told. */
static void test_cancel(void **state)
{
    struct get g[4] = { { 0 } };
    struct world w;
    struct loop_task stop;

    (void)state;
    world_open(&w, &plain);
    for (int turns = 0; turns < 12; turns++) {
        ask_of(&g[0], &w, "one.example.org", "/ok", (struct http_request){ .url = NULL });
        ask_of(&g[1], &w, "one.example.org", "/silent", (struct http_request){ .url = NULL });
        stop = (struct loop_task){ .fn = stop_loop, .ctx = w.loop };
        for (int i = 0; i < turns; i++) {
            loop_post(w.loop, &stop);
            loop_run(w.loop);
        }
        for (int i = 0; i < 2; i++)
            if (g[i].x)
                get_cancel(&g[i]);
        loop_stop(w.loop);
        loop_run(w.loop);
        ask(&g[3], &w, "/ok"); /* what was cancelled leaves nothing to the next one */
        world_run(&w);
        assert_int_equal(g[3].code, 0);
    }
    g[2].suicide = (struct loop_task){ .fn = cancel_later, .ctx = &g[2] };
    ask(&g[2], &w, "/silent-body");
    world_run(&w);
    assert_string_equal(buf_z(&g[2].body), "hel");
    assert_int_equal(g[1].done + g[2].done, 0);
    for (int i = 0; i < 4; i++)
        get_done(&g[i]);
    world_close(&w);
}

static void test_cancel_another(void **state)
{
    struct get a = { 0 }, b = { 0 };
    struct world w;

    (void)state;
    world_open(&w, &plain);
    a.world = b.world = &w;
    a.victim = &b; /* both end in the same turn */
    get_start(&a, &(struct http_request){ .url = "x" });
    get_start(&b, &(struct http_request){ .url = "x" });
    world_run(&w);
    assert_int_equal(a.done, 1);
    assert_int_equal(b.done, 0);
    ask(&b, &w, "/silent-body");
    ask(&a, &w, "/ok");
    world_run(&w);
    assert_int_equal(a.done, 2);
    assert_int_equal(b.done, 0);
    get_done(&a);
    get_done(&b);
    world_close(&w);
}

static void test_start_from_done(void **state)
{
    struct get g = { 0 };
    struct world w;
    char url[64];
    struct http_request next = { .url = url };

    (void)state;
    world_open(&w, &(struct http_options){ .total = 1, .per_host = 1 });
    snprintf(url, sizeof url, "http://127.0.0.1:%u/chunked", w.server.port);
    g.next = &next;
    ask(&g, &w, "/ok");
    world_run(&w);
    assert_int_equal(g.done, 2);
    assert_string_equal(buf_z(&w.server.log), "/ok\n/chunked\n");
    assert_true(g.reused);
    get_done(&g);
    world_close(&w);
}

static void get_many(struct world *w, size_t n, const char *const *hosts, size_t n_hosts)
{
    struct get *gets = mem_new(n, sizeof *gets);

    for (size_t i = 0; i < n; i++)
        ask_of(&gets[i], w, hosts[i % n_hosts], "/slow", (struct http_request){ .url = NULL });
    world_run(w);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(gets[i].code, 0);
        assert_int_equal(gets[i].done, 1);
        get_done(&gets[i]);
    }
    free(gets);
}

static void test_limits(void **state)
{
    static const char *const hosts[] = { "127.0.0.1", "one.example.org", "other.example.org" };
    struct world w;

    (void)state;
    world_open(&w, &(struct http_options){ .total = 100, .per_host = 3 });
    get_many(&w, 30, hosts, 1);
    assert_int_equal(w.server.max_in_flight, 3);
    assert_int_equal(w.server.connections, 3);
    world_close(&w);
    world_open(&w, &(struct http_options){ .total = 7, .per_host = 3 });
    get_many(&w, 60, hosts, 3);
    assert_int_equal(w.server.max_in_flight, 7);
    world_close(&w);
    world_open(&w, &(struct http_options){ .total = 100, .per_host = 3 });
    get_many(&w, 60, hosts, 3);
    assert_int_equal(w.server.max_in_flight, 9);
    world_close(&w);
}

/* Bulk has a limit of its own, which holds up nothing else. */
static void test_bulk(void **state)
{
    struct get gets[12] = { { 0 } };
    struct world w;

    (void)state;
    world_open(&w, &(struct http_options){ .per_host = 8, .per_host_bulk = 2 });
    for (int i = 0; i < 6; i++)
        ask_of(&gets[i], &w, "127.0.0.1", "/slow",
               (struct http_request){ .rank = 9, .is_bulk = true });
    world_run(&w);
    assert_int_equal(w.server.max_in_flight, 2);
    for (int i = 6; i < 12; i++)
        ask_of(&gets[i], &w, "127.0.0.1", "/slow", (struct http_request){ .is_bulk = i % 2 });
    world_run(&w);
    assert_int_equal(w.server.max_in_flight, 5);
    for (int i = 0; i < 12; i++) {
        assert_int_equal(gets[i].code, 0);
        get_done(&gets[i]);
    }
    world_close(&w);
}

/* Transfers that rest lose nothing, wherever they end and whoever leaves meanwhile. */
static void test_shares(void **state)
{
    static const struct {
        const char *path;
        int code;
        size_t bytes;
    } asked[] = {
        { "/share", 0, SHARE },
        { "/shares", 0, 3 * SHARE + 1 },
        { "/shares-until-close", 0, 2 * SHARE },
        { "/shares-cut", ERR_NETWORK, 2 * SHARE },
    };
    struct get gets[16] = { { 0 } };
    struct world w;

    (void)state;
    world_open(&w, &plain);
    for (size_t i = 0; i < 16; i++)
        ask_of(&gets[i], &w, "127.0.0.1", asked[i % 4].path, (struct http_request){ .rank = 1 });
    world_run(&w);
    for (size_t i = 0; i < 16; i++) {
        assert_int_equal(gets[i].code, asked[i % 4].code);
        assert_int_equal(gets[i].body.n, asked[i % 4].bytes);
        get_done(&gets[i]);
    }
    world_close(&w);
}

static void test_rank(void **state)
{
    static const struct {
        const char *path;
        uint64_t rank;
    } asked[] = {
        { "/ok", 0 },  { "/chunked", 5 }, { "/404", 9 },
        { "/410", 5 }, { "/hints", 7 },   { "/empty", 0 },
    };
    struct get gets[6] = { { 0 } };
    struct world w;

    (void)state;
    world_open(&w, &(struct http_options){ .per_host = 1 });
    for (int i = 0; i < 6; i++)
        ask_of(&gets[i], &w, "127.0.0.1", asked[i].path,
               (struct http_request){ .rank = asked[i].rank });
    world_run(&w);
    assert_string_equal(buf_z(&w.server.log), "/404\n/hints\n/chunked\n/410\n/ok\n/empty\n");
    for (int i = 0; i < 6; i++)
        get_done(&gets[i]);
    world_close(&w);
}

static void test_many(void **state)
{
    enum { N = 5000 };
    struct get *gets = mem_new(N, sizeof *gets);
    struct world w;
    size_t reused = 0;

    (void)state;
    world_open(&w, &plain);
    for (size_t i = 0; i < N; i++)
        ask_of(&gets[i], &w, "one.example.org", "/ok",
               (struct http_request){ .rank = i * 7919 % 5003 });
    world_run(&w);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(gets[i].code, 0);
        reused += gets[i].reused;
        get_done(&gets[i]);
    }
    assert_int_equal(w.server.n_requests, N);
    assert_int_equal(w.server.connections, 20);
    assert_int_equal(reused, N - 20);
    expect_one_thread();
    free(gets);
    world_close(&w);
}

/* A kept connection that the server closes when the next request comes: nobody hears of it. */
static void test_keep_alive_race(void **state)
{
    struct get g = { 0 };
    struct world w;

    (void)state;
    world_open(&w, &plain);
    w.server.requests_a_connection = 1;
    for (int i = 0; i < 5; i++) {
        ask(&g, &w, "/ok");
        world_run(&w);
        assert_int_equal(g.code, 0);
        assert_string_equal(buf_z(&g.body), "hello");
    }
    assert_int_equal(w.server.n_requests, 5);
    get_done(&g);
    world_close(&w);
}

static void test_stall(void **state)
{
    static const struct http_options impatient = { .timeout_ms = 200 };
    struct get head = { 0 }, body = { 0 };
    struct world w;
    uint64_t start = clock_us();

    (void)state;
    world_open(&w, &impatient);
    ask(&head, &w, "/silent");
    ask(&body, &w, "/silent-body");
    world_run(&w);
    assert_int_equal(head.code, ERR_TIMEOUT);
    assert_true(head.again);
    assert_non_null(strstr(buf_z(&head.text), "127.0.0.1 port"));
    assert_non_null(strstr(buf_z(&head.text), "sent nothing for 200 ms"));
    assert_int_equal(head.status, 0);
    assert_int_equal(body.code, ERR_TIMEOUT);
    assert_int_equal(body.status, 200);
    assert_string_equal(buf_z(&body.body), "hel");
    uint64_t took = clock_us() - start;
    assert_true(took >= 200 * 1000 && took < 10 * 1000 * 1000);
    get_done(&head);
    get_done(&body);
    world_close(&w);
}

/* A host that still moves has not stalled, however slow: not on its other connections either. */
static void test_slow_is_no_stall(void **state)
{
    static const struct http_options impatient = { .timeout_ms = 200 };
    struct get slow = { 0 }, silent = { 0 };
    struct world w;
    uint64_t start = clock_us();

    (void)state;
    world_open(&w, &impatient);
    ask(&silent, &w, "/silent");
    ask(&slow, &w, "/drip"); /* 40 x 20 ms */
    slow.victim = &silent;
    world_run(&w);
    assert_int_equal(slow.code, 0);
    assert_int_equal(slow.counted, 40);
    assert_int_equal(silent.done, 0);
    assert_true(clock_us() - start >= 800 * 1000);
    get_done(&slow);
    get_done(&silent);
    world_close(&w);
}

/* By another user of the same connections. */
static void ask_by(struct get *g, struct http *by, struct world *w, const char *path)
{
    struct http *owner = w->http;

    w->http = by;
    ask(g, w, path);
    w->http = owner;
}

static void test_users(void **state)
{
    struct get gets[20] = { { 0 } };
    struct world w;

    (void)state;
    world_open(&w, &(struct http_options){ .per_host = 8 });
    struct http *small = http_share(w.http, &(struct http_share){ .total = 2 });
    struct http *large = http_share(small, &(struct http_share){ .weight = 2 });
    for (int i = 0; i < 10; i++)
        ask_by(&gets[i], small, &w, "/slow");
    world_run(&w);
    assert_int_equal(w.server.max_in_flight, 2);
    for (int i = 10; i < 20; i++)
        ask_by(&gets[i], large, &w, "/slow");
    world_run(&w);
    assert_int_equal(w.server.max_in_flight, 8);
    assert_int_equal(w.server.connections, 8); /* two are kept from before */
    for (int i = 0; i < 20; i++) {
        assert_int_equal(gets[i].code, 0);
        get_done(&gets[i]);
    }
    http_destroy(large);
    http_destroy(small);
    world_close(&w);
}

/* The limit of one is not that of others; and holds over all that it asks for. */
static void test_rate_of_one(void **state)
{
    struct get slow[3] = { { 0 } }, quick[10] = { { 0 } };
    struct world w;

    (void)state;
    world_open(&w, &plain);
    struct http *rated = http_share(w.http, &(struct http_share){ .limit_rate = 250000 });
    uint64_t start = clock_us();
    for (int i = 0; i < 3; i++)
        ask_by(&slow[i], rated, &w, i < 2 ? "/long" : "/ok");
    for (int i = 0; i < 10; i++)
        ask(&quick[i], &w, "/long");
    world_run(&w);
    uint64_t rated_us = slow[0].done_us > slow[1].done_us ? slow[0].done_us : slow[1].done_us;
    assert_true(rated_us - start >= 500 * 1000); /* 200,000 bytes, less what may come at once */
    assert_true(rated_us - start < 10 * 1000 * 1000);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(quick[i].code, 0);
        assert_int_equal(quick[i].body.n, 100000);
        assert_true(quick[i].done_us < rated_us);
        get_done(&quick[i]);
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(slow[i].code, 0);
        assert_int_equal(slow[i].body.n, i < 2 ? 100000 : 5);
        get_done(&slow[i]);
    }
    http_destroy(rated);
    world_close(&w);
}

/* Answers that come in one piece cannot be made to pause: the next request is. */
static void test_rate_of_pages(void **state)
{
    struct get gets[40] = { { 0 } };
    struct world w;

    (void)state;
    world_open(&w, &plain);
    struct http *rated = http_share(w.http, &(struct http_share){ .total = 1, .limit_rate = 500 });
    uint64_t start = clock_us();
    for (int i = 0; i < 40; i++)
        ask_by(&gets[i], rated, &w, "/ok");
    world_run(&w);
    uint64_t took = clock_us() - start;
    assert_true(took >= 250 * 1000); /* 200 bytes, less 50 that may be saved up */
    assert_true(took < 10 * 1000 * 1000);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(gets[i].code, 0);
        get_done(&gets[i]);
    }
    http_destroy(rated);
    world_close(&w);
}

/* One leaves amid everything, with some waiting, some under way and one at rest. */
static void test_user_leaves(void **state)
{
    static const char *const asked[] = { "/silent", "/share", "/silent-body", "/slow", "/ok" };
    struct get left[5] = { { 0 } }, stays = { 0 }, after = { 0 };
    struct world w;

    (void)state;
    world_open(&w, &(struct http_options){ .per_host = 4 });
    struct http *user = http_share(w.http, &(struct http_share){ .limit_rate = 1000 });
    ask(&stays, &w, "/drip");
    for (int i = 0; i < 5; i++)
        ask_by(&left[i], user, &w, asked[i]);
    while (left[1].body.n == 0)
        uv_run(loop_uv(w.loop), UV_RUN_ONCE);
    for (int i = 0; i < 5; i++) {
        if (left[i].x)
            get_cancel(&left[i]);
        get_done(&left[i]);
    }
    http_destroy(user);
    ask(&after, &w, "/ok");
    world_run(&w);
    assert_int_equal(stays.code, 0);
    assert_int_equal(stays.counted, 40);
    assert_int_equal(after.code, 0);
    get_done(&stays);
    get_done(&after);
    world_close(&w);
}

static void count_note(void *ctx, unsigned verbosity, struct str sentence)
{
    unsigned *n = ctx;

    (void)verbosity;
    assert_true(str_search(sentence, STR("127.0.0.1 port ")) == 0);
    ++*n;
}

/* Told is who brought it about; without a note of its own, the one whose connections they are. */
static void test_notes(void **state)
{
    unsigned to_owner = 0, to_user = 0;
    struct get get = { 0 };
    struct world w;

    (void)state;
    world_open(&w, &(struct http_options){ .note = count_note, .note_ctx = &to_owner });
    struct http *told =
        http_share(w.http, &(struct http_share){ .note = count_note, .note_ctx = &to_user });
    struct http *silent = http_share(w.http, &(struct http_share){ .weight = 1 });
    ask_by(&get, told, &w, "/429");
    world_run(&w);
    assert_int_equal(to_user, 2); /* fewer at once, and a rest */
    assert_int_equal(to_owner, 0);
    ask_by(&get, silent, &w, "/429");
    world_run(&w);
    assert_int_equal(to_user, 2);
    assert_int_equal(to_owner, 2);
    get_done(&get);
    http_destroy(silent);
    http_destroy(told);
    world_close(&w);
}

static int write_hosts(void **state)
{
    static char path[] = "/tmp/dray-hosts-XXXXXX";

    int fd = mkstemp(path);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    if (!f)
        return -1;
    fputs("127.0.0.1 one.example.org other.example.org\n"
          "127.0.0.2 two.example.org\n127.0.0.1 two.example.org\n",
          f);
    fclose(f);
    *state = path;
    return setenv("CARES_HOSTS", path, 1);
}

static int remove_hosts(void **state)
{
    return remove(*state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_credentials),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_the_winner_is_used),
        cmocka_unit_test(test_cancel_a_race),
        cmocka_unit_test(test_no_connection),
        cmocka_unit_test(test_bad_url),
        cmocka_unit_test(test_encoding),
        cmocka_unit_test(test_max_bytes),
        cmocka_unit_test(test_partial),
        cmocka_unit_test(test_request_fields),
        cmocka_unit_test(test_validator_text),
        cmocka_unit_test(test_moved_for_now),
        cmocka_unit_test(test_head_fields),
        cmocka_unit_test(test_partial_caps),
        cmocka_unit_test(test_refuse_whole),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_sink_refuses),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_cancel_another),
        cmocka_unit_test(test_start_from_done),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_bulk),
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_rank),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_keep_alive_race),
        cmocka_unit_test(test_stall),
        cmocka_unit_test(test_slow_is_no_stall),
        cmocka_unit_test(test_users),
        cmocka_unit_test(test_rate_of_one),
        cmocka_unit_test(test_rate_of_pages),
        cmocka_unit_test(test_user_leaves),
        cmocka_unit_test(test_notes),
    };

    return cmocka_run_group_tests(tests, write_hosts, remove_hosts);
}
