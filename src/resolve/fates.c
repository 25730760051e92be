#include "dray/resolve/fates.h"

#include <string.h>

static size_t words_of(size_t n)
{
    return (n + FATE_WORD_BITS - 1) / FATE_WORD_BITS;
}

struct fates fates_none(struct arena *a, size_t n)
{
    return (struct fates){ arena_alloc(a, words_of(n), sizeof(uint64_t)), n };
}

struct fates fates_all(struct arena *a, size_t n)
{
    return fates_not(a, fates_none(a, n));
}

struct fates fates_one(struct arena *a, size_t n, size_t fate)
{
    struct fates s = fates_none(a, n);

    fates_add(&s, fate);
    return s;
}

void fates_add(struct fates *s, size_t fate)
{
    s->words[fate / FATE_WORD_BITS] |= UINT64_C(1) << fate % FATE_WORD_BITS;
}

void fates_drop(struct fates *s, size_t fate)
{
    s->words[fate / FATE_WORD_BITS] &= ~(UINT64_C(1) << fate % FATE_WORD_BITS);
}

void fates_keep(struct fates *s, struct fates of)
{
    for (size_t i = 0; i < words_of(s->n); i++)
        s->words[i] &= of.words[i];
}

void fates_cut(struct fates *s, struct fates of)
{
    for (size_t i = 0; i < words_of(s->n); i++)
        s->words[i] &= ~of.words[i];
}

struct fates fates_and(struct arena *a, struct fates x, struct fates y)
{
    struct fates s = fates_none(a, x.n);

    for (size_t i = 0; i < words_of(x.n); i++)
        s.words[i] = x.words[i] & y.words[i];
    return s;
}

struct fates fates_or(struct arena *a, struct fates x, struct fates y)
{
    struct fates s = fates_none(a, x.n);

    for (size_t i = 0; i < words_of(x.n); i++)
        s.words[i] = x.words[i] | y.words[i];
    return s;
}

struct fates fates_but(struct arena *a, struct fates x, struct fates y)
{
    struct fates s = fates_none(a, x.n);

    for (size_t i = 0; i < words_of(x.n); i++)
        s.words[i] = x.words[i] & ~y.words[i];
    return s;
}

struct fates fates_not(struct arena *a, struct fates x)
{
    struct fates s = fates_none(a, x.n);
    size_t words = words_of(x.n), above = x.n % FATE_WORD_BITS;

    for (size_t i = 0; i < words; i++)
        s.words[i] = ~x.words[i];
    if (above)
        s.words[words - 1] &= (UINT64_C(1) << above) - 1;
    return s;
}

bool fates_has(struct fates s, size_t fate)
{
    return s.words[fate / FATE_WORD_BITS] >> fate % FATE_WORD_BITS & 1;
}

bool fates_is_empty(struct fates s)
{
    return fates_next(s, 0) == s.n;
}

bool fates_is_all(struct fates s)
{
    return fates_count(s) == s.n;
}

bool fates_eq(struct fates x, struct fates y)
{
    return x.n == y.n && memcmp(x.words, y.words, words_of(x.n) * sizeof(*x.words)) == 0;
}

bool fates_within(struct fates x, struct fates y)
{
    for (size_t i = 0; i < words_of(x.n); i++)
        if (x.words[i] & ~y.words[i])
            return false;
    return true;
}

bool fates_meet(struct fates x, struct fates y)
{
    for (size_t i = 0; i < words_of(x.n); i++)
        if (x.words[i] & y.words[i])
            return true;
    return false;
}

size_t fates_count(struct fates s)
{
    size_t n = 0;

    for (size_t i = 0; i < words_of(s.n); i++)
        n += (size_t)__builtin_popcountll(s.words[i]);
    return n;
}

size_t fates_next(struct fates s, size_t from)
{
    size_t words = words_of(s.n), i = from / FATE_WORD_BITS;

    if (from >= s.n)
        return s.n;
    uint64_t word = s.words[i] >> from % FATE_WORD_BITS << from % FATE_WORD_BITS;
    while (!word && ++i < words)
        word = s.words[i];
    return word ? i * FATE_WORD_BITS + (size_t)__builtin_ctzll(word) : s.n;
}

size_t fates_last(struct fates s)
{
    for (size_t i = words_of(s.n); i-- > 0;)
        if (s.words[i])
            return i * FATE_WORD_BITS + FATE_WORD_BITS - 1 - (size_t)__builtin_clzll(s.words[i]);
    return s.n;
}
