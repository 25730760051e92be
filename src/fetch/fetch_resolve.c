/* A set of machines whose files depend on each other: they wait in LOOKUP until it is resolved, and
 * those that it needs besides join them. Where sets are locked, each version pinned and its hashes
 * given, there is nothing to wait for: files are fetched at once, and that they are all that is
 * needed is seen afterwards, from the files themselves. */
#include "dray/fetch/machine.h"

static void fail_waiting(const struct fetch_set *set, const char *why)
{
    for (size_t i = set->first; i < set->end; i++) {
        struct fetch *item = set->fetcher->items[i];
        if (item->view.state != FETCH_LOOKUP)
            continue;
        err_set(&item->fault, ERR_UNSOLVED, "%s", why);
        fetch_go(item, FETCH_FAILED);
    }
}

/* What nobody asked for by name; hashes may still be allowed by a constraint. */
static void add_needed(struct fetch_set *set, const struct resolution_pin *pin)
{
    struct fetcher *f = set->fetcher;
    struct fetch_wish wish = { .label = arena_str(&f->arena, pin->label),
                               .project = arena_str(&f->arena, pin->project),
                               .hashes = pin->wish ? pin->wish->hashes : NULL,
                               .n_hashes = pin->wish ? pin->wish->n_hashes : 0,
                               .need_hash = set->to_resolve->need_hash,
                               .allow_wheel = true,
                               .allow_sdist = true };

    struct fetch *item = fetcher_put(f, set, &wish);
    f->running++;
    item->pin = pin;
    item->view.is_dependency = true;
    events_emit(f->world.events, &(struct event){ .kind = EVENT_ADDED, .fetch = &item->view });
}

static void take_result(struct fetch_set *set)
{
    struct fetcher *f = set->fetcher;

    for (size_t i = set->first; i < set->end; i++)
        f->items[i]->pin = set->result->of_wish[i - set->first];
    for (size_t i = 0; i < set->result->n; i++)
        if (!set->result->pins[i].is_asked)
            add_needed(set, &set->result->pins[i]);
}

static void tell_facts(struct fetch *f)
{
    if (!f->view.metadata.p) { /* else of the wheel that was built of it */
        f->view.metadata = f->pin->facts->text;
        f->view.rung = f->pin->facts->rung;
    }
    f->view.extras = fetch_copy_names(f, f->pin->extras, f->pin->n_extras);
    f->view.n_extras = f->pin->n_extras;
    f->view.via = fetch_copy_names(f, f->pin->via, f->pin->n_via);
    f->view.n_via = f->pin->n_via;
}

/* Of a locked set: it is there already, and now its metadata is, too. */
static void tell_late(struct fetch *f)
{
    if (f->pin && f->view.state == FETCH_DONE)
        tell_facts(f);
}

/* All are. Machines come in the order of the sets, whichever was resolved first. */
static void go_on(struct fetcher *f)
{
    for (size_t i = 0; i < f->n_sets; i++)
        if (f->sets[i]->result && !f->sets[i]->unsolved.code)
            take_result(f->sets[i]);
    for (size_t i = 0; i < f->n; i++) {
        tell_late(f->items[i]);
        if (f->items[i]->pin && f->items[i]->view.state == FETCH_LOOKUP)
            fetch_begin(f->items[i]);
    }
    for (size_t i = 0; i < f->n_sets; i++)
        if (f->sets[i]->unsolved.code)
            fail_waiting(f->sets[i], "what it belongs to could not be resolved");
    if (f->is_locked && f->running == 0)
        loop_post(f->world.loop, &f->end);
}

static void resolved(void *ctx, const struct resolution_result *result)
{
    struct fetch_set *set = ctx;

    set->result = result;
    if (result->err.code)
        err_set(&set->unsolved, result->err.code, "%s", err_text(&result->err));
    if (--set->fetcher->unresolved == 0)
        go_on(set->fetcher);
}

static bool is_locked(const struct fetch_set *set)
{
    bool locked = set->to_resolve && set->to_resolve->need_hash;

    for (size_t i = set->first; i < set->end && locked; i++) {
        const struct fetch_wish *w = &set->fetcher->items[i]->wish;
        locked = w->fault.code || w->url.p || specifier_set_is_pinned(&w->specifiers);
    }
    return locked;
}

bool fetcher_is_locked(const struct fetcher *f)
{
    enum fetch_goal goal = f->world.goal;
    bool locked = goal == GOAL_FILES || goal == GOAL_WHEELS;

    for (size_t i = 0; i < f->n_sets && locked; i++)
        locked = is_locked(f->sets[i]);
    return locked;
}

bool fetcher_check_lock(struct fetcher *f)
{
    bool check = f->is_locked && f->unresolved > 0;

    for (size_t i = 0; i < f->n && check; i++)
        check = f->items[i]->view.state == FETCH_DONE; /* or what is missing is known already */
    if (check)
        fetcher_resolve_now(f);
    return check;
}

void fetcher_resolve_now(struct fetcher *f)
{
    for (size_t i = 0; i < f->n_sets; i++)
        if (f->sets[i]->to_resolve)
            f->sets[i]->resolution =
                resolution_start(&f->world, f->facts, f->sets[i]->to_resolve, resolved, f->sets[i]);
}

void fetch_take_facts(struct fetch *f)
{
    struct file_facts *said = f->pin->facts;

    tell_facts(f);
    if (!said->taken) {
        f->view.metadata_requests = said->requests;
        f->view.metadata_bytes = said->bytes;
        f->came_whole = said->rung == METADATA_WHOLE || (said->rung == METADATA_PIP && said->bytes);
    }
    said->taken = true;
    if (said->body) {
        f->body = said->body;
        memcpy(f->digests, said->digests, sizeof(f->digests));
        f->view.got_bytes = body_bytes(f->body);
        said->body = NULL;
    }
    fetch_go(f, FETCH_DECIDE);
}
