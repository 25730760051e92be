/* http.h: GET requests, many at once, by libcurl's multi interface driven by libuv
 * (multi_socket_action). Owns connections, the queue before them, and name resolution through
 * net/dns; redirects are followed here, and net/way says which address to connect to. Policy is
 * not here: no retries, no back-off, no idea of packages.
 *
 * An exchange: queued -> name resolved -> its host's addresses raced, unless there is only one or
 * one is known to be good -> request sent -> head -> body -> done. Redirects, further addresses and
 * a 401 go back to an earlier step of the same exchange. libcurl holds only what was admitted: at
 * most `total` exchanges, at most `per_host` for one host and port. Among those of one user that
 * wait for one host the greater rank goes first, then the earlier one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dray/net/loop.h"
#include "dray/util/str.h"

struct auth;
struct http;
struct proxies;
struct http_exchange;

struct http_options {
    unsigned total;         /* exchanges at once; 0: 40 */
    unsigned per_host;      /* 0: 20 */
    unsigned per_host_bulk; /* of these, bulk; 0: 6 */
    unsigned patience;      /* attempts in a row without a byte: the host is given up; 0: 6 */
    unsigned timeout_ms;    /* nothing came from a host for so long, or no connection; 0: 15 s */
    const char *user_agent;
    const char *ca_file;      /* CA bundle (PEM); NULL: the system's */
    const char *ca_directory; /* the same as a directory (openssl rehash), besides; or NULL */
    const char *client_cert;  /* PEM with certificate and key; NULL: none */
    const char *const *trusted_hosts; /* "host" or "host:port": certificates are not verified */
    size_t n_trusted_hosts;
    bool system_resolver;          /* DNS_SYSTEM of net/dns.h */
    const struct proxies *proxies; /* lives as long as the http; NULL: none */
    bool http1_only;               /* never HTTP/2 */
    uint64_t limit_rate; /* bytes of bodies a second, over all; 0: no limit. Implies http1_only */
    /* Told, from the loop, what became of how a host is treated: one sentence, and how much
     * somebody must want to know to be told it (1: -v, 2: -vv). NULL: nobody is. */
    void (*note)(void *ctx, unsigned verbosity, struct str sentence);
    void *note_ctx;
    /* Borrowed. What credentials there are but those in URLs, and whom to ask for more; NULL: none.
     */
    struct auth *auth;
};

/* What one of several users of the same connections may take. */
struct http_share {
    /* Of two that want more than there is one of weight 4 gets four times as many exchanges at once
     * as one of weight 1; of all, and of those with one host. 0: 1; at most LIMIT_SHARE_WEIGHT. */
    unsigned weight;
    unsigned total;      /* exchanges at once; 0: as many as there are */
    uint64_t limit_rate; /* bytes of bodies a second, besides that of all; 0: no limit. Implies
                          * http1_only for its own. Large bodies then keep their seats for long:
                          * a total below per_host_bulk leaves some to the others */
    /* As in http_options, of what its own exchanges bring about; NULL: whom the other tells. */
    void (*note)(void *ctx, unsigned verbosity, struct str sentence);
    void *note_ctx;
    struct auth *auth; /* as in http_options: those of the other are not its own */
};

enum http_range_kind {
    HTTP_WHOLE,
    HTTP_SPAN,   /* bytes [first, first + n): "bytes=first-last" */
    HTTP_SUFFIX, /* the last n bytes: "bytes=-n" */
    HTTP_REST    /* all from `first` on: "bytes=first-" */
};

/* RFC 9110 section 14.1.2; n > 0 but for HTTP_REST, which has none. */
struct http_range {
    enum http_range_kind kind;
    uint64_t first, n;
};

