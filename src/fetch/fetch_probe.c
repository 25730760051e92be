/* PROBE: is the file here already, and may this machine place one of that name? Two machines may
 * want the same file (a URL that was given with and without the project's name): the second waits
 * for the first, and then finds the file here. */
#include <unistd.h>

#include "dray/fetch/machine.h"

/* Whatever keeps `p` has this digest. */
static bool is_promised(const struct promise *p, const struct digest *d)
{
    for (size_t i = 0; i < p->n_listed; i++)
        if (digest_eq(&p->listed[i], d))
            return true;
    return p->n_allowed == 1 && digest_eq(&p->allowed[0], d);
}

static bool same_file(const struct fetch *a, const struct fetch *b)
{
    const struct promise *p = &a->promise, *q = &b->promise;
    bool same = str_eq(a->url, b->url) || (p->n_allowed == 1 && is_promised(q, &p->allowed[0]));

    for (size_t i = 0; i < p->n_listed && !same; i++)
        same = is_promised(q, &p->listed[i]);
    return same;
}

static bool has_ended(const struct fetch *f)
{
    return f->view.state == FETCH_DONE || f->view.state == FETCH_FAILED;
}

/* May this machine go on? Otherwise it has a fault, or is woken when the owner of the name ends. Of
 * two different files the one that comes second loses. */
static bool claim_name(struct fetch *f)
{
    struct fetch *owner = map_get(&f->fetcher->claims, f->view.filename);

    if (!owner || (owner->view.state == FETCH_FAILED && same_file(owner, f))) {
        map_put(&f->fetcher->claims, f->view.filename, f);
        return true;
    }
    if (!same_file(owner, f)) {
        err_set(&f->fault, ERR_CONFLICT,
                "\"%.*s\" asks for a file of the same name, %.*s, from %.*s; "
                "fetch one of them into another directory",
                STR_ARG(owner->view.label), STR_ARG(f->view.filename), STR_ARG(owner->view.url));
        return false;
    }
    if (has_ended(owner))
        return true;
    struct fetch **end = &owner->followers;
    while (*end)
        end = &(*end)->next_follower;
    *end = f;
    return false;
}

static void look_again(void *ctx)
{
    fetch_probe(ctx);
}

void fetch_wake_followers(struct fetch *f)
{
    while (f->followers) {
        struct fetch *next = f->followers;
        f->followers = next->next_follower;
        next->next_follower = NULL;
        next->look = (struct loop_task){ .fn = look_again, .ctx = next };
        loop_post(f->fetcher->world.loop, &next->look);
    }
}

static void go_fetching(struct fetch *f)
{
    fetch_go(f, f->fetcher->world.dry_run ? FETCH_DONE : FETCH_QUEUE);
}

void fetch_set_path(struct fetch *f)
{
    f->view.path = arena_f(&f->fetcher->arena, "%s/%.*s", place_dir(f->fetcher->world.place),
                           STR_ARG(f->view.filename));
}

static void keep(struct fetch *f)
{
    f->view.origin = FETCH_KEPT;
    fetch_set_path(f);
    fetch_go(f, FETCH_DONE);
}

static int probe_open(void *ctx, const char *path, int *fd, struct err *e)
{
    struct fetch *f = ctx;
    uint64_t bytes = 0;

    if (place_find(f->fetcher->world.place, path, fd, &bytes, e))
        return e->code;
    f->view.body_bytes = bytes;
    return 0;
}

static int probe_data(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct fetch *f = ctx;

    (void)e;
    hasher_add(&f->hasher, bytes, n);
    return 0;
}

static void probed(void *ctx, struct err *e)
{
    struct fetch *f = ctx;
    struct digest got[DIGEST_COUNT] = { 0 };

    f->reader = NULL;
    hasher_finish(&f->hasher, got);
    if (!e->code && !promise_check(&f->promise, got, e)) {
        f->view.sha256 = got[DIGEST_SHA256];
        keep(f);
        return;
    }
    f->view.body_bytes = f->promise.bytes;
    f->view.replaced = true;
    go_fetching(f);
}

/* Without any digest to compare with, a file of that name that came over the network is taken as
 * the right one, as pip does: what dray put there was whole. */
static void probe_content(struct fetch *f)
{
    struct reader_sink sink = { probe_open, probe_data, probed, f };

    hasher_init(&f->hasher, promise_algs(&f->promise));
    f->reader = reader_start(f->fetcher->world.readers, f->view.filename.p, &sink);
}

void fetch_probe(struct fetch *f)
{
    const struct fetch_world *w = &f->fetcher->world;
    struct err e = { 0 };
    uint64_t bytes = 0;

    if (!claim_name(f)) {
        if (f->fault.code)
            fetch_go(f, FETCH_FAILED);
        return;
    }
    int code = w->place ? place_size(w->place, f->view.filename.p, &bytes, &e) : ERR_NOT_FOUND;
    f->view.replaced =
        !code && f->promise.bytes != FETCH_BYTES_UNKNOWN && f->promise.bytes != bytes;
    /* Without a digest a local file is soon copied again, which is better than a guess; unless it
     * was placed by another machine just now. */
    bool copy = f->view.origin == FETCH_FROM_FILE && !promise_has_digest(&f->promise) &&
                map_get(&f->fetcher->claims, f->view.filename) == f;
    if (code || f->view.replaced || copy)
        go_fetching(f);
    else
        probe_content(f);
    err_done(&e);
}
