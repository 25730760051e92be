/* existing.h: is a file on this machine already, with the right content? Looked for in the
 * destination, in the store, and in pip's HTTP cache, before anything of it is asked for. What is
 * found has been hashed, unless the store has it and this boot has seen it right. It may be gone
 * again, or be another one if it is pip's, when it is used: thousands may be found at once, so
 * none is held open. */
#pragma once

#include "dray/fetch/promise.h"
#include "dray/fetch/world.h"

struct existing_wish { /* borrowed until existing_destroy() */
    const struct promise *promise;
    struct str url; /* may hold credentials; STR_NONE: it is not looked for by it */
    struct str filename;
    const struct digest *sha256; /* known from elsewhere; or NULL */
};

struct existing_answer {
    bool found;
    enum fetch_origin origin; /* KEPT, FROM_STORE or FROM_PIP */
    uint64_t bytes;
    struct digest sha256;
    struct str path; /* of the file; valid until existing_destroy() */
};
typedef void (*existing_done_fn)(void *ctx, const struct existing_answer *answer);

struct existing;
/* `done` runs once, later, from the loop. `with_dest`: look into the destination, too (only where
 * there is a digest to compare with). */
struct existing *existing_start(const struct fetch_world *w, const struct existing_wish *wish,
                                bool with_dest, existing_done_fn done, void *ctx);
/* At any time. NULL is allowed. */
void existing_destroy(struct existing *x);
