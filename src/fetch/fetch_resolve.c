/* A set of machines whose files depend on each other: they wait in LOOKUP until it is resolved, and
 * those that it needs besides join them. */
#include "dray/fetch/machine.h"

static void fail_waiting(struct fetcher *f, const char *why)
{
    for (size_t i = 0; i < f->n; i++) {
        struct fetch *item = f->items[i];
        if (item->view.state != FETCH_LOOKUP)
            continue;
        err_set(&item->fault, ERR_UNSOLVED, "%s", why);
        fetch_go(item, FETCH_FAILED);
    }
}

/* What nobody asked for by name; hashes may still be allowed by a constraint. */
static void add_needed(struct fetcher *f, const struct resolution_pin *pin)
{
    const struct resolution_input *in = f->to_resolve;
    struct fetch_wish wish = { .label = arena_str(&f->arena, pin->label),
                               .project = arena_str(&f->arena, pin->project),
                               .hashes = pin->wish ? pin->wish->hashes : NULL,
                               .n_hashes = pin->wish ? pin->wish->n_hashes : 0,
                               .need_hash = in->need_hash,
                               .allow_wheel = true,
                               .allow_sdist = true };

    fetcher_add(f, &wish);
    f->running++;
    f->items[f->n - 1]->pin = pin;
    f->items[f->n - 1]->view.is_dependency = true;
    events_emit(f->world.events,
                &(struct event){ .kind = EVENT_ADDED, .fetch = f->views[f->n - 1] });
}

static void resolved(void *ctx, const struct resolution_result *result)
{
    struct fetcher *f = ctx;
    size_t n_asked = f->n;

    if (result->err.code) {
        err_set(&f->unsolved, result->err.code, "%s", err_text(&result->err));
        fail_waiting(f, "what it belongs to could not be resolved");
        return;
    }
    for (size_t i = 0; i < n_asked; i++)
        f->items[i]->pin = result->of_wish[i];
    for (size_t i = 0; i < result->n; i++)
        if (!result->pins[i].is_asked)
            add_needed(f, &result->pins[i]);
    for (size_t i = 0; i < f->n; i++)
        if (f->items[i]->pin)
            fetch_begin(f->items[i]);
}

void fetcher_resolve_now(struct fetcher *f)
{
    f->resolution = resolution_start(&f->world, f->facts, f->to_resolve, resolved, f);
}

void fetch_take_facts(struct fetch *f)
{
    struct file_facts *said = f->pin->facts;

    f->view.metadata = said->text;
    f->view.rung = said->rung;
    f->view.metadata_requests = said->requests;
    f->view.metadata_bytes = said->bytes;
    if (said->body) {
        f->body = said->body;
        memcpy(f->digests, said->digests, sizeof(f->digests));
        said->body = NULL;
    }
    fetch_go(f, FETCH_DECIDE);
}
