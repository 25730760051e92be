/* Lines that a daemon tells of a job by, and what else comes: each is taken, passed over or refused
 * with an error; whoever listens finds whole views, each heard of once. */
#include <stdlib.h>

#include "dray/daemon/replay.h"
#include "dray/ui/event_json.h"
#include "dray/util/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct hearing {
    const struct replay *replay;
    struct buf line;
};

static void hear(void *ctx, const struct event *ev)
{
    struct hearing *h = ctx;

    if (ev->kind >= EVENT_COUNT)
        abort();
    if (ev->fetch) {
        const struct fetch_view *v = ev->fetch;
        if (v->order >= h->replay->n || h->replay->views[v->order] != v ||
            v->state >= FETCH_STATE_COUNT || v->origin >= FETCH_ORIGIN_COUNT)
            abort();
    }
    buf_reset(&h->line);
    event_json_add(&h->line, ev);
}

static void check_views(const struct replay *r)
{
    size_t heard = 0;

    for (size_t i = 0; i < r->n; i++) {
        if (!r->views[i])
            continue;
        if (r->views[i]->order != i || heard >= r->n_heard || r->heard[heard++] != r->views[i])
            abort();
    }
    if (heard != r->n_heard || r->n > LIMIT_REQUIREMENTS)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = { (const char *)data, size };
    struct events events = { 0 };
    struct replay r = { .events = &events };
    struct hearing h = { .replay = &r };

    events_listen(&events, hear, &h);
    while (rest.n) {
        struct arena a = { 0 };
        struct err e = { 0 };
        struct trace_line l;
        int code = trace_line_parse(str_cut(rest, '\n', &rest), &a, &l, &e);
        if (!code)
            code = replay_line(&r, &l, &e);
        if (code != e.code || (code && code != ERR_INPUT && code != ERR_LIMIT))
            abort();
        err_done(&e);
        arena_done(&a); /* nothing of the line is kept */
        check_views(&r);
        if (size % 7 == 0)
            replay_reset(&r);
    }
    replay_done(&r);
    buf_done(&h.line);
    return 0;
}
