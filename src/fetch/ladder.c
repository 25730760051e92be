/* Rung after rung: each either ends with a text that is what was asked for, or says why it does not
 * hold, and the next one is begun. What was read is kept in the store as recall.h says. While
 * another job asks for the same, this one waits, and then begins once more with what is here. */
#include "dray/fetch/ladder_parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "dray/fetch/host.h"
#include "dray/fetch/recall.h"
#include "dray/fetch/wheel_file.h"
#include "dray/net/url.h"
#include "dray/py/metadata.h"
#include "dray/util/clock.h"
#include "dray/util/file.h"
#include "dray/util/mem.h"

bool ladder_is_wheel(const struct ladder *l)
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

static void leave_flights(struct ladder *l)
{
    flight_leave(&l->text_flight);
    flight_leave(&l->body_flight);
}

/* -- the end -- */

static void tell(struct ladder *l)
{
    struct ladder_answer *a = &l->answer;

    struct recall_of of = whose(l);

    if (!a->err.code) {
        a->metadata = buf_str(&l->text);
        /* What pip says is for this Python. */
        if (a->rung != METADATA_STORE && a->rung != METADATA_PIP && is_remote(l))
            recall_keep(&l->world->cache, &of, l->note, a->metadata);
    }
    leave_flights(l);
    events_emit(l->world->events, &(struct event){ .kind = EVENT_METADATA,
                                                   .fetch = l->wish.view,
                                                   .text = str_of(metadata_rung_name(a->rung)),
                                                   .n = a->bytes,
                                                   .took_us = clock_us() - l->start_us,
                                                   .code = a->err.code });
    l->done(l->ctx, a);
}

int ladder_judge(struct ladder *l, struct err *e)
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
    body_destroy(l->answer.body);
    l->answer.body = NULL;
    l->answer.rung = rung;
    err_move(&l->answer.err, e);
    tell(l);
}

void ladder_end(struct ladder *l, enum metadata_rung rung, struct err *e)
{
    if (e->code)
        fail(l, rung, e);
    else
        succeed(l, rung);
}

/* -- a file that was fetched -- */

void ladder_keep_body(struct ladder *l)
{
    struct store *store = l->world->cache.store;
    struct err e = { 0 };

    if (!store) {
        l->answer.body = l->body;
    } else if (!body_commit_to_store(l->body, store, &l->sha256, l->wish.filename, &e)) {
        cache_keep(&l->world->cache, STORE_FILE, l->wish.url, l->file_note, STR_NONE,
                   (struct str){ (const char *)l->sha256.bytes, digest_size(DIGEST_SHA256) });
    }
    if (store)
        body_destroy(l->body);
    l->body = NULL;
    err_done(&e);
}

/* -- whole -- */

static void whole_came(void *ctx, struct whole_result *r)
{
    struct ladder *l = ctx;
    struct err e = { 0 };

    l->answer.requests += r->requests;
    l->answer.bytes += r->bytes;
    if (err_move(&e, &r->err)) {
        fail(l, METADATA_WHOLE, &e);
        return;
    }
    l->body = r->body;
    l->file_note = r->note;
    l->sha256 = r->digests[DIGEST_SHA256];
    l->answer.sha256 = &l->sha256;
    memcpy(l->answer.digests, r->digests, sizeof(r->digests));
    buf_reset(&l->text); /* of what a rung before gave that was of no use */
    if (!ladder_is_wheel(l)) {
        ladder_read_sdist(l, METADATA_WHOLE);
        return;
    }
    if (wheel_file_metadata(body_fd(l->body), body_bytes(l->body), l->wish.filename, &l->text,
                            &e) ||
        ladder_judge(l, &e)) {
        err_wrap(&e, "reading %.*s", STR_ARG(l->wish.filename));
    } else {
        ladder_keep_body(l);
        if (l->tail)
            tail_blame_host(l->tail);
    }
    ladder_end(l, METADATA_WHOLE, &e);
}

