/* One connection: who is at its other end, and how long it may take. The library counts only what
 * it hears as activity, so one byte in a while would keep a connection for ever: the limits are
 * ours, and whole. They end it by shutdown(), which the library notices and closes it.
 *
 * While the library looks away from a connection it does not notice that it ends, so then the loop
 * looks at it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dray/daemon/server_parts.h"
#include "dray/util/clock.h"
#include "dray/util/mem.h"

/* false: the system does not say who it is. */
static bool ask_who(int fd, struct server_peer *out)
{
#ifdef SO_PEERCRED
    struct ucred who;
    socklen_t n = sizeof(who);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) != 0 || n != sizeof(who))
        return false;
    out->uid = who.uid;
    out->pid = who.pid;
    return true;
#else
    gid_t gid;

    return getpeereid(fd, &out->uid, &gid) == 0;
#endif
}

static bool uid_is_allowed(const struct server *s, uid_t uid)
{
    if (uid == 0 || uid == geteuid())
        return true;
    for (size_t i = 0; i < s->n_uids; i++)
        if (s->uids[i] == uid)
            return true;
    return false;
}

static void identify(struct connection *c, const struct sockaddr *address)
{
    struct sockaddr_storage reached = { 0 };
    socklen_t n = sizeof(reached);

    if (c->who.is_local) {
        c->who.uid = (uid_t)-1;
        c->is_allowed = ask_who(c->fd, &c->who) && uid_is_allowed(c->server, c->who.uid);
        snprintf(c->who.text, sizeof(c->who.text), "uid %lu", (unsigned long)c->who.uid);
        return;
    }
    c->is_allowed = true; /* the token decides */
    listener_address_text(address, c->who.text);
    if (getsockname(c->fd, (struct sockaddr *)&reached, &n) == 0)
        listener_address_text((struct sockaddr *)&reached, c->reached);
}

static void count(struct connection *c, struct peer_key key)
{
    struct server *s = c->server;

    c->peer = peers_get(&s->peers, key, clock_us());
    if (s->n_connections >= LIMIT_DAEMON_CONNECTIONS)
        c->limit = CONNECTION_TOO_MANY;
    else if (c->peer->connections >= LIMIT_DAEMON_PEER_CONNECTIONS)
        c->limit = CONNECTION_TOO_MANY_OF_PEER;
    c->peer->connections++;
    s->n_connections++;
    c->prev = s->connections.prev;
    c->next = &s->connections;
    c->prev->next = c->next->prev = c;
}

static void connection_end(struct connection *c)
{
    struct server *s = c->server;

    server_watch_close(c->watch);
    c->prev->next = c->next;
    c->next->prev = c->prev;
    c->peer->connections--;
    s->n_connections--;
    free(c);
    if (s->n_connections == 0 && !s->again_us) {
        loop_timer_stop(s->timer);
        s->timer_us = 0;
    }
    if (s->is_full)
        server_accept_more(s);
}

void connection_start(struct server *s, int fd, const struct listener *from,
                      const struct sockaddr *address, socklen_t n)
{
    struct connection *c = mem_new(1, sizeof(*c));

    c->server = s;
    c->fd = fd;
    c->who.is_local = from->is_local;
    identify(c, address);
    count(c,
          c->who.is_local ? peer_key_of_user((uint32_t)c->who.uid) : peer_key_of_address(address));
    connection_limit_time(c, s->head_ms);
    /* The library tells of it, and perhaps at once of its end as well. Where it never told, it
     * could not take it, and has closed the socket. */
    if (MHD_add_connection(s->mhd, fd, address, n) != MHD_YES && c == s->connections.prev &&
        !c->mhd)
        connection_end(c);
    if (s->n_connections >= LIMIT_DAEMON_CONNECTIONS + LIMIT_DAEMON_SPARE_CONNECTIONS)
        server_accept_less(s, 0);
    server_run_soon(s);
}

void connection_notify(void *ctx, struct MHD_Connection *mhd, void **own,
                       enum MHD_ConnectionNotificationCode what)
{
    struct server *s = ctx;
    const union MHD_ConnectionInfo *info;

    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (*own)
            connection_end(*own);
        *own = NULL;
        return;
    }
    info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    for (struct connection *c = s->connections.prev; info && c != &s->connections; c = c->prev) {
        if (c->fd != info->connect_fd || c->mhd)
            continue;
        c->mhd = mhd;
        *own = c;
        return;
    }
}

void connection_limit_time(struct connection *c, unsigned ms)
{
    c->due_us = ms ? clock_us() + (uint64_t)ms * 1000 : 0;
    if (ms)
        server_due(c->server, c->due_us);
}

void connection_suspend(struct connection *c)
{
    if (c->is_suspended)
        return;
    c->is_suspended = true;
    MHD_suspend_connection(c->mhd);
}

void connection_resume(struct connection *c)
{
    if (!c->is_suspended)
        return;
    c->is_suspended = false;
    if (c->watch)
        uv_poll_stop(&c->watch->uv);
    MHD_resume_connection(c->mhd);
    server_run_soon(c->server);
}

static void on_end(uv_poll_t *uv, int status, int events)
{
    struct server_watch *w = uv->data;

    (void)status; /* an error is an end as well */
    (void)events;
    if (w->owner)
        connection_cut(w->owner);
}

void connection_watch_end(struct connection *c)
{
    if (!c->is_suspended)
        return;
    if (!c->watch)
        c->watch = server_watch_open(c->server->loop, c->fd, c);
    if (c->watch)
        uv_poll_start(&c->watch->uv, UV_DISCONNECT, on_end);
}

void connection_cut(struct connection *c)
{
    c->is_cut = true;
    c->due_us = 0;
    shutdown(c->fd, SHUT_RDWR);
    connection_resume(c);
}

uint64_t connections_cut_due(struct server *s, uint64_t now_us)
{
    uint64_t next_us = 0;

    for (struct connection *c = s->connections.next; c != &s->connections; c = c->next) {
        if (!c->due_us)
            continue;
        if (c->due_us <= now_us)
            connection_cut(c);
        else if (!next_us || c->due_us < next_us)
            next_us = c->due_us;
    }
    return next_us;
}
