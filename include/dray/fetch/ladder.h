/* ladder.h: one distribution's core metadata, by the cheapest way that works: what an earlier run
 * read; the file, if this machine has it; the index's metadata file; the tail of the wheel; the
 * whole file, which is then kept. A rung that does not hold costs a warning at most, and the next
 * one is tried. A source distribution has no tail, and where its own PKG-INFO is not final (PEP
 * 643) the machine's pip is asked, if the world says so. */
#pragma once

#include "dray/fetch/existing.h"
#include "dray/fetch/promise.h"
#include "dray/fetch/world.h"

/* All is borrowed until ladder_destroy(). */
struct ladder_wish {
    struct str label;    /* for warnings: the file's name */
    struct str url;      /* http, https or file; may hold credentials */
    struct str filename; /* a wheel, or a source distribution: those only by the first rungs */
    struct str project, version; /* what the metadata has to say; STR_NONE: anything */
    const struct promise *promise;
    bool is_recalled; /* the store was looked into, and has nothing */
    bool has_sidecar;
    const struct digest *sidecar_digest; /* or NULL */
    const struct fetch_view *view;       /* whom warnings and events are about; or NULL */
};

struct ladder_answer {
    struct err err;      /* may be moved away */
    struct str metadata; /* valid until ladder_destroy(), as all of this */
    enum metadata_rung rung;
    unsigned requests;
    uint64_t bytes;
    const struct existing_answer *existing; /* the file is here; or NULL */
    struct body *body; /* of the last rung, without a store: the receiver's to destroy */
    struct digest digests[DIGEST_COUNT]; /* of that body */
    const struct digest *sha256;         /* of the whole file when it has been seen, else NULL */
};
typedef void (*ladder_done_fn)(void *ctx, struct ladder_answer *answer);

struct ladder;
/* `done` runs once, later, from the loop. */
struct ladder *ladder_start(const struct fetch_world *w, struct body_pool *pool,
                            const struct ladder_wish *wish, ladder_done_fn done, void *ctx);
/* At any time. NULL is allowed. */
void ladder_destroy(struct ladder *l);
