/* recall.h: what earlier runs read of a wheel's metadata, in the store: under the sha256 of the
 * wheel, where that is known, for ever; else under its URL, as long as HTTP allows. */
#pragma once

#include "dray/fetch/cache.h"
#include "dray/util/digest.h"

/* Whose metadata. */
struct recall_of {
    const struct digest *sha256; /* or NULL */
    struct str url;              /* http or https; may hold credentials */
    struct str label;            /* for people: the file's name */
};

/* Appended to `out`; false when there is none, or none that may be used. */
bool recall_find(const struct cache *c, const struct recall_of *of, struct buf *out);
/* `note`: of the answer that told it; NULL: without a sha256 nothing is kept. */
void recall_keep(const struct cache *c, const struct recall_of *of, const struct cache_note *note,
                 struct str text);
/* It was not so, under neither. */
void recall_forget(const struct cache *c, const struct recall_of *of);
