/* Objects and records go by one order: when they were last used. The files go within the
 * transaction that removes their rows, not after it: who writes the index next finds rows and files
 * agreeing, and store_write() looks whether the file of a row is still there before it adds it. If
 * we are killed in between, rows without files are left: a miss, and the next sweep drops them. */
#include <stdlib.h>

#include "dray/store/object_file.h"
#include "dray/store/parts.h"
#include "dray/util/clock.h"

void evict_victims(struct store *s, const struct index_victims *victims, uint64_t *objects,
                   uint64_t *bytes)
{
    for (size_t i = 0; i < victims->n; i++) {
        const struct index_victim *v = &victims->items[i];
        index_drop_victim(s->index, v);
        if (v->is_object)
            object_file_remove(s->objects, &v->sha256);
        *objects += v->is_object;
        *bytes += v->bytes;
    }
}

void evict_excess(struct store *s, size_t max)
{
    uint64_t total = 0, objects = 0, bytes = 0;
    uint64_t goal = s->max_bytes - s->max_bytes / 10;
    struct index_victims victims = { 0 };

    bool known = index_total_bytes(s->index, &total);
    bool begins = !s->evicting;
    s->evicting = known && total > (begins ? s->max_bytes : goal);
    if (!s->evicting)
        return;
    if (begins) /* else all that is new would go before it */
        index_set_back(s->index, clock_unix_s());
    index_least_used(s->index, INT64_MIN, total - goal, max, &victims);
    evict_victims(s, &victims, &objects, &bytes);
    s->evicting = victims.n == max && bytes < total - goal;
    free(victims.items);
}
