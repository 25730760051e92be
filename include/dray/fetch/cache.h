/* cache.h: answers of servers that are kept in the store, by RFC 9111: what may be used without a
 * request, what has to be validated, what --offline may use. Joins net/freshness and store/store;
 * without a store everything is a miss. */
#pragma once

#include <stdbool.h>

#include "dray/net/freshness.h"
#include "dray/store/store.h"

struct cache {
    struct store *store; /* borrowed; NULL: none */
    bool offline;        /* nothing may be asked: what is stale will do */
};

enum cache_state {
    CACHE_MISS,
    CACHE_STALE, /* to be validated with the record's etag and last_modified */
    CACHE_FRESH  /* to be used as it is; offline also what is stale */
};

/* `url` with its credentials: two users of one index do not see each other's pages. Strings of
 * `out` live in `a`. */
enum cache_state cache_look(const struct cache *c, enum store_kind kind, struct str url,
                            struct arena *a, struct store_record *out);

/* What is to be remembered of an answer's head until its body has come. `struct cache_note n =
 * { 0 }` is an empty one. */
struct cache_note {
    bool keep; /* it may be kept */
    struct freshness freshness;
    struct buf etag, last_modified;
    int64_t requested_s; /* when it was asked for */
};

void cache_note_head(struct cache_note *n, const struct http_head *head);
/* The same for a 304 to what `record` says. */
void cache_note_not_modified(struct cache_note *n, const struct http_head *head,
                             const struct store_record *record);
/* To be called when a request is made. */
void cache_note_reset(struct cache_note *n);
void cache_note_done(struct cache_note *n);

/* Keeps `content` for `url` as `n` allows; `base` is that of a listing, or STR_NONE. Forgets what
 * was there when it may not be kept. */
void cache_keep(const struct cache *c, enum store_kind kind, struct str url,
                const struct cache_note *n, struct str base, struct str content);
/* After a 304: its times and validators are new. */
void cache_renew(const struct cache *c, enum store_kind kind, struct str url,
                 const struct cache_note *n);
/* Is it a strong validator (RFC 9110 section 8.8.1), fit for If-Range? */
bool cache_is_strong(struct str etag);
