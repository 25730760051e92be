/* A user's hosts take turns, so that one of many large files does not hold up the pages of another.
 */
#include "dray/net/http_queue.h"

#include <assert.h>
#include <stdlib.h>

#include "dray/util/buf.h"
#include "dray/util/mem.h"

static struct http_lane *lane_of(struct http_part *p)
{
    return (struct http_lane *)(void *)p; /* its first member */
}

/* NULL: there is none. */
static struct http_lane *lane_find(const struct http_host *host, const struct http_user *u)
{
    for (struct http_part *p = host->lanes.first; p; p = p->next)
        if (lane_of(p)->user == u)
            return lane_of(p);
    return NULL;
}

static struct http_lane *lane_get(struct http_host *host, struct http_user *u)
{
    struct http_lane *lane = lane_find(host, u);

    if (!lane) {
        lane = mem_new(1, sizeof *lane);
        lane->host = host;
        lane->user = u;
        http_parts_add(&host->lanes, &lane->part, u->part.weight);
    }
    return lane;
}

/* With those of its twin. */
static unsigned n_of_host(const struct http_host *host)
{
    return host->n_admitted + (host->twin ? host->twin->n_admitted : 0);
}

static bool host_has_room(const struct http_host *host)
{
    return host->n_admitted < host->max_admitted && n_of_host(host) < host->both->pace.limit &&
           !host->both->pace.rest_until_us;
}

static void host_place(struct http_host *host)
{
    bool has_room = host_has_room(host);

    for (struct http_part *p = host->lanes.first; p; p = p->next)
        http_lane_place(lane_of(p), has_room);
}

/* After any change. */
static void host_changed(struct http_host *host)
{
    host_place(host);
    if (host->twin)
        host_place(host->twin);
}

static struct http_host *host_find(struct http_queue *q, struct buf *key, unsigned max)
{
    struct http_host *host = map_get(&q->hosts, buf_str(key));

    if (!host) {
        host = mem_new(1, sizeof *host);
        host->key = mem_dup(buf_z(key));
        host->max_admitted = max;
        host->both = host;
        http_pace_init(&host->pace, q->per_host);
        map_put(&q->hosts, str_of(host->key), host);
    }
    return host;
}

static struct http_host *host_get(struct http_queue *q, const char *name, unsigned port, bool bulk)
{
    struct buf key = { 0 };

    buf_add_f(&key, "%s:%u", name, port);
    struct http_host *host = host_find(q, &key, q->per_host);
    if (bulk) {
        buf_add_z(&key, " bulk");
        host->twin = host_find(q, &key, q->per_host_bulk);
        host->twin->twin = host;
        host->twin->both = host;
        host = host->twin;
    }
    buf_done(&key);
    return host;
}

void http_queue_init(struct http_queue *q, unsigned total, unsigned per_host, unsigned bulk)
{
    *q = (struct http_queue){ .total = total, .per_host = per_host, .per_host_bulk = bulk };
}

void http_queue_done(struct http_queue *q)
{
    assert(q->n_admitted == 0 && !q->users.first);
    for (size_t i = 0; i < q->hosts.n; i++) {
        struct http_host *host = q->hosts.entries[i].value;
        free(host->key);
        free(host);
    }
    map_done(&q->hosts);
}

void http_user_init(struct http_user *u, struct http_queue *q, unsigned weight, unsigned total)
{
    *u = (struct http_user){ .total = total ? total : q->total };
    http_parts_add(&q->users, &u->part, weight);
}

void http_user_done(struct http_user *u, struct http_queue *q)
{
    assert(u->part.n == 0 && !u->ring);
    for (size_t i = 0; i < q->hosts.n; i++) {
        struct http_host *host = q->hosts.entries[i].value;
        struct http_lane *lane = lane_find(host, u);
        if (lane)
            http_parts_remove(&host->lanes, &lane->part);
        http_lane_destroy(lane);
    }
    http_parts_remove(&q->users, &u->part);
}

