/* The machine. Entering a state does its work or starts it; what comes back (a page, bytes, a
 * timer) moves the machine on. fetch_go() alone writes the state, and lets through only the steps
 * of the table. */
#include "dray/fetch/fetch.h"

#include <assert.h>
#include <inttypes.h>
#include <unistd.h>

#include "dray/fetch/machine.h"
#include "dray/fetch/retry.h"
#include "dray/net/url.h"
#include "dray/util/file.h"

typedef void (*enter_fn)(struct fetch *f);

static void look_up(struct fetch *f);
static void read_metadata(struct fetch *f);
static void decide(struct fetch *f);
static void look_for_file(struct fetch *f);
static void queue_request(struct fetch *f);
static void await_head(struct fetch *f);
static void receive(struct fetch *f);
static void verify(struct fetch *f);
static void place(struct fetch *f);
static void await_retry(struct fetch *f);
static void finish(struct fetch *f);

#define TO(state) (1u << FETCH_##state)

static const struct {
    enter_fn enter;
    unsigned next; /* lawful successors */
} states[FETCH_STATE_COUNT] = {
    [FETCH_LOOKUP] = { look_up, TO(METADATA) | TO(FAILED) },
    [FETCH_METADATA] = { read_metadata, TO(DECIDE) | TO(FAILED) },
    [FETCH_DECIDE] = { decide, TO(PROBE) | TO(FAILED) },
    [FETCH_PROBE] = { look_for_file, TO(QUEUE) | TO(BODY) | TO(DONE) | TO(FAILED) },
    [FETCH_QUEUE] = { queue_request, TO(HEADER) | TO(WAIT) | TO(FAILED) },
    [FETCH_HEADER] = { await_head, TO(BODY) | TO(WAIT) | TO(FAILED) },
    [FETCH_BODY] = { receive, TO(HASH) | TO(WAIT) | TO(FAILED) },
    [FETCH_HASH] = { verify, TO(PLACE) | TO(FAILED) },
    [FETCH_PLACE] = { place, TO(DONE) | TO(FAILED) },
    [FETCH_WAIT] = { await_retry, TO(QUEUE) },
    [FETCH_DONE] = { finish, 0 },
    [FETCH_FAILED] = { finish, 0 },
};

bool fetch_step_is_lawful(enum fetch_state from, enum fetch_state to)
{
    return states[from].next & (1u << to);
}

static void fetch_go(struct fetch *f, enum fetch_state to)
{
    enum fetch_state from = f->view.state;

    assert(fetch_step_is_lawful(from, to));
    f->view.state = to;
    if (to == FETCH_FAILED)
        err_move(&f->view.err, &f->fault);
    events_emit(f->fetcher->world.events,
                &(struct event){ .kind = EVENT_STATE, .fetch = &f->view, .from = from, .to = to });
    states[to].enter(f);
}

/* To the next state, or to FAILED when a step before has left a fault. */
static void fetch_go_unless_fault(struct fetch *f, enum fetch_state to)
{
    fetch_go(f, f->fault.code ? FETCH_FAILED : to);
}

/* -- LOOKUP, METADATA, DECIDE -- */

static void looked_up(void *ctx, const struct source_answer *answer)
{
    struct fetch *f = ctx;

    f->answer = answer;
    if (answer->err.code)
        err_set(&f->fault, answer->err.code, "%s", err_text(&answer->err));
    fetch_go_unless_fault(f, FETCH_METADATA);
}

static void look_up(struct fetch *f)
{
    if (f->wish.fault.code)
        err_set(&f->fault, f->wish.fault.code, "%s", err_text(&f->wish.fault));
    if (f->fault.code || f->wish.url.p)
        fetch_go_unless_fault(f, FETCH_METADATA);
    else
        f->query = source_start(f->fetcher->world.source, f->wish.project, looked_up, f);
}

/* Without dependencies to resolve, the names of the files tell all that is needed. */
static void read_metadata(struct fetch *f)
{
    fetch_go(f, FETCH_DECIDE);
}

static void decide(struct fetch *f)
{
    fetch_decide(f);
    source_query_destroy(f->query);
    f->query = NULL;
    f->answer = NULL;
    fetch_go_unless_fault(f, FETCH_PROBE);
}

/* -- PROBE -- */

/* Two machines that want to place different files under one name: the later requirement loses. */
static bool claim_name(struct fetch *f)
{
    struct fetch *owner = map_get(&f->fetcher->claims, f->view.filename);

    if (!owner)
        map_put(&f->fetcher->claims, f->view.filename, f);
    if (owner && owner != f)
        err_set(&f->fault, ERR_CONFLICT,
                "\"%.*s\" asks for a file of the same name, %.*s, from %.*s; "
                "fetch one of them into another directory",
                STR_ARG(owner->view.label), STR_ARG(f->view.filename), STR_ARG(owner->view.url));
    return !f->fault.code;
}

