/* server_world.h: a daemon's server and raw clients of it, on one loop. What is asked for decides
 * what it does: see answer_as_asked(). Static functions, for tests of daemon/server. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "dray/daemon/listener.h"
#include "dray/daemon/server.h"
#include "dray/util/clock.h"
#include "dray/util/limits.h"

#include "temp_dir.h"

#define TOKEN "0123456789abcdef0123456789abcdef"

enum { WAIT_MS = 20000, LATER_MS = 20, CALLS_MAX = 8 };

struct server_world {
    struct temp_dir dir;
    struct loop *loop;
    struct server *server;
    const char *path; /* of its socket */
    const char *tcp;  /* "127.0.0.1:PORT" */
    struct loop_timer *timer;
    bool timed_out;
    struct server_call *held[CALLS_MAX]; /* "/hold" */
    size_t n_held, n_gone, n_asked;
    struct server_call *streamed;
    size_t stream_left, stream_reads; /* bytes that there are at present; how often it was asked */
    bool stream_ends;
};

static inline void hold_gone(void *ctx)
{
    struct server_world *w = ctx;

    w->n_gone++;
}

static inline ssize_t stream_read(void *ctx, char *out, size_t max)
{
    struct server_world *w = ctx;
    size_t n = w->stream_left < max ? w->stream_left : max;

    w->stream_reads++;
    if (n == 0)
        return w->stream_ends ? SERVER_STREAM_END : SERVER_STREAM_NONE;
    memset(out, 's', n);
    w->stream_left -= n;
    return (ssize_t)n;
}

static inline void answer_as_asked(void *ctx, struct server_call *c)
{
    struct server_world *w = ctx;
    struct str path = server_path(c);
    struct buf text = { 0 };

    w->n_asked++;
    if (str_is(path, "/hold")) {
        assert_true(w->n_held < CALLS_MAX);
        w->held[w->n_held++] = c;
        server_on_gone(c, hold_gone, w);
    } else if (str_is(path, "/stream")) {
        const struct server_stream s = { .read = stream_read, .ctx = w };
        w->streamed = c;
        server_on_gone(c, hold_gone, w);
        server_stream(c, "application/x-ndjson", &s);
    } else if (str_is(path, "/none")) {
        server_set(c, "Allow", "GET");
        server_problem(c, 404, "there is no %s", "such thing");
    } else {
        buf_add_f(&text, "%.*s %.*s a=%.*s who=%s body=%zu:%.*s", STR_ARG(server_method(c)),
                  STR_ARG(path), STR_ARG(server_query(c, "a")),
                  server_peer(c)->is_local ? "local" : server_peer(c)->text, server_body(c).n,
                  STR_ARG(str_sub(server_body(c), 0, 40)));
        server_answer(c, 200, "text/plain", buf_str(&text));
    }
    buf_done(&text);
}

static inline void world_time(void *ctx)
{
    struct server_world *w = ctx;

    w->timed_out = true;
    loop_stop(w->loop);
}

static inline void world_open_with(struct server_world *w, struct server_options o)
{
    struct err e = { 0 };

    memset(w, 0, sizeof(*w));
    temp_dir_open(&w->dir);
    w->path = temp_dir_at(&w->dir, "socket");
    w->loop = loop_open(&e);
    o.handle = answer_as_asked;
    o.ctx = w;
    o.token = STR(TOKEN);
    w->server = server_open(w->loop, &o, &e);
    assert_non_null(w->server);
    assert_int_equal(server_listen_unix(w->server, w->path, &e), 0);
    assert_int_equal(server_listen_tcp(w->server, "127.0.0.1:0", &e), 0);
    w->tcp = arena_str(&w->dir.arena, str_of(server_where(w->server, 1))).p;
    w->timer = loop_timer_create(w->loop, world_time, w);
    err_done(&e);
}

static inline void world_open(struct server_world *w)
{
    world_open_with(w, (struct server_options){ 0 });
}

static inline void world_close(struct server_world *w)
{
    server_close(w->server);
    loop_timer_destroy(w->timer);
    loop_close(w->loop);
    temp_dir_close(&w->dir);
}

/* The loop turns for that long. */
static inline void world_pass(struct server_world *w, unsigned ms)
{
    loop_timer_start(w->timer, ms);
    loop_run(w->loop);
    w->timed_out = false;
}

struct client {
    struct server_world *world;
    int fd;
    struct buf got;
    bool ended;
    size_t wanted; /* answers */
    uv_poll_t *poll;
};

