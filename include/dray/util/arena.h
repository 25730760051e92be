/* arena.h: memory for all that was parsed for one listing, requirement or solve; it goes as a
 * whole. `struct arena a = { 0 }` is an empty one. What it hands out lives until arena_done(). */
#pragma once

#include <stddef.h>

#include "dray/util/str.h"

struct arena_block;
struct arena {
    struct arena_block *head;
    size_t bytes; /* handed out so far; what a cap is compared with */
};

void arena_done(struct arena *a);
/* Zeroed, aligned for any type. */
void *arena_alloc(struct arena *a, size_t n, size_t size);
/* A copy of `s`, followed by a NUL that is not counted. STR_NONE stays STR_NONE. */
struct str arena_str(struct arena *a, struct str s);
/* A copy of `n` items of `size` bytes. */
void *arena_copy(struct arena *a, const void *items, size_t n, size_t size);
__attribute__((format(printf, 2, 3))) struct str arena_f(struct arena *a, const char *format, ...);