/* The file that is there is not the right one, or there is none. */
static void go_fetching(struct fetch *f)
{
    if (f->fetcher->world.dry_run)
        fetch_go(f, FETCH_DONE);
    else
        fetch_go(f, f->view.origin == FETCH_FROM_FILE ? FETCH_BODY : FETCH_QUEUE);
}

static void set_path(struct fetch *f)
{
    f->view.path = arena_f(&f->fetcher->arena, "%s/%.*s", place_dir(f->fetcher->world.place),
                           STR_ARG(f->view.filename));
}

static void keep(struct fetch *f)
{
    f->view.origin = FETCH_KEPT;
    set_path(f);
    fetch_go(f, FETCH_DONE);
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
    f->view.replaced = true;
    go_fetching(f);
}

static void look_for_file(struct fetch *f)
{
    const struct fetch_world *w = &f->fetcher->world;
    struct err e = { 0 };
    uint64_t bytes = 0;
    int fd = -1;

    if (!claim_name(f)) {
        fetch_go(f, FETCH_FAILED);
        return;
    }
    int code = w->place ? place_find(w->place, f->view.filename.p, &fd, &bytes, &e) : ERR_NOT_FOUND;
    bool wrong_size = !code && f->promise.bytes != FETCH_BYTES_UNKNOWN && f->promise.bytes != bytes;
    if (code || wrong_size) {
        f->view.replaced = wrong_size;
        if (fd >= 0)
            close(fd);
        go_fetching(f);
    } else {
        /* Without any digest to compare with, a file of that name is taken as the right one, as
         * pip does: nothing is ever under a final name that was not whole. */
        f->view.body_bytes = bytes;
        hasher_init(&f->hasher, promise_algs(&f->promise));
        f->reader = reader_start(w->loop, fd, f->view.filename.p,
                                 &(struct reader_sink){ probe_data, probed, f });
    }
    err_done(&e);
}

/* -- QUEUE, HEADER, and BODY over the network -- */

static void begun(void *ctx)
{
    fetch_go(ctx, FETCH_HEADER);
}

static int head(void *ctx, const struct http_head *h, struct err *e)
{
    struct fetch *f = ctx;
    uint64_t promised = f->promise.bytes;

    if (h->body_bytes >= 0 && promised != FETCH_BYTES_UNKNOWN &&
        (uint64_t)h->body_bytes != promised)
        return err_set(e, ERR_LENGTH,
                       "the server sends %" PRId64 " bytes, the index promised %" PRIu64,
                       h->body_bytes, promised);
    if (h->body_bytes >= 0)
        f->view.body_bytes = (uint64_t)h->body_bytes;
    if (f->fault.code)
        return err_move(e, &f->fault);
    fetch_go(f, FETCH_BODY);
    return 0;
}

static int body_data(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct fetch *f = ctx;
    int code = body_add(f->body, bytes, n, e);

    f->view.got_bytes += n;
    if (!code)
        events_emit(f->fetcher->world.events,
                    &(struct event){ .kind = EVENT_BYTES, .fetch = &f->view, .n = n });
    return code;
}

/* Only the promised size tells that a body without Content-Length was cut. */
static void check_length(struct fetch *f, struct http_result *result)
{
    uint64_t got = f->view.got_bytes, promised = f->promise.bytes;

    if (result->err.code || promised == FETCH_BYTES_UNKNOWN || got == promised)
        return;
    result->again = true;
    err_set(&result->err, ERR_LENGTH, "it ended after %" PRIu64 " of %" PRIu64 " bytes", got,
            promised);
}

static bool try_again(struct fetch *f, struct http_result *result)
{
    unsigned retries = f->fetcher->world.retries;

    if (!retry_after(result, f->view.attempt, retries, &f->delay_ms))
        return false;
    body_destroy(f->body);
    f->body = NULL;
    events_emit(f->fetcher->world.events, &(struct event){ .kind = EVENT_RETRY,
                                                           .fetch = &f->view,
                                                           .text = str_of(err_text(&result->err)),
                                                           .n = f->delay_ms });
    fetch_go(f, FETCH_WAIT);
    return true;
}

