/* turns.h: how long things took, many of them, in a histogram of fixed size: counts of what lies
 * between two bounds, the next one an eighth or less further. Pure. */
#pragma once

#include <stdint.h>

enum {
    TURNS_STEPS = 8,   /* between a power of two and the next */
    TURNS_OCTAVES = 32 /* up to an hour in microseconds; what took longer counts as that */
};

struct turns {
    uint64_t count, max_us;
    uint64_t cells[TURNS_STEPS * TURNS_OCTAVES];
};

void turns_add(struct turns *t, uint64_t us);
/* That so many of a thousand took at most, or up to an eighth less; 0 when there are none. */
uint64_t turns_permille(const struct turns *t, unsigned permille);
