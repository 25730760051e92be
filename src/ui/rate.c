/* Half-second slots in a ring: constant memory and work, and what was fast a minute ago is
 * forgotten. */
#include "dray/ui/rate.h"

/* Before that one burst of a socket buffer would read as a huge rate. */
enum { RATE_SEEN_US = 250000 };

void rate_add(struct rate *r, uint64_t now_us, uint64_t bytes)
{
    uint64_t slot = now_us / RATE_SLOT_US;

    if (!r->since_us) {
        r->since_us = now_us + 1;
        r->slot = slot;
    }
    if (slot > r->slot + RATE_SLOTS)
        r->slot = slot - RATE_SLOTS;
    while (r->slot < slot)
        r->bytes[++r->slot % RATE_SLOTS] = 0;
    r->bytes[slot % RATE_SLOTS] += bytes;
}

uint64_t rate_at(const struct rate *r, uint64_t now_us)
{
    uint64_t slot = now_us / RATE_SLOT_US, sum = 0;
    uint64_t oldest = slot < RATE_SLOTS ? 0 : slot - RATE_SLOTS + 1;
    uint64_t from_us = oldest * RATE_SLOT_US;

    if (!r->since_us)
        return 0;
    for (uint64_t i = oldest; i <= r->slot; i++)
        if (r->slot - i < RATE_SLOTS)
            sum += r->bytes[i % RATE_SLOTS];
    if (from_us < r->since_us - 1)
        from_us = r->since_us - 1;
    if (now_us < from_us + RATE_SEEN_US)
        return 0;
    return sum * 1000000 / (now_us - from_us);
}
