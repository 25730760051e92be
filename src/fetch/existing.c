/* One place after the other; the first whose content is right wins. Finding is a few system calls,
 * hashing goes through a reader in slices. */
#include "dray/fetch/existing.h"

#include <stdlib.h>
#include <unistd.h>

#include "dray/net/freshness.h"
#include "dray/net/url.h"
#include "dray/store/pip_cache.h"
#include "dray/util/clock.h"
#include "dray/util/file.h"
#include "dray/util/mem.h"

enum spot { IN_DEST, IN_STORE, IN_STORE_BY_URL, IN_PIP, NOWHERE };

struct existing {
    const struct fetch_world *world;
    struct existing_wish wish;
    existing_done_fn done;
    void *ctx;
    bool with_dest;
    enum spot spot; /* looked at next */
    struct digest in_store;
    struct hasher hasher;
    struct reader *reader;
    struct loop_task next;
    struct buf path;
    struct existing_answer answer;
};

static void look_on(void *ctx);

static void tell(struct existing *x)
{
    if (x->answer.found)
        x->answer.path = buf_str(&x->path);
    x->done(x->ctx, &x->answer);
}

/* -- content -- */

/* Only now, for thousands may wait for a reader. */
static int open_file(void *ctx, const char *path, int *fd, struct err *e)
{
    struct existing *x = ctx;
    uint64_t *bytes = &x->answer.bytes;

    if (x->answer.origin == FETCH_KEPT)
        return place_find(x->world->place, x->wish.filename.p, fd, bytes, e);
    return file_open_regular(path, fd, bytes, e);
}

static int hash_bytes(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct existing *x = ctx;

    (void)e;
    hasher_add(&x->hasher, bytes, n);
    return 0;
}

/* Is it what it is kept as? What the store holds is vouched for or goes; files of others are left
 * alone. */
static bool judge_object(struct existing *x, const struct digest *sha256)
{
    if (x->answer.origin != FETCH_FROM_STORE)
        return true;
    bool is_right = digest_eq(sha256, &x->in_store);
    if (is_right)
        store_vouch(x->world->cache.store, &x->in_store);
    else
        store_discard(x->world->cache.store, &x->in_store);
    return is_right;
}

static void hashed(void *ctx, struct err *e)
{
    struct existing *x = ctx;
    struct digest got[DIGEST_COUNT] = { 0 };

    x->reader = NULL;
    hasher_finish(&x->hasher, got);
    hasher_done(&x->hasher);
    if (!e->code && judge_object(x, &got[DIGEST_SHA256]) &&
        !promise_check(x->wish.promise, got, e)) {
        x->answer.found = true;
        x->answer.sha256 = got[DIGEST_SHA256];
        tell(x);
        return;
    }
    loop_post(x->world->loop, &x->next);
}

static void hash(struct existing *x)
{
    struct reader_sink sink = { open_file, hash_bytes, hashed, x };

    hasher_init(&x->hasher, promise_algs(x->wish.promise));
    x->reader = reader_start(x->world->readers, buf_z(&x->path), &sink);
}

static bool has_size(const struct existing *x, uint64_t bytes)
{
    return x->wish.promise->bytes == FETCH_BYTES_UNKNOWN || x->wish.promise->bytes == bytes;
}

/* -- places: true when something is to be judged -- */

static bool look_in_dest(struct existing *x)
{
    struct place *dest = x->world->place;
    struct err e = { 0 };

    x->answer.origin = FETCH_KEPT;
    if (!x->with_dest || !dest || !promise_has_digest(x->wish.promise))
        return false;
    bool found = !place_size(dest, x->wish.filename.p, &x->answer.bytes, &e);
    err_done(&e);
    if (!found || !has_size(x, x->answer.bytes))
        return false;
    buf_add_f(&x->path, "%s/%.*s", place_dir(dest), STR_ARG(x->wish.filename));
    hash(x);
    return true;
}

/* Is its name all that has to be right? */
static bool is_enough(const struct existing *x)
{
    struct digest as_named[DIGEST_COUNT] = { 0 };
    struct err e = { 0 };

    as_named[DIGEST_SHA256] = x->in_store;
    bool enough = promise_algs(x->wish.promise) == 1u << DIGEST_SHA256 &&
                  !promise_check(x->wish.promise, as_named, &e);
    err_done(&e);
    return enough;
}

