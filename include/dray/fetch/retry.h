/* retry.h: when to try again. Full jitter (each delay is random between nothing and a bound that
 * doubles), so that many clients which failed together do not come back together; Retry-After (RFC
 * 9110 section 10.2.3) is a floor. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dray/fetch/event.h"
#include "dray/net/http.h"
#include "dray/net/loop.h"

/* Should there be a further attempt after number `attempt` (1, 2, ...) ended with `result`, when
 * `retries` are allowed in all? If so, `*delay_ms` is how long to wait before it. A server that
 * asks for more than LIMIT_RETRY_AFTER_S is not waited for; the error then says so. */
bool retry_after(struct http_result *result, unsigned attempt, unsigned retries,
                 uint64_t *delay_ms);

/* The attempts of one request that nobody watches, with the timer between them. Zeroed but for the
 * first five. */
struct retry {
    struct loop *loop;
    struct events *events; /* told of each */
    unsigned retries;
    loop_fn again; /* makes the next attempt */
    void *ctx;
    unsigned attempt; /* counted by whoever makes them */
    struct loop_timer *timer;
};
/* Whether there will be another attempt after this result, which may be a success: then not. */
bool retry_later(struct retry *r, struct http_result *result);
/* At any time: there will be none. */
void retry_done(struct retry *r);
