/* A list of blocks, each twice the one before up to a limit; what is larger than a block gets its
 * own. */
#include "dray/util/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdlib.h>

#include "dray/util/buf.h"
#include "dray/util/mem.h"

enum { BLOCK_MIN = 1024, BLOCK_MAX = 256 * 1024 };

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    alignas(max_align_t) unsigned char bytes[];
};

void arena_done(struct arena *a)
{
    if (!a)
        return;
    for (struct arena_block *b = a->head, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    *a = (struct arena){ 0 };
}

static struct arena_block *arena_block_add(struct arena *a, size_t need)
{
    size_t size = a->head ? a->head->size * 2 : BLOCK_MIN;

    if (size > BLOCK_MAX)
        size = BLOCK_MAX;
    if (size < need)
        size = need;
    struct arena_block *b = mem_resize(NULL, sizeof(*b) + size, 1);
    b->used = 0;
    b->size = size;
    b->next = a->head;
    a->head = b;
    return b;
}

static void *arena_take(struct arena *a, size_t bytes, size_t align)
{
    struct arena_block *b = a->head;
    size_t at = b ? (b->used + align - 1) & ~(align - 1) : 0;

    if (!b || at > b->size || b->size - at < bytes) {
        b = arena_block_add(a, bytes);
        at = 0;
    }
    b->used = at + bytes;
    a->bytes += bytes;
    return b->bytes + at;
}

void *arena_alloc(struct arena *a, size_t n, size_t size)
{
    if (size && n > SIZE_MAX / 2 / size)
        abort();
    void *p = arena_take(a, n * size, alignof(max_align_t));
    if (n)
        memset(p, 0, n * size);
    return p;
}

struct str arena_str(struct arena *a, struct str s)
{
    if (!s.p)
        return STR_NONE;
    char *p = arena_take(a, s.n + 1, 1);
    memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return (struct str){ p, s.n };
}

void *arena_copy(struct arena *a, const void *items, size_t n, size_t size)
{
    if (size && n > SIZE_MAX / 2 / size)
        abort();
    void *p = arena_take(a, n * size, alignof(max_align_t));
    if (n)
        memcpy(p, items, n * size);
    return p;
}

struct str arena_f(struct arena *a, const char *format, ...)
{
    struct buf text = { 0 };
    va_list ap;

    va_start(ap, format);
    buf_add_v(&text, format, ap);
    va_end(ap);
    struct str s = arena_str(a, buf_str(&text));
    buf_done(&text);
    return s;
}
