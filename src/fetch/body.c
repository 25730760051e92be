/* libcurl hands over at most 16 KiB at a time: small enough to be hashed while it is in the cache,
 * too small to be written. So pieces are hashed at once and collected for one write of WRITE_BYTES.
 */
#include "dray/fetch/body.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dray/util/mem.h"

enum { WRITE_BYTES = 256 * 1024 };

struct body {
    struct place_file *file;
    struct body_pool *pool;
    struct hasher hasher;
    char *piece; /* of `room`; NULL until there is something to write */
    size_t piece_bytes, room;
    uint64_t bytes, max_bytes;
    uint64_t announced_bytes; /* 0: unknown */
    unsigned algs;
};

/* The pool is for whole ones; a small file has one of its own size. */
static void take_piece(struct body *b)
{
    struct body_pool *p = b->pool;

    b->room = b->max_bytes < WRITE_BYTES ? (size_t)b->max_bytes : WRITE_BYTES;
    if (b->announced_bytes && b->announced_bytes < b->room)
        b->room = (size_t)b->announced_bytes;
    b->piece = b->room == WRITE_BYTES && p->n ? p->free[--p->n] : mem_resize(NULL, b->room, 1);
}

static void give_piece(struct body *b)
{
    struct body_pool *p = b->pool;

    if (b->room < WRITE_BYTES) {
        free(b->piece);
        return;
    }
    p->free = mem_grow(p->free, p->n, &p->cap, sizeof(*p->free));
    p->free[p->n++] = b->piece;
}

void body_pool_done(struct body_pool *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->n; i++)
        free(p->free[i]);
    free(p->free);
    *p = (struct body_pool){ 0 };
}

struct body *body_create(struct place *place, struct body_pool *pool, unsigned algs,
                         uint64_t max_bytes, struct err *e)
{
    struct place_file *file = place_file_create(place, e);

    return file ? body_resume(file, pool, algs, max_bytes) : NULL;
}

struct body *body_resume(struct place_file *file, struct body_pool *pool, unsigned algs,
                         uint64_t max_bytes)
{
    struct body *b = mem_new(1, sizeof(*b));

    b->file = file;
    b->pool = pool;
    b->max_bytes = max_bytes;
    b->algs = algs;
    hasher_init(&b->hasher, algs);
    return b;
}

void body_announce(struct body *b, uint64_t bytes)
{
    b->announced_bytes = bytes;
}

static int body_flush(struct body *b, struct err *e)
{
    size_t n = b->piece_bytes;

    b->piece_bytes = 0;
    return n ? place_file_write(b->file, b->piece, n, e) : 0;
}

int body_recall(struct body *b, const void *bytes, size_t n, struct err *e)
{
    if (n > b->max_bytes - b->bytes)
        return err_set(e, ERR_LENGTH, "it is longer than the %" PRIu64 " bytes that were promised",
                       b->max_bytes);
    b->bytes += n;
    hasher_add(&b->hasher, bytes, n);
    return 0;
}

int body_restart(struct body *b, struct err *e)
{
    b->bytes = 0;
    b->piece_bytes = 0;
    hasher_done(&b->hasher);
    hasher_init(&b->hasher, b->algs);
    return place_file_clear(b->file, e);
}

int body_add(struct body *b, const void *bytes, size_t n, struct err *e)
{
    const char *at = bytes;

    if (body_recall(b, bytes, n, e))
        return e->code;
    if (n && !b->piece)
        take_piece(b);
    while (n) {
        size_t room = b->room - b->piece_bytes;
        size_t part = n < room ? n : room;
        memcpy(b->piece + b->piece_bytes, at, part);
        b->piece_bytes += part;
        at += part;
        n -= part;
        if (b->piece_bytes == b->room && body_flush(b, e))
            return e->code;
    }
    return 0;
}

uint64_t body_bytes(const struct body *b)
{
    return b->bytes;
}

int body_finish(struct body *b, struct digest out[static DIGEST_COUNT], struct err *e)
{
    hasher_finish(&b->hasher, out);
    return body_flush(b, e);
}

struct place_file *body_file(struct body *b)
{
    struct err e = { 0 };
    int code = body_flush(b, &e);

    err_done(&e);
    return code ? NULL : b->file;
}

int body_fd(const struct body *b)
{
    return place_file_fd(b->file);
}

int body_commit_to_store(struct body *b, struct store *store, const struct digest *sha256,
                         struct str label, struct err *e)
{
    struct store_put put = { .sha256 = sha256, .bytes = b->bytes, .label = label };

    return store_commit(store, b->file, &put, e);
}

int body_commit(struct body *b, struct place *into, const char *name, struct err *e)
{
    return place_file_commit_in(b->file, into, name, e);
}

void body_destroy(struct body *b)
{
    if (!b)
        return;
    place_file_destroy(b->file);
    give_piece(b);
    hasher_done(&b->hasher);
    free(b);
}