static inline void client_open(struct client *c, struct server_world *w, const char *address)
{
    struct sockaddr_storage to = { 0 };
    struct sockaddr_un *un = (void *)&to;
    struct sockaddr_in *v4 = (void *)&to;
    bool is_unix = address[0] == '/';

    *c = (struct client){ .world = w, .fd = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM, 0) };
    to.ss_family = is_unix ? AF_UNIX : AF_INET;
    if (is_unix) {
        memcpy(un->sun_path, address, strlen(address));
    } else {
        v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        v4->sin_port = htons((uint16_t)strtoul(strchr(address, ':') + 1, NULL, 10));
    }
    assert_int_equal(connect(c->fd, (struct sockaddr *)&to, is_unix ? sizeof(*un) : sizeof(*v4)),
                     0);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

static inline void client_close(struct client *c)
{
    close(c->fd);
    buf_done(&c->got);
}

/* The end of the answer that begins at `from`, or 0 while it is not whole; of chunks, the last one
 * tells. */
static inline size_t answer_end(const struct buf *got, size_t from)
{
    struct str rest = str_sub(buf_str(got), from, got->n);
    ptrdiff_t head = str_search(rest, STR("\r\n\r\n"));
    uint64_t length = 0;

    if (head < 0)
        return 0;
    struct str fields = str_sub(rest, 0, (size_t)head + 2);
    size_t end = (size_t)head + 4;
    if (str_search(fields, STR("100 Continue")) >= 0)
        return from + end;
    if (str_search(fields, STR("Transfer-Encoding: chunked")) >= 0) {
        ptrdiff_t last = str_search(rest, STR("0\r\n\r\n"));
        return last < 0 ? 0 : from + (size_t)last + 5;
    }
    ptrdiff_t at = str_search(fields, STR("Content-Length: "));
    if (at >= 0) {
        struct str value = str_sub(fields, (size_t)at + 16, fields.n), line_end;
        str_to_u64(str_cut(value, '\r', &line_end), UINT64_MAX / 2, &length);
    }
    return rest.n >= end + length ? from + end + (size_t)length : 0;
}

static inline size_t count_answers(const struct buf *got)
{
    size_t n = 0;

    for (size_t end = 0; (end = answer_end(got, end)) != 0;)
        n++;
    return n;
}

static inline void on_client(uv_poll_t *poll, int status, int events)
{
    struct client *c = poll->data;
    char bytes[65536];

    (void)status;
    (void)events;
    ssize_t n = read(c->fd, bytes, sizeof(bytes));
    if (n > 0)
        buf_add(&c->got, bytes, (size_t)n);
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        c->ended = true;
    if (c->ended || (c->wanted && count_answers(&c->got) >= c->wanted))
        loop_stop(c->world->loop);
}

static inline void free_poll(uv_handle_t *handle)
{
    free(handle);
}

/* Turns the loop until there are so many answers in all, or, for 0, the server has ended it. */
static inline void client_await(struct client *c, size_t answers)
{
    struct server_world *w = c->world;

    c->wanted = answers;
    c->poll = malloc(sizeof(*c->poll));
    uv_poll_init(loop_uv(w->loop), c->poll, c->fd);
    c->poll->data = c;
    uv_poll_start(c->poll, UV_READABLE, on_client);
    loop_timer_start(w->timer, WAIT_MS);
    loop_run(w->loop);
    loop_timer_stop(w->timer);
    uv_close((uv_handle_t *)c->poll, free_poll);
    assert_false(w->timed_out);
}

/* What the socket does not take at once is sent while the loop turns. */
static inline void client_send_n(struct client *c, const char *bytes, size_t n)
{
    uint64_t start_us = clock_us();

    while (n > 0) {
        ssize_t sent = send(c->fd, bytes, n, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            return; /* the server has had enough */
        if (sent < 0)
            world_pass(c->world, 1);
        else
            bytes += sent, n -= (size_t)sent;
        assert_true(clock_us() - start_us < WAIT_MS * UINT64_C(1000));
    }
}

static inline void client_send(struct client *c, const char *text)
{
    client_send_n(c, text, strlen(text));
}

static inline bool client_has(const struct client *c, const char *text)
{
    return str_search(buf_str(&c->got), str_of(text)) >= 0;
}

static inline void expect_text(const struct client *c, const char *text)
{
    if (client_has(c, text))
        return;
    print_error("not in the answer: %s\n%s\n", text, buf_z(&c->got));
    fail();
}

/* One request on a connection of its own; the answer is the caller's to look at and close. */
static inline void ask(struct client *c, struct server_world *w, const char *address,
                       const char *request)
{
    client_open(c, w, address);
    client_send(c, request);
    client_await(c, 1);
}
