/* The machine. Entering a state does its work or starts it; what comes back (a page, bytes, a
 * timer) moves the machine on. fetch_go() alone writes the state, and lets through only the steps
 * of the table. */
#include "dray/fetch/fetch.h"

#include <assert.h>

#include "dray/fetch/machine.h"
#include "dray/net/url.h"

typedef void (*enter_fn)(struct fetch *f);

static void look_up(struct fetch *f);
static void read_metadata(struct fetch *f);
static void decide(struct fetch *f);
static void finish(struct fetch *f);

#define TO(state) (1u << FETCH_##state)

static const struct {
    enter_fn enter;
    unsigned next; /* lawful successors */
} states[FETCH_STATE_COUNT] = {
    [FETCH_LOOKUP] = { look_up, TO(METADATA) | TO(FAILED) },
    [FETCH_METADATA] = { read_metadata, TO(DECIDE) | TO(FAILED) },
    [FETCH_DECIDE] = { decide, TO(PROBE) | TO(DONE) | TO(FAILED) },
    [FETCH_PROBE] = { fetch_probe, TO(QUEUE) | TO(PLACE) | TO(DONE) | TO(FAILED) },
    [FETCH_QUEUE] = { fetch_await_turn, TO(HEADER) | TO(BODY) | TO(WAIT) | TO(FAILED) },
    [FETCH_HEADER] = { fetch_await_head, TO(BODY) | TO(WAIT) | TO(FAILED) },
    [FETCH_BODY] = { fetch_receive, TO(HASH) | TO(WAIT) | TO(FAILED) },
    [FETCH_HASH] = { fetch_verify, TO(PLACE) | TO(WAIT) | TO(FAILED) },
    [FETCH_PLACE] = { fetch_place, TO(BUILD) | TO(WAIT) | TO(DONE) | TO(FAILED) },
    [FETCH_BUILD] = { fetch_build, TO(PLACE) | TO(FAILED) },
    [FETCH_WAIT] = { fetch_await_retry, TO(QUEUE) },
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

void fetch_go_unless_fault(struct fetch *f, enum fetch_state to)
{
    fetch_go(f, f->fault.code ? FETCH_FAILED : to);
}

/* -- LOOKUP: what there is, and which of it -- */

static void choose(struct fetch *f)
{
    if (!f->fault.code)
        fetch_decide(f);
    source_query_destroy(f->query);
    f->query = NULL;
    f->answer = NULL;
    fetch_go_unless_fault(f, FETCH_METADATA);
}

static void looked_up(void *ctx, const struct source_answer *answer)
{
    struct fetch *f = ctx;

    f->answer = answer;
    if (answer->err.code)
        err_set(&f->fault, answer->err.code, "%s", err_text(&answer->err));
    choose(f);
}

static void look_up(struct fetch *f)
{
    if (f->wish.fault.code)
        err_set(&f->fault, f->wish.fault.code, "%s", err_text(&f->wish.fault));
    if (f->set->to_resolve && !f->fault.code && !f->pin && !f->fetcher->is_locked)
        return; /* until the set is resolved */
    if (f->fault.code || f->wish.url.p || f->pin)
        choose(f);
    else
        f->query = source_start(f->fetcher->world.source, f->wish.project, looked_up, f);
}

/* -- METADATA and DECIDE -- */

static void metadata_came(void *ctx, struct ladder_answer *answer)
{
    struct fetch *f = ctx;

    f->view.rung = answer->rung;
    f->view.metadata_requests = answer->requests;
    f->view.metadata_bytes = answer->bytes;
    if (answer->existing)
        fetch_set_found(f, answer->existing);
    f->body = answer->body;
    if (f->body)
        memcpy(f->digests, answer->digests, sizeof(f->digests));
    if (err_move(&f->fault, &answer->err) == ERR_UNSUPPORTED)
        err_wrap(&f->fault, "%.*s", STR_ARG(f->view.filename));
    if (!f->fault.code)
        f->view.metadata = arena_str(&f->fetcher->arena, answer->metadata);
    ladder_destroy(f->ladder);
    f->ladder = NULL;
    fetch_go_unless_fault(f, FETCH_DECIDE);
}

/* Without dependencies to resolve, the names of the files tell all that is needed to fetch them. A
 * report has the metadata of wheels; that of a source distribution is no reason to fail. */
static bool wants_metadata(const struct fetch *f)
{
    const struct fetch_world *w = &f->fetcher->world;

    return w->goal == GOAL_METADATA ||
           (w->goal == GOAL_CHOICE && w->want_metadata && str_ends(f->view.filename, STR(".whl")));
}

static void read_metadata(struct fetch *f)
{
    const struct fetch_world *w = &f->fetcher->world;
    struct ladder_wish wish = { .label = f->view.filename,
                                .url = f->url,
                                .filename = f->view.filename,
                                .project = f->view.project,
                                .version = f->view.version,
                                .promise = &f->promise,
                                .has_sidecar = f->has_sidecar,
                                .sidecar_digest = f->has_sidecar_digest ? &f->sidecar_digest : NULL,
                                .view = &f->view };

    if (f->pin)
        fetch_take_facts(f);
    else if (wants_metadata(f))
        f->ladder = ladder_start(w, &f->fetcher->pool, &wish, metadata_came, f);
    else
        fetch_go(f, FETCH_DECIDE);
}

static void decide(struct fetch *f)
{
    enum fetch_goal goal = f->fetcher->world.goal;

    fetch_go(f, goal == GOAL_METADATA || goal == GOAL_LOCK ? FETCH_DONE : FETCH_PROBE);
}

/* -- the end -- */

static void finish(struct fetch *f)
{
    struct fetcher *all = f->fetcher;

    fetch_cancel(f);
    fetch_wake_followers(f);
    if (--all->running == 0 && !fetcher_check_lock(all))
        loop_post(all->world.loop, &all->end);
}

void fetch_begin(struct fetch *f)
{
    states[FETCH_LOOKUP].enter(f);
}

/* With a body that may be cut short here. */
static bool is_on_its_way(const struct fetch *f)
{
    enum fetch_state s = f->view.state;

    return s == FETCH_PROBE || s == FETCH_QUEUE || s == FETCH_HEADER || s == FETCH_BODY ||
           s == FETCH_WAIT;
}

void fetch_cancel(struct fetch *f)
{
    source_query_destroy(f->query);
    ladder_destroy(f->ladder);
    existing_destroy(f->existing);
    if (f->exchange)
        http_cancel(f->exchange);
    if (f->reader)
        reader_cancel(f->reader);
    build_destroy(f->build);
    loop_timer_destroy(f->timer);
    loop_unpost(f->fetcher->world.loop, &f->look);
    loop_unpost(f->fetcher->world.loop, &f->resume.guard);
    hasher_done(&f->hasher);
    if (is_on_its_way(f))
        fetch_keep_partial(f);
    flight_leave(&f->flight);
    fetch_resume_release(f);
    body_destroy(f->body);
    buf_done(&f->resume.validator);
    place_file_destroy(f->copy);
    buf_done(&f->found_path);
    cache_note_done(&f->note);
    f->query = NULL;
    f->ladder = NULL;
    f->existing = NULL;
    f->exchange = NULL;
    f->reader = NULL;
    f->build = NULL;
    f->timer = NULL;
    f->body = NULL;
    f->copy = NULL;
}
