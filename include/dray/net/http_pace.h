/* http_pace.h: how many requests a host gets at once. Fewer when it is in trouble, half as many as
 * it had; then one more for each few good answers, up to what it is configured to get (additive
 * increase, multiplicative decrease). Pure. Private to net/http. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct http_pace {
    unsigned limit, most;   /* at once: now, configured */
    unsigned round;         /* counts the lowerings; a request belongs to the one it was sent in */
    unsigned good;          /* answers of this round, since the limit last changed */
    uint64_t rest_until_us; /* it asked to be left alone until then; 0: it did not */
};

void http_pace_init(struct http_pace *p, unsigned most);
/* A request of `round` came to trouble, one of `n` that were under way. Whether the limit is lower
 * now: what was sent before the last lowering says nothing new, so a burst that fails counts once.
 */
bool http_pace_trouble(struct http_pace *p, unsigned round, unsigned n);
/* A request of `round` was answered well. Whether the limit is higher now. */
bool http_pace_good(struct http_pace *p, unsigned round);
