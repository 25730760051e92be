#include "dray/fetch/retry.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>
#ifdef __APPLE__
#include <sys/random.h>
#endif

#include "dray/util/limits.h"

enum { BOUND_FIRST_MS = 500, BOUND_LAST_MS = 20000 };

static uint64_t random_below(uint64_t bound)
{
    uint64_t n;

    if (getentropy(&n, sizeof(n)) != 0)
        abort(); /* fails only for a wrong pointer or size */
    return n % bound;
}

bool retry_after(struct http_result *result, unsigned attempt, unsigned retries, uint64_t *delay_ms)
{
    uint64_t bound = BOUND_FIRST_MS;

    if (!result->again || attempt > retries)
        return false;
    if (result->retry_after_ms > (int64_t)LIMIT_RETRY_AFTER_S * 1000) {
        err_set(&result->err, result->err.code,
                "%s, and asks to wait %" PRId64 " s; that is too long for a retry",
                err_text(&result->err), result->retry_after_ms / 1000);
        return false;
    }
    for (unsigned i = 1; i < attempt && bound < BOUND_LAST_MS; i++)
        bound *= 2;
    if (bound > BOUND_LAST_MS)
        bound = BOUND_LAST_MS;
    uint64_t floor = result->retry_after_ms > 0 ? (uint64_t)result->retry_after_ms : 0;
    *delay_ms = floor + random_below(bound);
    return true;
}

bool retry_later(struct retry *r, struct http_result *result)
{
    uint64_t delay_ms;

    if (!result->err.code || !retry_after(result, r->attempt, r->retries, &delay_ms))
        return false;
    events_emit(r->events, &(struct event){ .kind = EVENT_RETRY,
                                            .text = str_of(err_text(&result->err)),
                                            .n = delay_ms });
    if (!r->timer)
        r->timer = loop_timer_create(r->loop, r->again, r->ctx);
    loop_timer_start(r->timer, delay_ms);
    return true;
}

void retry_done(struct retry *r)
{
    loop_timer_destroy(r->timer);
    r->timer = NULL;
}
