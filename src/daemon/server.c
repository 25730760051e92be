/* libmicrohttpd in its "external" mode: it has an epoll descriptor of its own, which is one socket
 * of dray's loop. It is told to work when that is readable, and once more as long as it says that
 * there is more to do; it has no time limits of its own, so that it never has to be woken for them.
 * It is given connections that are accepted here, since it can neither say who is at the other end
 * of a socket of this machine nor answer those that are too many. */
#include <stdlib.h>
#include <string.h>

#include "dray/daemon/server_parts.h"
#include "dray/util/clock.h"
#include "dray/util/mem.h"

enum { CONNECTION_BYTES = 2 * LIMIT_DAEMON_HEAD_BYTES };

static void on_watch_closed(uv_handle_t *handle)
{
    free(handle); /* the first member of its struct */
}

struct server_watch *server_watch_open(struct loop *l, int fd, void *owner)
{
    struct server_watch *w = mem_new(1, sizeof(*w));

    if (uv_poll_init(loop_uv(l), &w->uv, fd) != 0) {
        free(w);
        return NULL;
    }
    w->owner = owner;
    w->uv.data = w;
    return w;
}

void server_watch_close(struct server_watch *w)
{
    if (!w)
        return;
    w->owner = NULL;
    uv_close((uv_handle_t *)&w->uv, on_watch_closed);
}

void server_run_soon(struct server *s)
{
    loop_post(s->loop, &s->run);
}

static void run(void *ctx)
{
    struct server *s = ctx;
    unsigned long long wait_ms;

    MHD_run(s->mhd);
    if (MHD_get_timeout(s->mhd, &wait_ms) == MHD_YES && wait_ms == 0)
        server_run_soon(s);
}

static void on_readable(uv_poll_t *uv, int status, int events)
{
    struct server_watch *w = uv->data;

    (void)status;
    (void)events;
    if (w->owner)
        run(w->owner);
}

void server_due(struct server *s, uint64_t due_us)
{
    if (s->timer_us && s->timer_us <= due_us)
        return;
    uint64_t now_us = clock_us();
    s->timer_us = due_us;
    loop_timer_start(s->timer, due_us > now_us ? (due_us - now_us) / 1000 + 1 : 0);
}

static void on_time(void *ctx)
{
    struct server *s = ctx;
    uint64_t now_us = clock_us();

    s->timer_us = 0;
    uint64_t next_us = connections_cut_due(s, now_us);
    if (next_us)
        server_due(s, next_us);
    if (s->again_us && s->again_us <= now_us)
        server_accept_more(s);
    else if (s->again_us)
        server_due(s, s->again_us);
}

/* Escapes are left as they are: the library would decode "%2F" and "%00" before anyone could tell
 * them from what they stand for. */
static size_t leave_escapes(void *ctx, struct MHD_Connection *mhd, char *text)
{
    (void)ctx;
    (void)mhd;
    return strlen(text);
}

static int start_library(struct server *s, struct err *e)
{
    s->mhd = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL,
        request_take, s, MHD_OPTION_NOTIFY_COMPLETED, request_completed, s,
        MHD_OPTION_NOTIFY_CONNECTION, connection_notify, s, MHD_OPTION_UNESCAPE_CALLBACK,
        leave_escapes, s, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
        MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)LIMIT_DAEMON_CONNECTIONS + LIMIT_DAEMON_SPARE_CONNECTIONS,
        MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    if (!s->mhd)
        return err_set(e, ERR_UNSUPPORTED, "libmicrohttpd can't be started; it needs epoll");
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->mhd, MHD_DAEMON_INFO_EPOLL_FD);
    s->watch = info ? server_watch_open(s->loop, info->epoll_fd, s) : NULL;
    if (!s->watch)
        return err_set(e, ERR_UNSUPPORTED, "libmicrohttpd has no descriptor to wait for");
    uv_poll_start(&s->watch->uv, UV_READABLE, on_readable);
    return 0;
}

static void copy_options(struct server *s, const struct server_options *o, struct strs *hosts)
{
    s->handle = o->handle;
    s->ctx = o->ctx;
    s->head_ms = o->head_ms ? o->head_ms : LIMIT_DAEMON_HEAD_MS;
    s->body_ms = o->body_ms ? o->body_ms : LIMIT_DAEMON_BODY_MS;
    s->uids = arena_copy(&s->arena, o->uids, o->n_uids, sizeof(*o->uids));
    s->n_uids = o->n_uids;
    *hosts = (struct strs){ .n = o->hosts.n,
                            .items = arena_copy(&s->arena, o->hosts.items, o->hosts.n,
                                                sizeof(*o->hosts.items)) };
    for (size_t i = 0; i < hosts->n; i++)
        hosts->items[i] = arena_str(&s->arena, hosts->items[i]);
}

struct server *server_open(struct loop *l, const struct server_options *o, struct err *e)
{
    struct server *s = mem_new(1, sizeof(*s));
    struct strs hosts;

    s->loop = l;
    s->accepts = true;
    s->run = (struct loop_task){ .fn = run, .ctx = s };
    s->look = (struct loop_task){ .fn = calls_look, .ctx = s };
    s->connections.prev = s->connections.next = &s->connections;
    s->calls.prev = s->calls.next = &s->calls;
    s->whole.last = &s->whole.first;
    s->gone.last = &s->gone.first;
    s->timer = loop_timer_create(l, on_time, s);
    copy_options(s, o, &hosts);
    if (gate_init(&s->gate, o->token, hosts, e) == 0 && start_library(s, e) == 0)
        return s;
    server_close(s);
    return NULL;
}

size_t server_calls(const struct server *s)
{
    return s->n_calls;
}

/* The library must not be stopped while it looks away from a connection: all are resumed first, and
 * it then ends them without asking anybody. */
static void stop_library(struct server *s)
{
    for (struct connection *c = s->connections.next; c != &s->connections; c = c->next)
        connection_cut(c);
    server_watch_close(s->watch);
    MHD_stop_daemon(s->mhd);
    s->mhd = NULL;
}

void server_close(struct server *s)
{
    if (!s)
        return;
    server_stop(s);
    if (s->mhd)
        stop_library(s);
    calls_look(s);
    loop_unpost(s->loop, &s->run);
    loop_unpost(s->loop, &s->look);
    loop_timer_destroy(s->timer);
    peers_done(&s->peers);
    arena_done(&s->arena);
    free(s);
}
