/* Requests, as the library tells of them: first the head, then the body in pieces, then that it is
 * whole; after that it looks away until the answer is there. What is refused by its head is
 * answered only when its body has been read, if that is small: a connection that is closed with
 * unread bytes is reset, and the answer lost on its way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dray/daemon/server_parts.h"
#include "dray/util/clock.h"
#include "dray/util/mem.h"

enum { RETRY_S = 1 };

static struct str header(struct MHD_Connection *mhd, const char *name)
{
    return str_of(MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, name));
}

static enum MHD_Result add_argument(void *ctx, enum MHD_ValueKind kind, const char *key,
                                    const char *value)
{
    struct buf *target = ctx;
    size_t start = target->n;

    (void)kind;
    buf_add_c(target, '&');
    buf_add_z(target, key);
    if (value)
        buf_add_z(target, value);
    for (size_t i = start; i < target->n; i++)
        if (target->p[i] == ' ') /* the library has taken "+" for it */
            target->p[i] = '+';
    return MHD_YES;
}

static unsigned ask_gate(const struct server_call *c, struct MHD_Connection *mhd, struct buf *why)
{
    const struct connection *on = c->connection;
    const union MHD_ConnectionInfo *size =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    struct str length = header(mhd, MHD_HTTP_HEADER_CONTENT_LENGTH);
    bool is_chunked = header(mhd, MHD_HTTP_HEADER_TRANSFER_ENCODING).p != NULL;
    uint64_t body_bytes = 0;
    struct buf target = { 0 };

    /* The library has checked the digits; what is more than fits is more than the cap, too. */
    if (length.n && !is_chunked && !str_to_u64(length, UINT64_MAX, &body_bytes))
        body_bytes = UINT64_MAX;
    buf_add_z(&target, c->path);
    MHD_get_connection_values(mhd, MHD_GET_ARGUMENT_KIND, add_argument, &target);
    const struct gate_request r = {
        .is_local = on->who.is_local,
        .target = buf_str(&target),
        .head_bytes = size ? size->header_size : 0,
        .host = header(mhd, MHD_HTTP_HEADER_HOST),
        .origin = header(mhd, "Origin"),
        .authorization = header(mhd, MHD_HTTP_HEADER_AUTHORIZATION),
        .content_type = header(mhd, MHD_HTTP_HEADER_CONTENT_TYPE),
        .has_body = is_chunked || body_bytes > 0,
        .body_bytes = body_bytes,
        .reached = str_of(on->reached),
    };
    unsigned status = gate_refuse(&c->server->gate, &r, why);
    buf_done(&target);
    return status;
}

static unsigned check(struct server_call *c, struct MHD_Connection *mhd, struct buf *why)
{
    struct connection *on = c->connection;

    if (on->limit == CONNECTION_TOO_MANY) {
        buf_add_f(why, "the daemon has %d connections already; try again when some have ended",
                  LIMIT_DAEMON_CONNECTIONS);
        return 503;
    }
    if (on->limit == CONNECTION_TOO_MANY_OF_PEER) {
        buf_add_f(why, "%s has %d connections to the daemon already; close some, or share one",
                  on->who.text, LIMIT_DAEMON_PEER_CONNECTIONS);
        return 503;
    }
    if (!on->is_allowed) {
        buf_add_f(why, "%s may not use this daemon; have it added to the daemon's list of users",
                  on->who.text);
        return 403;
    }
    if (!on->who.is_local && !peer_may_ask(on->peer, clock_us())) {
        buf_add_f(why, "more than %d requests a second come from this address; send fewer",
                  LIMIT_DAEMON_RATE);
        return 429;
    }
    return ask_gate(c, mhd, why);
}