static bool look_at_object(struct existing *x, const struct digest *sha256)
{
    struct store_object object;

    x->in_store = *sha256;
    x->answer.origin = FETCH_FROM_STORE;
    if (!store_find(x->world->cache.store, sha256, &object))
        return false;
    close(object.fd);
    if (!has_size(x, object.bytes))
        return false;
    store_object_path(x->world->cache.store, sha256, &x->path);
    if (object.trust == STORE_TRUSTED && is_enough(x)) {
        x->answer.bytes = object.bytes;
        x->answer.found = true;
        x->answer.sha256 = *sha256;
        tell(x);
    } else {
        hash(x);
    }
    return true;
}

static bool look_among(struct existing *x, const struct digest *digests, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (digests[i].alg == DIGEST_SHA256 && look_at_object(x, &digests[i]))
            return true;
    return false;
}

static bool look_in_store(struct existing *x)
{
    const struct promise *p = x->wish.promise;

    if (!x->world->cache.store)
        return false;
    return (x->wish.sha256 && look_at_object(x, x->wish.sha256)) ||
           look_among(x, p->listed, p->n_listed) || look_among(x, p->allowed, p->n_allowed);
}

/* By the URL it had: where nothing is promised as long as that answer is fresh; where something is,
 * the content decides. */
static bool look_in_store_by_url(struct existing *x)
{
    struct arena a = { 0 };
    struct store_record r;
    struct digest d = { .alg = DIGEST_SHA256 };

    enum cache_state state =
        x->wish.url.p ? cache_look(&x->world->cache, STORE_FILE, x->wish.url, &a, &r) : CACHE_MISS;
    bool usable =
        state == CACHE_FRESH || (state == CACHE_STALE && promise_has_digest(x->wish.promise));
    bool known = usable && r.content.n == digest_size(DIGEST_SHA256);
    if (known)
        memcpy(d.bytes, r.content.p, r.content.n);
    arena_done(&a);
    return known && look_at_object(x, &d);
}

/* pip's own rule of what is fresh. */
static bool pip_is_fresh(const struct pip_answer *p)
{
    struct http_head head = { .status = 200,
                              .body_bytes = (int64_t)p->body_bytes,
                              .date = p->date,
                              .cache_control = p->cache_control,
                              .expires = p->expires,
                              .etag = p->etag,
                              .last_modified = p->last_modified };
    int64_t date = freshness_date(p->date);
    struct freshness f;

    return date >= 0 && freshness_of(&head, date, date, &f) &&
           freshness_is_fresh(&f, clock_unix_s());
}

static bool look_in_pip(struct existing *x)
{
    const char *dir = x->world->pip_cache_dir;
    struct arena a = { 0 };
    struct err e = { 0 };
    struct pip_answer p;
    struct url u;
    bool found;

    x->answer.origin = FETCH_FROM_PIP;
    if (!dir || !x->wish.url.p || url_parse(x->wish.url, &u, &e)) {
        err_done(&e);
        return false;
    }
    found = pip_cache_answer(&a, dir, str_of(u.text), &p) && p.status == 200 &&
            !p.content_encoding.p && has_size(x, p.body_bytes) &&
            (promise_has_digest(x->wish.promise) || (!p.varies && pip_is_fresh(&p)));
    if (found) {
        buf_add_str(&x->path, p.body_path);
        hash(x);
    }
    url_done(&u);
    arena_done(&a);
    return found;
}

static void look_on(void *ctx)
{
    static bool (*const spots[])(struct existing *) = { [IN_DEST] = look_in_dest,
                                                        [IN_STORE] = look_in_store,
                                                        [IN_STORE_BY_URL] = look_in_store_by_url,
                                                        [IN_PIP] = look_in_pip };
    struct existing *x = ctx;

    while (x->spot != NOWHERE) {
        buf_reset(&x->path);
        if (spots[x->spot++](x))
            return;
    }
    tell(x);
}

struct existing *existing_start(const struct fetch_world *w, const struct existing_wish *wish,
                                bool with_dest, existing_done_fn done, void *ctx)
{
    struct existing *x = mem_new(1, sizeof(*x));

    x->world = w;
    x->wish = *wish;
    x->with_dest = with_dest;
    x->done = done;
    x->ctx = ctx;
    x->next = (struct loop_task){ .fn = look_on, .ctx = x };
    loop_post(w->loop, &x->next);
    return x;
}

void existing_destroy(struct existing *x)
{
    if (!x)
        return;
    if (x->reader)
        reader_cancel(x->reader);
    loop_unpost(x->world->loop, &x->next);
    hasher_done(&x->hasher);
    buf_done(&x->path);
    free(x);
}
