/* race.h: of several addresses of one host the first that connects (RFC 8305 section 5): attempts
 * begin 250 ms after one another, or at once when one fails. Owns the sockets until one has won.
 * Knows nothing of HTTP, names or URLs. */
#pragma once

#include <stddef.h>

#include "dray/net/dns.h"
#include "dray/net/loop.h"
#include "dray/util/limits.h"

/* What became of one address; better ones first. */
enum race_fate {
    RACE_WON,
    RACE_UNTRIED, /* it was over before its turn */
    RACE_SLOW,    /* had not answered when another won */
    RACE_FAILED
};

struct race_order {
    struct dns_address addresses[LIMIT_ADDRESSES]; /* in the order in which to try them */
    size_t n;                                      /* > 0 */
    unsigned port;
    unsigned timeout_ms; /* for all of it */
};

/* Borrowed, valid during the callback. */
struct race_result {
    int fd;    /* of the winner: connected, non-blocking, the receiver's; -1: there is none */
    int cause; /* of the first failure when there is no winner: an errno; ETIMEDOUT: no answer */
    const enum race_fate *fates; /* of the addresses */
};

typedef void (*race_done_fn)(void *ctx, const struct race_result *result);

struct race;
/* `o` is copied. `done` runs once, later, from the loop. */
struct race *race_start(struct loop *l, const struct race_order *o, race_done_fn done, void *ctx);
/* `done` will not run. Not to be called once it has. NULL is allowed. */
void race_cancel(struct race *r);