/* All strings are borrowed during http_start() only. */
struct http_request {
    /* Absolute, http or https; userinfo in it is sent as Basic credentials, to its origin only.
     * What else is known comes from http_options.auth. */
    const char *url;
    const char *accept; /* Accept header, or NULL */
    /* A small answer: may come compressed, and is decoded, and over HTTP/2. Otherwise bytes as they
     * are ("identity") over HTTP/1.1. */
    bool is_page;
    /* A large body: a few of them fill any line, and more would only wear out the cache. They get
     * larger buffers, and a limit of their own. */
    bool is_bulk;
    uint64_t rank;
    uint64_t max_bytes; /* a longer body ends in ERR_LIMIT; 0: no cap */
    /* With a range the bytes come as they are, also those of a page, and 206 and 416 are answers
     * too: they go to `head`, which must look at status and content_range, since a server may send
     * anything. The body of a 416 is not handed on. */
    struct http_range range;
    const char *if_range; /* a strong ETag or an HTTP date, beside a range; or NULL */
    /* With one of these 304 is an answer too, without a body. */
    const char *if_none_match, *if_modified_since;
};

/* Content-Range of bytes (RFC 9110 section 14.4): "bytes 0-99/1000"; "*" may stand
 * for the total or for the span. */
struct http_content_range {
    bool given;          /* there was one, of the unit bytes, and well-formed */
    int64_t first, last; /* -1: "*" */
    int64_t total;       /* -1: "*" */
};

/* Of the final answer, after redirects: 200, and what else was asked for. Borrowed, valid during
 * the callback. Fields that are absent are STR_NONE. Of those that came several times the lists
 * (Cache-Control, Vary) are joined by ", " (RFC 9110 section 5.3), of the others the first counts,
 * of Content-Type the last. */
struct http_head {
    int status;
    int64_t body_bytes;      /* Content-Length of an identity body, or -1: unknown, or nothing is
                              * handed on (304, 416) */
    struct str content_type; /* STR_NONE when absent */
    struct str url;          /* the final URL, without userinfo */
    bool encoded; /* has a Content-Encoding that will not be undone: offsets and digests are not of
                   * the file */
    struct http_content_range content_range;
    struct str etag, last_modified, cache_control, date, age, expires, vary;
    bool moved_for_now; /* a redirect on the way was not permanent (301, 308): freshness of the
                         * final answer is not that of the URL which was asked for */
};

/* What ends an exchange. Borrowed, valid during the callback; err may be moved away with
 * err_move(). */
struct http_result {
    struct err
        err;    /* code 0: the whole body of the answer has been handed on, as long as announced */
    int status; /* of the last answer; 0 when there was none */
    bool again; /* worth another try: connection, time-out, cut body, 408, 425, 429, all of 5xx */
    int64_t retry_after_ms; /* RFC 9110 section 10.2.3, both forms; -1: not asked for */
    uint64_t body_bytes;    /* handed to `data` in this exchange */
    const char *address;    /* connected to, or NULL */
    bool reused;            /* an existing connection was used */
};

/* `started`, `head` and `data` run inside libcurl: they may record, hash and write, and must not
 * start or cancel any exchange. A negative return ends the exchange with the error that they put
 * into `e`. Each may be NULL but data and done. */
struct http_sink {
    void (*started)(void *ctx); /* left the queue; at most once */
    int (*head)(void *ctx, const struct http_head *head, struct err *e);
    int (*data)(void *ctx, const void *bytes, size_t n, struct err *e);
    /* Exactly once, from the loop, with nothing of libcurl on the stack: may start and cancel
     * anything. */
    void (*done)(void *ctx, struct http_result *result);
    void *ctx;
};

/* `o` is copied. Initialises libcurl. */
struct http *http_create(struct loop *l, const struct http_options *o, struct err *e);
/* Another user of what `h` has: connections, names, credentials, what is known of hosts. None gets
 * more than its part while others want theirs, and none can tell the other's exchanges to hurry: a
 * rank counts among one user's own. To be destroyed before `h` is. */
struct http *http_share(struct http *h, const struct http_share *o);
/* Every exchange must have ended or been cancelled, and every share of it been destroyed. May be
 * called from `done`. The handles of what http_create() made close in the loop's next turn, of
 * which loop_close() makes one. */
void http_destroy(struct http *h);
/* Queues an exchange. Never fails at once: a bad URL comes to `done` too. */
struct http_exchange *http_start(struct http *h, const struct http_request *rq,
                                 const struct http_sink *sink);
/* None of the sink's functions will run any more. Not to be called once `done` has run, nor from
 * within started, head or data. */
void http_cancel(struct http_exchange *x);
