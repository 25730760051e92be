/* Rung after rung: each either ends with a text that is what was asked for, or says why it does not
 * hold, and the next one is begun. What was read is kept in the store as recall.h says. */
#include "dray/fetch/ladder.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "dray/fetch/host.h"
#include "dray/fetch/recall.h"
#include "dray/fetch/sidecar.h"
#include "dray/fetch/tail.h"
#include "dray/fetch/wheel_file.h"
#include "dray/fetch/whole.h"
#include "dray/net/url.h"
#include "dray/py/metadata.h"
#include "dray/util/clock.h"
#include "dray/util/file.h"
#include "dray/util/mem.h"

struct ladder {
    const struct fetch_world *world;
    struct body_pool *pool;
    struct ladder_wish wish;
    ladder_done_fn done;
    void *ctx;
    struct existing *existing; /* at most one of these four is under way */
    struct sidecar *sidecar;
    struct tail *tail; /* stays while the whole file is fetched, to hear of the verdict */
    struct whole *whole;
    struct loop_task begin;
    struct buf text;
    struct existing_answer found;
    struct digest sha256;
    uint64_t start_us;
    const struct cache_note *note; /* of the answer that told it, or NULL */
    struct ladder_answer answer;
};

static bool is_wheel(const struct ladder *l)
{
    return str_ends(l->wish.filename, STR(".whl"));
}

static bool is_remote(const struct ladder *l)
{
    return !str_starts(l->wish.url, STR("file:"));
}

static const struct digest *known_sha256(const struct ladder *l)
{
    return l->answer.sha256 ? l->answer.sha256 : promise_sha256(l->wish.promise);
}

static struct recall_of whose(const struct ladder *l)
{
    return (struct recall_of){ .sha256 = known_sha256(l),
                               .url = l->wish.url,
                               .label = l->wish.filename,
                               .is_whole = l->answer.sha256 != NULL };
}

/* -- the end -- */

static void tell(struct ladder *l)
{
    struct ladder_answer *a = &l->answer;

    struct recall_of of = whose(l);

    if (!a->err.code) {
        a->metadata = buf_str(&l->text);
        if (a->rung != METADATA_STORE && is_remote(l))
            recall_keep(&l->world->cache, &of, l->note, a->metadata);
    }
    events_emit(l->world->events, &(struct event){ .kind = EVENT_METADATA,
                                                   .fetch = l->wish.view,
                                                   .text = str_of(metadata_rung_name(a->rung)),
                                                   .n = a->bytes,
                                                   .took_us = clock_us() - l->start_us,
                                                   .code = a->err.code });
    l->done(l->ctx, a);
}

/* Is it metadata, and of the right project? Leaves the reason in `e` when not. */
static int judge(struct ladder *l, struct err *e)
{
    struct arena a = { 0 };
    struct metadata m;
    int code = metadata_parse(&a, buf_str(&l->text), &m, e);

    if (!code)
        code = metadata_check(&m, l->wish.project, l->wish.version, e);
    arena_done(&a);
    return code;
}

static void succeed(struct ladder *l, enum metadata_rung rung)
{
    l->answer.rung = rung;
    tell(l);
}

static void fail(struct ladder *l, enum metadata_rung rung, struct err *e)
{
    l->answer.rung = rung;
    err_move(&l->answer.err, e);
    tell(l);
}

/* -- whole -- */

/* The body becomes an object, if there is a store to take it; else it goes to the receiver. */
static int keep_body(struct ladder *l, struct whole_result *r, struct err *e)
{
    struct store *store = l->world->cache.store;
    uint64_t bytes = body_bytes(r->body);

    buf_reset(&l->text); /* of what a rung before gave that was of no use */
    int code = wheel_file_metadata(body_fd(r->body), bytes, l->wish.filename, &l->text, e);
    l->sha256 = r->digests[DIGEST_SHA256];
    l->answer.sha256 = &l->sha256;
    if (!code)
        code = judge(l, e);
    if (!code && store && !body_commit_to_store(r->body, store, &l->sha256, l->wish.filename, e)) {
        cache_keep(&l->world->cache, STORE_FILE, l->wish.url, r->note, STR_NONE,
                   (struct str){ (const char *)l->sha256.bytes, digest_size(DIGEST_SHA256) });
    } else if (!code && !store) {
        memcpy(l->answer.digests, r->digests, sizeof(r->digests));
        l->answer.body = r->body;
        return 0;
    }
    body_destroy(r->body);
    return code; /* a store that took nothing is no reason to fail */
}

static void whole_came(void *ctx, struct whole_result *r)
{
    struct ladder *l = ctx;
    struct err e = { 0 };

    l->answer.requests += r->requests;
    l->answer.bytes += r->bytes;
    if (err_move(&e, &r->err)) {
        fail(l, METADATA_WHOLE, &e);
    } else if (keep_body(l, r, &e)) {
        err_wrap(&e, "reading %.*s", STR_ARG(l->wish.filename));
        fail(l, METADATA_WHOLE, &e);
    } else {
        if (l->tail)
            tail_blame_host(l->tail);
        err_done(&e);
        succeed(l, METADATA_WHOLE);
    }
}

static void climb_to_whole(struct ladder *l)
{
    l->whole = whole_start(l->world, l->pool, l->wish.url, l->wish.promise, whole_came, l);
}

/* -- tail -- */

