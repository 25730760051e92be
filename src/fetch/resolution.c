/* The solver is stepped when all that it lacked is there. Facts are told to it as they are found,
 * whoever wanted them. */
#include "dray/fetch/resolution.h"

#include <stdlib.h>

#include "dray/fetch/ahead.h"
#include "dray/resolve/explain.h"
#include "dray/util/buf.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

void *resolution_wait_new(struct resolution *r, size_t size, void (*fn)(void *ctx))
{
    struct resolution_wait *w = arena_alloc(&r->arena, 1, size);

    w->wait = (struct fact_wait){ .fn = fn, .ctx = w };
    w->next = r->waits;
    r->waits = w;
    return w;
}

/* -- candidates -- */

static const struct fetch_wish *find_wish(const struct fetch_wish *wishes, size_t n,
                                          struct str project)
{
    for (size_t i = 0; i < n; i++)
        if (!wishes[i].fault.code && str_eq(wishes[i].project, project))
            return &wishes[i];
    return NULL;
}

static const struct fetch_wish *wish_of(const struct resolution *r, struct str project)
{
    const struct fetch_wish *w = find_wish(r->in.wishes, r->in.n_wishes, project);

    return w ? w : find_wish(r->in.constraints, r->in.n_constraints, project);
}

static void tell(struct resolution *r, struct choice *c)
{
    struct solve_candidate *all = arena_alloc(&r->arena, c->told.n, sizeof(*all));

    for (size_t i = 0; i < c->told.n; i++)
        all[i] = (struct solve_candidate){ .version = &c->items[i]->version,
                                           .yanked = c->items[i]->file->yanked };
    c->told.candidates = all;
    c->facts = arena_alloc(&r->arena, c->told.n, sizeof(*c->facts));
    map_put(&r->choices, c->project, c);
}

static struct choice *make_choice(struct resolution *r, struct str project)
{
    struct choice *c = arena_alloc(&r->arena, 1, sizeof(*c));

    c->project = arena_str(&r->arena, project);
    return c;
}

static const struct choice *choose_listed(struct resolution *r, struct str project,
                                          const struct source_answer *answer)
{
    struct choice *c = make_choice(r, project);
    const struct fetch_wish *wish = wish_of(r, project);
    struct resolution_formats formats = r->in.formats(r->in.ctx, project);
    struct candidate_rules rules = { .target = r->in.target,
                                     .hashes = wish ? wish->hashes : NULL,
                                     .n_hashes = wish ? wish->n_hashes : 0,
                                     .allow_wheel = formats.wheel,
                                     .allow_sdist = formats.sdist,
                                     .before_us = r->in.before_us,
                                     .prefer_binary = r->in.prefer_binary };

    candidate_list(&rules, answer->items, answer->n, &r->arena, &c->list);
    c->items = c->list.items;
    c->told = (struct solve_listing){ .n = c->list.n,
                                      .refused = c->list.refused,
                                      .n_refused = c->list.n_refused };
    if (answer->err.code)
        c->told.missing = arena_str(&r->arena, str_of(err_text(&answer->err)));
    tell(r, c);
    solver_tell_listing(r->solver, c->project, &c->told);
    return c;
}

/* pip: what is given by URL is not looked up anywhere. */
static void choose_url(struct resolution *r, const struct fetch_wish *wish, struct str project,
                       const struct distribution *d)
{
    struct choice *c = make_choice(r, project);
    struct solve_candidate *one = arena_alloc(&r->arena, 1, sizeof(*one));

    *one = (struct solve_candidate){ .version = &d->version, .url = wish->url };
    c->wish = wish;
    c->items = arena_copy(&r->arena, &d, 1, sizeof(struct distribution *));
    c->facts = arena_alloc(&r->arena, 1, sizeof(*c->facts));
    c->told = (struct solve_listing){ .candidates = one, .n = 1 };
    map_put(&r->choices, c->project, c);
    solver_tell_listing(r->solver, c->project, &c->told);
}

