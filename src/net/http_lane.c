/* A binary heap, and a ring of those that are not empty. */
#include "dray/net/http_lane.h"

#include <assert.h>
#include <stdlib.h>

#include "dray/util/mem.h"

bool http_ticket_goes_before(const struct http_ticket *a, const struct http_ticket *b)
{
    return a->rank != b->rank ? a->rank > b->rank : a->number < b->number;
}

static void heap_set(struct http_lane *lane, size_t at, struct http_ticket *t)
{
    lane->heap[at - 1] = t;
    t->at = at;
}

static void heap_up(struct http_lane *lane, size_t at)
{
    struct http_ticket *t = lane->heap[at - 1];

    while (at > 1 && http_ticket_goes_before(t, lane->heap[at / 2 - 1])) {
        heap_set(lane, at, lane->heap[at / 2 - 1]);
        at /= 2;
    }
    heap_set(lane, at, t);
}

static void heap_down(struct http_lane *lane, size_t at)
{
    struct http_ticket *t = lane->heap[at - 1];

    for (size_t child; (child = at * 2) <= lane->n_waiting; at = child) {
        if (child < lane->n_waiting &&
            http_ticket_goes_before(lane->heap[child], lane->heap[child - 1]))
            child++;
        if (!http_ticket_goes_before(lane->heap[child - 1], t))
            break;
        heap_set(lane, at, lane->heap[child - 1]);
    }
    heap_set(lane, at, t);
}

void http_lane_add(struct http_lane *lane, struct http_ticket *t)
{
    lane->heap = mem_grow(lane->heap, lane->n_waiting, &lane->cap, sizeof *lane->heap);
    lane->heap[lane->n_waiting++] = t;
    heap_up(lane, lane->n_waiting);
}

void http_lane_remove(struct http_lane *lane, struct http_ticket *t)
{
    size_t at = t->at;
    struct http_ticket *last = lane->heap[--lane->n_waiting];

    t->at = 0;
    if (last == t)
        return;
    heap_set(lane, at, last);
    heap_up(lane, at);
    heap_down(lane, last->at);
}

static void ring_add(struct http_user *u, struct http_lane *lane)
{
    if (!u->ring) {
        u->ring = lane->prev = lane->next = lane;
        return;
    }
    lane->next = u->ring; /* behind all others */
    lane->prev = u->ring->prev;
    lane->prev->next = lane->next->prev = lane;
}

static void ring_remove(struct http_user *u, struct http_lane *lane)
{
    if (u->ring == lane)
        u->ring = lane->next == lane ? NULL : lane->next;
    lane->prev->next = lane->next;
    lane->next->prev = lane->prev;
    lane->prev = lane->next = NULL;
}

void http_lane_place(struct http_lane *lane, bool host_has_room)
{
    bool can_be_served = host_has_room && lane->n_waiting > 0;

    if (can_be_served && !lane->next)
        ring_add(lane->user, lane);
    else if (!can_be_served && lane->next)
        ring_remove(lane->user, lane);
}

void http_lane_destroy(struct http_lane *lane)
{
    if (!lane)
        return;
    assert(lane->n_waiting == 0 && !lane->next);
    free(lane->heap);
    free(lane);
}
