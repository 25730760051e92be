/* http_lane.h: what one user has waiting at one host: a heap, the greater rank first, then the
 * earlier one. Lanes of a host that has room stand in a ring of their user's, who takes the hosts
 * in turn. Private to net/http. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dray/net/http_part.h"

struct http_host;
struct http_lane;

/* Who waits and is admitted. Embedded in what a user is to net/http. */
struct http_user {
    struct http_part part;  /* of all seats */
    unsigned total;         /* seats at most */
    bool is_held;           /* gets none for now */
    struct http_lane *ring; /* the next to be served */
};

/* A place in the queue, then a seat. Embedded in an exchange. */
struct http_ticket {
    struct http_user *user;
    struct http_host *host; /* NULL: neither waiting nor admitted */
    struct http_lane *lane; /* of its user at that host */
    uint64_t rank;
    uint64_t number;                 /* of arrival; stays when it queues again */
    unsigned round;                  /* of the host's pace, when it was admitted */
    bool is_bulk;                    /* counts against per_host_bulk, too */
    size_t at;                       /* in the heap, from 1; 0 when admitted */
    struct http_ticket *prev, *next; /* among the admitted of its host */
};

struct http_lane {
    struct http_part part; /* of its host's seats */
    struct http_host *host;
    struct http_user *user;
    struct http_ticket **heap; /* the first to go is heap[0] */
    size_t n_waiting, cap;
    struct http_lane *prev, *next; /* in the ring; NULL when not in it */
};

bool http_ticket_goes_before(const struct http_ticket *a, const struct http_ticket *b);

/* O(log n) each. Where the lane stands is to be looked at behind it: http_lane_place(). */
void http_lane_add(struct http_lane *lane, struct http_ticket *t);
void http_lane_remove(struct http_lane *lane, struct http_ticket *t);
/* Into the ring, behind all others, or out of it: when somebody waits and the host has room. */
void http_lane_place(struct http_lane *lane, bool host_has_room);
/* NULL is allowed. Nobody may be waiting. */
void http_lane_destroy(struct http_lane *lane);