const struct choice *resolution_choice(struct resolution *r, struct str project,
                                       struct fact_wait *w, struct err *e)
{
    const struct choice *c = map_get(&r->choices, project);

    if (c)
        return c;
    const struct source_answer *answer = facts_listing(r->facts, project, w);
    if (!answer)
        return NULL;
    if (answer->err.code && answer->err.code != ERR_NOT_FOUND) {
        err_set(e, answer->err.code, "%.*s: %s", STR_ARG(project), err_text(&answer->err));
        return NULL;
    }
    return choose_listed(r, project, answer);
}

const struct solve_metadata *resolution_metadata(struct resolution *r, const struct choice *c,
                                                 size_t candidate, struct fact_wait *w,
                                                 struct err *e)
{
    struct file_facts *said = c->facts[candidate];

    if (said)
        return &said->needs;
    said = facts_metadata(r->facts, c->items[candidate], c->project, w);
    if (!said)
        return NULL;
    if (said->err.code) {
        err_set(e, said->err.code, "%.*s: %s", STR_ARG(c->items[candidate]->file->filename),
                err_text(&said->err));
        return NULL;
    }
    c->facts[candidate] = said;
    solver_tell_metadata(r->solver, c->project, candidate, &said->needs);
    return &said->needs;
}

/* -- what the solver lacks -- */

struct lack_wait {
    struct resolution_wait own;
    struct resolution *resolution;
    struct str project;
    int candidate;
};

static bool has_come(struct lack_wait *l)
{
    struct resolution *r = l->resolution;
    struct err *e = &r->result.err;
    const struct choice *c = resolution_choice(r, l->project, &l->own.wait, e);

    if (!c || l->candidate == SOLVE_LISTING)
        return c;
    const struct solve_metadata *m =
        resolution_metadata(r, c, (size_t)l->candidate, &l->own.wait, e);
    if (m)
        c->facts[l->candidate]->used = true;
    for (size_t i = 0; m && i < m->n; i++)
        if (marker_eval(m->dependencies[i].marker, &r->in.target->env, STR_NONE))
            ahead_follow(r, &m->dependencies[i]);
    return m;
}

static void lack_came(void *ctx)
{
    struct lack_wait *l = ctx;
    struct resolution *r = l->resolution;

    if (r->ended || r->result.err.code)
        return;
    r->pending -= has_come(l);
    if (r->pending)
        ahead_catch_up(r);
    if (r->pending == 0 || r->result.err.code)
        loop_post(r->world->loop, &r->step);
}

/* A dependency may name a file of its own choice; pip, too, takes that from no index. */
static bool is_refused_url(struct resolution *r, const struct solve_lack *lack)
{
    if (!lack->url.p)
        return false;
    err_set(&r->result.err, ERR_UNSUPPORTED,
            "a dependency asks for %.*s from a URL of its own; name it yourself, as \"%.*s @ URL\"",
            STR_ARG(lack->project), STR_ARG(lack->project));
    return true;
}

/* Some sets have no quick answer, and some indexes no end. */
static bool is_endless(struct resolution *r)
{
    if (solver_rounds(r->solver) > LIMIT_SOLVE_ROUNDS)
        err_set(&r->result.err, ERR_LIMIT,
                "no answer was found in %d decisions; narrower requirements would help",
                LIMIT_SOLVE_ROUNDS);
    else if (r->choices.n > LIMIT_SOLVE_PROJECTS)
        err_set(&r->result.err, ERR_LIMIT, "what it needs leads to more than %d projects",
                LIMIT_SOLVE_PROJECTS);
    return r->result.err.code;
}

static void find_lacks(struct resolution *r)
{
    size_t n;
    const struct solve_lack *lacks = solver_lacks(r->solver, &n);

    r->pending = n;
    if (is_endless(r))
        return;
    for (size_t i = 0; i < n && !is_refused_url(r, &lacks[i]); i++) {
        struct lack_wait *l = resolution_wait_new(r, sizeof(*l), lack_came);
        l->resolution = r;
        l->project = lacks[i].project;
        l->candidate = lacks[i].candidate;
        r->pending -= has_come(l);
    }
}

