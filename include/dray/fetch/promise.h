/* promise.h: what is known of a file before it is there, and whether the file keeps it: the hashes
 * that the user allows (pip's --hash: any one of them suffices), the digest that the index promises
 * (always checked), the size. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dray/util/buf.h"
#include "dray/util/digest.h"
#include "dray/util/err.h"
#include "dray/util/str.h"

struct promise {
    const struct digest *allowed; /* by the user; borrowed */
    size_t n_allowed;
    const struct digest
        *listed; /* by the index or the URL's fragment; borrowed; the strongest is checked */
    size_t n_listed;
    uint64_t bytes;    /* FETCH_BYTES_UNKNOWN: not promised */
    bool need_allowed; /* --require-hashes: without an allowed hash no file will do */
};

/* The set of digests to compute: bit (1u << alg) each. SHA-256 is always in it. */
unsigned promise_algs(const struct promise *p);
/* The one SHA-256 that the file is to have, when that is known; else NULL. */
const struct digest *promise_sha256(const struct promise *p);
/* Appends what the file is called among others: by that SHA-256, so that any URL may have it; else
 * by its URL, which may hold credentials. */
void promise_name(const struct promise *p, struct str url, struct buf *out);
/* Can content be checked at all: is there any digest to compare with? */
bool promise_has_digest(const struct promise *p);
/* `got`: the computed digests, at index alg, for each of promise_algs(). ERR_HASH with one line for
 * each digest that was expected and the one that was found. */
int promise_check(const struct promise *p, const struct digest *got, struct err *e);
/* What can be told without a byte of the file: an allowed hash can't be met when the index promises
 * another value of the same algorithm. ERR_HASH, ERR_NO_HASH, or 0. */
int promise_check_early(const struct promise *p, struct err *e);
