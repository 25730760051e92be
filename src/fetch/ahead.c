/* Two ways to guess: what the solver would ask for as things are, and, where it lacks a listing and
 * so can't know, what each requirement would get by itself. */
#include "dray/fetch/ahead.h"

#include "dray/store/store.h"
#include "dray/util/buf.h"

/* One requirement that is followed: first its project's listing, then a candidate's metadata. */
struct ahead {
    struct resolution_wait own;
    struct resolution *resolution;
    const struct requirement *wants;
    struct ahead *next; /* put off until the solver waits, too */
};

/* What is in the store is told within two. */
enum { TURNS = 4 };

static bool is_needed(const struct resolution *r, const struct requirement *by,
                      const struct requirement *need)
{
    const struct marker_env *env = &r->in.target->env;
    bool needed = marker_eval(need->marker, env, STR_NONE);

    for (size_t i = 0; i < by->n_extras && !needed; i++)
        needed = marker_eval(need->marker, env, by->extras[i]);
    return needed;
}

/* What can't be had is nothing to complain of: nobody has asked for it yet. */
static void go_on(struct ahead *a)
{
    struct resolution *r = a->resolution;
    const struct solve_metadata *m = NULL;
    struct err e = { 0 };

    const struct choice *c = resolution_choice(r, a->wants->project, &a->own.wait, &e);
    int guess = c ? solver_guess(r->solver, a->wants) : SOLVE_LISTING;
    if (guess != SOLVE_LISTING && facts_is_cheap(r->facts, c->items[guess]))
        m = resolution_metadata(r, c, (size_t)guess, &a->own.wait, &e);
    for (size_t i = 0; m && i < m->n; i++)
        if (is_needed(r, a->wants, &m->dependencies[i]))
            ahead_follow(r, &m->dependencies[i]);
    err_done(&e);
}

/* One after the other, not one within the other: what is known already may be a long chain. */
void ahead_catch_up(struct resolution *r)
{
    while (r->is_waiting && r->put_off) {
        if (loop_is_late(r->world->loop)) {
            loop_post(r->world->loop, &r->ahead);
            return;
        }
        struct ahead *a = r->put_off;
        r->put_off = a->next;
        go_on(a);
    }
}

static void came(void *ctx)
{
    struct ahead *a = ctx;
    struct resolution *r = a->resolution;

    if (r->ended)
        return;
    go_on(a);
    ahead_catch_up(r);
}

void ahead_follow(struct resolution *r, const struct requirement *wants)
{
    struct str key =
        arena_f(&r->arena, "%.*s %.*s", STR_ARG(wants->project), STR_ARG(wants->specifiers.text));

    for (size_t i = 0; i < wants->n_extras; i++)
        key = arena_f(&r->arena, "%.*s %.*s", STR_ARG(key), STR_ARG(wants->extras[i]));
    if (wants->url.p || map_get(&r->followed, key))
        return;
    struct ahead *a = resolution_wait_new(r, sizeof(*a), came);
    a->resolution = r;
    a->wants = wants;
    map_put(&r->followed, key, a);
    a->next = r->put_off;
    r->put_off = a;
}

static void follow_solver(struct resolution *r)
{
    size_t n;
    const struct solve_lack *likely = solver_likely(r->solver, &n);

    for (size_t i = 0; i < n; i++) {
        if (loop_is_late(r->world->loop)) {
            loop_post(r->world->loop, &r->ahead); /* what is known by then costs little */
            return;
        }
        const struct choice *c = map_get(&r->choices, likely[i].project);
        if (facts_is_cheap(r->facts, c->items[likely[i].candidate]))
            facts_metadata(r->facts, c->items[likely[i].candidate], c->project, NULL);
    }
}

static void run(void *ctx)
{
    struct resolution *r = ctx;

    if (r->ahead_turns && --r->ahead_turns) {
        loop_post(r->world->loop, &r->ahead);
        return;
    }
    r->is_waiting = true;
    ahead_catch_up(r);
    follow_solver(r);
}

void ahead_soon(struct resolution *r)
{
    r->ahead = (struct loop_task){ .fn = run, .ctx = r };
    r->ahead_turns = TURNS;
    loop_post(r->world->loop, &r->ahead);
}

void ahead_stop(struct resolution *r)
{
    loop_unpost(r->world->loop, &r->ahead);
    r->is_waiting = false;
}

/* -- from run to run -- */

/* What is asked for, and for whom. */
static void add_key(const struct resolution *r, struct buf *out)
{
    const struct resolution_input *in = &r->in;

    buf_add_f(out, "%.*s\n", STR_ARG(in->target->label));
    for (size_t i = 0; i < in->n_wishes + in->n_constraints; i++)
        buf_add_f(out, "%.*s\n",
                  STR_ARG(i < in->n_wishes ? in->wishes[i].label
                                           : in->constraints[i - in->n_wishes].label));
}

void ahead_recall(struct resolution *r)
{
    struct store *store = r->world->cache.store;
    struct store_record kept;
    struct buf key = { 0 };

    add_key(r, &key);
    bool known = store && store_get(store, STORE_SET, buf_str(&key), &r->arena, &kept);
    for (struct str rest = known ? kept.content : STR_NONE; rest.p;) {
        struct str project = str_cut(rest, '\n', &rest);
        if (project_name_is_valid(project) && !map_get(&r->choices, project))
            facts_listing(r->facts, project, NULL);
    }
    buf_done(&key);
}

void ahead_remember(const struct resolution *r)
{
    struct store *store = r->world->cache.store;
    struct buf key = { 0 }, names = { 0 };

    if (!store)
        return;
    add_key(r, &key);
    for (size_t i = 0; i < r->result.n; i++) {
        const struct resolution_pin *pin = &r->result.pins[i];
        if (!str_eq(pin->file->base, pin->file->file->url)) /* not given by URL */
            buf_add_f(&names, "%s%.*s", names.n ? "\n" : "", STR_ARG(pin->project));
    }
    store_put(store, STORE_SET, buf_str(&key),
              &(struct store_record){ .label = r->in.target->label, .content = buf_str(&names) });
    buf_done(&key);
    buf_done(&names);
}