/* -- the verdict -- */

static struct str pin_label(struct resolution *r, const struct solve_pin *pin)
{
    const struct requirement *w = pin->wants;

    return arena_f(&r->arena, "%.*s%.*s (of %.*s)", STR_ARG(w->name), STR_ARG(w->specifiers.text),
                   STR_ARG(pin->via[0]));
}

/* By whom: a URL and a name may both ask for one project. */
static bool note_asked(struct resolution *r, const struct resolution_pin *pin)
{
    bool asked = false;

    for (size_t i = 0; i < r->in.n_wishes; i++) {
        if (r->in.wishes[i].fault.code || !str_eq(r->asked[i].project, pin->project))
            continue;
        r->result.of_wish[i] = pin;
        asked = true;
    }
    return asked;
}

/* As pip: only a warning, since other versions may provide it. */
static void warn_of_extras(struct resolution *r, const struct solve_pin *pin,
                           const struct resolution_pin *of)
{
    struct file_facts *said = of->facts;

    for (size_t i = 0; i < pin->n_extras && !said->told_extras; i++) {
        bool provides = false;
        for (size_t k = 0; k < said->needs.n_extras && !provides; k++)
            provides = str_eq(said->needs.extras[k], pin->extras[i]);
        if (!provides)
            events_warn(r->world->events, NULL, "%.*s %.*s does not provide the extra \"%.*s\"",
                        STR_ARG(of->project), STR_ARG(of->file->version.text),
                        STR_ARG(pin->extras[i]));
    }
    said->told_extras |= pin->n_extras > 0;
}

static void collect_pins(struct resolution *r)
{
    const struct solve_pin *pins = solver_pins(r->solver, &r->result.n);
    struct resolution_pin *all = arena_alloc(&r->arena, r->result.n, sizeof(*all));

    r->result.of_wish = arena_alloc(&r->arena, r->in.n_wishes, sizeof(struct resolution_pin *));
    for (size_t i = 0; i < r->result.n; i++) {
        const struct choice *c = map_get(&r->choices, pins[i].project);
        all[i] = (struct resolution_pin){ .project = c->project,
                                          .file = c->items[pins[i].candidate],
                                          .wish = wish_of(r, c->project),
                                          .extras = pins[i].extras,
                                          .n_extras = pins[i].n_extras,
                                          .via = pins[i].via,
                                          .n_via = pins[i].n_via };
        all[i].facts = c->facts[pins[i].candidate];
        all[i].facts->used = true;
        warn_of_extras(r, &pins[i], &all[i]);
        all[i].is_asked = note_asked(r, &all[i]);
        if (!all[i].is_asked)
            all[i].label = pin_label(r, &pins[i]);
    }
    r->result.pins = all;
}

static void explain(struct resolution *r)
{
    struct buf text = { 0 };

    solver_explain(r->solver, &text);
    err_set(&r->result.err, ERR_CONFLICT, "%s", buf_z(&text));
    buf_done(&text);
}

static void step(void *ctx)
{
    struct resolution *r = ctx;
    bool ended = r->result.err.code;

    if (r->ended)
        return;
    ahead_stop(r);
    while (!ended && r->pending == 0) {
        if (loop_is_late(r->world->loop)) {
            loop_post(r->world->loop, &r->step);
            return;
        }
        switch (solver_step(r->solver)) {
        case SOLVE_PAUSED:
            ended = is_endless(r);
            break;
        case SOLVE_LACKS:
            find_lacks(r);
            if (r->pending)
                ahead_soon(r);
            ended = r->result.err.code;
            break;
        case SOLVE_FOUND:
            collect_pins(r);
            ahead_remember(r);
            ended = true;
            break;
        case SOLVE_NOTHING:
            explain(r);
            ended = true;
            break;
        }
    }
    r->ended = ended;
    if (ended)
        r->done(r->ctx, &r->result);
}

