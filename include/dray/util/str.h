/* str.h: a borrowed run of bytes. Owns nothing, never allocates; need not end in NUL and may hold
 * any byte. Passed by value. `struct buf` is its owning and growing counterpart. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p; /* NULL only when n is 0 and the value is absent */
    size_t n;      /* bytes */
};

#define STR(literal) ((struct str){ "" literal, sizeof(literal) - 1 })
#define STR_NONE     ((struct str){ NULL, 0 })
/* For printf: "%.*s" with STR_ARG(s). */
#define STR_ARG(s) (int)(s).n, (s).p ? (s).p : ""

/* Borrows a C string; NULL gives STR_NONE. */
static inline struct str str_of(const char *z)
{
    return z ? (struct str){ z, strlen(z) } : STR_NONE;
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_is(struct str a, const char *z)
{
    return str_eq(a, str_of(z));
}

/* ASCII only, whatever the locale. */
static inline bool str_isspace(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool str_isdigit(char c)
{
    return c >= '0' && c <= '9';
}

static inline bool str_isalpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline char str_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Byte order, shorter first among equals: <0, 0, >0. */
int str_cmp(struct str a, struct str b);
/* Equality without regard to ASCII case. */
bool str_eq_nocase(struct str a, struct str b);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* Offset of the first / last `c`, or -1. */
ptrdiff_t str_find(struct str s, char c);
ptrdiff_t str_rfind(struct str s, char c);
/* Offset of the first occurrence of `what`, or -1. An empty `what` is found at 0. */
ptrdiff_t str_search(struct str s, struct str what);
/* Bytes [from, to) of s; both are clamped to its length. */
struct str str_sub(struct str s, size_t from, size_t to);
/* Without ASCII white space at both ends. */
struct str str_trim(struct str s);
/* Splits at the first `sep`: the part before is returned, *rest gets the part behind it. Without
 * `sep` the whole is returned and *rest becomes STR_NONE (p == NULL), which tells "no separator"
 * from "nothing behind it". */
struct str str_cut(struct str s, char sep, struct str *rest);
/* Decimal digits only, no sign, no blanks; false when empty, otherwise shaped or above `max`. */
bool str_to_u64(struct str s, uint64_t max, uint64_t *out);
