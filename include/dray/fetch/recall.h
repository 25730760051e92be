/* recall.h: what earlier runs read of a wheel's metadata, in the store. Of a file that was hashed
 * whole: under its sha256, for ever. What a server said of a file of which the index promises that
 * sha256: for ever too, but for URLs of that server alone, since nothing proves it yet. Else under
 * its URL, as long as HTTP allows. */
#pragma once

#include "dray/fetch/cache.h"
#include "dray/util/digest.h"

/* Whose metadata. */
struct recall_of {
    const struct digest *sha256; /* or NULL */
    struct str url;              /* http or https; may hold credentials */
    struct str label;            /* for people: the file's name */
    bool is_whole;               /* recall_keep(): read from a file with this sha256 */
};

/* Appends the name of what a request would bring, for flight.h: of two of one name, the second
 * finds what the first has kept. May hold credentials. */
void recall_name(const struct recall_of *of, struct buf *out);
/* Appended to `out`; false when there is none, or none that may be used. */
bool recall_find(const struct cache *c, const struct recall_of *of, struct buf *out);
/* `note`: of the answer that told it; NULL: without a sha256 nothing is kept. */
void recall_keep(const struct cache *c, const struct recall_of *of, const struct cache_note *note,
                 struct str text);
/* It was not so, under neither. */
void recall_forget(const struct cache *c, const struct recall_of *of);