/* -- the beginning -- */

static struct requirement requirement_of(const struct fetch_wish *w)
{
    return (struct requirement){ .name = w->project,
                                 .project = w->project,
                                 .extras = w->extras,
                                 .n_extras = w->n_extras,
                                 .specifiers = w->specifiers,
                                 .url = w->url };
}

/* Two wishes by URL; gather() has put together those of which it knew that they are for one
 * project. */
static int check_same_url(struct resolution *r, const struct fetch_wish *w, struct str project)
{
    const struct choice *c = map_get(&r->choices, project);

    if (str_eq(c->told.candidates[0].url, w->url))
        return 0;
    return err_set(&r->result.err, ERR_CONFLICT, "%.*s and %.*s name different files for %.*s",
                   STR_ARG(c->wish->label), STR_ARG(w->label), STR_ARG(project));
}

/* What is given by URL is told beforehand: the project by the name of the file. */
static int add_url(struct resolution *r, const struct fetch_wish *w, struct requirement *asks)
{
    struct distribution *d = arena_alloc(&r->arena, 1, sizeof(*d));
    struct str project;

    if (!w->url.p)
        return 0;
    if (distribution_of_url(&r->arena, w->url, w->project, d, &project, &r->result.err))
        return err_wrap(&r->result.err, "%.*s", STR_ARG(w->label));
    asks->name = asks->project = project;
    if (map_get(&r->choices, project))
        return check_same_url(r, w, project);
    choose_url(r, w, project, d);
    return 0;
}

static void begin(struct resolution *r)
{
    const struct resolution_input *in = &r->in;
    size_t n = in->n_wishes + in->n_constraints;

    r->asked = arena_alloc(&r->arena, n, sizeof(*r->asked));
    for (size_t i = 0; i < n; i++) {
        bool is_constraint = i >= in->n_wishes;
        const struct fetch_wish *w =
            is_constraint ? &in->constraints[i - in->n_wishes] : &in->wishes[i];
        r->asked[i] = requirement_of(w);
        if (w->fault.code || add_url(r, w, &r->asked[i]))
            continue;
        facts_allow(r->facts, r->asked[i].project, w->hashes, w->n_hashes);
        if (is_constraint)
            solver_constrain(r->solver, &r->asked[i], w->label);
        else
            solver_require(r->solver, &r->asked[i], w->label);
    }
    ahead_recall(r);
    for (size_t i = 0; i < in->n_wishes; i++)
        if (!in->wishes[i].fault.code)
            ahead_follow(r, &r->asked[i]);
}

struct resolution *resolution_start(const struct fetch_world *w, struct facts *facts,
                                    const struct resolution_input *in, resolution_done_fn done,
                                    void *ctx)
{
    struct resolution *r = mem_new(1, sizeof(*r));
    struct solve_rules rules = { .env = &in->target->env,
                                 .python = &in->target->python,
                                 .pre = in->pre,
                                 .lowest = in->lowest,
                                 .lowest_direct = in->lowest_direct };

    r->world = w;
    r->facts = facts;
    r->in = *in;
    r->done = done;
    r->ctx = ctx;
    r->solver = solver_create(&rules);
    r->step = (struct loop_task){ .fn = step, .ctx = r };
    begin(r);
    loop_post(w->loop, &r->step);
    return r;
}

void resolution_destroy(struct resolution *r)
{
    if (!r)
        return;
    loop_unpost(r->world->loop, &r->step);
    loop_unpost(r->world->loop, &r->ahead);
    for (struct resolution_wait *w = r->waits; w; w = w->next)
        fact_wait_forget(&w->wait);
    solver_destroy(r->solver);
    map_done(&r->choices);
    map_done(&r->followed);
    err_done(&r->result.err);
    arena_done(&r->arena);
    free(r);
}
