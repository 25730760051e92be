/* As the machine of fetch.c does it, without its states: nobody watches a candidate. */
#include "dray/fetch/whole.h"

#include <inttypes.h>
#include <stdlib.h>

#include "dray/fetch/retry.h"
#include "dray/util/mem.h"

struct whole {
    const struct fetch_world *world;
    struct body_pool *pool;
    struct str url;
    const struct promise *promise;
    whole_done_fn done;
    void *ctx;
    struct body *body;
    struct http_exchange *exchange;
    struct retry retry;
    struct cache_note note;
    struct whole_result result;
};

static void ask(void *ctx);

static int take_head(void *ctx, const struct http_head *head, struct err *e)
{
    struct whole *w = ctx;
    uint64_t promised = w->promise->bytes;

    if (head->body_bytes >= 0 && promised != FETCH_BYTES_UNKNOWN &&
        (uint64_t)head->body_bytes != promised)
        return err_set(e, ERR_LENGTH,
                       "the server sends %" PRId64 " bytes, the index promised %" PRIu64,
                       head->body_bytes, promised);
    cache_note_head(&w->note, head);
    return w->result.err.code ? err_move(e, &w->result.err) : 0;
}

static int take_bytes(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct whole *w = ctx;

    w->result.bytes += n;
    return body_add(w->body, bytes, n, e);
}

static void verify(struct whole *w, struct err *e)
{
    if (w->promise->bytes != FETCH_BYTES_UNKNOWN && body_bytes(w->body) != w->promise->bytes)
        err_set(e, ERR_LENGTH, "it ended after %" PRIu64 " of %" PRIu64 " bytes",
                body_bytes(w->body), w->promise->bytes);
    else if (!body_finish(w->body, w->result.digests, e))
        promise_check(w->promise, w->result.digests, e);
}

static void answered(void *ctx, struct http_result *result)
{
    struct whole *w = ctx;

    w->exchange = NULL;
    if (!result->err.code && w->body) {
        verify(w, &result->err);
        result->again = result->err.code == ERR_LENGTH;
    }
    if (retry_later(&w->retry, result))
        return;
    err_move(&w->result.err, &result->err);
    w->result.note = &w->note;
    if (!w->result.err.code) {
        w->result.body = w->body;
        w->body = NULL;
    }
    w->done(w->ctx, &w->result);
}

/* The file is opened when it is this one's turn, since thousands may wait, and not when the head
 * has come: see await_head() in fetch.c. */
static void begun(void *ctx)
{
    struct whole *w = ctx;

    w->body = body_create(w->world->temp, w->pool, promise_algs(w->promise), w->promise->bytes,
                          &w->result.err);
}

static void ask(void *ctx)
{
    struct whole *w = ctx;
    struct http_request rq = { .url = w->url.p, .rank = UINT64_MAX - 1 };
    struct http_sink sink = {
        .started = begun, .head = take_head, .data = take_bytes, .done = answered, .ctx = w
    };

    w->retry.attempt++;
    w->result.requests++;
    cache_note_reset(&w->note);
    body_destroy(w->body);
    w->body = NULL;
    err_done(&w->result.err);
    w->exchange = http_start(w->world->http, &rq, &sink);
}

struct whole *whole_start(const struct fetch_world *world, struct body_pool *pool, struct str url,
                          const struct promise *promise, whole_done_fn done, void *ctx)
{
    struct whole *w = mem_new(1, sizeof(*w));

    w->world = world;
    w->pool = pool;
    w->url = url;
    w->promise = promise;
    w->retry = (struct retry){ .loop = world->loop,
                               .events = world->events,
                               .retries = world->retries,
                               .again = ask,
                               .ctx = w };
    w->done = done;
    w->ctx = ctx;
    ask(w);
    return w;
}

void whole_destroy(struct whole *w)
{
    if (!w)
        return;
    if (w->exchange)
        http_cancel(w->exchange);
    retry_done(&w->retry);
    body_destroy(w->body);
    cache_note_done(&w->note);
    err_done(&w->result.err);
    free(w);
}
