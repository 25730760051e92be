#include "dray/daemon/remote.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>
#include <yajl/yajl_tree.h>

#include "dray/daemon/replay.h"
#include "dray/daemon/service.h"
#include "dray/net/client.h"
#include "dray/util/clock.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

enum { AGAIN_MS = 300, PATIENCE_US = 30 * 1000 * 1000 };

struct remote {
    struct buf socket;
    struct buf own; /* where there was none; empty: it was not looked for */
    struct client *client;
    bool was_there; /* it has answered something */
};

struct remote *remote_open(const struct settings *s, struct err *e)
{
    struct remote *r = mem_new(1, sizeof(*r));

    bool found = service_socket(s, &r->socket);
    if (!s->socket.n && (!found || access(buf_z(&r->socket), F_OK) != 0)) {
        buf_add_str(&r->own, buf_str(&r->socket));
        buf_reset(&r->socket);
        buf_add_z(&r->socket, SERVICE_SYSTEM_SOCKET);
    }
    r->client = client_open(&(struct client_options){ .socket = buf_z(&r->socket) }, e);
    if (r->client)
        return r;
    remote_close(r);
    return NULL;
}

void remote_close(struct remote *r)
{
    if (!r)
        return;
    client_close(r->client);
    buf_done(&r->socket);
    buf_done(&r->own);
    free(r);
}

/* Says where else it was looked for. */
static void tell_own(const struct remote *r, struct err *e)
{
    if (e->code == ERR_CONNECT && r->own.n)
        err_set(e, e->code, "%s; there is none at %.*s", err_text(e), STR_ARG(buf_str(&r->own)));
}

/* The daemon's own sentence (RFC 9457). */
static int refuse(const struct client_answer *a, struct err *e)
{
    static const struct {
        unsigned status;
        enum err_code code;
    } codes[] = { { 400, ERR_INPUT }, { 404, ERR_NOT_FOUND }, { 409, ERR_CONFLICT },
                  { 413, ERR_LIMIT }, { 415, ERR_INPUT },     { 422, ERR_USAGE },
                  { 429, ERR_LIMIT } };
    enum err_code code = ERR_STATUS;
    const char *path[] = { "detail", NULL };

    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
        code = codes[i].status == a->status ? codes[i].code : code;
    yajl_val tree = yajl_tree_parse(buf_z(&a->body), NULL, 0);
    const char *detail = YAJL_GET_STRING(yajl_tree_get(tree, path, yajl_t_string));
    if (detail)
        err_set(e, code, "%s", detail);
    else
        err_set(e, code, "the daemon answered %u", a->status);
    yajl_tree_free(tree);
    return e->code;
}

static int ask(struct remote *r, const struct client_request *rq, struct buf *out, struct err *e)
{
    struct client_answer answer = { 0 };
    int code = client_ask(r->client, rq, &answer, e);

    r->was_there |= !code;
    if (!code && (answer.status < 200 || answer.status > 299))
        code = refuse(&answer, e);
    if (!code)
        buf_add_str(out, buf_str(&answer.body));
    tell_own(r, e);
    buf_done(&answer.body);
    return code;
}

int remote_get(struct remote *r, const char *path, struct buf *out, struct err *e)
{
    return ask(r, &(struct client_request){ .method = "GET", .path = path }, out, e);
}

static int read_id(const struct buf *answer, int64_t *id, struct err *e)
{
    const char *path[] = { "id", NULL };
    yajl_val tree = yajl_tree_parse(buf_z(answer), NULL, 0);
    yajl_val value = yajl_tree_get(tree, path, yajl_t_number);
    bool good = YAJL_IS_INTEGER(value) && YAJL_GET_INTEGER(value) > 0;

    if (good)
        *id = YAJL_GET_INTEGER(value);
    yajl_tree_free(tree);
    return good ? 0
                : err_set(e, ERR_INPUT, "the daemon's answer has no \"id\": is it one of dray?");
}

int remote_submit(struct remote *r, struct str text, const char *key, int64_t *id, struct err *e)
{
    struct client_request rq = { .method = "POST",
                                 .path = "/v1/jobs",
                                 .type = "application/json",
                                 .body = text,
                                 .idempotency = key };
    struct buf answer = { 0 };
    int code = ask(r, &rq, &answer, e);

    if (!code)
        code = read_id(&answer, id, e);
    buf_done(&answer);
    return code;
}

int remote_cancel(struct remote *r, int64_t id, struct buf *out, struct err *e)
{
    struct buf path = { 0 };

    buf_add_f(&path, "/v1/jobs/%" PRId64, id);
    int code = ask(r, &(struct client_request){ .method = "DELETE", .path = buf_z(&path) }, out, e);
    buf_done(&path);
    return code;
}

/* -- watching -- */

struct watching {
    struct remote *remote;
    const struct remote_watch *is;
    int64_t id;
    uint64_t since;
    struct replay *replay;
    struct remote_outcome *out;
    bool ended; /* the job */
    bool left;  /* by a signal */
};

static void take_number(yajl_val counts, const char *name, size_t *out)
{
    const char *path[] = { name, NULL };
    yajl_val value = yajl_tree_get(counts, path, yajl_t_number);

    if (YAJL_IS_INTEGER(value) && YAJL_GET_INTEGER(value) >= 0)
        *out = (size_t)YAJL_GET_INTEGER(value);
}

