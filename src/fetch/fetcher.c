/* The machines of a run together: who they are, in which order, and when the last one has ended. */
#include <assert.h>
#include <stdlib.h>

#include "dray/fetch/machine.h"
#include "dray/util/mem.h"

static void fetcher_begin(void *ctx)
{
    struct fetcher *f = ctx;

    size_t n = f->n; /* more may come: fetch_resolve.c begins those itself */

    f->is_locked = fetcher_is_locked(f);
    for (size_t i = 0; i < n; i++)
        fetch_begin(f->items[i]);
    if (!f->is_locked)
        fetcher_resolve_now(f);
}

static void fetcher_end(void *ctx)
{
    struct fetcher *f = ctx;

    f->done(f->ctx);
}

static struct fetch_set *add_set(struct fetcher *f, const struct target *target,
                                 struct place *place, struct str label)
{
    struct fetch_set *set = arena_alloc(&f->arena, 1, sizeof(*set));

    if (f->n_sets == 1 && f->sets[0]->is_default)
        f->n_sets = 0;
    set->fetcher = f;
    set->target = target;
    set->place = place;
    set->label = label.p ? arena_str(&f->arena, label) : STR_NONE;
    set->names = place == f->world.place ? &f->claims : &set->own_names;
    set->first = set->end = f->n;
    f->sets = mem_grow(f->sets, f->n_sets, &f->cap_sets, sizeof(struct fetch_set *));
    f->sets[f->n_sets++] = set;
    return set;
}

struct fetcher *fetcher_create(const struct fetch_world *w, fetcher_done_fn done, void *ctx)
{
    struct fetcher *f = mem_new(1, sizeof(*f));

    f->world = *w;
    f->done = done;
    f->ctx = ctx;
    f->begin = (struct loop_task){ .fn = fetcher_begin, .ctx = f };
    f->end = (struct loop_task){ .fn = fetcher_end, .ctx = f };
    add_set(f, w->target, w->place, STR_NONE)->is_default = true;
    return f;
}

void fetcher_next_set(struct fetcher *f, const struct target *target, struct place *place,
                      struct str label)
{
    add_set(f, target, place ? place : f->world.place, label);
}

static struct str label_of(struct fetcher *f, const struct fetch_set *set, struct str label)
{
    if (!set->label.p)
        return label;
    return arena_f(&f->arena, "%.*s, for %.*s", STR_ARG(label), STR_ARG(set->label));
}

static int compare_names(const void *x, const void *y)
{
    return str_cmp(*(const struct str *)x, *(const struct str *)y);
}

struct str *fetch_copy_names(struct fetch *f, const struct str *names, size_t n)
{
    struct str *copy = arena_alloc(&f->fetcher->arena, n, sizeof(*copy));

    for (size_t i = 0; i < n; i++)
        copy[i] = arena_str(&f->fetcher->arena, names[i]);
    if (n)
        qsort(copy, n, sizeof(*copy), compare_names);
    return copy;
}

struct fetch *fetcher_put(struct fetcher *f, struct fetch_set *set, const struct fetch_wish *wish)
{
    struct fetch *item = arena_alloc(&f->arena, 1, sizeof(*item));
    size_t cap = f->cap;

    item->wish = *wish;
    item->fetcher = f;
    item->set = set;
    /* In LOOKUP, the first state. */
    item->view = (struct fetch_view){ .order = f->n,
                                      .label = label_of(f, item->set, wish->label),
                                      .target = item->set->label,
                                      .project = wish->project,
                                      .body_bytes = FETCH_BYTES_UNKNOWN };
    item->view.extras = fetch_copy_names(item, wish->extras, wish->n_extras);
    item->view.n_extras = wish->n_extras;
    f->items = mem_grow(f->items, f->n, &f->cap, sizeof(struct fetch *));
    if (f->cap != cap)
        f->views = mem_resize(f->views, f->cap, sizeof(struct fetch_view *));
    f->views[f->n] = &item->view;
    f->items[f->n++] = item;
    return item;
}

void fetcher_add(struct fetcher *f, const struct fetch_wish *wish)
{
    struct fetch_set *set = f->sets[f->n_sets - 1];

    fetcher_put(f, set, wish);
    set->end = f->n;
}

void fetcher_resolve(struct fetcher *f, struct facts *facts, const struct resolution_input *in)
{
    f->facts = facts;
    f->sets[f->n_sets - 1]->to_resolve = in;
    f->unresolved++;
}

const struct err *fetcher_unsolved(const struct fetcher *f, size_t set)
{
    return &f->sets[set]->unsolved;
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
    for (size_t i = 0; i < f->n_sets; i++) {
        resolution_destroy(f->sets[i]->resolution);
        f->sets[i]->resolution = NULL;
    }
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
    for (size_t i = 0; i < f->n_sets; i++) {
        err_done(&f->sets[i]->unsolved);
        map_done(&f->sets[i]->own_names);
    }
    free(f->sets);
    body_pool_done(&f->pool);
    map_done(&f->claims);
    free(f->items);
    free(f->views);
    arena_done(&f->arena);
    free(f);
}
