/* The machine. Entering a state does its work or starts it; what comes back (a page, bytes, a
 * timer) moves the machine on. fetch_go() alone writes the state, and lets through only the steps
 * of the table. */
#include "dray/fetch/fetch.h"

#include <assert.h>
#include <inttypes.h>

#include "dray/fetch/machine.h"
#include "dray/fetch/retry.h"
#include "dray/net/url.h"
#include "dray/util/file.h"

enum { BULK_BYTES = 1024 * 1024 }; /* what is at least so large shares the bulk's limit */

typedef void (*enter_fn)(struct fetch *f);

static void look_up(struct fetch *f);
static void read_metadata(struct fetch *f);
static void decide(struct fetch *f);
static void await_turn(struct fetch *f);
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
    [FETCH_PROBE] = { fetch_probe, TO(QUEUE) | TO(DONE) | TO(FAILED) },
    [FETCH_QUEUE] = { await_turn, TO(HEADER) | TO(BODY) | TO(WAIT) | TO(FAILED) },
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

void fetch_go(struct fetch *f, enum fetch_state to)
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

/* -- QUEUE, HEADER and BODY, over the network -- */

static void create_body(struct fetch *f)
{
    f->body = body_create(f->fetcher->world.place, &f->fetcher->pool, promise_algs(&f->promise),
                          f->promise.bytes, &f->fault);
}

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

/* Only the promised size tells that a body without Content-Length was cut. Without any promise one
 * thing is certain: no distribution is empty. */
static void check_length(struct fetch *f, struct http_result *result)
{
    uint64_t got = f->view.got_bytes, promised = f->promise.bytes;
    bool known = promised != FETCH_BYTES_UNKNOWN;

    if (result->err.code)
        return;
    if (known && got != promised)
        err_set(&result->err, ERR_LENGTH, "it ended after %" PRIu64 " of %" PRIu64 " bytes", got,
                promised);
    else if (!known && !got && !promise_has_digest(&f->promise))
        err_set(&result->err, ERR_LENGTH, "the server sends an empty file");
    result->again = result->err.code != 0;
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
    if (str_search(str_of(err_text(&f->fault)), f->view.filename) < 0)
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
    bool is_bulk = bytes != FETCH_BYTES_UNKNOWN && bytes >= BULK_BYTES;
    struct http_request rq = { .url = f->url.p, .rank = rank, .is_bulk = is_bulk };
    struct http_sink sink = {
        .started = begun, .head = head, .data = body_data, .done = transferred, .ctx = f
    };

    f->view.attempt++;
    f->view.got_bytes = 0;
    f->exchange = http_start(f->fetcher->world.http, &rq, &sink);
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

/* -- QUEUE and BODY of a local file -- */

static int begin_copy(void *ctx, const char *path, int *fd, struct err *e)
{
    struct fetch *f = ctx;
    uint64_t bytes;

    fetch_go(f, FETCH_BODY);
    if (f->fault.code)
        return err_move(e, &f->fault);
    if (file_open_regular(path, fd, &bytes, e))
        return e->code;
    f->view.body_bytes = bytes;
    return 0;
}

static void copied(void *ctx, struct err *e)
{
    struct fetch *f = ctx;

    f->reader = NULL;
    err_move(&f->fault, e);
    fetch_go_unless_fault(f, FETCH_HASH);
}

static void queue_copy(struct fetch *f)
{
    struct buf path = { 0 };
    struct reader_sink sink = { begin_copy, body_data, copied, f };

    if (url_to_path(f->url, &path, &f->fault))
        fetch_go(f, FETCH_FAILED);
    else
        f->reader = reader_start(f->fetcher->world.readers, buf_z(&path), &sink);
    buf_done(&path);
}

static void await_turn(struct fetch *f)
{
    if (f->view.origin == FETCH_FROM_FILE)
        queue_copy(f);
    else
        queue_request(f);
}

/* Over the network the file is there already. A fault is taken up by begin_copy(), since a reader
 * is on the stack. */
static void receive(struct fetch *f)
{
    if (f->view.origin == FETCH_FROM_FILE)
        create_body(f);
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
        fetch_set_path(f);
    fetch_go_unless_fault(f, FETCH_DONE);
}

static void finish(struct fetch *f)
{
    struct fetcher *all = f->fetcher;

    fetch_cancel(f);
    fetch_wake_followers(f);
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
    loop_unpost(f->fetcher->world.loop, &f->look);
    hasher_done(&f->hasher);
    body_destroy(f->body);
    f->query = NULL;
    f->exchange = NULL;
    f->reader = NULL;
    f->timer = NULL;
    f->body = NULL;
}
