/* Any bytes as a universe (tests/unit/universe.h; lines that make no sense are passed over): a
 * solution is one, by a check that knows nothing of the solver's sets; each fact is asked for once;
 * the answer is the same again, and when all facts are told beforehand; where there is none it says
 * why. */
#include "../unit/universe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 8192, WISHES_MAX = 24, PROJECTS_MAX = 16, VERSIONS_MAX = 48, NEEDS_MAX = 96 };

static void check(bool holds)
{
    if (!holds)
        abort();
}

/* -- reading -- */

static size_t count_versions(const struct universe *u, size_t *needs)
{
    size_t n = 0;

    for (size_t i = 0; i < u->projects.n; i++) {
        const struct universe_project *p = u->projects.entries[i].value;
        n += p->n;
        for (size_t k = 0; k < p->n; k++)
            *needs += p->versions[k].metadata.n;
    }
    return n;
}

static bool is_small(const struct universe *u)
{
    size_t needs = 0, versions = count_versions(u, &needs);

    return u->n_requires <= WISHES_MAX && u->projects.n <= PROJECTS_MAX &&
           versions <= VERSIONS_MAX && needs <= NEEDS_MAX;
}

/* false: larger than what is solved here. */
static bool read_universe(struct universe *u, struct str text)
{
    while (text.p) {
        struct err e = { 0 };
        struct str line = str_cut(text, '\n', &text);
        universe_line(u, line, &e);
        err_done(&e);
        if (!is_small(u))
            return false;
    }
    universe_finish(u);
    return true;
}

/* -- solving -- */

struct answer {
    struct solver *solver;
    enum solve_state state;
    bool refused; /* a URL that the universe does not have: nobody can tell its candidate */
    struct map asked;
    struct buf text;
};

static bool has_url(const struct universe_project *p, struct str url)
{
    for (size_t i = 0; p && i < p->n; i++)
        if (str_eq(p->candidates[i].url, url))
            return true;
    return false;
}

static bool is_told(struct universe *u, struct answer *a, const struct solve_lack *l, bool before)
{
    struct str key = arena_f(&u->arena, "%d %.*s", l->candidate, STR_ARG(l->project));

    if (l->url.p && !has_url(map_get(&u->projects, l->project), l->url))
        return false;
    check(!map_get(&a->asked, key));
    map_put(&a->asked, key, a);
    check(!before || !map_get(&u->projects, l->project));
    universe_tell(u, a->solver, l);
    return true;
}

static void tell_all(struct universe *u, struct solver *s)
{
    for (size_t i = 0; i < u->projects.n; i++) {
        const struct universe_project *p = u->projects.entries[i].value;
        universe_tell(u, s, &(struct solve_lack){ p->name, SOLVE_LISTING, STR_NONE });
        for (size_t k = 0; k < p->n; k++)
            universe_tell(u, s, &(struct solve_lack){ p->name, (int)k, STR_NONE });
    }
}

static void describe(const struct universe *u, struct answer *a)
{
    if (a->refused) {
        buf_add_z(&a->text, "refused");
    } else if (a->state == SOLVE_FOUND) {
        universe_pins(u, a->solver, &a->text);
    } else {
        solver_explain(a->solver, &a->text);
        check(str_search(buf_str(&a->text), STR("\n  ")) > 0); /* at least one reason */
    }
}

static void solve(struct universe *u, bool before, struct answer *a)
{
    *a = (struct answer){ .solver = universe_solver(u) };
    if (before)
        tell_all(u, a->solver);
    while (!a->refused && (a->state = universe_step(a->solver)) == SOLVE_LACKS) {
        size_t n;
        const struct solve_lack *lacks = solver_lacks(a->solver, &n);
        check(n > 0);
        for (size_t i = 0; i < n; i++)
            a->refused |= !is_told(u, a, &lacks[i], before);
    }
    describe(u, a);
}

static void answer_done(struct answer *a)
{
    solver_destroy(a->solver);
    map_done(&a->asked);
    buf_done(&a->text);
}

/* -- is it a solution? -- */

struct solution {
    struct universe *u;
    const struct solve_pin *pins;
    size_t n;
};

static const struct universe_version *version_of(const struct solution *s,
                                                 const struct solve_pin *pin)
{
    const struct universe_project *p = map_get(&s->u->projects, pin->project);

    check(p && pin->candidate < p->n);
    return &p->versions[pin->candidate];
}

static bool has_extra(const struct solution *s, const struct solve_pin *pin, struct str extra)
{
    struct str name = project_name_normalize(&s->u->arena, extra);

    for (size_t i = 0; i < pin->n_extras; i++)
        if (str_eq(pin->extras[i], name))
            return true;
    return false;
}

static bool will_do(const struct requirement *r, const struct solve_candidate *c)
{
    return r->url.p ? str_eq(r->url, c->url) : specifier_set_contains(&r->specifiers, c->version);
}

/* Does the pin meet what is asked of its project? */
static bool meets(const struct solution *s, const struct solve_pin *pin,
                  const struct requirement *r)
{
    bool met = will_do(r, &version_of(s, pin)->candidate);

    for (size_t i = 0; i < r->n_extras && met; i++)
        met = has_extra(s, pin, r->extras[i]);
    return met;
}

