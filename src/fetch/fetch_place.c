/* HASH and PLACE: what came is compared with what was promised, given to the store, and put under
 * its name: by a link where that can be, else by a copy that a reader makes in slices. */
#include <unistd.h>

#include "dray/fetch/machine.h"
#include "dray/fetch/recall.h"
#include "dray/fetch/wheel_file.h"
#include "dray/py/metadata.h"
#include "dray/util/file.h"

struct place *fetch_dest(const struct fetch *f)
{
    const struct fetch_world *w = &f->fetcher->world;

    return fetch_needs_build(f) ? w->archives : f->set->place;
}

void fetch_set_path(struct fetch *f)
{
    f->view.path =
        arena_f(&f->fetcher->arena, "%s/%.*s", place_dir(fetch_dest(f)), STR_ARG(f->view.filename));
}

static bool is_wheel(const struct fetch *f)
{
    return str_ends(f->view.filename, STR(".whl"));
}

void fetch_read_metadata(struct fetch *f, int fd, uint64_t bytes)
{
    struct buf text = { 0 };
    struct err e = { 0 };

    if (f->view.metadata.p || !is_wheel(f))
        return;
    if (!wheel_file_metadata(fd, bytes, f->view.filename, &text, &e)) {
        f->view.metadata = arena_str(&f->fetcher->arena, buf_str(&text));
        f->view.rung = METADATA_FILE;
    }
    err_done(&e);
    buf_done(&text);
}

/* What was read of this wheel before its body was there, in this run or in an earlier one. */
static bool known_metadata(const struct fetch *f, struct buf *out)
{
    struct recall_of of = { .sha256 = promise_sha256(&f->promise), .url = f->url };

    if (!f->view.metadata.p)
        return f->view.origin == FETCH_FROM_NETWORK &&
               recall_find(&f->fetcher->world.cache, &of, out);
    buf_add_str(out, f->view.metadata);
    return true;
}

/* pip #13983: a resolver decided by what the index or the tail said; a wheel that says something
 * else is not the one that was chosen. */
static void check_metadata(struct fetch *f)
{
    struct recall_of of = { .sha256 = &f->digests[DIGEST_SHA256], .url = f->url };
    struct buf known = { 0 };

    if (!f->fault.code && is_wheel(f) && known_metadata(f, &known) &&
        wheel_file_check(body_fd(f->body), body_bytes(f->body), f->view.filename, buf_str(&known),
                         "the metadata that was read before the wheel", &f->fault)) {
        err_wrap(&f->fault, "%.*s", STR_ARG(f->view.filename));
        recall_forget(&f->fetcher->world.cache, &of);
    }
    buf_done(&known);
}

/* Where nobody promised a digest, that it is a wheel of its name is all that can be seen, as pip
 * sees to it. */
static void check_wheel(struct fetch *f)
{
    struct buf text = { 0 };
    struct arena a = { 0 };
    struct metadata m;

    if (!is_wheel(f) || promise_has_digest(&f->promise))
        return;
    if (wheel_file_metadata(body_fd(f->body), body_bytes(f->body), f->view.filename, &text,
                            &f->fault) ||
        metadata_parse(&a, buf_str(&text), &m, &f->fault) ||
        metadata_check(&m, f->view.project, f->view.version, &f->fault))
        err_wrap(&f->fault, "%.*s is no sound wheel", STR_ARG(f->view.filename));
    arena_done(&a);
    buf_done(&text);
}

bool fetch_is_in_store(const struct fetch *f)
{
    const struct fetch_world *w = &f->fetcher->world;

    return !f->past_store && w->cache.store && w->temp == store_temp(w->cache.store);
}

static bool promises_sha256(const struct promise *p)
{
    bool promises = false;

    for (size_t i = 0; i < p->n_listed; i++)
        promises |= p->listed[i].alg == DIGEST_SHA256;
    for (size_t i = 0; i < p->n_allowed; i++)
        promises |= p->allowed[i].alg == DIGEST_SHA256;
    return promises;
}

/* Which object a URL had, where nothing else tells it. With a digest of another kind the content
 * decides whether it may be used again, not what its server says of that. */
static void keep_url(struct fetch *f)
{
    const struct digest *d = &f->digests[DIGEST_SHA256];

    f->note.keep |= promise_has_digest(&f->promise);
    if (!promises_sha256(&f->promise))
        cache_keep(&f->fetcher->world.cache, STORE_FILE, f->url, &f->note, STR_NONE,
                   (struct str){ (const char *)d->bytes, digest_size(DIGEST_SHA256) });
}

void fetch_keep_body(struct fetch *f)
{
    struct store *store = f->fetcher->world.cache.store;
    const struct digest *sha256 = &f->digests[DIGEST_SHA256];

    if (!fetch_is_in_store(f) ||
        body_commit_to_store(f->body, store, sha256, f->view.filename, &f->fault))
        return;
    f->found = (struct existing_answer){ .bytes = body_bytes(f->body), .sha256 = *sha256 };
    body_destroy(f->body);
    f->body = NULL;
    buf_reset(&f->found_path);
    store_object_path(store, sha256, &f->found_path);
    f->found.path = buf_str(&f->found_path);
    f->has_found = true;
}

bool fetch_lost_store(const struct fetch *f)
{
    return (f->fault.code == ERR_IO || f->fault.code == ERR_SPACE) && fetch_is_in_store(f);
}

