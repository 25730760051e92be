/* The walk is input_walk.c's; here is what the network has to do with it. */
#include "dray/job/inputs.h"

#include <stdlib.h>

#include "dray/fetch/retry.h"
#include "dray/job/input_walk.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

struct inputs {
    struct loop *loop;
    struct http *http;
    struct input_walk walk;
    inputs_done_fn done;
    void *ctx;
    struct loop_task task;
    struct http_exchange *exchange;
    struct retry retry;
    struct buf body; /* of the file that is being fetched */
};

static int take_bytes(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct inputs *in = ctx;

    (void)e;
    buf_add(&in->body, bytes, n); /* capped by max_bytes */
    return 0;
}

static void fetched(void *ctx, struct http_result *result)
{
    struct inputs *in = ctx;
    struct err *e = &in->walk.err;

    in->exchange = NULL;
    if (retry_later(&in->retry, result))
        return;
    if (result->err.code) {
        err_move(e, &result->err);
        err_wrap(e, "%s file", in->walk.remote_is_constraint ? "constraints" : "requirements");
        in->walk.remote = STR_NONE;
    } else {
        input_walk_take(&in->walk, in->body.n ? buf_str(&in->body) : STR(""));
    }
    loop_post(in->loop, &in->task);
}

static void request(void *ctx)
{
    struct inputs *in = ctx;
    struct http_request rq = { .url = in->walk.remote.p,
                               .is_page = true,
                               .max_bytes = LIMIT_REQFILE_BYTES };
    struct http_sink sink = { .data = take_bytes, .done = fetched, .ctx = in };

    buf_reset(&in->body);
    in->retry.attempt++;
    in->exchange = http_start(in->http, &rq, &sink);
}

static void inputs_go(void *ctx)
{
    struct inputs *in = ctx;

    input_walk_go(&in->walk);
    if (in->walk.remote.p && !in->walk.err.code) {
        in->retry.attempt = 0;
        request(in);
        return;
    }
    in->done(in->ctx, &in->walk.err);
}

struct inputs *inputs_start(struct loop *l, struct http *http, struct settings *s,
                            struct events *events, inputs_done_fn done, void *ctx)
{
    struct inputs *in = mem_new(1, sizeof(*in));

    in->loop = l;
    in->http = http;
    in->walk.settings = s;
    in->walk.events = events;
    in->retry = (struct retry){
        .loop = l, .events = events, .retries = s->retries, .again = request, .ctx = in
    };
    in->done = done;
    in->ctx = ctx;
    in->task = (struct loop_task){ .fn = inputs_go, .ctx = in };
    loop_post(l, &in->task);
    return in;
}

void inputs_cancel(struct inputs *in)
{
    if (!in)
        return;
    if (in->exchange)
        http_cancel(in->exchange);
    in->exchange = NULL;
    retry_done(&in->retry);
    loop_unpost(in->loop, &in->task);
}

void inputs_destroy(struct inputs *in)
{
    if (!in)
        return;
    inputs_cancel(in);
    input_walk_done(&in->walk);
    buf_done(&in->body);
    free(in);
}

const struct want *inputs_wants(const struct inputs *in, size_t *n)
{
    *n = in->walk.wants.n;
    return in->walk.wants.items;
}

const struct want *inputs_constraints(const struct inputs *in, size_t *n)
{
    *n = in->walk.constraints.n;
    return in->walk.constraints.items;
}

static int walk_alone(struct settings *s, struct events *events, bool carries, struct err *e)
{
    struct input_walk walk = { .settings = s, .events = events, .carries = carries };

    input_walk_go(&walk);
    while (walk.remote.p && !walk.err.code) {
        input_walk_take(&walk, STR_NONE);
        input_walk_go(&walk);
    }
    err_move(e, &walk.err);
    input_walk_done(&walk);
    return e->code;
}

int inputs_check(struct settings *s, struct events *events, struct err *e)
{
    return walk_alone(s, events, false, e);
}

int inputs_carry(struct settings *s, struct events *events, struct err *e)
{
    return walk_alone(s, events, true, e);
}
