/* body.h: the bytes of one file on their way into the destination: hashed as they come, written in
 * large pieces under a temporary name, counted against what was promised. Knows nothing of where
 * they come from. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dray/store/place.h"
#include "dray/store/store.h"
#include "dray/util/digest.h"

struct body;

/* Write buffers, kept for the next file. `struct body_pool p = { 0 }`. */
struct body_pool {
    char **free;
    size_t n, cap;
};
void body_pool_done(struct body_pool *p);

/* Begins a file in `place`. `algs`: the set of digests to compute, bit (1u << alg) each. All
 * pointers are borrowed until body_destroy(). `max_bytes`: a longer file ends in ERR_LENGTH;
 * UINT64_MAX: any length. */
struct body *body_create(struct place *place, struct body_pool *pool, unsigned algs,
                         uint64_t max_bytes, struct err *e);
/* Goes on with `file`, which has bytes already: body_recall() is told of all of them before the
 * first body_add(). Takes over `file`. */
struct body *body_resume(struct place_file *file, struct body_pool *pool, unsigned algs,
                         uint64_t max_bytes);
int body_add(struct body *b, const void *bytes, size_t n, struct err *e);
/* So many are on their way, says the server: a small file takes no more memory than that. */
void body_announce(struct body *b, uint64_t bytes);
/* These are in the file already. */
int body_recall(struct body *b, const void *bytes, size_t n, struct err *e);
/* Forgets all bytes. */
int body_restart(struct body *b, struct err *e);
uint64_t body_bytes(const struct body *b);
/* The unfinished file with all its bytes, for store/partial; borrowed. NULL: they can't be written.
 */
struct place_file *body_file(struct body *b);
/* Writes what is left and gives the digests, out[alg] for each of `algs`. No body_add() afterwards.
 */
int body_finish(struct body *b, struct digest out[static DIGEST_COUNT], struct err *e);
/* For reading what was written, after body_finish(); borrowed. */
int body_fd(const struct body *b);
/* Makes it an object of the store in whose temporary place it was written. Only body_destroy() is
 * allowed afterwards. */
int body_commit_to_store(struct body *b, struct store *store, const struct digest *sha256,
                         struct str label, struct err *e);
/* Puts the file into a place on the file system of the one that it was written in. Only
 * body_destroy() is allowed afterwards. */
int body_commit(struct body *b, struct place *into, const char *name, struct err *e);
/* Removes the temporary file unless it was committed. NULL is allowed. */
void body_destroy(struct body *b);
