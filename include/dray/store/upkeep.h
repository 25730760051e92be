/* upkeep.h: looking after a store as a whole: what `dray cache` does. Synchronous and slow; for a
 * process that does nothing else. What waits is written first; ERR_TIMEOUT when another process
 * keeps the index locked for seconds. None but store_info() and store_list() for a store that is
 * read_only. */
#pragma once

#include "dray/store/store.h"

struct store_info {
    uint64_t objects, object_bytes;
    uint64_t records[STORE_KIND_COUNT], record_bytes[STORE_KIND_COUNT];
    uint64_t max_bytes;               /* the cap */
    int64_t oldest_use_s;             /* 0 when empty */
    uint64_t partials, partial_bytes; /* bodies that were cut, and are kept for their rest */
};
/* From the index alone: nothing is walked. */
int store_info(struct store *s, struct store_info *out, struct err *e);

/* One line of `cache list`: an object (kind -1) or a record; borrowed during the call. */
struct store_item {
    int kind;             /* enum store_kind, or -1: an object */
    struct digest sha256; /* of an object */
    struct str label;     /* an object has that of its file record, STR_NONE without one */
    uint64_t bytes;
    int64_t used_s, fresh_until_s; /* the latter 0 for an object */
    bool verified;                 /* trusted under this boot */
};
typedef void (*store_item_fn)(void *ctx, const struct store_item *item);
/* Most recently used first. */
int store_list(struct store *s, store_item_fn fn, void *ctx, struct err *e);

/* Hashes every object, compares the index with what is on the disk. What is wrong is removed,
 * objects that the index does not know are adopted; each is told through `found` (a sentence). What
 * is right is trusted afterwards. A damaged index counts as wrong, and is begun anew. */
struct store_verdict {
    uint64_t checked, wrong, missing, adopted;
};
typedef void (*store_found_fn)(void *ctx, const char *sentence);
int store_verify(struct store *s, store_found_fn found, void *ctx, struct store_verdict *out,
                 struct err *e);
/* Removes what was last used before `before_s`, then the least recently used until at most
 * `max_bytes` are left (UINT64_MAX: as many as there are); and records that are stale for a month
 * and were not used in it, but immutable ones. Of cut bodies the same, but a quarter of `max_bytes`
 * are left. How much went. */
int store_prune(struct store *s, int64_t before_s, uint64_t max_bytes, uint64_t *objects,
                uint64_t *bytes, struct err *e);
/* Everything goes, but what other processes have in progress. */
int store_purge(struct store *s, uint64_t *objects, uint64_t *bytes, struct err *e);