/* Of a copy that pip replaced meanwhile, and of a store that is full or broken. */
static bool is_worth_again(const struct fetch *f)
{
    return f->view.origin == FETCH_FROM_PIP ? f->fault.code == ERR_HASH : fetch_lost_store(f);
}

void fetch_verify(struct fetch *f)
{
    if (!body_finish(f->body, f->digests, &f->fault) &&
        !promise_check(&f->promise, f->digests, &f->fault)) {
        check_wheel(f);
        check_metadata(f);
        if (!f->fault.code && f->fetcher->world.want_metadata)
            fetch_read_metadata(f, body_fd(f->body), body_bytes(f->body));
    }
    f->view.sha256 = f->digests[DIGEST_SHA256];
    if (!f->fault.code && fetch_is_in_store(f)) {
        keep_url(f);
        fetch_keep_body(f);
    }
    if (fetch_has_resumed_wrong(f)) {
        fetch_start_over(f);
        return;
    }
    if (f->fault.code && is_worth_again(f)) {
        fetch_begin_again(f);
        return;
    }
    f->has_found = !f->body;
    fetch_go_unless_fault(f, FETCH_PLACE);
}

/* -- PLACE -- */

static void placed(struct fetch *f)
{
    if (!f->fault.code)
        fetch_set_path(f);
    else if (str_search(str_of(err_text(&f->fault)), f->view.filename) < 0)
        err_wrap(&f->fault, "can't place %.*s", STR_ARG(f->view.filename));
    if (!f->fault.code && fetch_needs_build(f))
        fetch_go(f, FETCH_BUILD);
    else
        fetch_go_unless_fault(f, FETCH_DONE);
}

static int open_copy(void *ctx, const char *path, int *fd, struct err *e)
{
    struct fetch *f = ctx;
    uint64_t bytes;

    if (file_open_regular(path, fd, &bytes, e))
        return e->code;
    f->copy = place_file_create(fetch_dest(f), e);
    if (!f->copy)
        close(*fd);
    return e->code;
}

static int write_copy(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct fetch *f = ctx;

    return place_file_write(f->copy, bytes, n, e);
}

/* An object may have been evicted while this one waited for its turn. */
static bool has_vanished(const struct fetch *f)
{
    return f->fault.code == ERR_NOT_FOUND && f->view.origin != FETCH_FROM_FILE;
}

static void copied(void *ctx, struct err *e)
{
    struct fetch *f = ctx;

    f->reader = NULL;
    if (!err_move(&f->fault, e))
        place_file_commit(f->copy, f->view.filename.p, &f->fault);
    place_file_destroy(f->copy);
    f->copy = NULL;
    if (has_vanished(f))
        fetch_begin_again(f);
    else
        placed(f);
}

static void begin_copy(struct fetch *f)
{
    struct reader_sink sink = { open_copy, write_copy, copied, f };

    f->reader = reader_start(f->fetcher->world.readers, f->found.path.p, &sink);
}

/* What the user says of links is about the destination, not about where archives are built from. */
static enum place_mode mode_of(const struct fetch *f)
{
    return fetch_needs_build(f) ? PLACE_AUTO : f->fetcher->world.mode;
}

/* By a link, if that can be. */
static int link_found(struct fetch *f)
{
    const struct fetch_world *w = &f->fetcher->world;
    uint64_t bytes;
    int fd;

    if (file_open_regular(f->found.path.p, &fd, &bytes, &f->fault))
        return f->fault.code;
    if (w->want_metadata)
        fetch_read_metadata(f, fd, bytes);
    if (f->view.built)
        fetch_check_built(f, fd, bytes);
    int code = f->fault.code ? f->fault.code
                             : place_link(fetch_dest(f), mode_of(f), fd, f->found.path.p,
                                          f->view.filename.p, &f->fault);
    close(fd);
    return code;
}

static bool may_copy(const struct fetch *f)
{
    enum place_mode mode = mode_of(f);

    return mode == PLACE_AUTO || mode == PLACE_ONLY_COPY;
}

/* Nothing else was allowed. */
static void refuse_copy(struct fetch *f)
{
    const char *how = f->fetcher->world.mode == PLACE_ONLY_REFLINK ? "reflink" : "hard link";

    err_done(&f->fault);
    err_set(&f->fault, ERR_UNSUPPORTED,
            "there can be no %s from %.*s into %s: they are on different file systems, or on one "
            "that has none, or the file was made writable; --link-mode auto takes what works",
            how, STR_ARG(f->found.path), place_dir(fetch_dest(f)));
}

static void place_found(struct fetch *f)
{
    int code = link_found(f);

    if (code == ERR_UNSUPPORTED && may_copy(f)) {
        err_done(&f->fault);
        begin_copy(f);
    } else if (code == ERR_UNSUPPORTED) {
        refuse_copy(f);
        placed(f);
    } else if (has_vanished(f)) {
        fetch_begin_again(f);
    } else {
        placed(f);
    }
}

void fetch_place(struct fetch *f)
{
    flight_leave(&f->flight); /* the store has it, or will not */
    if (f->has_found) {
        place_found(f);
        return;
    }
    body_commit(f->body, fetch_dest(f), f->view.filename.p, &f->fault);
    body_destroy(f->body); /* what is built of it has a body of its own */
    f->body = NULL;
    placed(f);
}