void http_queue_add(struct http_queue *q, struct http_ticket *t, const char *host, unsigned port)
{
    assert(!t->host);
    if (t->number == 0)
        t->number = ++q->arrivals;
    t->host = host_get(q, host, port, t->is_bulk);
    t->lane = lane_get(t->host, t->user);
    http_lane_add(t->lane, t);
    http_lane_place(t->lane, host_has_room(t->host));
}

static bool user_wants(const struct http_part *p)
{
    const struct http_user *u = (const struct http_user *)(const void *)p; /* its first member */

    return u->ring && !u->is_held && p->n < u->total;
}

static bool lane_wants(const struct http_part *p)
{
    const struct http_lane *lane = (const struct http_lane *)(const void *)p; /* as above */

    return lane->next && user_wants(&lane->user->part);
}

/* Of a user's lanes at a host and its twin the one whose first is the greater, as if they were one
 * heap. */
static struct http_lane *before_twin(struct http_lane *lane)
{
    struct http_host *host = lane->host->twin;
    struct http_lane *twin = host ? lane_find(host, lane->user) : NULL;

    return twin && twin->next && http_ticket_goes_before(twin->heap[0], lane->heap[0]) ? twin
                                                                                       : lane;
}

/* NULL: nobody can be served. */
static struct http_lane *next_lane(struct http_queue *q)
{
    struct http_part *turn = http_parts_choose(&q->users, user_wants);

    if (!turn)
        return NULL;
    struct http_user *u = (struct http_user *)(void *)turn; /* its first member */
    struct http_lane *lane = before_twin(u->ring);
    u->ring = lane->next; /* the others' turn */
    return lane_of(http_parts_choose(&lane->host->lanes, lane_wants));
}

struct http_ticket *http_queue_admit(struct http_queue *q)
{
    struct http_lane *lane = q->n_admitted < q->total ? next_lane(q) : NULL;

    if (!lane)
        return NULL;
    struct http_host *host = lane->host;
    struct http_ticket *t = lane->heap[0];
    http_lane_remove(lane, t);
    t->prev = NULL;
    t->next = host->admitted;
    if (t->next)
        t->next->prev = t;
    host->admitted = t;
    t->round = host->both->pace.round;
    host->n_admitted++;
    q->n_admitted++;
    http_parts_give(&host->lanes, &lane->part);
    http_parts_give(&q->users, &lane->user->part);
    host_changed(host);
    return t;
}

void http_queue_good(const struct http_ticket *t)
{
    if (http_pace_good(&t->host->both->pace, t->round))
        host_changed(t->host);
}

unsigned http_queue_trouble(const struct http_ticket *t)
{
    struct http_host *host = t->host;

    if (!http_pace_trouble(&host->both->pace, t->round, n_of_host(host)))
        return 0;
    host_changed(host);
    return host->both->pace.limit;
}

bool http_queue_rest(const struct http_ticket *t, uint64_t until_us)
{
    if (until_us <= t->host->both->pace.rest_until_us)
        return false;
    t->host->both->pace.rest_until_us = until_us;
    host_changed(t->host);
    return true;
}

uint64_t http_queue_wake(struct http_queue *q, uint64_t now_us)
{
    uint64_t next = 0;

    for (size_t i = 0; i < q->hosts.n; i++) {
        struct http_host *host = q->hosts.entries[i].value;
        uint64_t *until = &host->both->pace.rest_until_us;
        if (*until && *until <= now_us) {
            *until = 0;
            host_changed(host);
        }
        if (*until && (!next || *until < next))
            next = *until;
    }
    return next;
}

void http_queue_leave(struct http_queue *q, struct http_ticket *t)
{
    struct http_host *host = t->host;

    if (!host)
        return;
    if (t->at) {
        http_lane_remove(t->lane, t);
    } else {
        if (t->next)
            t->next->prev = t->prev;
        if (t->prev)
            t->prev->next = t->next;
        else
            host->admitted = t->next;
        host->n_admitted--;
        q->n_admitted--;
        t->lane->part.n--;
        t->user->part.n--;
    }
    t->host = NULL;
    t->lane = NULL;
    t->prev = t->next = NULL;
    host_changed(host);
}
