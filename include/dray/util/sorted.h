/* sorted.h: looking into arrays that are in order. */
#pragma once

#include <stddef.h>

/* How many of the `n` items of `size` bytes stand before `key`: where it is, if it is there, and
 * where it would have to go. `compare` is the one that qsort() put them in order with. */
size_t sorted_before(const void *items, size_t n, size_t size, const void *key,
                     int (*compare)(const void *item, const void *key));