static void tail_came(void *ctx, struct tail_result *r)
{
    struct ladder *l = ctx;
    struct err e = { 0 };

    l->answer.requests += r->requests;
    l->answer.bytes += r->bytes;
    switch (r->outcome) {
    case TAIL_FOUND:
        buf_reset(&l->text);
        buf_add_str(&l->text, r->metadata);
        l->note = r->note;
        if (judge(l, &e))
            fail(l, METADATA_TAIL, &e);
        else
            succeed(l, METADATA_TAIL);
        break;
    case TAIL_UNABLE:
    case TAIL_BROKEN:
        climb_to_whole(l);
        break;
    case TAIL_FAILED:
        fail(l, METADATA_TAIL, &r->err);
        break;
    }
}

static void climb_to_tail(struct ladder *l)
{
    struct err e = { 0 };

    if (!is_wheel(l)) {
        err_set(&e, ERR_UNSUPPORTED,
                "%.*s is a source distribution, whose metadata only a build can tell for sure; "
                "dray reads that of wheels",
                STR_ARG(l->wish.filename));
        fail(l, METADATA_NONE, &e);
        return;
    }
    l->tail =
        tail_start(l->world, l->wish.url, l->wish.filename, l->wish.promise->bytes, tail_came, l);
}

/* -- sidecar -- */

static void sidecar_came(void *ctx, struct sidecar_result *r)
{
    struct ladder *l = ctx;
    struct host *host = hosts_find(l->world->hosts, l->wish.url);

    l->answer.requests += r->requests;
    l->answer.bytes += r->bytes;
    if (!r->err.code) {
        buf_reset(&l->text);
        buf_add_str(&l->text, r->text);
        judge(l, &r->err);
    }
    host_note_sidecar(host, !r->err.code);
    if (!r->err.code) {
        l->note = r->note;
        succeed(l, METADATA_SIDECAR);
        return;
    }
    events_warn(l->world->events, l->wish.view,
                "the metadata file that the index offers for %.*s is of no use: %s",
                STR_ARG(l->wish.label), err_text(&r->err));
    climb_to_tail(l);
}

static void climb_to_sidecar(struct ladder *l)
{
    if (l->wish.has_sidecar && host_has_sidecars(hosts_find(l->world->hosts, l->wish.url)))
        l->sidecar = sidecar_start(l->world, l->wish.url, l->wish.sidecar_digest, sidecar_came, l);
    else
        climb_to_tail(l);
}

static void climb_to_network(struct ladder *l)
{
    struct err e = { 0 };

    if (l->world->cache.offline) {
        err_set(&e, ERR_OFFLINE, "the metadata of %.*s is not in the store; run without --offline",
                STR_ARG(l->wish.filename));
        fail(l, METADATA_NONE, &e);
        return;
    }
    climb_to_sidecar(l);
}

/* -- what is here -- */

static int read_file(struct ladder *l, const char *path, struct err *e)
{
    uint64_t bytes;
    int fd = -1;

    buf_reset(&l->text);
    int code = file_open_regular(path, &fd, &bytes, e);
    if (!code)
        code = wheel_file_metadata(fd, bytes, l->wish.filename, &l->text, e);
    if (!code)
        code = judge(l, e);
    if (fd >= 0)
        close(fd);
    return code ? err_wrap(e, "reading %s", path) : 0;
}

static void existing_came(void *ctx, const struct existing_answer *x)
{
    struct ladder *l = ctx;
    struct err e = { 0 };

    if (!x->found) {
        climb_to_network(l);
        return;
    }
    l->found = *x;
    l->sha256 = x->sha256;
    l->answer.sha256 = &l->sha256;
    l->answer.existing = &l->found;
    if (read_file(l, x->path.p, &e))
        fail(l, METADATA_FILE, &e);
    else
        succeed(l, METADATA_FILE);
}

/* A file: URL or a path: nobody promised what it is, and no copy is better than it. */
static void read_local(struct ladder *l)
{
    struct buf path = { 0 };
    struct err e = { 0 };

    int code = url_to_path(l->wish.url, &path, &e);
    if (!code)
        code = read_file(l, buf_z(&path), &e);
    buf_done(&path);
    if (code)
        fail(l, METADATA_FILE, &e);
    else
        succeed(l, METADATA_FILE);
}

static void begin(void *ctx)
{
    struct ladder *l = ctx;
    struct existing_wish wish = { .promise = l->wish.promise,
                                  .url = l->wish.url,
                                  .filename = l->wish.filename };
    struct err e = { 0 };

    if (!is_remote(l)) {
        if (is_wheel(l))
            read_local(l);
        else
            climb_to_tail(l); /* says what it is */
        return;
    }
    struct recall_of of = whose(l);
    if (recall_find(&l->world->cache, &of, &l->text) && !judge(l, &e)) {
        succeed(l, METADATA_STORE);
        return;
    }
    err_done(&e);
    if (is_wheel(l))
        l->existing = existing_start(l->world, &wish, true, existing_came, l);
    else
        climb_to_network(l);
}

struct ladder *ladder_start(const struct fetch_world *w, struct body_pool *pool,
                            const struct ladder_wish *wish, ladder_done_fn done, void *ctx)
{
    struct ladder *l = mem_new(1, sizeof(*l));

    l->world = w;
    l->pool = pool;
    l->wish = *wish;
    l->done = done;
    l->ctx = ctx;
    l->start_us = clock_us();
    l->begin = (struct loop_task){ .fn = begin, .ctx = l };
    loop_post(w->loop, &l->begin);
    return l;
}

void ladder_destroy(struct ladder *l)
{
    if (!l)
        return;
    loop_unpost(l->world->loop, &l->begin);
    existing_destroy(l->existing);
    sidecar_destroy(l->sidecar);
    whole_destroy(l->whole);
    tail_destroy(l->tail);
    buf_done(&l->text);
    err_done(&l->answer.err);
    free(l);
}