static void check_met(const struct solution *s, const struct requirement *r, bool is_constraint)
{
    size_t found = 0;

    for (size_t i = 0; i < s->n; i++) {
        if (!str_eq(s->pins[i].project, r->project))
            continue;
        found++;
        check(is_constraint ? will_do(r, &version_of(s, &s->pins[i])->candidate)
                            : meets(s, &s->pins[i], r));
    }
    check(found == 1 || (is_constraint && found == 0));
}

static bool applies(const struct solution *s, const struct solve_pin *by,
                    const struct requirement *r)
{
    bool holds = marker_eval(r->marker, &s->u->env, STR_NONE);

    for (size_t i = 0; i < by->n_extras && !holds; i++)
        holds = marker_eval(r->marker, &s->u->env, by->extras[i]);
    return holds;
}

static void check_pin(const struct solution *s, const struct solve_pin *pin)
{
    const struct solve_metadata *m = &version_of(s, pin)->metadata;

    check(!m->unusable.p);
    check(!m->requires_python || specifier_set_contains(m->requires_python, &s->u->python));
    for (size_t i = 0; i < m->n; i++)
        if (applies(s, pin, &m->dependencies[i]))
            check_met(s, &m->dependencies[i], false);
}

/* -- is it a choice that pip would make? -- */

/* All that is asked of a project in the solution. */
struct asked {
    const struct requirement *items[WISHES_MAX + NEEDS_MAX];
    size_t n;
    bool by_somebody, pre, url; /* a constraint alone does not ask for it */
};

static void asked_add(struct asked *a, const struct requirement *r, bool is_constraint)
{
    a->items[a->n++] = r;
    a->by_somebody |= !is_constraint;
    a->pre |= specifier_set_wants_pre(&r->specifiers);
    a->url |= r->url.p != NULL;
}

static void collect(const struct solution *s, struct str project, struct asked *out)
{
    for (size_t i = 0; i < s->u->n_requires; i++)
        if (str_eq(s->u->wanted[i]->project, project))
            asked_add(out, s->u->wanted[i], s->u->is_constraint[i]);
    for (size_t i = 0; i < s->n; i++) {
        const struct solve_metadata *m = &version_of(s, &s->pins[i])->metadata;
        for (size_t k = 0; k < m->n; k++)
            if (str_eq(m->dependencies[k].project, project) &&
                applies(s, &s->pins[i], &m->dependencies[k]))
                asked_add(out, &m->dependencies[k], false);
    }
}

/* A listed final version that all who ask would take. */
static bool final_would_do(const struct solution *s, const struct solve_pin *pin,
                           const struct asked *a)
{
    const struct universe_project *p = map_get(&s->u->projects, pin->project);

    for (size_t i = 0; i < p->n; i++) {
        const struct solve_candidate *c = &p->candidates[i];
        bool fits = !c->url.p && !c->version->pre;
        for (size_t k = 0; k < a->n && fits; k++)
            fits = will_do(a->items[k], c);
        if (fits)
            return true;
    }
    return false;
}

/* Is one pinned anywhere? Who asked for a yanked file that way may be gone by now. */
static bool is_ever_pinned(const struct universe *u, struct str project)
{
    bool pinned = false;

    for (size_t i = 0; i < u->n_requires; i++)
        pinned |= str_eq(u->wanted[i]->project, project) &&
                  specifier_set_is_pinned(&u->wanted[i]->specifiers);
    for (size_t i = 0; i < u->projects.n; i++) {
        const struct universe_project *p = u->projects.entries[i].value;
        for (size_t k = 0; k < p->n; k++)
            for (size_t j = 0; j < p->versions[k].metadata.n; j++)
                pinned |= str_eq(p->versions[k].dependencies[j].project, project) &&
                          specifier_set_is_pinned(&p->versions[k].dependencies[j].specifiers);
    }
    return pinned;
}

/* Needed by somebody; PEP 440 and PEP 592; a URL only for who asks for it, and then nothing else.
 */
static void check_choice(const struct solution *s, const struct solve_pin *pin)
{
    const struct solve_candidate *c = &version_of(s, pin)->candidate;
    struct asked a = { 0 };

    collect(s, pin->project, &a);
    check(a.by_somebody);
    check(a.url == (c->url.p != NULL));
    if (c->url.p)
        return;
    check(!c->yanked || is_ever_pinned(s->u, pin->project));
    check(!c->version->pre || s->u->rules.pre || a.pre || !final_would_do(s, pin, &a));
}

static void check_solution(struct universe *u, struct solver *solver)
{
    struct solution s = { .u = u };

    s.pins = solver_pins(solver, &s.n);
    for (size_t i = 0; i < u->n_requires; i++)
        check_met(&s, u->wanted[i], u->is_constraint[i]);
    for (size_t i = 0; i < s.n; i++) {
        check_pin(&s, &s.pins[i]);
        check_choice(&s, &s.pins[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct universe *u = mem_new(1, sizeof(*u));
    struct answer lazy, again, told;

    universe_init(u);
    if (size <= INPUT_MAX && read_universe(u, (struct str){ (const char *)data, size })) {
        solve(u, false, &lazy);
        solve(u, false, &again);
        solve(u, true, &told);
        check(str_eq(buf_str(&lazy.text), buf_str(&again.text)));
        check(str_eq(buf_str(&lazy.text), buf_str(&told.text)));
        if (!lazy.refused && lazy.state == SOLVE_FOUND)
            check_solution(u, lazy.solver);
        answer_done(&lazy);
        answer_done(&again);
        answer_done(&told);
    }
    universe_done(u);
    free(u);
    return 0;
}
