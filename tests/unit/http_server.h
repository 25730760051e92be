/* http_server.h: a web server for tests of net/, on the same loop: what is written to a connection
 * is decided by the path that was asked for, so that every fault comes exactly where it is wanted.
 * Static functions, for one test. */
#pragma once

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "dray/net/loop.h"
#include "dray/util/buf.h"
#include "dray/util/mem.h"

enum server_after {
    KEEP,  /* for the next request */
    CLOSE, /* orderly, when all is written */
    RESET, /* by RST */
    HANG,  /* says nothing more */
};

struct server_route {
    const char *path;
    const char *answer; /* head and body; "PORT" becomes the server's, five digits */
    enum server_after after;
    unsigned delay_ms; /* before the answer */
    unsigned drip;     /* then so many more bytes, one in 20 ms */
    size_t more;       /* with so many bytes more at once, lines as of a head */
    bool one_line;     /* that are none */
    size_t n;          /* of the answer, when it holds a NUL */
};

struct server {
    struct loop *loop;
    uv_tcp_t listener;
    unsigned port;
    const struct server_route *routes;
    size_t n_routes;
    struct buf log;      /* "METHOD PATH" of each request, a line each */
    struct buf requests; /* all heads as they came */
    unsigned connections, in_flight, max_in_flight, n_requests;
    unsigned requests_a_connection; /* the next one finds it closed; 0: no such limit */
    struct connection *open;
};

struct connection {
    uv_tcp_t uv;
    struct loop_timer *timer;
    struct server *server;
    const struct server_route *route; /* being answered */
    struct buf in;
    unsigned dripped, answered;
    bool waits, closing;
    struct connection *prev, *next;
    char bytes[4096];
};

static void connection_free(uv_handle_t *handle)
{
    struct connection *c = handle->data;

    buf_done(&c->in);
    free(c);
}

static void connection_close(struct connection *c, bool reset)
{
    struct server *s = c->server;

    if (c->closing)
        return;
    c->closing = true;
    if (c->route)
        s->in_flight--;
    loop_timer_destroy(c->timer);
    if (c->next)
        c->next->prev = c->prev;
    if (c->prev)
        c->prev->next = c->next;
    else
        s->open = c->next;
    if (reset && uv_tcp_close_reset(&c->uv, (uv_close_cb)connection_free) == 0)
        return;
    uv_close((uv_handle_t *)&c->uv, connection_free);
}

static void on_written(uv_write_t *write, int status)
{
    (void)status;
    free(write->data);
    free(write);
}

static void connection_write(struct connection *c, struct buf *bytes)
{
    uv_write_t *write = mem_new(1, sizeof *write);
    size_t n = bytes->n;

    write->data = buf_take(bytes);
    uv_buf_t out = uv_buf_init(write->data, (unsigned)n);
    uv_write(write, (uv_stream_t *)&c->uv, &out, 1, on_written);
}

static void connection_read(struct connection *c);

static void connection_end_answer(struct connection *c)
{
    enum server_after after = c->route->after;

    if (after == HANG)
        return;
    c->server->in_flight--;
    c->route = NULL;
    c->answered++;
    if (after == KEEP) {
        connection_read(c);
    } else if (after == RESET) {
        connection_close(c, true);
    } else { /* what is queued goes out first */
        uv_shutdown_t *none = mem_new(1, sizeof *none);
        uv_shutdown(none, (uv_stream_t *)&c->uv, (uv_shutdown_cb)(void (*)(void))free);
    }
}

static void connection_answer(struct connection *c)
{
    struct buf out = { 0 };
    char port[8];

    buf_add(&out, c->route->answer, c->route->n ? c->route->n : strlen(c->route->answer));
    snprintf(port, sizeof port, "%u", c->server->port);
    for (ptrdiff_t at; (at = str_search(buf_str(&out), STR("PORT"))) >= 0;) {
        struct buf with = { 0 };
        buf_add_str(&with, str_sub(buf_str(&out), 0, (size_t)at));
        buf_add_z(&with, port);
        buf_add_str(&with, str_sub(buf_str(&out), (size_t)at + 4, out.n));
        buf_done(&out);
        out = with;
    }
    for (size_t i = 0; i < c->route->more; i++)
        buf_add_c(&out, c->route->one_line ? 'm' : "X: mmmmmmmmmm\r\n"[i % 15]);
    connection_write(c, &out);
}

