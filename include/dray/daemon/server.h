/* server.h: the daemon's HTTP/1.1 side, on sockets of this machine and on TCP, by libmicrohttpd on
 * dray's loop: no thread, and no wake-up while nothing happens. Refuses by itself who may not ask
 * and what is no proper request (gate.h), with an answer that says what to do (problem.h); what is
 * left is given to `handle`, whole. Knows nothing of jobs. Reads from the loop, never logs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "dray/net/loop.h"
#include "dray/util/err.h"
#include "dray/util/str.h"
#include "dray/util/strs.h"

struct server;
/* One request and its answer. Lives until server_on_gone() speaks; who answered and did not ask to
 * be told must not touch it any more. */
struct server_call;

typedef void (*server_handle_fn)(void *ctx, struct server_call *call);

/* All is copied. */
struct server_options {
    server_handle_fn handle; /* from the loop; answers now or later; must not close the server */
    void *ctx;
    const uid_t *uids; /* who may connect on a socket of this machine, besides root and oneself */
    size_t n_uids;
    struct str token;  /* what who comes by TCP has to know; STR_NONE: no TCP */
    struct strs hosts; /* "name" or "name:port": further names by which TCP is reached */
    unsigned head_ms;  /* for the head of a request; 0: LIMIT_DAEMON_HEAD_MS */
    unsigned body_ms;  /* for its body; 0: LIMIT_DAEMON_BODY_MS */
};

/* NULL: ERR_INPUT for a token that is none, ERR_UNSUPPORTED when the library can't do it. */
struct server *server_open(struct loop *l, const struct server_options *o, struct err *e);
/* A socket in the file system, mode 0600, or 0666 where there are `uids`. A file of a daemon that
 * is gone is replaced; the directory must not be writable by others. ERR_CONFLICT: a daemon is
 * listening there already. */
int server_listen_unix(struct server *s, const char *path, struct err *e);
/* "127.0.0.1:8137", "[::1]:8137": numbers only; port 0 takes any that is free. */
int server_listen_tcp(struct server *s, const char *address, struct err *e);
/* A listening socket that was inherited (activation.h), of either kind. Takes it over, even on
 * failure; its file stays. */
int server_listen_inherited(struct server *s, int fd, struct err *e);
/* Where the listener number `i` is reached, as it was opened: "/run/x/socket", "127.0.0.1:8137";
 * NULL behind the last. Borrowed. */
const char *server_where(const struct server *s, size_t i);
/* No new connections: closes the listening sockets and removes their files. What is asked on the
 * connections that are there is still answered. */
void server_stop(struct server *s);
/* Calls that are not gone yet. */
size_t server_calls(const struct server *s);
/* Cuts all connections; their calls are gone before it returns. */
void server_close(struct server *s);

/* Who asks. */
struct server_peer {
    bool is_local; /* on a socket of this machine: uid is known; otherwise only the address */
    uid_t uid;
    pid_t pid;     /* 0: not known */
    char text[64]; /* "uid 1000", "127.0.0.1:40312" */
};
const struct server_peer *server_peer(const struct server_call *c);
/* "GET"; any token of a client's choice. */
struct str server_method(const struct server_call *c);
/* Without the query, percent-encoded as it came: who takes it apart decodes the parts with
 * gate_decode(). Begins with "/" or is "*". Every escape in it is whole and none is NUL. */
struct str server_path(const struct server_call *c);
/* The first value of that name behind the "?", decoded; STR_NONE: there is none. */
struct str server_query(struct server_call *c, const char *name);
/* The first header of that name; STR_NONE: there is none. */
struct str server_header(const struct server_call *c, const char *name);
/* JSON or YAML, as Content-Type says; "" when there is none. */
struct str server_body(const struct server_call *c);

/* `fn` runs once, from the loop, when the answer has been taken or the peer is gone; `c` ends with
 * it. A peer that shuts down its half of the connection before it has its answer is gone. */
void server_on_gone(struct server_call *c, loop_fn fn, void *ctx);
/* A header of the answer that is to come: Allow, Location, Retry-After. Both are copied. */
void server_set(struct server_call *c, const char *name, const char *value);
/* Answers; copies `body`. For what is taken within LIMIT_DAEMON_ANSWER_MS; else a stream. */
void server_answer(struct server_call *c, unsigned status, const char *content_type,
                   struct str body);
/* Answers with a problem (problem.h) of that status. */
__attribute__((format(printf, 3, 4))) void server_problem(struct server_call *c, unsigned status,
                                                          const char *format, ...);

enum { SERVER_STREAM_NONE = 0, SERVER_STREAM_END = -1 };
struct server_stream {
    /* At most `max` bytes into `out`, their number, or one of the above. Called whenever the peer
     * takes more, from the middle of the library: must not call anything of this file. */
    ssize_t (*read)(void *ctx, char *out, size_t max);
    void *ctx;
};
/* Answers 200 with what read() gives, as fast as the peer takes it: one that takes nothing costs
 * one buffer, however long. For as long as `c` lives. */
void server_stream(struct server_call *c, const char *content_type, const struct server_stream *s);
/* There is something to read again, after SERVER_STREAM_NONE. */
void server_stream_wake(struct server_call *c);