/* What an event of the job as a whole says of its end. */
static void take_outcome(struct watching *w, struct str data, const struct trace_line *l)
{
    const char *path[] = { "counts", NULL };
    struct job_result *r = &w->out->result;
    struct buf text = { 0 };
    size_t bytes = 0, took = 0;

    buf_add_str(&text, data);
    yajl_val tree = yajl_tree_parse(buf_z(&text), NULL, 0);
    yajl_val counts = yajl_tree_get(tree, path, yajl_t_object);
    take_number(counts, "fetched", &r->fetched);
    take_number(counts, "reused", &r->reused);
    take_number(counts, "kept", &r->kept);
    take_number(counts, "repeated", &r->repeated);
    take_number(counts, "failed", &r->failed);
    take_number(counts, "bytes", &bytes);
    take_number(counts, "took_us", &took);
    r->fetched_bytes = bytes;
    r->took_us = took;
    if (l->code.p)
        replay_error(l, &w->out->err);
    yajl_tree_free(tree);
    buf_done(&text);
}

static enum job_state state_of(struct str name)
{
    unsigned s = 0;

    while (s < JOB_STATE_COUNT && !str_is(name, job_state_name((enum job_state)s)))
        s++;
    return (enum job_state)s;
}

static void take_state(struct watching *w, struct str data, const struct trace_line *l)
{
    enum job_state state = state_of(l->state);

    if (state == JOB_STATE_COUNT)
        return;
    w->out->state = state;
    if (state == JOB_RUNNING) {
        replay_reset(w->replay);
        w->is->begins(w->is->ctx);
    } else if (state != JOB_QUEUED) {
        take_outcome(w, data, l);
        w->ended = true;
    }
}

static int on_message(void *ctx, const struct sse_message *m, struct err *e)
{
    struct watching *w = ctx;
    struct arena a = { 0 };
    struct trace_line l;
    int code = 0;

    if (str_is(m->type, "message") || str_is(m->type, "progress"))
        code = trace_line_parse(m->data, &a, &l, e);
    else
        goto out;
    if (code)
        err_wrap(e, "the daemon's events");
    else if (str_is(l.event, "job"))
        take_state(w, m->data, &l);
    else
        code = replay_line(w->replay, &l, e);
    if (m->has_id)
        w->since = m->id;
out:
    arena_done(&a);
    return code ? code : w->ended;
}

static void on_tick(void *ctx)
{
    const struct watching *w = ctx;

    events_emit(w->is->events, &(struct event){ .kind = EVENT_TICK });
}

static int on_signal(void *ctx, int signal, struct err *e)
{
    struct watching *w = ctx;

    (void)e;
    w->out->signal = signal;
    w->left = true;
    return 1;
}

/* Once more for as long as a daemon takes to be started anew. */
static bool waits(struct watching *w, uint64_t since_us, bool *told)
{
    if (clock_us() - since_us > PATIENCE_US)
        return false;
    if (!*told)
        w->is->note(w->is->ctx, "the daemon is gone; waiting for it to be back");
    *told = true;
    w->out->signal = client_wait(w->remote->client, AGAIN_MS);
    w->left = w->out->signal != 0;
    return !w->left;
}

static int listen(struct watching *w, struct err *e)
{
    const struct client_listener l = { on_message, on_tick, on_signal, w };
    struct client_answer answer = { 0 };
    struct buf path = { 0 };

    buf_add_f(&path, "/v1/jobs/%" PRId64 "/events?since=%" PRIu64, w->id, w->since);
    int code = client_listen(w->remote->client, buf_z(&path), &l, &answer, e);
    w->remote->was_there |= answer.status != 0;
    if (!code && answer.status != 200 && !w->left)
        code = refuse(&answer, e);
    buf_done(&path);
    buf_done(&answer.body);
    return code;
}

/* The stream ends before the job when the daemon does. */
static int follow(struct watching *w, struct err *e)
{
    uint64_t since_us = clock_us(), number = w->since;
    bool told = false;

    while (!w->ended && !w->left) {
        int code = listen(w, e);
        bool gone = code == ERR_NETWORK || code == ERR_CONNECT || !code;
        if (w->since != number || !code)
            since_us = clock_us();
        number = w->since;
        if (w->ended || w->left)
            break;
        bool never = code == ERR_CONNECT && !w->remote->was_there;
        if (!gone || never || (!waits(w, since_us, &told) && !w->left))
            return code ? code : err_set(e, ERR_NETWORK, "the daemon ended the events too soon");
        err_done(e);
    }
    err_done(e);
    return 0;
}

int remote_watch(struct remote *r, int64_t id, const struct remote_watch *watch,
                 struct remote_outcome *out, struct err *e)
{
    struct watching w = { .remote = r, .is = watch, .id = id, .out = out };
    struct buf unused = { 0 };

    out->replay = w.replay = mem_new(1, sizeof(*w.replay));
    w.replay->events = watch->events;
    int code = follow(&w, e);
    tell_own(r, e);
    if (!code && w.left && watch->cancels && !remote_cancel(r, id, &unused, e)) {
        w.left = false;
        code = follow(&w, e);
    }
    out->result.fetches = w.replay->heard;
    out->result.n = w.replay->n_heard;
    out->result.signal = out->signal;
    buf_done(&unused);
    return code;
}

void remote_outcome_done(struct remote_outcome *o)
{
    if (o->replay)
        replay_done(o->replay);
    free(o->replay);
    err_done(&o->err);
    *o = (struct remote_outcome){ 0 };
}
