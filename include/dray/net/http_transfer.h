/* http_transfer.h: an easy handle of libcurl and what one attempt of an exchange records. They are
 * pooled. Private to net/http. */
#pragma once

#include "dray/net/http_answer.h"
#include "dray/net/http_exchange.h"
#include "dray/util/limits.h"

struct http_transfer {
    CURL *easy;
    struct http_transfer *next; /* in the pool */
    struct http_exchange *owner;
    struct curl_slist *headers, *resolve;
    struct dns_address address; /* the one that it goes to */
    int socket;                 /* connected to it, for libcurl to take over; or -1 */
    int taken;                  /* the one that it took over, or -1 */
    struct http_answer answer;
    uint64_t ignored_bytes; /* of a body that nobody wants */
    uint64_t counted_bytes; /* of its body, over the wire, for the limit of them a second */
    size_t share_bytes;     /* passed on since it last rested: http_rest.h */
    bool resting;
    bool streams;    /* may be one of several on its connection: HTTP/2 */
    unsigned broken; /* http_dialect.h: when it began */
    struct http_transfer *next_resting;
    CURLcode code;
    char detail[CURL_ERROR_SIZE];
};

/* `socket` is taken over; -1: there is none. */
struct http_transfer *transfer_take(struct http_exchange *x, const struct dns_address *address,
                                    int socket);
/* Sends the request to `address`. `afresh`: not on a kept connection. */
void transfer_start(struct http_transfer *t, bool afresh);
/* Takes it back from libcurl; may be started again. What was recorded stays. */
void transfer_stop(struct http_transfer *t);
/* Into the pool. NULL is allowed. */
void transfer_release(struct http_transfer *t);
/* Keeps the stall rule quiet: a byte came, or was kept from coming. */
void transfer_moved(const struct http_transfer *t);
/* For the pool's end. */
void transfer_destroy(struct http_transfer *t);
/* As http_curl_ended_fn; `private` is the transfer. */
void transfer_ended(void *private, CURLcode code);
