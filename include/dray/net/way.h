/* way.h: which address of a host to connect to, found out by a race (net/race.h) and remembered
 * for the run. One race a host and port at a time; all who want to go there wait for its end. A
 * host with one address needs none of this. Knows nothing of HTTP or URLs. */
#pragma once

#include <stddef.h>

#include "dray/net/dns.h"
#include "dray/net/loop.h"

struct ways;
struct way; /* to one host and port */
struct way_wait;

/* Borrowed, valid during the callback. */
struct way_found {
    int cause; /* 0, or of the address that failed first: an errno; ETIMEDOUT: no answer */
    struct dns_address address; /* that connects */
    int fd; /* connected to it, non-blocking, the receiver's; or -1: another one has got it */
};

typedef void (*way_done_fn)(void *ctx, const struct way_found *found);

/* `timeout_ms`: for connecting to a host, whatever the number of its addresses. */
struct ways *ways_create(struct loop *l, unsigned timeout_ms);
/* Every wait must have ended or been cancelled. NULL is allowed. */
void ways_destroy(struct ways *r);
/* The same one each time, valid until ways_destroy(). `addresses`, in the order of RFC 6724, are
 * what is known of the host when it is asked for the first time; they are tried with the families
 * taking turns (RFC 8305 section 4). n > 0. */
struct way *ways_get(struct ways *r, const char *host, unsigned port,
                     const struct dns_address *addresses, size_t n);
/* The address that is known to be good, borrowed until the next call; NULL: way_race() first. */
const struct dns_address *way_good(const struct way *t);
/* All of them, in the order in which a race would try them; borrowed until the next call. */
const struct dns_address *way_addresses(const struct way *t, size_t *n);
/* Finds out which one is good. `done` runs once, later, from the loop. */
struct way_wait *way_race(struct way *t, way_done_fn done, void *ctx);
/* `done` will not run. Not to be called once it has. */
void way_cancel(struct way_wait *w);
/* The address was good, and is no more: it is tried last from now on. */
void way_failed(struct way *t, const struct dns_address *address);
