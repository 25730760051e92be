/* Open addressing with linear probing over indexes into an array that keeps the order of insertion.
 * The hash is FNV-1a: keys are names that were checked and capped before, and one run holds few of
 * them. */
#include "dray/util/map.h"

#include <assert.h>
#include <stdlib.h>

#include "dray/util/mem.h"

static uint64_t map_hash(struct str key)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (size_t i = 0; i < key.n; i++)
        h = (h ^ (unsigned char)key.p[i]) * 0x100000001b3u;
    return h ^ (h >> 32);
}

void map_done(struct map *m)
{
    if (!m)
        return;
    free(m->entries);
    free(m->slots);
    *m = (struct map){ 0 };
}

/* The slot that holds `key`, or the free one where it belongs. */
static uint32_t *map_slot(const struct map *m, struct str key, uint64_t hash)
{
    for (size_t i = hash;; i++) {
        uint32_t *slot = &m->slots[i & (m->n_slots - 1)];
        if (!*slot)
            return slot;
        const struct map_entry *entry = &m->entries[*slot - 1];
        if (entry->hash == hash && str_eq(entry->key, key))
            return slot;
    }
}

void *map_get(const struct map *m, struct str key)
{
    if (!m->n)
        return NULL;
    uint32_t slot = *map_slot(m, key, map_hash(key));
    return slot ? m->entries[slot - 1].value : NULL;
}

/* Slots anew for all entries. */
static void map_slot_all(struct map *m, size_t n_slots)
{
    free(m->slots);
    m->n_slots = n_slots;
    m->slots = mem_new(m->n_slots, sizeof(*m->slots));
    for (size_t i = 0; i < m->n; i++)
        *map_slot(m, m->entries[i].key, m->entries[i].hash) = (uint32_t)i + 1;
}

void map_put(struct map *m, struct str key, void *value)
{
    uint64_t hash = map_hash(key);

    if (m->n * 4 >= m->n_slots * 3)
        map_slot_all(m, m->n_slots ? m->n_slots * 2 : 16);
    uint32_t *slot = map_slot(m, key, hash);
    if (*slot) {
        m->entries[*slot - 1].value = value;
        return;
    }
    m->entries = mem_grow(m->entries, m->n, &m->cap, sizeof(*m->entries));
    m->entries[m->n++] = (struct map_entry){ .key = key, .value = value, .hash = hash };
    *slot = (uint32_t)m->n;
}

void map_drop_first(struct map *m, size_t n)
{
    assert(n <= m->n);
    if (n == 0)
        return;
    memmove(m->entries, m->entries + n, (m->n - n) * sizeof(*m->entries));
    m->n -= n;
    map_slot_all(m, m->n_slots);
}
