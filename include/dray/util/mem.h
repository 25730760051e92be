/* mem.h: memory that is never refused. Allocation failure aborts (STYLE: sizes from outside are
 * capped first, by a name in limits.h), so no caller checks for NULL. */
#pragma once

#include <stddef.h>

/* To be called once, first of all. Asks the system for one range of memory in huge pages: what a
 * run parses comes in many small pieces, and a page fault for each 4 KiB was a fifth of the time of
 * a resolution from the store. None of it is used beforehand. Does nothing without Linux and glibc.
 */
void mem_prepare(void);
/* Gives back to the system what is not in use, and wants no huge pages from then on. */
void mem_trim(void);

/* Zeroed memory for `n` items of `size` bytes; release with free(). Aborts on overflow and when out
 * of memory. */
void *mem_new(size_t n, size_t size);
/* realloc() that aborts instead of returning NULL. New bytes are not zeroed. */
void *mem_resize(void *p, size_t n, size_t size);
/* A NUL-terminated copy of a C string; release with free(). */
char *mem_dup(const char *text);
/* Room for one more item in the array `p` of `n` items of `size` bytes: doubles `*cap` when n has
 * reached it. Returns the array, perhaps moved: items = mem_grow(items, n, &cap, sizeof *items). */
void *mem_grow(void *p, size_t n, size_t *cap, size_t size);
