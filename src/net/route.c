/* The order of a route's addresses is all that is remembered of them: whoever won stands first,
 * whoever failed last. */
#include "dray/net/route.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dray/net/race.h"
#include "dray/util/buf.h"
#include "dray/util/map.h"
#include "dray/util/mem.h"

enum route_state { ROUTE_OPEN, ROUTE_RACING, ROUTE_GOOD };

struct route {
    struct routes *routes;
    char *key; /* "host:port" */
    enum route_state state;
    struct race_order order; /* GOOD: the first one is */
    struct race *race;
    struct route_wait *waits; /* for the race, in the order in which they came */
    struct route_wait *told;  /* it is over, and these are still to hear of it */
};

struct route_wait {
    struct route *route;
    struct route_wait *next;
    route_done_fn done;
    void *ctx;
};

struct routes {
    struct loop *loop;
    unsigned timeout_ms;
    struct map map; /* "host:port": struct route */
};

static bool is_v6(const struct dns_address *a)
{
    return strchr(a->text, ':') != NULL;
}

/* The families take turns, beginning with that of the first; within each the order stays. */
static void interleave(const struct dns_address *from, size_t n, struct race_order *out)
{
    size_t at[2] = { 0, 0 }; /* of the first one's family, of the other */
    bool first_is_v6 = is_v6(&from[0]);

    for (unsigned turn = 0; out->n < n; turn ^= 1) {
        size_t i = at[turn];
        while (i < n && (is_v6(&from[i]) != first_is_v6) != (turn == 1))
            i++;
        if (i < n)
            out->addresses[out->n++] = from[i++];
        at[turn] = i;
    }
}

struct routes *routes_create(struct loop *l, unsigned timeout_ms)
{
    struct routes *r = mem_new(1, sizeof *r);

    *r = (struct routes){ .loop = l, .timeout_ms = timeout_ms };
    return r;
}

void routes_destroy(struct routes *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->map.n; i++) {
        struct route *t = r->map.entries[i].value;
        assert(!t->waits && !t->race);
        free(t->key);
        free(t);
    }
    map_done(&r->map);
    free(r);
}

struct route *routes_get(struct routes *r, const char *host, unsigned port,
                         const struct dns_address *addresses, size_t n)
{
    struct buf key = { 0 };

    buf_add_f(&key, "%s:%u", host, port);
    struct route *t = map_get(&r->map, buf_str(&key));
    if (!t) {
        t = mem_new(1, sizeof *t);
        t->routes = r;
        t->order.port = port;
        t->order.timeout_ms = r->timeout_ms;
        interleave(addresses, n, &t->order);
        t->key = buf_take(&key);
        map_put(&r->map, str_of(t->key), t);
    }
    buf_done(&key);
    return t;
}

const struct dns_address *route_good(const struct route *t)
{
    return t->state == ROUTE_GOOD ? &t->order.addresses[0] : NULL;
}

const struct dns_address *route_addresses(const struct route *t, size_t *n)
{
    *n = t->order.n;
    return t->order.addresses;
}

/* By fate, and by their order among equals. */
static void sort_addresses(struct race_order *o, const enum race_fate *fates)
{
    static const enum race_fate best_first[] = { RACE_WON, RACE_UNTRIED, RACE_SLOW, RACE_FAILED };
    struct dns_address sorted[LIMIT_ADDRESSES];
    size_t n = 0;

    for (size_t k = 0; k < sizeof best_first / sizeof *best_first; k++)
        for (size_t i = 0; i < o->n; i++)
            if (fates[i] == best_first[k])
                sorted[n++] = o->addresses[i];
    memcpy(o->addresses, sorted, n * sizeof *sorted);
}

/* Out of whichever list it is in. */
static void wait_free(struct route_wait *w)
{
    struct route_wait **at = &w->route->waits;

    while (*at && *at != w)
        at = &(*at)->next;
    if (!*at)
        at = &w->route->told;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    free(w);
}

static void on_race(void *ctx, const struct race_result *result)
{
    struct route *t = ctx;
    struct route_found found = { .cause = result->cause, .fd = result->fd };

    t->race = NULL;
    t->state = result->fd < 0 ? ROUTE_OPEN : ROUTE_GOOD;
    sort_addresses(&t->order, result->fates);
    found.address = t->order.addresses[0];
    /* A list of its own: those who are told may cancel others, or come again for another race. */
    t->told = t->waits;
    t->waits = NULL;
    while (t->told) {
        struct route_wait w = *t->told;
        wait_free(t->told);
        w.done(w.ctx, &found);
        found.fd = -1;
    }
}

struct route_wait *route_race(struct route *t, route_done_fn done, void *ctx)
{
    struct route_wait *w = mem_new(1, sizeof *w);
    struct route_wait **end = &t->waits;

    *w = (struct route_wait){ .route = t, .done = done, .ctx = ctx };
    while (*end)
        end = &(*end)->next;
    *end = w;
    if (!t->race) {
        t->state = ROUTE_RACING;
        t->race = race_start(t->routes->loop, &t->order, on_race, t);
    }
    return w;
}

void route_cancel(struct route_wait *w)
{
    struct route *t = w->route;

    wait_free(w);
    if (t->waits || t->state != ROUTE_RACING)
        return;
    race_cancel(t->race);
    t->race = NULL;
    t->state = ROUTE_OPEN;
}

void route_failed(struct route *t, const struct dns_address *address)
{
    struct dns_address failed = *address;

    if (t->state != ROUTE_GOOD || strcmp(t->order.addresses[0].text, failed.text) != 0)
        return;
    memmove(&t->order.addresses[0], &t->order.addresses[1],
            (t->order.n - 1) * sizeof *t->order.addresses);
    t->order.addresses[t->order.n - 1] = failed;
    t->state = ROUTE_OPEN;
}
