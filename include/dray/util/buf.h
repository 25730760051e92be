/* buf.h: a byte buffer that owns its memory and grows. `struct buf b = { 0 }` is an empty one; the
 * bytes are always followed by a NUL that is not counted. Who reads from outside caps the size
 * first (limits.h). */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "dray/util/str.h"

struct buf {
    char *p; /* NULL until something was added */
    size_t n, cap;
};

void buf_done(struct buf *b);
/* Forgets the content, keeps the memory. */
void buf_reset(struct buf *b);
void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_add_str(struct buf *b, struct str s);
void buf_add_z(struct buf *b, const char *z);
void buf_add_c(struct buf *b, char c);
__attribute__((format(printf, 2, 3))) void buf_add_f(struct buf *b, const char *format, ...);
__attribute__((format(printf, 2, 0))) void buf_add_v(struct buf *b, const char *format, va_list ap);
/* Makes the length `n` bytes, at most the present one. */
void buf_cut(struct buf *b, size_t n);
/* The content as a C string, "" when empty; borrowed until the next change. */
const char *buf_z(const struct buf *b);
/* Borrowed until the next change. */
struct str buf_str(const struct buf *b);
/* Hands the C string over to the caller (free()) and leaves the buffer empty. Never NULL. */
char *buf_take(struct buf *b);
