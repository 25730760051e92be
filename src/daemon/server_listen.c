/* The listening sockets. While there are too many connections, or the process has no descriptor
 * left for another one, they are not looked at: who comes waits in the kernel's queue. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dray/daemon/server_parts.h"
#include "dray/util/clock.h"

enum { AGAIN_US = 1000 * 1000 };

static bool is_full(const struct server *s)
{
    return s->n_connections >= LIMIT_DAEMON_CONNECTIONS + LIMIT_DAEMON_SPARE_CONNECTIONS;
}

/* Dead peers are noticed even of a stream in which nothing happens; small events go out at once. */
static void prepare(int fd, bool is_local)
{
    int on = 1;

    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    if (is_local)
        return;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void on_knock(uv_poll_t *uv, int status, int events)
{
    struct server_watch *w = uv->data;
    struct server_listener *from = w->owner;

    (void)status;
    (void)events;
    for (int i = 0; from && i < LIMIT_DAEMON_ACCEPTS && !from->server->is_full; i++) {
        struct sockaddr_storage address = { 0 };
        socklen_t n = sizeof(address);
        int fd = accept(from->at.fd, (struct sockaddr *)&address, &n);
        if (fd >= 0) {
            prepare(fd, from->at.is_local);
            connection_start(from->server, fd, &from->at, (struct sockaddr *)&address, n);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            /* It would be told of the same connection in every turn. */
            server_accept_less(from->server, clock_us() + AGAIN_US);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

void server_accept_more(struct server *s)
{
    s->again_us = 0;
    s->is_full = is_full(s);
    for (size_t i = 0; s->accepts && !s->is_full && i < s->n_listeners; i++)
        uv_poll_start(&s->listeners[i].watch->uv, UV_READABLE, on_knock);
}

void server_accept_less(struct server *s, uint64_t again_us)
{
    s->is_full = true;
    s->again_us = again_us;
    for (size_t i = 0; i < s->n_listeners; i++)
        uv_poll_stop(&s->listeners[i].watch->uv);
    if (again_us)
        server_due(s, again_us);
}

/* Takes over `at`, even on failure. */
static int add(struct server *s, struct listener *at, struct err *e)
{
    struct server_listener *l = &s->listeners[s->n_listeners];

    if (!at->is_local && !s->gate.has_token)
        err_set(e, ERR_USAGE,
                "%s can be reached by others, and no token keeps them out; give the daemon a token "
                "file, or a socket of this machine",
                at->where);
    else
        l->watch = server_watch_open(s->loop, at->fd, l);
    if (!e->code && !l->watch)
        err_set(e, ERR_IO, "%s can't be waited for", at->where);
    if (e->code) {
        listener_close(at);
        return e->code;
    }
    l->server = s;
    l->at = *at;
    s->n_listeners++;
    server_accept_more(s);
    return 0;
}

static int check_room(const struct server *s, struct err *e)
{
    if (s->n_listeners < LIMIT_DAEMON_SOCKETS)
        return 0;
    return err_set(e, ERR_LIMIT, "the daemon listens on %d sockets already; give it fewer",
                   LIMIT_DAEMON_SOCKETS);
}

int server_listen_unix(struct server *s, const char *path, struct err *e)
{
    struct listener at;
    /* Where others may come in, whom it answers is decided by who they are. */
    mode_t mode = s->n_uids ? 0666 : 0600;

    if (check_room(s, e) || listener_open_unix(&at, path, mode, e))
        return e->code;
    return add(s, &at, e);
}

int server_listen_tcp(struct server *s, const char *address, struct err *e)
{
    struct listener at;

    if (check_room(s, e) || listener_open_tcp(&at, address, e))
        return e->code;
    return add(s, &at, e);
}

int server_listen_inherited(struct server *s, int fd, struct err *e)
{
    struct listener at;

    if (check_room(s, e)) {
        close(fd);
        return e->code;
    }
    if (listener_take(&at, fd, e))
        return e->code;
    return add(s, &at, e);
}

const char *server_where(const struct server *s, size_t i)
{
    return i < s->n_listeners ? s->listeners[i].at.where : NULL;
}

void server_stop(struct server *s)
{
    s->accepts = false;
    for (size_t i = 0; i < s->n_listeners; i++) {
        server_watch_close(s->listeners[i].watch);
        listener_close(&s->listeners[i].at);
    }
    s->n_listeners = 0;
    s->again_us = 0;
}
