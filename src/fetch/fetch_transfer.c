/* QUEUE, HEADER, BODY and WAIT: the bytes of a file, over the network or from a local path, into a
 * body. */
#include <inttypes.h>

#include "dray/fetch/machine.h"
#include "dray/fetch/retry.h"
#include "dray/net/url.h"
#include "dray/util/file.h"

enum {
    BULK_BYTES = 1024 * 1024,   /* what is at least so large shares the bulk's limit */
    FORWARD_BYTES = 256 * 1024, /* an attempt that brought so much was none in vain */
};

/* The store's, else in the directory it goes into: that of archives is not the destination. */
static struct place *temp_place(const struct fetch *f)
{
    const struct fetch_world *w = &f->fetcher->world;

    return f->past_store || !w->cache.store ? fetch_dest(f) : w->temp;
}

static void create_body(struct fetch *f)
{
    f->body = body_create(temp_place(f), &f->fetcher->pool, promise_algs(&f->promise),
                          f->promise.bytes, &f->fault);
}

/* -- over the network -- */

static void begun(void *ctx)
{
    fetch_resume_release(ctx);
    fetch_go(ctx, FETCH_HEADER);
}

/* Of the whole file. */
static int check_head(struct fetch *f, const struct http_head *h, struct err *e)
{
    uint64_t promised = f->promise.bytes;

    if (h->body_bytes >= 0 && promised != FETCH_BYTES_UNKNOWN &&
        (uint64_t)h->body_bytes != promised)
        return err_set(e, ERR_LENGTH,
                       "the server sends %" PRId64 " bytes, the index promised %" PRIu64 "%s",
                       h->body_bytes, promised,
                       h->encoded ? "; they come in a Content-Encoding, asked for was none" : "");
    if (h->body_bytes < 0)
        return 0;
    f->view.body_bytes = (uint64_t)h->body_bytes;
    if (f->body)
        body_announce(f->body, (uint64_t)h->body_bytes);
    return 0;
}

static int head(void *ctx, const struct http_head *h, struct err *e)
{
    struct fetch *f = ctx;
    struct http_head of_whole = *h;

    of_whole.status = 200; /* a part is as fresh as the whole (RFC 9111 section 3.4) */
    if (f->fault.code)
        return err_move(e, &f->fault);
    if (f->resume.first && fetch_resume_head(f, h, e))
        return e->code;
    if (h->status == 416)
        return 0;
    if (h->status == 200) {
        if (check_head(f, h, e))
            return e->code;
        fetch_resume_begin(f, h);
    }
    if (f->fetcher->world.cache.store)
        cache_note_head(&f->note, &of_whole);
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

    if (result->err.code || f->resume.answer != RESUME_ACCEPTED)
        return;
    if (known && got != promised)
        err_set(&result->err, ERR_LENGTH, "it ended after %" PRIu64 " of %" PRIu64 " bytes", got,
                promised);
    else if (!known && !got && !promise_has_digest(&f->promise))
        err_set(&result->err, ERR_LENGTH, "the server sends an empty file");
    result->again = result->err.code != 0;
}

/* Nobody finds it there from now on, who waits for that. */
static void leave_store(struct fetch *f)
{
    f->past_store = true;
    flight_leave(&f->flight);
}

void fetch_begin_again(struct fetch *f)
{
    if (f->fetcher->world.cache.offline) {
        fetch_go(f, FETCH_FAILED);
        return;
    }
    events_emit(f->fetcher->world.events, &(struct event){ .kind = EVENT_RETRY,
                                                           .fetch = &f->view,
                                                           .text = str_of(err_text(&f->fault)) });
    fetch_resume_reset(f);
    f->has_found = false;
    fetch_unset_built(f); /* that is not what the network has */
    leave_store(f);       /* so that this happens once */
    f->view.origin = FETCH_FROM_NETWORK;
    f->delay_ms = 0;
    err_done(&f->fault);
    fetch_go(f, FETCH_WAIT);
}

/* A store that is full or broken is no reason to fail: then it goes straight into the destination.
 */
static bool go_past_store(struct fetch *f, const struct http_result *result)
{
    int code = result->err.code;

    if ((code != ERR_SPACE && code != ERR_IO) || temp_place(f) == fetch_dest(f))
        return false;
    fetch_resume_reset(f);
    leave_store(f);
    return true;
}

/* The server won't go on, or not rightly: at once, from the first byte. What it says of the whole
 * will show whether it can be had. */
static bool give_up_resuming(struct fetch *f, struct http_result *result)
{
    if (f->resume.answer != RESUME_REFUSED)
        return false;
    if (!result->err.code)
        err_set(&result->err, ERR_UNSUPPORTED, "the server can't go on at byte %" PRIu64,
                f->resume.first);
    fetch_resume_reset(f);
    return true;
}

