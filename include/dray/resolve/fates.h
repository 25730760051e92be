/* fates.h: a set of what may become of one package in a resolution. Fate 0: it is not there at all;
 * fate i: its candidate i - 1. So one kind of set serves for "some version in >=2", for "not that
 * version, or not there" and for what is still possible. Sets that meet are of the same size, and
 * are never changed once others may see them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dray/util/arena.h"

enum { FATE_ABSENT = 0, FATE_WORD_BITS = 64 };

struct fates {
    uint64_t *words; /* bits above `n` are 0 */
    size_t n;        /* how many fates there are to choose from: one more than candidates */
};

/* Nothing of `n`. */
struct fates fates_none(struct arena *a, size_t n);
struct fates fates_all(struct arena *a, size_t n);
struct fates fates_one(struct arena *a, size_t n, size_t fate);
/* For one who makes a set, before it is shown. */
void fates_add(struct fates *s, size_t fate);
void fates_drop(struct fates *s, size_t fate);
void fates_keep(struct fates *s, struct fates of); /* what is in `of`, too */
void fates_cut(struct fates *s, struct fates of);  /* what is not */

struct fates fates_and(struct arena *a, struct fates x, struct fates y);
struct fates fates_or(struct arena *a, struct fates x, struct fates y);
struct fates fates_but(struct arena *a, struct fates x, struct fates y);
struct fates fates_not(struct arena *a, struct fates x);

bool fates_has(struct fates s, size_t fate);
bool fates_is_empty(struct fates s);
bool fates_is_all(struct fates s);
bool fates_eq(struct fates x, struct fates y);
bool fates_within(struct fates x, struct fates y); /* every fate of x is in y */
bool fates_meet(struct fates x, struct fates y);   /* some fate is in both */
size_t fates_count(struct fates s);
/* The next one that is in `s`, from `from` on; s.n when there is none. */
size_t fates_next(struct fates s, size_t from);
/* The greatest in `s`; s.n when it is empty. */
size_t fates_last(struct fates s);
