/* rate.h: bytes per second over the last three seconds. A value: `struct rate r = { 0 }` has
 * seen nothing. */
#pragma once

#include <stdint.h>

enum { RATE_SLOTS = 6, RATE_SLOT_US = 500000 };

/* The newest slot is at slot % RATE_SLOTS; those before it follow downwards. */
struct rate {
    uint64_t bytes[RATE_SLOTS];
    uint64_t slot;     /* number of the newest: its time / RATE_SLOT_US */
    uint64_t since_us; /* the first addition + 1; 0: there was none */
};

/* `now_us` never goes back. */
void rate_add(struct rate *r, uint64_t now_us, uint64_t bytes);
/* Bytes per second at `now_us`; 0 while too little time was seen to say. */
uint64_t rate_at(const struct rate *r, uint64_t now_us);