static void add_refusal_headers(struct server_call *c, unsigned status)
{
    char seconds[16];

    snprintf(seconds, sizeof(seconds), "%d", RETRY_S);
    if (status == 401)
        server_set(c, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    if (status == 429 || status == 503)
        server_set(c, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
    if (c->connection->limit != CONNECTION_FINE || !c->connection->is_allowed)
        server_set(c, MHD_HTTP_HEADER_CONNECTION, "close");
}

static bool body_is_worth_reading(struct MHD_Connection *mhd)
{
    struct str length = header(mhd, MHD_HTTP_HEADER_CONTENT_LENGTH);
    uint64_t bytes = 0;

    if (header(mhd, MHD_HTTP_HEADER_EXPECT).p) /* it waits for a word before it sends any */
        return false;
    return length.n == 0 || str_to_u64(length, LIMIT_DAEMON_REFUSED_BYTES, &bytes);
}

static struct server_call *call_create(struct connection *on, const char *url, const char *method)
{
    struct server_call *c = mem_new(1, sizeof(*c));
    struct server *s = on->server;

    c->server = s;
    c->connection = on;
    c->who = on->who;
    c->method = mem_dup(method);
    c->path = mem_dup(url);
    c->prev = s->calls.prev;
    c->next = &s->calls;
    c->prev->next = c->next->prev = c;
    s->n_calls++;
    return c;
}

static enum MHD_Result take_head(struct connection *on, const char *url, const char *method,
                                 void **own)
{
    struct server_call *c = call_create(on, url, method);
    struct buf why = { 0 };

    *own = c;
    connection_limit_time(on, c->server->body_ms);
    unsigned status = check(c, on->mhd, &why);
    if (status) {
        add_refusal_headers(c, status);
        call_refuse(c, status, buf_str(&why));
    }
    buf_done(&why);
    return status && !body_is_worth_reading(on->mhd) ? call_send(c) : MHD_YES;
}

/* What is too long is still read, and forgotten, within reason. */
static void refuse_body(struct server_call *c, unsigned status, const char *why)
{
    c->server->bodies_bytes -= c->body.n;
    buf_done(&c->body);
    add_refusal_headers(c, status);
    call_refuse(c, status, str_of(why));
}

static enum MHD_Result take_bytes(struct server_call *c, const char *bytes, size_t n)
{
    struct server *s = c->server;

    if (c->state == CALL_ARRIVING && c->body.n + n > LIMIT_DAEMON_BODY_BYTES)
        refuse_body(c, 413, "the body has more than 64 MiB; split the work into several jobs");
    else if (c->state == CALL_ARRIVING && s->bodies_bytes + n > LIMIT_DAEMON_BODIES_BYTES)
        refuse_body(c, 503, "the daemon is receiving too much at once; try again in a moment");
    if (c->state != CALL_ARRIVING) {
        c->ignored_bytes += n;
        return c->ignored_bytes <= LIMIT_DAEMON_REFUSED_BYTES ? MHD_YES : MHD_NO;
    }
    buf_add(&c->body, bytes, n);
    s->bodies_bytes += n;
    return MHD_YES;
}

static void queue_add(struct call_queue *q, struct server_call *c)
{
    c->queued = NULL;
    *q->last = c;
    q->last = &c->queued;
}

static enum MHD_Result take_end(struct server_call *c)
{
    switch (c->state) {
    case CALL_ARRIVING:
        c->state = CALL_WHOLE;
        connection_limit_time(c->connection, 0);
        connection_suspend(c->connection);
        queue_add(&c->server->whole, c);
        loop_post(c->server->loop, &c->server->look);
        return MHD_YES;
    case CALL_REFUSED:
    case CALL_ANSWERED:
        return call_send(c);
    case CALL_WHOLE:
    case CALL_ASKED:
        return MHD_NO; /* resumed without an answer: it was cut */
    case CALL_GONE:
        break;
    }
    return MHD_NO;
}

enum MHD_Result request_take(void *ctx, struct MHD_Connection *mhd, const char *url,
                             const char *method, const char *version, const char *bytes,
                             size_t *n_bytes, void **own)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct connection *on = info ? info->socket_context : NULL;
    struct server_call *c = *own;

    (void)ctx;
    (void)version;
    if (!on || on->is_cut)
        return MHD_NO;
    if (!c)
        return take_head(on, url, method, own);
    if (*n_bytes == 0)
        return take_end(c);
    enum MHD_Result rc = take_bytes(c, bytes, *n_bytes);
    *n_bytes = 0;
    return rc;
}

void request_completed(void *ctx, struct MHD_Connection *mhd, void **own,
                       enum MHD_RequestTerminationCode how)
{
    struct server *s = ctx;
    struct server_call *c = *own;

    (void)mhd;
    (void)how;
    if (!c)
        return;
    *own = NULL;
    connection_limit_time(c->connection, s->head_ms);
    /* Only server_close() ends one that nobody has seen: it is in that queue already. */
    bool is_queued = c->state == CALL_WHOLE;
    c->state = CALL_GONE;
    c->connection = NULL;
    if (!is_queued)
        queue_add(&s->gone, c);
    loop_post(s->loop, &s->look);
}
