#include "dray/fetch/ahead.h"

/* As many more as were tried, at each of these steps (uv has the same). */
enum { TRIES_FIRST = 5, TRIES_EVERY = 20, BATCH_MAX = 50 };

/* One requirement that is followed: first its project's listing, then a candidate's metadata. */
struct ahead {
    struct resolution_wait own;
    struct resolution *resolution;
    const struct requirement *wants;
};

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
static void go_on(void *ctx)
{
    struct ahead *a = ctx;
    struct resolution *r = a->resolution;
    const struct solve_metadata *m = NULL;
    struct err e = { 0 };

    if (r->ended)
        return;
    const struct choice *c = resolution_choice(r, a->wants->project, &a->own.wait, &e);
    int guess = c ? solver_guess(r->solver, a->wants) : SOLVE_LISTING;
    if (guess != SOLVE_LISTING && facts_is_cheap(r->facts, c->items[guess]))
        m = resolution_metadata(r, c, (size_t)guess, &a->own.wait, &e);
    for (size_t i = 0; m && i < m->n; i++)
        if (is_needed(r, a->wants, &m->requires[i]))
            ahead_follow(r, &m->requires[i]);
    err_done(&e);
}

void ahead_follow(struct resolution *r, const struct requirement *wants)
{
    struct str key =
        arena_f(&r->arena, "%.*s %.*s", STR_ARG(wants->project), STR_ARG(wants->specifiers.text));

    for (size_t i = 0; i < wants->n_extras; i++)
        key = arena_f(&r->arena, "%.*s %.*s", STR_ARG(key), STR_ARG(wants->extras[i]));
    if (wants->url.p || map_get(&r->followed, key))
        return;
    struct ahead *a = resolution_wait_new(r, sizeof(*a), go_on);
    a->resolution = r;
    a->wants = wants;
    map_put(&r->followed, key, a);
    go_on(a);
}

void ahead_of_tries(struct resolution *r, const struct choice *c, size_t candidate)
{
    size_t tried = solver_tried(r->solver, c->project);
    bool is_step =
        tried == TRIES_FIRST || tried == 2 * TRIES_FIRST || (tried && tried % TRIES_EVERY == 0);
    size_t most = tried < BATCH_MAX ? tried : BATCH_MAX;

    for (size_t i = candidate + 1; is_step && i < c->told.n && i <= candidate + most; i++)
        if (facts_is_cheap(r->facts, c->items[i]))
            facts_metadata(r->facts, c->items[i], c->project, NULL);
}
