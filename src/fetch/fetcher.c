/* The machines of a run together: who they are, in which order, and when the last one has ended. */
#include <assert.h>
#include <stdlib.h>

#include "dray/fetch/machine.h"
#include "dray/util/mem.h"

static void fetcher_begin(void *ctx)
{
    struct fetcher *f = ctx;

    size_t n = f->n; /* more may come: fetch_resolve.c begins those itself */

    for (size_t i = 0; i < n; i++)
        fetch_begin(f->items[i]);
    if (f->to_resolve)
        fetcher_resolve_now(f);
}

static void fetcher_end(void *ctx)
{
    struct fetcher *f = ctx;

    f->done(f->ctx);
}

struct fetcher *fetcher_create(const struct fetch_world *w, fetcher_done_fn done, void *ctx)
{
    struct fetcher *f = mem_new(1, sizeof(*f));

    f->world = *w;
    f->done = done;
    f->ctx = ctx;
    f->begin = (struct loop_task){ .fn = fetcher_begin, .ctx = f };
    f->end = (struct loop_task){ .fn = fetcher_end, .ctx = f };
    return f;
}

void fetcher_add(struct fetcher *f, const struct fetch_wish *wish)
{
    struct fetch *item = arena_alloc(&f->arena, 1, sizeof(*item));
    size_t cap = f->cap;

    item->wish = *wish;
    item->fetcher = f;
    /* In LOOKUP, the first state. */
    item->view = (struct fetch_view){ .order = f->n,
                                      .label = wish->label,
                                      .project = wish->project,
                                      .body_bytes = FETCH_BYTES_UNKNOWN };
    f->items = mem_grow(f->items, f->n, &f->cap, sizeof(struct fetch *));
    if (f->cap != cap)
        f->views = mem_resize(f->views, f->cap, sizeof(struct fetch_view *));
    f->views[f->n] = &item->view;
    f->items[f->n++] = item;
}

void fetcher_resolve(struct fetcher *f, struct facts *facts, const struct resolution_input *in)
{
    f->facts = facts;
    f->to_resolve = in;
}

const struct err *fetcher_unsolved(const struct fetcher *f)
{
    return &f->unsolved;
}

void fetcher_start(struct fetcher *f)
{
    f->running = f->n;
    for (size_t i = 0; i < f->n; i++)
        events_emit(f->world.events, &(struct event){ .kind = EVENT_ADDED, .fetch = f->views[i] });
    loop_post(f->world.loop, f->n ? &f->begin : &f->end);
}

const struct fetch_view *const *fetcher_views(const struct fetcher *f, size_t *n)
{
    *n = f->n;
    return f->views;
}

void fetcher_cancel(struct fetcher *f)
{
    loop_unpost(f->world.loop, &f->begin);
    loop_unpost(f->world.loop, &f->end);
    for (size_t i = 0; i < f->n; i++)
        fetch_cancel(f->items[i]);
    resolution_destroy(f->resolution);
    f->resolution = NULL;
}

void fetcher_destroy(struct fetcher *f)
{
    if (!f)
        return;
    fetcher_cancel(f);
    for (size_t i = 0; i < f->n; i++) {
        err_done(&f->items[i]->view.err);
        err_done(&f->items[i]->fault);
    }
    err_done(&f->unsolved);
    body_pool_done(&f->pool);
    map_done(&f->claims);
    free(f->items);
    free(f->views);
    arena_done(&f->arena);
    free(f);
}
