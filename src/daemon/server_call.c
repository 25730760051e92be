/* What a handler sees of a request, and its answer. An answer is made at once and given to the
 * library when it asks for it; for a stream, that asks for bytes whenever its socket takes more,
 * and looks away while there are none. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "dray/daemon/problem.h"
#include "dray/daemon/server_parts.h"

enum { STREAM_BYTES = 16 * 1024 };

static void call_free(struct server_call *c)
{
    struct server *s = c->server;

    c->prev->next = c->next;
    c->next->prev = c->prev;
    s->n_calls--;
    s->bodies_bytes -= c->body.n;
    buf_done(&c->body);
    if (c->response)
        MHD_destroy_response(c->response);
    strs_done(&c->headers);
    arena_done(&c->arena);
    free(c->method);
    free(c->path);
    free(c);
}

static struct server_call *queue_take(struct call_queue *q)
{
    struct server_call *c = q->first;

    if (!c)
        return NULL;
    q->first = c->queued;
    if (!q->first)
        q->last = &q->first;
    return c;
}

void calls_look(void *ctx)
{
    struct server *s = ctx;
    struct server_call *c;

    while ((c = queue_take(&s->whole)) != NULL) {
        if (c->state == CALL_GONE) {
            call_free(c);
            continue;
        }
        c->state = CALL_ASKED;
        s->handle(s->ctx, c); /* `c` lives at least until it is taken out of `gone` */
        connection_watch_end(c->connection);
    }
    while ((c = queue_take(&s->gone)) != NULL) {
        if (c->on_gone)
            c->on_gone(c->gone_ctx);
        call_free(c);
    }
}

const struct server_peer *server_peer(const struct server_call *c)
{
    return &c->who;
}

struct str server_method(const struct server_call *c)
{
    return str_of(c->method);
}

struct str server_path(const struct server_call *c)
{
    return str_of(c->path);
}

/* "" for a name without a value; the library's texts end with the connection. */
struct str server_query(struct server_call *c, const char *name)
{
    const char *value = NULL;

    if (!c->connection ||
        MHD_lookup_connection_value_n(c->connection->mhd, MHD_GET_ARGUMENT_KIND, name, strlen(name),
                                      &value, NULL) != MHD_YES)
        return STR_NONE;
    return gate_decode(&c->arena, value ? str_of(value) : STR(""));
}

struct str server_header(const struct server_call *c, const char *name)
{
    if (!c->connection)
        return STR_NONE;
    return str_of(MHD_lookup_connection_value(c->connection->mhd, MHD_HEADER_KIND, name));
}

struct str server_body(const struct server_call *c)
{
    return buf_str(&c->body);
}

void server_on_gone(struct server_call *c, loop_fn fn, void *ctx)
{
    c->on_gone = fn;
    c->gone_ctx = ctx;
}

void server_set(struct server_call *c, const char *name, const char *value)
{
    strs_add(&c->headers, arena_str(&c->arena, str_of(name)));
    strs_add(&c->headers, arena_str(&c->arena, str_of(value)));
}

static void add_headers(struct server_call *c, const char *content_type)
{
    MHD_add_response_header(c->response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    MHD_add_response_header(c->response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(c->response, "X-Content-Type-Options", "nosniff");
    for (size_t i = 0; i + 1 < c->headers.n; i += 2)
        MHD_add_response_header(c->response, c->headers.items[i].p, c->headers.items[i + 1].p);
}

/* false: it has one, or nobody is there to take it. */
static bool can_be_answered(const struct server_call *c)
{
    return c->connection && !c->response && c->state < CALL_ANSWERED;
}

static void make_answer(struct server_call *c, unsigned status, const char *content_type,
                        struct str body)
{
    c->response = MHD_create_response_from_buffer(body.n, (void *)(uintptr_t)(body.n ? body.p : ""),
                                                  MHD_RESPMEM_MUST_COPY);
    if (!c->response)
        abort(); /* out of memory, as everywhere */
    c->status = status;
    add_headers(c, content_type);
}

static void answered(struct server_call *c)
{
    c->state = CALL_ANSWERED;
    connection_resume(c->connection);
}

void server_answer(struct server_call *c, unsigned status, const char *content_type,
                   struct str body)
{
    if (!can_be_answered(c))
        return;
    make_answer(c, status, content_type, body);
    answered(c);
}

void call_refuse(struct server_call *c, unsigned status, struct str detail)
{
    struct buf text = { 0 };

    problem_write(&text, status, detail);
    make_answer(c, status, PROBLEM_TYPE, buf_str(&text));
    buf_done(&text);
    c->state = CALL_REFUSED;
}

void server_problem(struct server_call *c, unsigned status, const char *format, ...)
{
    struct buf detail = { 0 };
    va_list ap;

    va_start(ap, format);
    buf_add_v(&detail, format, ap);
    va_end(ap);
    if (can_be_answered(c)) {
        call_refuse(c, status, buf_str(&detail));
        answered(c);
    }
    buf_done(&detail);
}

static ssize_t read_stream(void *ctx, uint64_t at, char *out, size_t max)
{
    struct server_call *c = ctx;

    (void)at;
    if (c->state == CALL_GONE || c->connection->is_cut)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    ssize_t n = c->stream.read(c->stream.ctx, out, max);
    if (n == SERVER_STREAM_END)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (n > 0)
        return n;
    connection_suspend(c->connection);
    connection_watch_end(c->connection);
    return 0;
}

void server_stream(struct server_call *c, const char *content_type, const struct server_stream *s)
{
    if (!can_be_answered(c))
        return;
    c->stream = *s;
    c->is_stream = true;
    c->response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BYTES, read_stream, c, NULL);
    if (!c->response)
        abort(); /* out of memory, as everywhere */
    c->status = MHD_HTTP_OK;
    add_headers(c, content_type);
    answered(c);
}

void server_stream_wake(struct server_call *c)
{
    if (c->connection && c->is_stream)
        connection_resume(c->connection);
}

enum MHD_Result call_send(struct server_call *c)
{
    enum MHD_Result rc = MHD_queue_response(c->connection->mhd, c->status, c->response);

    MHD_destroy_response(c->response); /* the library counts its own use */
    c->response = NULL;
    c->state = CALL_ANSWERED;
    connection_limit_time(c->connection, c->is_stream ? 0 : LIMIT_DAEMON_ANSWER_MS);
    return rc;
}
