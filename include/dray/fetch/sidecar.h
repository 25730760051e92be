/* sidecar.h: the metadata file that an index serves beside a distribution (PEP 658, 714): its URL
 * is the file's with ".metadata" behind it. */
#pragma once

#include "dray/fetch/host.h"
#include "dray/fetch/world.h"

struct sidecar_result {
    struct err err;  /* why it is of no use; may be moved away */
    struct str text; /* valid until sidecar_destroy(), as is `note`: of its head */
    const struct cache_note *note;
    unsigned requests;
    uint64_t bytes;
};
typedef void (*sidecar_done_fn)(void *ctx, struct sidecar_result *result);

struct sidecar;
/* `url`: of the distribution, without fragment; borrowed, as is `digest` (NULL: none is promised),
 * until sidecar_destroy(). The text agrees with the digest; what it says is the caller's to judge.
 * `done` runs once, later, from the loop. */
struct sidecar *sidecar_start(const struct fetch_world *w, struct str url,
                              const struct digest *digest, sidecar_done_fn done, void *ctx);
/* At any time. NULL is allowed. */
void sidecar_destroy(struct sidecar *s);