/* The next thing that the present answer does. */
static void connection_step(void *ctx)
{
    struct connection *c = ctx;

    if (c->waits) {
        c->waits = false;
        connection_answer(c);
    } else if (c->dripped < c->route->drip) {
        struct buf one = { 0 };
        buf_add_c(&one, 'd');
        connection_write(c, &one);
        c->dripped++;
    }
    if (c->dripped < c->route->drip)
        loop_timer_start(c->timer, 20);
    else
        connection_end_answer(c);
}

static void connection_begin(struct connection *c, struct str head)
{
    struct server *s = c->server;
    struct str rest;

    str_cut(head, ' ', &rest);
    struct str path = str_cut(rest, ' ', &rest);
    buf_add_f(&s->log, "%.*s\n", STR_ARG(path));
    buf_add_str(&s->requests, head);
    s->n_requests++;
    for (size_t i = 0; i < s->n_routes; i++)
        if (str_is(path, s->routes[i].path))
            c->route = &s->routes[i];
    if (!c->route)
        fail_msg("the server was asked for %.*s", STR_ARG(path));
    s->in_flight++;
    s->max_in_flight = s->in_flight > s->max_in_flight ? s->in_flight : s->max_in_flight;
    c->waits = true;
    c->dripped = 0;
    loop_timer_start(c->timer, c->route->delay_ms);
}

static void connection_read(struct connection *c)
{
    ptrdiff_t end = str_search(buf_str(&c->in), STR("\r\n\r\n"));

    if (c->route || end < 0)
        return;
    if (c->server->requests_a_connection && c->answered >= c->server->requests_a_connection) {
        connection_close(c, false);
        return;
    }
    struct buf head = { 0 }, rest = { 0 };
    buf_add_str(&head, str_sub(buf_str(&c->in), 0, (size_t)end + 4));
    buf_add_str(&rest, str_sub(buf_str(&c->in), (size_t)end + 4, c->in.n));
    buf_done(&c->in);
    c->in = rest;
    connection_begin(c, buf_str(&head));
    buf_done(&head);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct connection *c = handle->data;

    (void)suggested;
    *out = uv_buf_init(c->bytes, sizeof c->bytes);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
    struct connection *c = stream->data;

    if (n < 0) {
        connection_close(c, false);
        return;
    }
    buf_add(&c->in, bytes->base, (size_t)n);
    connection_read(c);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct server *s = listener->data;
    struct connection *c = mem_new(1, sizeof *c);

    assert_int_equal(status, 0);
    uv_tcp_init(listener->loop, &c->uv);
    c->uv.data = c;
    c->server = s;
    c->timer = loop_timer_create(s->loop, connection_step, c);
    c->next = s->open;
    if (c->next)
        c->next->prev = c;
    s->open = c;
    s->connections++;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&c->uv), 0);
    uv_read_start((uv_stream_t *)&c->uv, on_room, on_read);
}

static void server_open(struct server *s, struct loop *l, const struct server_route *routes,
                        size_t n)
{
    struct sockaddr_in address;
    int size = sizeof address;

    *s = (struct server){ .loop = l, .routes = routes, .n_routes = n };
    uv_tcp_init(loop_uv(l), &s->listener);
    s->listener.data = s;
    uv_ip4_addr("127.0.0.1", 0, &address);
    assert_int_equal(uv_tcp_bind(&s->listener, (struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&s->listener, 512, on_connection), 0);
    assert_int_equal(uv_tcp_getsockname(&s->listener, (struct sockaddr *)&address, &size), 0);
    s->port = ntohs(address.sin_port);
}

static void server_close(struct server *s)
{
    while (s->open)
        connection_close(s->open, false);
    uv_close((uv_handle_t *)&s->listener, NULL);
    buf_done(&s->log);
    buf_done(&s->requests);
}