/* The story of the last attempt: what happened, from where, after how many. */
static void fail_transfer(struct fetch *f, struct http_result *result)
{
    err_move(&f->fault, &result->err);
    if (str_search(str_of(err_text(&f->fault)), f->view.url) < 0)
        err_wrap(&f->fault, "%.*s", STR_ARG(f->view.url));
    if (f->view.attempt > 1)
        err_set(&f->fault, f->fault.code, "%s (in the last of %u attempts)", err_text(&f->fault),
                f->view.attempt);
    fetch_go(f, FETCH_FAILED);
}

static void transferred(void *ctx, struct http_result *result)
{
    struct fetch *f = ctx;

    f->exchange = NULL;
    check_length(f, result);
    if (!result->err.code)
        fetch_go(f, FETCH_HASH);
    else if (!try_again(f, result))
        fail_transfer(f, result);
}

static void queue_request(struct fetch *f)
{
    uint64_t bytes = f->promise.bytes;
    /* Largest first, so that the run does not end on one long transfer; what has no size may be
     * the largest. Pages go before all bodies. */
    uint64_t rank = bytes == FETCH_BYTES_UNKNOWN ? UINT64_MAX - 1 : bytes;
    struct http_request rq = { .url = f->url.p, .rank = rank };
    struct http_sink sink = {
        .started = begun, .head = head, .data = body_data, .done = transferred, .ctx = f
    };

    f->view.attempt++;
    f->view.got_bytes = 0;
    f->exchange = http_start(f->fetcher->world.http, &rq, &sink);
}

static void create_body(struct fetch *f)
{
    f->body = body_create(f->fetcher->world.place, &f->fetcher->pool, promise_algs(&f->promise),
                          f->promise.bytes, &f->fault);
}

/* The file is opened here and not when the head has come, for that is told from inside libcurl,
 * which may just have closed a socket whose number the file would then get before libuv knows.
 * A fault waits until head() can end the exchange with it. */
static void await_head(struct fetch *f)
{
    err_done(&f->fault); /* of an attempt that failed in two ways */
    create_body(f);
}

static void retry_now(void *ctx)
{
    fetch_go(ctx, FETCH_QUEUE);
}

static void await_retry(struct fetch *f)
{
    if (!f->timer)
        f->timer = loop_timer_create(f->fetcher->world.loop, retry_now, f);
    loop_timer_start(f->timer, f->delay_ms);
}

/* -- BODY -- */

static void copied(void *ctx, struct err *e)
{
    struct fetch *f = ctx;

    f->reader = NULL;
    err_move(&f->fault, e);
    fetch_go_unless_fault(f, FETCH_HASH);
}

static int open_local(struct fetch *f)
{
    struct buf path = { 0 };
    uint64_t bytes;
    int fd = -1;

    if (!url_to_path(f->url, &path, &f->fault) &&
        !file_open_regular(buf_z(&path), &fd, &bytes, &f->fault)) {
        f->view.body_bytes = bytes;
        f->reader = reader_start(f->fetcher->world.loop, fd, buf_z(&path),
                                 &(struct reader_sink){ body_data, copied, f });
    }
    buf_done(&path);
    return f->fault.code;
}

/* Over the network the bytes come by themselves. */
static void receive(struct fetch *f)
{
    if (f->view.origin != FETCH_FROM_FILE)
        return;
    create_body(f);
    if (!f->body || open_local(f))
        fetch_go(f, FETCH_FAILED);
}

/* -- HASH, PLACE, and the end -- */

static void verify(struct fetch *f)
{
    struct digest got[DIGEST_COUNT] = { 0 };

    if (!body_finish(f->body, got, &f->fault))
        promise_check(&f->promise, got, &f->fault);
    f->view.sha256 = got[DIGEST_SHA256];
    fetch_go_unless_fault(f, FETCH_PLACE);
}

static void place(struct fetch *f)
{
    if (!body_commit(f->body, f->view.filename.p, &f->fault))
        set_path(f);
    fetch_go_unless_fault(f, FETCH_DONE);
}

static void finish(struct fetch *f)
{
    struct fetcher *all = f->fetcher;

    fetch_cancel(f);
    if (--all->running == 0)
        loop_post(all->world.loop, &all->end);
}

void fetch_begin(struct fetch *f)
{
    states[FETCH_LOOKUP].enter(f);
}

void fetch_cancel(struct fetch *f)
{
    source_query_destroy(f->query);
    if (f->exchange)
        http_cancel(f->exchange);
    if (f->reader)
        reader_cancel(f->reader);
    loop_timer_destroy(f->timer);
    hasher_done(&f->hasher);
    body_destroy(f->body);
    f->query = NULL;
    f->exchange = NULL;
    f->reader = NULL;
    f->timer = NULL;
    f->body = NULL;
}
