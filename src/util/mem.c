#include "dray/util/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__linux__) && defined(__GLIBC__)

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

/* Runs have a peak of 10 to 60 MiB. Pieces larger than PIECE_MAX are mapped one by one. */
enum { RANGE_BYTES = 64 * 1024 * 1024, PIECE_MAX = 4 * 1024 * 1024, FIRST_BYTES = 256 * 1024 };

static struct {
    void *from;
    size_t bytes;
} range; /* in huge pages */

void mem_prepare(void)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t before = (uintptr_t)sbrk(0);

    mallopt(M_TOP_PAD, RANGE_BYTES);
    mallopt(M_TRIM_THRESHOLD, 2 * RANGE_BYTES);
    mallopt(M_MMAP_THRESHOLD, PIECE_MAX);
    void *volatile first = malloc(FIRST_BYTES); /* more than is left: the heap is extended */
    free(first);
    uintptr_t from = (before + page - 1) & ~(page - 1), end = (uintptr_t)sbrk(0);
    /* A sanitizer's malloc() does not extend it; without huge pages small ones do as well. */
    if (end - before >= RANGE_BYTES)
        range.from = (void *)from, range.bytes = end - from;
    if (range.bytes > 0)
        (void)madvise(range.from, range.bytes, MADV_HUGEPAGE);
}

void mem_trim(void)
{
    /* Else the kernel soon makes huge pages again of what is left between the holes. */
    if (range.bytes > 0)
        (void)madvise(range.from, range.bytes, MADV_NOHUGEPAGE);
    range.bytes = 0;
    malloc_trim(0);
}

#else

void mem_prepare(void)
{
}

void mem_trim(void)
{
}

#endif

void *mem_new(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1); /* calloc checks the product */

    if (!p)
        abort();
    return p;
}

void *mem_resize(void *p, size_t n, size_t size)
{
    if (size && n > SIZE_MAX / size)
        abort();
    size_t bytes = n * size;
    p = realloc(p, bytes > 0 ? bytes : 1);
    if (!p)
        abort();
    return p;
}

char *mem_dup(const char *text)
{
    size_t n = strlen(text) + 1;

    return memcpy(mem_new(n, 1), text, n);
}

void *mem_grow(void *p, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return p;
    *cap = *cap ? *cap * 2 : 8;
    return mem_resize(p, *cap, size);
}
