/* client.h: what a command asks of a daemon on this machine, by libcurl, over its socket: one thing
 * after another, since a command that waits for the daemon has nothing else to do. Knows nothing of
 * what is asked. Never starts a thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dray/net/sse.h"
#include "dray/util/buf.h"
#include "dray/util/err.h"

struct client;

/* Borrowed until client_close(). */
struct client_options {
    const char *socket; /* path; NULL: `url` */
    const char *url;    /* "http://127.0.0.1:8137" */
    const char *token;  /* goes with `url`; or NULL */
};

struct client *client_open(const struct client_options *o, struct err *e);
/* NULL is allowed. */
void client_close(struct client *c);

struct client_request {
    const char *method;
    const char *path; /* "/v1/jobs?state=queued" */
    const char *type; /* of the body; NULL: there is none */
    struct str body;
    const char *idempotency; /* key; or NULL */
};

/* `struct client_answer a = { 0 }`, ended by buf_done(&a.body). */
struct client_answer {
    unsigned status; /* 0: there was none */
    struct buf body;
};
/* Whatever the status. ERR_CONNECT: nobody listens there. ERR_NETWORK, ERR_LIMIT: there is no whole
 * answer. ERR_INTERRUPTED: SIGINT, SIGTERM or SIGHUP came. */
int client_ask(struct client *c, const struct client_request *rq, struct client_answer *out,
               struct err *e);

/* Waits, at most so long. The signal that came meanwhile, or 0. */
int client_wait(struct client *c, int ms);

/* Of server-sent events. */
struct client_listener {
    /* A negative return ends the listening with the error in `e`, a positive one without. */
    sse_message_fn message;
    void (*tick)(void *ctx); /* ten times a second */
    /* SIGINT, SIGTERM or SIGHUP came, which do nothing else meanwhile. As `message`. */
    int (*signal)(void *ctx, int signal, struct err *e);
    void *ctx;
};
/* Listens until the stream ends, or one of these ends it. ERR_NETWORK: it broke, and can be asked
 * for again. A status that is not 200 comes with its body in `out`, and no message. */
int client_listen(struct client *c, const char *path, const struct client_listener *l,
                  struct client_answer *out, struct err *e);
