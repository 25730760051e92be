/* http_exchange.h: the life of one exchange, its user, and what all users share. Private to
 * net/http. */
#pragma once

#include "dray/net/auth.h"
#include "dray/net/dns.h"
#include "dray/net/http.h"
#include "dray/net/http_curl.h"
#include "dray/net/http_queue.h"
#include "dray/net/http_rest.h"
#include "dray/net/proxies.h"
#include "dray/net/url.h"
#include "dray/net/way.h"

struct http_transfer;

/* state, what entering it does, lawful successors. REQUEST waits for a head. */
#define HTTP_STATES(X)                                                                             \
    X(NEW, enter_nothing, TO(QUEUED) | TO(ENDED))                                                  \
    X(QUEUED, enter_queue, TO(NAME) | TO(AUTH) | TO(ENDED))            /* waits for room */        \
    X(NAME, enter_name, TO(RACE) | TO(REQUEST) | TO(AUTH) | TO(ENDED)) /* for its addresses */     \
    X(RACE, enter_race, TO(REQUEST) | TO(ENDED)) /* for the one of them that connects */           \
    X(REQUEST, enter_request,                                                                      \
      TO(REQUEST) | TO(RACE) | TO(BODY) | TO(AUTH) | TO(QUEUED) | TO(ENDED))                       \
    X(AUTH, enter_auth, TO(QUEUED) | TO(ENDED)) /* for credentials, without a seat */              \
    X(BODY, enter_nothing, TO(ENDED))           /* the bytes of a 200 or 206 are handed on */      \
    X(ENDED, enter_ended, 0)                    /* `done` is to be called */

enum http_state {
#define HTTP_STATE_ENUM(name, enter, next) HTTP_##name,
    HTTP_STATES(HTTP_STATE_ENUM)
#undef HTTP_STATE_ENUM
};

/* What all users of the same connections share. */
struct http_core {
    struct loop *loop;
    struct http_options options; /* with strings of its own */
    struct dns *dns;
    struct ways *ways;
    struct http_curl *curl;
    struct http_queue queue;
    struct http_rest rest;
    struct loop_task admit;
    struct http_transfer *idle; /* a pool, each with an easy handle */
    struct loop_timer *watch;   /* the stall rule's, for all */
    struct loop_timer *rested;  /* for hosts that asked to be left alone */
    bool watching;
    uint64_t tick; /* of it */
    bool in_sink;  /* a sink's function is running inside libcurl */
};

/* One of them. */
struct http {
    struct http_user user; /* the first: it is what the queue knows of it */
    struct http_core *core;
    bool owns_core;
    struct http_bucket bucket; /* its own limit of bytes a second, besides that of all */
    size_t n_exchanges;
    struct auth *auth; /* borrowed; or NULL */
    void (*note)(void *ctx, unsigned verbosity, struct str sentence);
    void *note_ctx;
};

/* The addresses of the URL's own host, for a SOCKS proxy that wants to be told one. */
struct exchange_targets {
    struct dns_address *items;
    size_t n, at; /* `at` is being tried */
};

struct http_exchange {
    struct http_ticket ticket;
    struct http *http;
    struct http_core *core; /* of that */
    enum http_state state;
    struct loop_task step; /* what comes next, outside of libcurl */
    struct http_sink sink;
    struct url url;            /* asked for now */
    const struct proxy *proxy; /* for it; NULL: none */
    struct url origin;         /* asked for first, from the first redirect on: its credentials go
                                * nowhere else */
    char *accept;
    struct http_range range;
    /* They go along on redirects, to other hosts too: the caller keeps the answer at the end of
     * them under the URL that was asked for first, and these are what it had. */
    char *if_range, *if_none_match, *if_modified_since;
    uint64_t max_bytes;
    bool is_page;
    bool moved_for_now; /* http_head */
    bool started;
    uint64_t began_us; /* when it was let in */
    bool tried_afresh; /* a kept connection had broken, a new one was demanded */
    unsigned redirects;
    struct auth_wait auth;  /* in AUTH, and what the last 401 was about */
    struct auth_given sent; /* source and serial of the credentials that it was sent with */
    struct dns_query *query;
    struct exchange_targets targets;
    struct way *way; /* from NAME on; to whom it connects, a proxy or the URL's host; NULL: that has
                        one address */
    struct way_wait *wait;
    size_t lost_addresses;          /* of it, that connected and came to nothing */
    struct http_transfer *transfer; /* from REQUEST on, until ENDED or QUEUED */
    uint64_t moved_tick;            /* when its last byte came, or it was sent */
    struct http_result result;
    char address[DNS_TEXT_SIZE];
};

/* The one place that writes the state. */
void exchange_go(struct http_exchange *x, enum http_state to);
/* Was this status asked for? */
bool exchange_wants(const struct http_exchange *x, int status);
/* May bytes come compressed, to be decoded by libcurl? Never those of a range, which would be a
 * range of the compressed ones (RFC 9110 section 14.2). */
bool exchange_decodes(const struct http_exchange *x);
/* Bytes a second that it may not go beyond, of its user and of all; 0: no limit. */
uint64_t exchange_rate(const struct http_exchange *x);
/* Lets in whom there is room for. */
void exchange_admit(struct http_core *c);
/* A host rests: sees to it that its exchanges go on when that is over. */
void exchange_wake(struct http_core *c);
/* What it is to auth. */
struct auth_request exchange_auth_request(const struct http_exchange *x);
/* From NEW: to QUEUED, or to ENDED when `result.err` is set. */
void exchange_begin(struct http_exchange *x);
/* Its attempt has ended, or is to: decides what comes next, and goes there. In REQUEST or BODY. */
void exchange_judge(struct http_exchange *x);
/* From REQUEST, without a transfer: another attempt, at the address of its way that is good by
 * now, or that is to be found. */
void exchange_reroute(struct http_exchange *x);
/* Takes the attempt back, if there is one. */
void exchange_drop_transfer(struct http_exchange *x);
/* Releases everything but the result. */
void exchange_free(struct http_exchange *x);
