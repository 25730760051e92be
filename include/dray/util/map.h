/* map.h: from byte strings to pointers, kept in order of insertion. Owns its table, neither keys
 * nor values: a key is borrowed and must outlive its entry. `struct map m = { 0 }` is an empty one.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dray/util/str.h"

struct map_entry {
    struct str key;
    void *value;
    uint64_t hash;
};

struct map {
    struct map_entry *entries; /* [0, n) in order of insertion; for walking */
    size_t n, cap;
    uint32_t *slots; /* index into entries + 1; 0 is free */
    size_t n_slots;  /* a power of two */
};

void map_done(struct map *m);
/* The value, or NULL. */
void *map_get(const struct map *m, struct str key);
/* Sets or replaces; a replaced entry keeps its place and its first key. `value` is not NULL. */
void map_put(struct map *m, struct str key, void *value);
/* Forgets the `n` that were inserted first. */
void map_drop_first(struct map *m, size_t n);
