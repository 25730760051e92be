/* Among those waiting for one host the greater rank goes first, then the earlier one: a binary
 * heap. Hosts take turns, so that one of many large files does not hold up the pages of another. */
#include "dray/net/http_queue.h"

#include <assert.h>
#include <stdlib.h>

#include "dray/util/buf.h"
#include "dray/util/mem.h"

static bool goes_before(const struct http_ticket *a, const struct http_ticket *b)
{
    return a->rank != b->rank ? a->rank > b->rank : a->number < b->number;
}

static void heap_set(struct http_host *host, size_t at, struct http_ticket *t)
{
    host->heap[at - 1] = t;
    t->at = at;
}

static void heap_up(struct http_host *host, size_t at)
{
    struct http_ticket *t = host->heap[at - 1];

    while (at > 1 && goes_before(t, host->heap[at / 2 - 1])) {
        heap_set(host, at, host->heap[at / 2 - 1]);
        at /= 2;
    }
    heap_set(host, at, t);
}

static void heap_down(struct http_host *host, size_t at)
{
    struct http_ticket *t = host->heap[at - 1];

    for (size_t child; (child = at * 2) <= host->n_waiting; at = child) {
        if (child < host->n_waiting && goes_before(host->heap[child], host->heap[child - 1]))
            child++;
        if (!goes_before(host->heap[child - 1], t))
            break;
        heap_set(host, at, host->heap[child - 1]);
    }
    heap_set(host, at, t);
}

static void heap_remove(struct http_host *host, struct http_ticket *t)
{
    size_t at = t->at;
    struct http_ticket *last = host->heap[--host->n_waiting];

    t->at = 0;
    if (last == t)
        return;
    heap_set(host, at, last);
    heap_up(host, at);
    heap_down(host, last->at);
}

static void ring_add(struct http_queue *q, struct http_host *host)
{
    if (!q->ring) {
        q->ring = host->prev = host->next = host;
        return;
    }
    host->next = q->ring; /* behind all others */
    host->prev = q->ring->prev;
    host->prev->next = host->next->prev = host;
}

static void ring_remove(struct http_queue *q, struct http_host *host)
{
    if (q->ring == host)
        q->ring = host->next == host ? NULL : host->next;
    host->prev->next = host->next;
    host->next->prev = host->prev;
    host->prev = host->next = NULL;
}

/* With those of its twin. */
static unsigned n_of_host(const struct http_host *host)
{
    return host->n_admitted + (host->twin ? host->twin->n_admitted : 0);
}

/* Is it in the ring when it ought to be, and only then? */
static void host_place(struct http_queue *q, struct http_host *host)
{
    bool can_be_served = host->n_waiting > 0 && host->n_admitted < host->max_admitted &&
                         n_of_host(host) < host->both->pace.limit &&
                         !host->both->pace.rest_until_us;

    if (can_be_served && !host->next)
        ring_add(q, host);
    else if (!can_be_served && host->next)
        ring_remove(q, host);
}

/* After any change. */
static void host_changed(struct http_queue *q, struct http_host *host)
{
    host_place(q, host);
    if (host->twin)
        host_place(q, host->twin);
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
    assert(q->n_admitted == 0 && !q->ring);
    for (size_t i = 0; i < q->hosts.n; i++) {
        struct http_host *host = q->hosts.entries[i].value;
        free(host->key);
        free(host->heap);
        free(host);
    }
    map_done(&q->hosts);
}

void http_queue_add(struct http_queue *q, struct http_ticket *t, const char *host, unsigned port)
{
    struct http_host *at = host_get(q, host, port, t->is_bulk);

    assert(!t->host);
    if (t->number == 0)
        t->number = ++q->arrivals;
    t->host = at;
    at->heap = mem_grow(at->heap, at->n_waiting, &at->cap, sizeof *at->heap);
    at->heap[at->n_waiting++] = t;
    heap_up(at, at->n_waiting);
    host_changed(q, at);
}

/* Of a host and its twin the one whose first is the greater, as if they were one heap. */
static struct http_host *before_twin(struct http_host *host)
{
    struct http_host *twin = host->twin;

    return twin && twin->next && goes_before(twin->heap[0], host->heap[0]) ? twin : host;
}

struct http_ticket *http_queue_admit(struct http_queue *q)
{
    if (!q->ring || q->n_admitted >= q->total)
        return NULL;
    struct http_host *host = before_twin(q->ring);
    struct http_ticket *t = host->heap[0];
    heap_remove(host, t);
    t->prev = NULL;
    t->next = host->admitted;
    if (t->next)
        t->next->prev = t;
    host->admitted = t;
    t->round = host->both->pace.round;
    host->n_admitted++;
    q->n_admitted++;
    q->ring = host->next; /* the others' turn */
    host_changed(q, host);
    return t;
}

void http_queue_good(struct http_queue *q, const struct http_ticket *t)
{
    if (http_pace_good(&t->host->both->pace, t->round))
        host_changed(q, t->host);
}

unsigned http_queue_trouble(struct http_queue *q, const struct http_ticket *t)
{
    struct http_host *host = t->host;

    if (!http_pace_trouble(&host->both->pace, t->round, n_of_host(host)))
        return 0;
    host_changed(q, host);
    return host->both->pace.limit;
}

bool http_queue_rest(struct http_queue *q, const struct http_ticket *t, uint64_t until_us)
{
    if (until_us <= t->host->both->pace.rest_until_us)
        return false;
    t->host->both->pace.rest_until_us = until_us;
    host_changed(q, t->host);
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
            host_changed(q, host);
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
        heap_remove(host, t);
    } else {
        if (t->next)
            t->next->prev = t->prev;
        if (t->prev)
            t->prev->next = t->next;
        else
            host->admitted = t->next;
        host->n_admitted--;
        q->n_admitted--;
    }
    t->host = NULL;
    t->prev = t->next = NULL;
    host_changed(q, host);
}
