/* PROBE: is the file on this machine already, and may this requirement place one of that name? Two
 * may want the same file (a URL that was given with and without the project's name): the second
 * waits for the first, and then finds the file here. So it does where another job fetches the file
 * into the same store. */
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

static void follow(struct fetch *f, struct fetch *owner)
{
    struct fetch **end = &owner->followers;

    while (*end)
        end = &(*end)->next_follower;
    *end = f;
}

/* Of another target, whose files go elsewhere: the first of all that get this file. */
static struct fetch *find_twin(const struct fetch *f)
{
    struct fetch *first = map_get(&f->fetcher->claims, f->view.filename);

    return first && first->set->names != f->set->names && same_file(first, f) ? first : NULL;
}

/* May this machine go on, with a name that is its own? Otherwise it is woken when its twin ends. */
static bool claim_file(struct fetch *f)
{
    struct fetch *twin = find_twin(f);

    if (!map_get(&f->fetcher->claims, f->view.filename))
        map_put(&f->fetcher->claims, f->view.filename, f);
    if (!twin || has_ended(twin))
        return true;
    follow(f, twin);
    return false;
}

/* May this machine go on? Otherwise it has a fault, or is woken when the owner of the name ends. Of
 * two different files the one that comes second loses. */
static bool claim_name(struct fetch *f)
{
    struct fetch *owner = map_get(f->set->names, f->view.filename);

    if (!owner || owner == f || (owner->view.state == FETCH_FAILED && same_file(owner, f))) {
        map_put(f->set->names, f->view.filename, f);
        return claim_file(f);
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
    follow(f, owner);
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

/* -- elsewhere on this machine -- */

void fetch_set_found(struct fetch *f, const struct existing_answer *x)
{
    buf_reset(&f->found_path);
    buf_add_str(&f->found_path, x->path);
    f->found = *x;
    f->found.path = buf_str(&f->found_path);
    f->has_found = true;
}

static bool is_dry(const struct fetch *f)
{
    return f->fetcher->world.goal == GOAL_CHOICE;
}

static void use_found(struct fetch *f)
{
    bool came_now = f->came_whole && f->found.origin == FETCH_FROM_STORE && !is_dry(f);

    f->view.origin = came_now ? FETCH_FROM_NETWORK : f->found.origin;
    f->view.got_bytes = came_now ? f->found.bytes : 0;
    f->view.sha256 = f->found.sha256;
    f->view.body_bytes = f->found.bytes;
    if (is_dry(f))
        fetch_go(f, FETCH_DONE);
    else /* pip may replace its own at any time: copied, it is hashed once more */
        fetch_go(f, f->found.origin == FETCH_FROM_PIP ? FETCH_QUEUE : FETCH_PLACE);
}

/* Does no other job fetch it? Otherwise this one is woken when that has ended. */
static bool is_first(struct fetch *f)
{
    if (f->view.origin != FETCH_FROM_NETWORK || !fetch_is_in_store(f))
        return true;
    f->flight.go = look_again;
    f->flight.ctx = f;
    return flight_enter_body(f->fetcher->world.flights, &f->flight, &f->promise, f->url);
}

static void go_fetching(struct fetch *f)
{
    if (f->fetcher->world.cache.offline && f->view.origin == FETCH_FROM_NETWORK)
        err_set(&f->fault, ERR_OFFLINE, "%.*s is not in the store; run without --offline",
                STR_ARG(f->view.filename));
    if (f->fault.code || is_dry(f))
        fetch_go_unless_fault(f, FETCH_DONE);
    else if (is_first(f) && !fetch_take_partial(f))
        fetch_go(f, FETCH_QUEUE);
}

static void looked_elsewhere(void *ctx, const struct existing_answer *answer)
{
    struct fetch *f = ctx;

    if (answer->found)
        fetch_set_found(f, answer);
    existing_destroy(f->existing);
    f->existing = NULL;
    if (f->has_found)
        use_found(f);
    else
        go_fetching(f);
}

static void look_for_file(struct fetch *f)
{
    struct existing_wish wish = { .promise = &f->promise,
                                  .url = f->url,
                                  .filename = f->view.filename };

    if (fetch_find_built_by_pip(f))
        use_found(f);
    else if (f->fault.code)
        fetch_go(f, FETCH_FAILED);
    else
        f->existing = existing_start(&f->fetcher->world, &wish, false, looked_elsewhere, f);
}

static void looked_for_built(void *ctx, const struct existing_answer *answer)
{
    struct fetch *f = ctx;

    if (answer->found && !fetch_set_built(f, f->built_name))
        fetch_set_found(f, answer);
    existing_destroy(f->existing);
    f->existing = NULL;
    if (f->fault.code)
        fetch_go(f, FETCH_FAILED);
    else if (f->has_found)
        use_found(f);
    else
        look_for_file(f);
}

/* Without a store a second place gets it from the first one. */
static bool use_twin(struct fetch *f)
{
    const struct fetch *twin = f->fetcher->world.cache.store ? NULL : find_twin(f);

    if (!twin || twin->view.state != FETCH_DONE || !twin->view.path.p)
        return false;
    fetch_set_found(f, &(struct existing_answer){ .found = true,
                                                  .origin = FETCH_SHARED,
                                                  .bytes = twin->view.body_bytes,
                                                  .sha256 = twin->view.sha256,
                                                  .path = twin->view.path });
    return true;
}

static void look_elsewhere(struct fetch *f)
{
    static const struct promise anything = { .bytes = FETCH_BYTES_UNKNOWN };
    struct existing_wish wish = { .promise = &anything, .sha256 = &f->built_sha256 };

    if (f->view.origin == FETCH_FROM_FILE)
        go_fetching(f);
    else if (f->body) /* was fetched for its metadata */
        fetch_go(f, is_dry(f) ? FETCH_DONE : FETCH_PLACE);
    else if (f->has_found || use_twin(f))
        use_found(f);
    else if (fetch_recall_built(f, &f->built_sha256))
        f->existing = existing_start(&f->fetcher->world, &wish, false, looked_for_built, f);
    else
        look_for_file(f);
}

/* -- in the destination -- */

static void keep(struct fetch *f)
{
    const struct fetch *owner = map_get(f->set->names, f->view.filename);

    f->view.repeated = owner && owner != f;
    f->view.origin = f->view.repeated ? owner->view.origin : FETCH_KEPT;
    fetch_set_path(f);
    fetch_go(f, FETCH_DONE);
}

static int probe_open(void *ctx, const char *path, int *fd, struct err *e)
{
    struct fetch *f = ctx;
    uint64_t bytes = 0;

    if (place_find(f->set->place, path, fd, &bytes, e))
        return e->code;
    f->view.body_bytes = bytes;
    if (f->fetcher->world.want_metadata)
        fetch_read_metadata(f, *fd, bytes);
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
    f->view.metadata = STR_NONE;
    look_elsewhere(f);
}

/* Without any digest to compare with, a file of that name that came over the network is taken as
 * the right one, as pip does: what dray put there was whole. */
static void probe_content(struct fetch *f)
{
    struct reader_sink sink = { probe_open, probe_data, probed, f };

    hasher_init(&f->hasher, promise_algs(&f->promise));
    f->reader = reader_start(f->fetcher->world.readers, f->view.filename.p, &sink);
}

static void look_in_dest(struct fetch *f)
{
    struct place *dest = fetch_dest(f);
    struct err e = { 0 };
    uint64_t bytes = 0;

    int code = dest ? place_size(dest, f->view.filename.p, &bytes, &e) : ERR_NOT_FOUND;
    f->view.replaced =
        !code && f->promise.bytes != FETCH_BYTES_UNKNOWN && f->promise.bytes != bytes;
    /* Without a digest a local file is soon copied again, which is better than a guess; unless it
     * was placed by another machine just now. */
    bool copy = f->view.origin == FETCH_FROM_FILE && !promise_has_digest(&f->promise) &&
                map_get(f->set->names, f->view.filename) == f;
    if (code || f->view.replaced || copy)
        look_elsewhere(f);
    else
        probe_content(f);
    err_done(&e);
}

/* Whoever the name belongs to has built a wheel of that very archive. */
static bool is_built(const struct fetch *f)
{
    const struct fetch *owner = map_get(f->set->names, f->view.filename);

    return owner != f && owner->view.built;
}

static void share_built(struct fetch *f)
{
    if (fetch_share_built(f, map_get(f->set->names, f->view.filename)))
        fetch_go(f, FETCH_FAILED);
    else
        keep(f);
}

void fetch_probe(struct fetch *f)
{
    if (claim_name(f)) {
        if (is_built(f)) {
            share_built(f);
        } else if (f->has_found && f->found.origin == FETCH_KEPT) {
            f->view.sha256 = f->found.sha256;
            keep(f);
        } else {
            look_in_dest(f);
        }
    } else if (f->fault.code) {
        fetch_go(f, FETCH_FAILED);
    }
}
