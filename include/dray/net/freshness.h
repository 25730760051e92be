/* freshness.h: how long an answer may be used again, for a private cache (RFC 9111). Pure: clocks
 * are the caller's. Vary needs no matching here: what an answer could vary by is part of the key
 * under which the caller keeps it (the same Accept, Accept-Encoding and User-Agent for each kind of
 * request; credentials are hashed into the key); only "Vary: *" matters. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dray/net/http.h"

/* What is kept with an answer. Seconds since 1970, by this machine's clock. */
struct freshness {
    int64_t received_s;
    int64_t fresh_until_s; /* <= received_s: to be validated each time */
    bool no_stale;  /* no-cache, must-revalidate: not even --offline may hide that it is old; the
                     * caller then says so */
    bool immutable; /* RFC 8246 */
};

/* May this 200 be kept, and how long is it fresh (sections 3, 4.2, 5.2.2)? max-age, then Expires,
 * else none: no heuristics, as pip has none, for listings. s-maxage is not ours. Age and Date
 * correct for time spent in other caches and for clocks that differ (section 4.2.3). `requested_s`,
 * `received_s`: by our clock. false: not to be kept (no-store, Vary: *). What could neither
 * be used nor validated is kept too, for who is cut off from the network (section 4.2.4). */
bool freshness_of(const struct http_head *head, int64_t requested_s, int64_t received_s,
                  struct freshness *out);
/* A 304 came for it (section 4.3.4): the fields of `head` that are there replace what was known. */
void freshness_renew(const struct http_head *head, int64_t requested_s, int64_t received_s,
                     struct freshness *f);
/* A clock that was set back makes nothing fresh again. */
bool freshness_is_fresh(const struct freshness *f, int64_t now_s);
/* "Sun, 06 Nov 1994 08:49:37 GMT" and the two old forms (RFC 9110 section 5.6.7); -1 for anything
 * else. */
int64_t freshness_date(struct str text);
