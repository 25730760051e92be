/* whole.h: one file over the network into a verified body, with the retries that it is worth: the
 * last rung of the ladder, whose body is kept. */
#pragma once

#include "dray/fetch/promise.h"
#include "dray/fetch/world.h"

struct whole_result {
    struct err err;    /* may be moved away */
    struct body *body; /* finished, not committed; the receiver's to destroy; NULL after an error */
    struct digest digests[DIGEST_COUNT]; /* those of promise_algs() */
    unsigned requests;
    uint64_t bytes;                /* of all attempts */
    const struct cache_note *note; /* of its head; borrowed */
};
typedef void (*whole_done_fn)(void *ctx, struct whole_result *result);

struct whole;
/* All is borrowed until whole_destroy(). `done` runs once, later, from the loop. */
struct whole *whole_start(const struct fetch_world *w, struct body_pool *pool, struct str url,
                          const struct promise *promise, whole_done_fn done, void *ctx);
/* At any time; removes the temporary file unless it was handed over. NULL is allowed. */
void whole_destroy(struct whole *w);