/* Those that can be in. */
static struct flights *flights_of(const struct ladder *l)
{
    return l->world->cache.store ? l->world->flights : NULL;
}

static void climb_to_whole(struct ladder *l)
{
    if (!flight_enter_body(flights_of(l), &l->body_flight, l->wish.promise, l->wish.url))
        return;
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
        if (ladder_judge(l, &e))
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

    if (!ladder_can_read(l) && !l->world->asks_pip) {
        ladder_refuse_sdist(l, &e);
        fail(l, METADATA_NONE, &e);
        return;
    }
    if (!ladder_is_wheel(l)) {
        climb_to_whole(l);
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
        ladder_judge(l, &r->err);
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

/* Does no other job ask for it? Otherwise this one is woken when that has ended; once, since what
 * comes may not be kept. */
static bool is_first(struct ladder *l)
{
    struct recall_of of = whose(l);
    struct buf name = { 0 };

    recall_name(&of, &name);
    bool first = flight_enter_once(flights_of(l), &l->text_flight, buf_str(&name));
    buf_done(&name);
    return first;
}

static void climb_to_network(struct ladder *l)
{
    struct err e = { 0 };

    if (l->world->cache.offline) {
        err_set(&e, ERR_OFFLINE, "the metadata of %.*s is not in the store; run without --offline",
                STR_ARG(l->wish.filename));
        fail(l, METADATA_NONE, &e);
    } else if (l->body_flight.waited) { /* the rungs before that did not hold */
        climb_to_whole(l);
    } else if (is_first(l)) {
        climb_to_sidecar(l);
    }
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
        code = ladder_judge(l, e);
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
    if (!ladder_is_wheel(l)) {
        buf_add_str(&l->path, x->path);
        ladder_read_sdist(l, METADATA_FILE);
        return;
    }
    if (!read_file(l, x->path.p, &e) && l->tail)
        tail_blame_host(l->tail);
    ladder_end(l, METADATA_FILE, &e);
}

/* A file: URL or a path: nobody promised what it is, and no copy is better than it. */
static void read_local(struct ladder *l)
{
    struct err e = { 0 };

    int code = url_to_path(l->wish.url, &l->path, &e);
    if (!code && !ladder_is_wheel(l)) {
        ladder_read_sdist(l, METADATA_FILE);
        return;
    }
    if (!code)
        read_file(l, buf_z(&l->path), &e);
    ladder_end(l, METADATA_FILE, &e);
}

static void begin(void *ctx)
{
    struct ladder *l = ctx;
    struct existing_wish wish = { .promise = l->wish.promise,
                                  .url = l->wish.url,
                                  .filename = l->wish.filename };
    struct err e = { 0 };

    if (!is_remote(l)) {
        read_local(l);
        return;
    }
    struct recall_of of = whose(l);
    if (!l->wish.is_recalled && recall_find(&l->world->cache, &of, &l->text) &&
        !ladder_judge(l, &e)) {
        succeed(l, METADATA_STORE);
        return;
    }
    err_done(&e);
    l->existing = existing_start(l->world, &wish, true, existing_came, l);
}

/* Somebody else has it by now, or could not get it. */
static void look_again(void *ctx)
{
    struct ladder *l = ctx;

    existing_destroy(l->existing);
    l->existing = NULL;
    l->wish.is_recalled = false;
    buf_reset(&l->text);
    begin(l);
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
    l->text_flight = l->body_flight = (struct flight){ .go = look_again, .ctx = l };
    loop_post(w->loop, &l->begin);
    return l;
}

void ladder_destroy(struct ladder *l)
{
    if (!l)
        return;
    loop_unpost(l->world->loop, &l->begin);
    leave_flights(l);
    existing_destroy(l->existing);
    sidecar_destroy(l->sidecar);
    whole_destroy(l->whole);
    sdist_file_destroy(l->sdist);
    build_destroy(l->build);
    buf_done(&l->path);
    body_destroy(l->body);
    tail_destroy(l->tail);
    buf_done(&l->text);
    err_done(&l->answer.err);
    free(l);
}
