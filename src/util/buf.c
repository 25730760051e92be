#include "dray/util/buf.h"

#include <stdio.h>
#include <stdlib.h>

#include "dray/util/mem.h"

void buf_done(struct buf *b)
{
    if (!b)
        return;
    free(b->p);
    *b = (struct buf){ 0 };
}

void buf_reset(struct buf *b)
{
    buf_cut(b, 0);
}

static void buf_grow(struct buf *b, size_t need)
{
    b->cap = need > b->cap * 2 ? need : b->cap * 2;
    b->p = mem_resize(b->p, b->cap, 1);
}

/* Room for n more bytes and the NUL. */
static void buf_reserve(struct buf *b, size_t n)
{
    size_t need = b->n + n + 1;

    if (need <= n)
        abort();
    if (need > b->cap)
        buf_grow(b, need);
}

void buf_add(struct buf *b, const void *bytes, size_t n)
{
    buf_reserve(b, n);
    if (n)
        memcpy(b->p + b->n, bytes, n);
    b->n += n;
    b->p[b->n] = '\0';
}

void buf_add_str(struct buf *b, struct str s)
{
    buf_add(b, s.p, s.n);
}

void buf_add_z(struct buf *b, const char *z)
{
    buf_add(b, z, strlen(z));
}

void buf_add_c(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_add_v(struct buf *b, const char *format, va_list ap)
{
    char probe[1]; /* gcc's -fsanitize takes a NULL buffer for a NULL format */
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(probe, sizeof(probe), format, again);
    va_end(again);

    if (n < 0)
        abort(); /* only a wrong format does that */
    buf_reserve(b, (size_t)n);
    vsnprintf(b->p + b->n, (size_t)n + 1, format, ap);
    b->n += (size_t)n;
}

void buf_add_f(struct buf *b, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    buf_add_v(b, format, ap);
    va_end(ap);
}

void buf_cut(struct buf *b, size_t n)
{
    if (n > b->n || !b->p)
        return;
    b->n = n;
    b->p[n] = '\0';
}

const char *buf_z(const struct buf *b)
{
    return b->p ? b->p : "";
}

struct str buf_str(const struct buf *b)
{
    return (struct str){ buf_z(b), b->n };
}

char *buf_take(struct buf *b)
{
    char *p = b->p ? b->p : mem_dup("");

    *b = (struct buf){ 0 };
    return p;
}
