/* cache_text.h: what `dray cache` tells of a store, for people and, as JSON, for programs. */
#pragma once

#include "dray/store/upkeep.h"
#include "dray/util/buf.h"

/* Where it is, a line for the files and for each kind of record, and their sum beside the cap. */
void cache_text_info(struct buf *out, const char *root, const struct store_info *info);
/* The same as one map; a cap of 0 is null: not known yet. */
void cache_text_info_json(struct buf *out, const char *root, const struct store_info *info);
/* A store_item_fn: a line, into the struct buf that is `ctx`. */
void cache_text_item(void *ctx, const struct store_item *item);
/* A store_item_fn: a map, into the struct json that is `ctx`. */
void cache_text_item_json(void *ctx, const struct store_item *item);
/* "Removed 3 files, 12 MB" */
void cache_text_removed(struct buf *out, uint64_t objects, uint64_t bytes);