/* An attempt that brought the body forward is a failure of the network, not of this file: a long
 * one over a line that breaks every minute gets there in the end. Forward is further than all
 * before, or a body that is cut and begun again for ever would never be given up. */
static void count_failure(struct fetch *f)
{
    uint64_t got = f->body ? body_bytes(f->body) : 0;

    f->failures++;
    if (got < f->resume.furthest + FORWARD_BYTES)
        return;
    f->resume.furthest = got;
    f->failures = 1;
}

static bool try_again(struct fetch *f, struct http_result *result)
{
    unsigned retries = f->fetcher->world.retries;

    f->delay_ms = 0;
    if (!go_past_store(f, result) && !give_up_resuming(f, result) &&
        !fetch_resume_was_refused(f, result->status)) {
        count_failure(f);
        if (!retry_after(result, f->failures, retries, &f->delay_ms))
            return false;
        if (f->failures == retries)
            fetch_resume_doubt(f);
    }
    events_emit(f->fetcher->world.events, &(struct event){ .kind = EVENT_RETRY,
                                                           .fetch = &f->view,
                                                           .text = str_of(err_text(&result->err)),
                                                           .n = f->delay_ms });
    fetch_resume_hold(f);
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
    /* All of it an earlier run's: kept, it would be in the way of who tries only once. */
    bool in_vain = result->status && f->resume.first && !f->resume.no_ranges && f->body &&
                   body_bytes(f->body) == f->view.resumed_bytes;
    if (!in_vain && (result->again || f->fault.code == ERR_STATUS))
        fetch_keep_partial(f);
    fetch_go(f, FETCH_FAILED);
}

/* Its bytes are all here, whatever the connection has come to. */
static void go_verify(struct fetch *f)
{
    fetch_resume_release(f);
    if (f->view.state != FETCH_BODY)
        fetch_go(f, FETCH_BODY);
    fetch_go(f, FETCH_HASH);
}

static void transferred(void *ctx, struct http_result *result)
{
    struct fetch *f = ctx;
    bool is_whole = result->err.code && result->again && fetch_body_is_whole(f);
    bool refused = f->resume.answer == RESUME_REFUSED;

    f->exchange = NULL;
    check_length(f, result);
    if (is_whole || (!result->err.code && !refused))
        go_verify(f);
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
    fetch_resume_ask(f, &rq);
    cache_note_reset(&f->note);
    f->exchange = http_start(f->fetcher->world.http, &rq, &sink);
}

/* The file is opened here and not when the head has come, for that is told from inside libcurl,
 * which may just have closed a socket whose number the file would then get before libuv knows.
 * A fault waits until head() can end the exchange with it. */
void fetch_await_head(struct fetch *f)
{
    err_done(&f->fault); /* of an attempt that failed in two ways */
    if (!f->body)
        create_body(f);
}

static void retry_now(void *ctx)
{
    fetch_go(ctx, FETCH_QUEUE);
}

void fetch_await_retry(struct fetch *f)
{
    if (!f->timer)
        f->timer = loop_timer_create(f->fetcher->world.loop, retry_now, f);
    loop_timer_start(f->timer, f->delay_ms);
}

/* -- from a local file -- */

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
    if (err_move(&f->fault, e) && f->has_found) /* pip's file is gone */
        fetch_begin_again(f);
    else
        fetch_go_unless_fault(f, FETCH_HASH);
}

static void queue_copy(struct fetch *f)
{
    struct buf path = { 0 };
    struct reader_sink sink = { begin_copy, body_data, copied, f };

    f->past_store = true; /* it is on this machine: a second copy would serve nobody */
    f->view.got_bytes = 0;
    if (f->has_found)
        buf_add_str(&path, f->found.path);
    else
        url_to_path(f->url, &path, &f->fault);
    if (f->fault.code)
        fetch_go(f, FETCH_FAILED);
    else
        f->reader = reader_start(f->fetcher->world.readers, buf_z(&path), &sink);
    buf_done(&path);
}

static bool is_here(const struct fetch *f)
{
    return f->view.origin == FETCH_FROM_FILE || f->has_found;
}

void fetch_await_turn(struct fetch *f)
{
    if (is_here(f))
        queue_copy(f);
    else if (fetch_body_is_whole(f)) /* of an earlier run */
        go_verify(f);
    else
        queue_request(f);
}

/* Over the network the file is there already. A fault is taken up by begin_copy(), since a reader
 * is on the stack. */
void fetch_receive(struct fetch *f)
{
    if (is_here(f))
        create_body(f);
}
