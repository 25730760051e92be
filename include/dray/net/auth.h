/* auth.h: which credentials go with a request, and what happens after a 401, by pip's rules. One
 * for a run. Sends nothing itself: net/http asks it, and waits where it has to ask others.
 *
 * In this order: a token for the host; the URL's own name and password; those of the index URL on
 * the same origin with the longest path in common; what a question was answered with; netrc; what
 * another URL of that origin had. A missing half is filled up from these, or empty. After a 401:
 * the keyring, then a prompt. Of questions there is one at a time, and one for all the requests of
 * an origin, which meanwhile wait; its answer holds for the run, for that origin (scheme, host,
 * port) and no other. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dray/net/challenge.h"
#include "dray/net/loop.h"
#include "dray/net/prompter.h"
#include "dray/net/url.h"
#include "dray/util/strs.h"

/* source, what an error calls it */
#define AUTH_SOURCES(X)                                                                            \
    X(NONE, "none")                                                                                \
    X(URL, "the URL")                                                                              \
    X(INDEX, "the index URL")                                                                      \
    X(NETRC, "the netrc file")                                                                     \
    X(KEYRING, "the keyring")                                                                      \
    X(PROMPT, "the prompt")                                                                        \
    X(TOKEN, "--bearer-token")

enum auth_source {
#define AUTH_SOURCE_ENUM(source, told) AUTH_##source,
    AUTH_SOURCES(AUTH_SOURCE_ENUM)
#undef AUTH_SOURCE_ENUM
};

/* Goes to this host over https, and over http to this machine only. */
struct auth_token {
    struct str host;
    unsigned port; /* 0: any */
    struct str value;
};

/* All are borrowed and must outlive it, but for `tokens` and `child_env`: during the creation. */
struct auth_options {
    struct loop *loop;
    /* Adds the index URLs, in order, as they are by now: requirements files may name some. */
    void (*indexes)(void *ctx, struct strs *out);
    /* One sentence for the person. */
    void (*warn)(void *ctx, const char *text);
    void *ctx;
    const struct prompter *prompter; /* NULL: nobody can be asked */
    bool uses_keyring;
    bool saves; /* what was typed, in the keyring, without asking */
    const struct auth_token *tokens;
    size_t n_tokens;
    const struct strs *child_env; /* variables that the keyring has no use for: child.h */
};

struct auth;

struct auth *auth_create(const struct auth_options *o);
/* Nothing is asked any more, and the terminal is as it was; who waits goes on waiting until it is
 * cancelled. */
void auth_stop(struct auth *a);
/* Nobody may be waiting. */
void auth_destroy(struct auth *a);

/* A request that is, or was, to be sent. Borrows. */
struct auth_request {
    const struct url *url;
    const struct url *first; /* before redirects: its userinfo counts on its own origin */
    bool moved;              /* by a redirect: what `url` has came from a server */
};

/* What to send. Strings are borrowed until the next call of any auth_* function. */
struct auth_given {
    enum auth_source source;
    unsigned serial;             /* of one source, tells apart what it gave */
    bool is_final;               /* there is nobody else to ask */
    const char *user, *password; /* both or none */
    const char *token;
};

/* `a` may be NULL: then only what stands in the URLs counts. */
struct auth_given auth_find(struct auth *a, const struct auth_request *r);
/* Is a question open whose answer is for this origin? Then the request should wait. */
bool auth_is_asking(const struct auth *a, const struct url *u);
/* The credentials were good enough (a status below 400): saves those that are to be saved. */
void auth_succeeded(struct auth *a, const struct auth_given *sent);
/* Is something being saved? `done` runs once, later, when it is; at most one may wait. */
bool auth_is_saving(const struct auth *a);
void auth_when_saved(struct auth *a, loop_fn done, void *ctx);

/* `again`: send it (once more), with what auth_find() says by then. Else it is refused for good. */
typedef void (*auth_wait_fn)(void *ctx, bool again);

struct auth_place;

/* Zeroed but for what is said; the storage is the caller's and stays until `done` or
 * auth_wait_cancel(). */
struct auth_wait {
    struct auth_request request;
    bool was_refused; /* by a 401; otherwise it has not been sent, since a question was open */
    bool was_resent;  /* already, after another one */
    struct auth_given sent;     /* of what was refused: its source and serial */
    struct challenge challenge; /* of the 401 */
    auth_wait_fn done;
    void *ctx;
    /* auth's own */
    struct auth *auth;
    struct auth_place *place;
    struct auth_wait *prev, *next;
    struct loop_task look;
};

/* `done` runs once, later, from the loop. */
void auth_wait_start(struct auth *a, struct auth_wait *w);
/* Does nothing when it is not waiting. */
void auth_wait_cancel(struct auth_wait *w);

/* Why a 401 is the end, about `url` (redacted): where the credentials came from, or that there are
 * none, and what to do. Never what they are. */
int auth_explain(const struct auth_given *sent, const struct challenge *c, const char *url,
                 struct err *e);
