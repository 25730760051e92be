/* http_queue.h: admission of exchanges. Thousands may wait: each host (and port) has a heap of
 * them, and one more for bulk, so that its limit holds up nobody else; hosts that have both
 * somebody waiting and room stand in a ring, so letting one in costs O(log n). Private to
 * net/http. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dray/net/http_dialect.h"
#include "dray/net/http_pace.h"
#include "dray/net/http_silence.h"
#include "dray/util/map.h"

struct http_host;

/* A place in the queue, then a seat. Embedded in an exchange. */
struct http_ticket {
    struct http_host *host; /* NULL: neither waiting nor admitted */
    uint64_t rank;
    uint64_t number;                 /* of arrival; stays when it queues again */
    unsigned round;                  /* of the host's pace, when it was admitted */
    bool is_bulk;                    /* counts against per_host_bulk, too */
    size_t at;                       /* in the heap, from 1; 0 when admitted */
    struct http_ticket *prev, *next; /* among the admitted of its host */
};

struct http_host {
    char *key;              /* "host:port", "host:port bulk" */
    struct http_host *twin; /* the same host for bulk, or for what is not; NULL: not yet needed */
    unsigned max_admitted;
    struct http_host *both; /* of it and its twin the one that is not bulk; holds the next three */
    struct http_pace pace;
    struct http_dialect dialect;
    struct http_silence silence;
    struct http_ticket **heap;
    size_t n_waiting, cap;
    unsigned n_admitted;
    struct http_ticket *admitted;
    uint64_t moved_tick; /* when a byte last came from it; net/http's stall rule */
    struct http_host *prev,
        *next; /* in the ring of those that can be served; NULL when not in it */
};

struct http_queue {
    struct map hosts;
    struct http_host *ring; /* the next to be served */
    unsigned total, per_host, per_host_bulk, n_admitted;
    uint64_t arrivals;
};

void http_queue_init(struct http_queue *q, unsigned total, unsigned per_host, unsigned bulk);
/* Nobody may be waiting or admitted. */
void http_queue_done(struct http_queue *q);
/* A ticket that queues for the first time has number 0. */
void http_queue_add(struct http_queue *q, struct http_ticket *t, const char *host, unsigned port);
/* The next one that may go, which is admitted by that; NULL when there is none or no room. */
struct http_ticket *http_queue_admit(struct http_queue *q);
/* What became of an admitted one: http_pace.h. Of trouble the host's new limit, or 0 when that is
 * as it was. */
void http_queue_good(struct http_queue *q, const struct http_ticket *t);
unsigned http_queue_trouble(struct http_queue *q, const struct http_ticket *t);
/* Nobody is admitted to the host of `t` before `until_us`. False: it rests for longer already. */
bool http_queue_rest(struct http_queue *q, const struct http_ticket *t, uint64_t until_us);
/* Those whose rest is over by `now_us` may be served again. Returns when the next one's is; 0: no
 * host rests. */
uint64_t http_queue_wake(struct http_queue *q, uint64_t now_us);
/* Gives up a place or a seat. Does nothing when it has neither. */
void http_queue_leave(struct http_queue *q, struct http_ticket *t);
