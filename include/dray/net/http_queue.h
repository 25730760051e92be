/* http_queue.h: admission of exchanges. Thousands may wait: each host (and port) has a lane of them
 * for each user, and more for bulk, so that its limit holds up nobody else. Letting one in costs
 * O(log n), and a look at every user. Private to net/http.
 *
 * Users are fair to each other twice: that one whose turn it is of all seats chooses the host, his
 * next; that one whose turn it is of the seats of that host is let in. So neither many hosts nor
 * many waiting at one get a user more than his part. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dray/net/http_dialect.h"
#include "dray/net/http_lane.h"
#include "dray/net/http_pace.h"
#include "dray/net/http_silence.h"
#include "dray/util/map.h"

struct http_host {
    char *key;              /* "host:port", "host:port bulk" */
    struct http_host *twin; /* the same host for bulk, or for what is not; NULL: not yet needed */
    unsigned max_admitted;
    struct http_host *both; /* of it and its twin the one that is not bulk; holds the next three */
    struct http_pace pace;
    struct http_dialect dialect;
    struct http_silence silence;
    struct http_parts lanes;
    unsigned n_admitted;
    struct http_ticket *admitted;
    uint64_t moved_tick; /* when a byte last came from it; net/http's stall rule */
};

struct http_queue {
    struct map hosts;
    struct http_parts users;
    unsigned total, per_host, per_host_bulk, n_admitted;
    uint64_t arrivals;
};

void http_queue_init(struct http_queue *q, unsigned total, unsigned per_host, unsigned bulk);
/* There may be no users. */
void http_queue_done(struct http_queue *q);
/* `weight`: of two who want more than there is, one of weight 4 gets four times the seats of one of
 * weight 1. `total`: seats at most, 0 for no limit of its own. */
void http_user_init(struct http_user *u, struct http_queue *q, unsigned weight, unsigned total);
/* None of its tickets may be waiting or admitted. Walks through all hosts. */
void http_user_done(struct http_user *u, struct http_queue *q);
/* A ticket that queues for the first time has number 0. */
void http_queue_add(struct http_queue *q, struct http_ticket *t, const char *host, unsigned port);
/* The next one that may go, which is admitted by that; NULL when there is none or no room. */
struct http_ticket *http_queue_admit(struct http_queue *q);
/* What became of an admitted one: http_pace.h. Of trouble the host's new limit, or 0 when that is
 * as it was. */
void http_queue_good(const struct http_ticket *t);
unsigned http_queue_trouble(const struct http_ticket *t);
/* Nobody is admitted to the host of `t` before `until_us`. False: it rests for longer already. */
bool http_queue_rest(const struct http_ticket *t, uint64_t until_us);
/* Those whose rest is over by `now_us` may be served again. Returns when the next one's is; 0: no
 * host rests. */
uint64_t http_queue_wake(struct http_queue *q, uint64_t now_us);
/* Gives up a place or a seat. Does nothing when it has neither. */
void http_queue_leave(struct http_queue *q, struct http_ticket *t);
