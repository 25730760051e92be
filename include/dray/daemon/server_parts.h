/* server_parts.h: what the files of daemon/server share: the server, its connections, their calls.
 * Private to them.
 *
 * server.c drives the library, server_listen.c lets connections in, server_connection.c cuts them
 * when they are slow or gone, server_request.c takes requests, server_call.c answers them. The
 * library's callbacks record; `handle` and those of server_on_gone() run from a task. */
#pragma once

#include <microhttpd.h>
#include <uv.h>

#include "dray/daemon/gate.h"
#include "dray/daemon/listener.h"
#include "dray/daemon/peers.h"
#include "dray/daemon/server.h"
#include "dray/util/limits.h"

/* Of which loop_uv() knows: its memory stays until libuv has closed it. */
struct server_watch {
    uv_poll_t uv;
    void *owner; /* NULL: closing */
};

struct server_listener {
    struct server *server;
    struct listener at;
    struct server_watch *watch;
};

enum connection_limit { CONNECTION_FINE, CONNECTION_TOO_MANY, CONNECTION_TOO_MANY_OF_PEER };

struct connection {
    struct server *server;
    struct connection *prev, *next;
    int fd; /* the library's, which closes it */
    struct server_peer who;
    struct peer *peer;
    enum connection_limit limit;
    bool is_allowed; /* its user is */
    char reached[LISTENER_TEXT_SIZE];
    uint64_t due_us; /* when it is cut; 0: never */
    struct MHD_Connection *mhd;
    bool is_suspended;
    bool is_cut;
    struct server_watch *watch; /* of its end, while the library looks away; NULL before */
};

enum call_state {
    CALL_ARRIVING, /* its body is */
    CALL_REFUSED,  /* the same, and the body is forgotten */
    CALL_WHOLE,    /* handle() has not seen it yet */
    CALL_ASKED,    /* handle() has */
    CALL_ANSWERED, /* so far as we are concerned */
    CALL_GONE,     /* the library has forgotten it */
};

struct server_call {
    struct server *server;
    struct server_call *prev, *next; /* in `calls` */
    struct server_call *queued;      /* behind it in `whole` or `gone` */
    struct connection *connection;   /* until it is gone */
    struct server_peer who;
    enum call_state state;
    char *method, *path;
    struct buf body;
    uint64_t ignored_bytes;
    struct arena arena;
    struct MHD_Response *response; /* until the library has it */
    unsigned status;
    struct strs headers; /* names and values in turn */
    bool is_stream;
    struct server_stream stream;
    loop_fn on_gone;
    void *gone_ctx;
};

struct call_queue {
    struct server_call *first, **last;
};

struct server {
    struct loop *loop;
    struct MHD_Daemon *mhd;
    struct server_watch *watch; /* of the library's descriptor */
    struct loop_task run;       /* the library has more to do without waiting */
    struct loop_task look;      /* at `whole` and `gone` */
    struct loop_timer *timer;
    uint64_t timer_us; /* when it fires; 0: it does not run */
    struct server_listener listeners[LIMIT_DAEMON_SOCKETS];
    size_t n_listeners;
    bool accepts;      /* not stopped */
    bool is_full;      /* the listening sockets are not looked at */
    uint64_t again_us; /* when they are, if nothing else happens before; 0: that is sure to */
    struct connection connections; /* ring */
    size_t n_connections;
    struct peers peers;
    struct server_call calls; /* ring */
    size_t n_calls;
    size_t bodies_bytes;
    struct call_queue whole, gone;
    struct gate gate;
    struct arena arena; /* of what the gate borrows */
    server_handle_fn handle;
    void *ctx;
    uid_t *uids;
    size_t n_uids;
    unsigned head_ms, body_ms;
};

/* A watch on `fd`, which must stay open until server_watch_close(). NULL: the loop can't. */
struct server_watch *server_watch_open(struct loop *l, int fd, void *owner);
void server_watch_close(struct server_watch *w);

/* The library has something to do: soon. */
void server_run_soon(struct server *s);
/* `due_us` is when something is to be cut. */
void server_due(struct server *s, uint64_t due_us);

/* Begins to accept, or goes on, as far as there is room. */
void server_accept_more(struct server *s);
/* Looks at the listening sockets no more; at `again_us` it tries again. 0: when a connection ends.
 */
void server_accept_less(struct server *s, uint64_t again_us);

/* Takes over `fd`, which was accepted. */
void connection_start(struct server *s, int fd, const struct listener *from,
                      const struct sockaddr *address, socklen_t n);
/* Of MHD_OPTION_NOTIFY_CONNECTION. */
void connection_notify(void *ctx, struct MHD_Connection *mhd, void **own,
                       enum MHD_ConnectionNotificationCode what);
/* It is cut `ms` from now on; 0: never. */
void connection_limit_time(struct connection *c, unsigned ms);
/* The library looks away from it until connection_resume(). From its callbacks only. */
void connection_suspend(struct connection *c);
void connection_resume(struct connection *c);
/* While it is suspended: its end is noticed. */
void connection_watch_end(struct connection *c);
/* Ends it, whatever it is doing; the library closes it. */
void connection_cut(struct connection *c);
/* Cuts those that are due; returns when the next one is, 0: none. */
uint64_t connections_cut_due(struct server *s, uint64_t now_us);

/* Of MHD_start_daemon() and MHD_OPTION_NOTIFY_COMPLETED. */
enum MHD_Result request_take(void *ctx, struct MHD_Connection *mhd, const char *url,
                             const char *method, const char *version, const char *bytes,
                             size_t *n_bytes, void **own);
void request_completed(void *ctx, struct MHD_Connection *mhd, void **own,
                       enum MHD_RequestTerminationCode how);

/* Hands what is whole to handle(), and says goodbye to what is gone. */
void calls_look(void *ctx);
/* The answer to `c` goes to the library. */
enum MHD_Result call_send(struct server_call *c);
/* Makes the answer a problem; does not resume. */
void call_refuse(struct server_call *c, unsigned status, struct str detail);
