/* The order of a way's addresses is all that is remembered of them: whoever won stands first,
 * whoever failed last. */
#include "dray/net/way.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dray/net/race.h"
#include "dray/util/buf.h"
#include "dray/util/map.h"
#include "dray/util/mem.h"

enum way_state { WAY_OPEN, WAY_RACING, WAY_GOOD };

struct way {
    struct ways *ways;
    char *key; /* "host:port" */
    enum way_state state;
    struct race_order order; /* GOOD: the first one is */
    struct race *race;
    struct way_wait *waits; /* for the race, in the order in which they came */
    struct way_wait *told;  /* it is over, and these are still to hear of it */
};

struct way_wait {
    struct way *way;
    struct way_wait *next;
    way_done_fn done;
    void *ctx;
};

struct ways {
    struct loop *loop;
    unsigned timeout_ms;
    struct map map; /* "host:port": struct way */
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

struct ways *ways_create(struct loop *l, unsigned timeout_ms)
{
    struct ways *r = mem_new(1, sizeof *r);

    *r = (struct ways){ .loop = l, .timeout_ms = timeout_ms };
    return r;
}

void ways_destroy(struct ways *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->map.n; i++) {
        struct way *t = r->map.entries[i].value;
        assert(!t->waits && !t->race);
        free(t->key);
        free(t);
    }
    map_done(&r->map);
    free(r);
}

struct way *ways_get(struct ways *r, const char *host, unsigned port,
                     const struct dns_address *addresses, size_t n)
{
    struct buf key = { 0 };

    buf_add_f(&key, "%s:%u", host, port);
    struct way *t = map_get(&r->map, buf_str(&key));
    if (!t) {
        t = mem_new(1, sizeof *t);
        t->ways = r;
        t->order.port = port;
        t->order.timeout_ms = r->timeout_ms;
        interleave(addresses, n, &t->order);
        t->key = buf_take(&key);
        map_put(&r->map, str_of(t->key), t);
    }
    buf_done(&key);
    return t;
}

const struct dns_address *way_good(const struct way *t)
{
    return t->state == WAY_GOOD ? &t->order.addresses[0] : NULL;
}

const struct dns_address *way_addresses(const struct way *t, size_t *n)
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
static void wait_free(struct way_wait *w)
{
    struct way_wait **at = &w->way->waits;

    while (*at && *at != w)
        at = &(*at)->next;
    if (!*at)
        at = &w->way->told;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    free(w);
}

static void on_race(void *ctx, const struct race_result *result)
{
    struct way *t = ctx;
    struct way_found found = { .cause = result->cause, .fd = result->fd };

    t->race = NULL;
    t->state = result->fd < 0 ? WAY_OPEN : WAY_GOOD;
    sort_addresses(&t->order, result->fates);
    found.address = t->order.addresses[0];
    /* A list of its own: those who are told may cancel others, or come again for another race. */
    t->told = t->waits;
    t->waits = NULL;
    while (t->told) {
        struct way_wait w = *t->told;
        wait_free(t->told);
        w.done(w.ctx, &found);
        found.fd = -1;
    }
}

struct way_wait *way_race(struct way *t, way_done_fn done, void *ctx)
{
    struct way_wait *w = mem_new(1, sizeof *w);
    struct way_wait **end = &t->waits;

    *w = (struct way_wait){ .way = t, .done = done, .ctx = ctx };
    while (*end)
        end = &(*end)->next;
    *end = w;
    if (!t->race) {
        t->state = WAY_RACING;
        t->race = race_start(t->ways->loop, &t->order, on_race, t);
    }
    return w;
}

void way_cancel(struct way_wait *w)
{
    struct way *t = w->way;

    wait_free(w);
    if (t->waits || t->state != WAY_RACING)
        return;
    race_cancel(t->race);
    t->race = NULL;
    t->state = WAY_OPEN;
}

void way_failed(struct way *t, const struct dns_address *address)
{
    struct dns_address failed = *address;

    if (t->state != WAY_GOOD || strcmp(t->order.addresses[0].text, failed.text) != 0)
        return;
    memmove(&t->order.addresses[0], &t->order.addresses[1],
            (t->order.n - 1) * sizeof *t->order.addresses);
    t->order.addresses[t->order.n - 1] = failed;
    t->state = WAY_OPEN;
}
