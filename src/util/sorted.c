#include "dray/util/sorted.h"

size_t sorted_before(const void *items, size_t n, size_t size, const void *key,
                     int (*compare)(const void *item, const void *key))
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare((const char *)items + middle * size, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
