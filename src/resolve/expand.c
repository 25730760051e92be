/* From facts to incompatibilities: what a person asks for, what a candidate needs. */
#include <limits.h>

#include "dray/resolve/solver.h"
#include "dray/util/mem.h"

struct project *solver_project(struct solver *s, struct str name)
{
    struct project *p = map_get(&s->projects, name);

    if (p)
        return p;
    p = arena_alloc(&s->arena, 1, sizeof(*p));
    p->name = arena_str(&s->arena, name);
    map_put(&s->projects, p->name, p);
    return p;
}

/* As pip has it: a bound from above. */
static bool is_bounded(const struct specifier_set *s)
{
    bool bounded = false;

    for (size_t i = 0; i < s->n; i++) {
        const struct specifier *sp = &s->items[i];
        bounded |= sp->op == SPECIFIER_LT || sp->op == SPECIFIER_LE ||
                   sp->op == SPECIFIER_COMPATIBLE || (sp->op == SPECIFIER_EQ && sp->wildcard);
    }
    return bounded;
}

static void demands_add(struct demands *d, const struct demand *what)
{
    d->items = mem_grow(d->items, d->n, &d->cap, sizeof(*d->items));
    struct demand *one = &d->items[d->n++];
    *one = *what;
    one->pre = specifier_set_wants_pre(&what->wants->specifiers);
    one->pinned = specifier_set_is_pinned(&what->wants->specifiers);
    one->bounded = is_bounded(&what->wants->specifiers);
}

static struct package *make_package(struct solver *s, struct project *p, struct str extra)
{
    struct package *made = arena_alloc(&s->arena, 1, sizeof(*made)), **at = &p->packages;
    size_t n = p->listing.n + 1;

    made->project = p;
    made->extra = extra.p ? arena_str(&s->arena, extra) : STR_NONE;
    made->name =
        extra.p ? arena_f(&s->arena, "%.*s[%.*s]", STR_ARG(p->name), STR_ARG(extra)) : p->name;
    made->all = fates_all(&s->arena, n);
    made->expanded = fates_none(&s->arena, n);
    made->linked = fates_none(&s->arena, n);
    made->order = UINT_MAX;
    while (*at)
        at = &(*at)->next;
    *at = made;
    s->packages = mem_grow(s->packages, s->n_packages, &s->cap_packages, sizeof(*s->packages));
    s->packages[s->n_packages++] = made;
    return made;
}

static void constrain(struct solver *s, struct package *p)
{
    for (size_t i = 0; i < s->n_wishes; i++) {
        const struct wish *w = &s->wishes[i];
        if (!w->is_constraint || !str_eq(w->wants->project, p->project->name))
            continue;
        struct fates set = project_set(s, p->project, w->wants);
        struct incompatibility *no = solver_incompatibility(s, REASON_CONSTRAINED, 1);
        no->terms[0] = (struct term){ p, fates_but(&s->arena, p->project->versions, set) };
        no->needs = w->wants;
        no->label = w->label;
        solver_add(s, no);
        demands_add(&p->demands,
                    &(struct demand){ .wants = w->wants, .fates = set, .is_constraint = true });
    }
}

struct package *solver_package(struct solver *s, struct project *p, struct str extra)
{
    struct package *found;

    for (found = p->packages; found; found = found->next)
        if (found->extra.p ? extra.p && str_eq(found->extra, extra) : !extra.p)
            return found;
    if (extra.p)
        solver_package(s, p, STR_NONE);
    found = make_package(s, p, extra);
    if (extra.p)
        solver_link(s, p);
    else
        constrain(s, found);
    return found;
}

/* "foo[x]" is there in the version of "foo", if at all. */
void solver_link(struct solver *s, struct project *p)
{
    struct package *base = p->packages;

    if (!base->decided)
        return;
    size_t fate = fates_next(package_now(base, s), 0);
    for (struct package *e = base->next; e; e = e->next) {
        if (fates_has(e->linked, fate))
            continue;
        struct incompatibility *no = solver_incompatibility(s, REASON_SAME, 2);
        struct fates others = fates_but(&s->arena, e->all, fates_one(&s->arena, e->all.n, fate));
        fates_drop(&others, FATE_ABSENT);
        no->terms[0] = (struct term){ base, fates_one(&s->arena, e->all.n, fate) };
        no->terms[1] = (struct term){ e, others };
        fates_add(&e->linked, fate);
        solver_add(s, no);
    }
}

static bool allows(const struct requirement *r, const struct solve_candidate *c)
{
    if (r->url.p && !str_eq(r->url, c->url))
        return false;
    return specifier_set_contains(&r->specifiers, c->version);
}

struct fates project_set(struct solver *s, struct project *p, const struct requirement *r)
{
    struct str key =
        r->url.p ? arena_f(&s->arena, "%.*s @ %.*s", STR_ARG(r->specifiers.text), STR_ARG(r->url))
                 : r->specifiers.text;
    struct fates *set = map_get(&p->sets, key);

    if (set)
        return *set;
    set = arena_alloc(&s->arena, 1, sizeof(*set));
    *set = fates_none(&s->arena, p->listing.n + 1);
    for (size_t i = 0; i < p->listing.n; i++)
        if (allows(r, &p->listing.candidates[i]))
            fates_add(set, i + 1);
    map_put(&p->sets, key, set);
    return *set;
}

/* Each once: a project that is asked for by name and by URL has one listing. */
static void lack(struct solver *s, const struct solve_lack *what)
{
    for (size_t i = 0; i < s->n_lacks; i++) {
        struct solve_lack *known = &s->lacks[i];
        if (!str_eq(known->project, what->project) || known->candidate != what->candidate)
            continue;
        if (what->url.p)
            known->url = what->url;
        return;
    }
    s->lacks = mem_grow(s->lacks, s->n_lacks, &s->cap_lacks, sizeof(*s->lacks));
    s->lacks[s->n_lacks++] = *what;
}

static bool has_url(const struct project *p, struct str url)
{
    for (size_t i = 0; i < p->listing.n; i++)
        if (str_eq(p->listing.candidates[i].url, url))
            return true;
    return false;
}

bool solver_can_ask(struct solver *s, const struct requirement *r)
{
    struct project *p = solver_project(s, r->project);

    if (p->known && (!r->url.p || has_url(p, r->url)))
        return true;
    lack(s, &(struct solve_lack){ p->name, SOLVE_LISTING, r->url });
    return false;
}

struct incompatibility *solver_incompatibility(struct solver *s, enum reason reason, size_t n_terms)
{
    struct incompatibility *i = arena_alloc(&s->arena, 1, sizeof(*i));

    i->reason = reason;
    i->terms = arena_alloc(&s->arena, n_terms, sizeof(*i->terms));
    i->n = n_terms;
    return i;
}

void solver_add(struct solver *s, struct incompatibility *i)
{
    for (size_t k = 0; k < i->n; k++) {
        struct package *p = i->terms[k].package;
        p->about = mem_grow(p->about, p->n_about, &p->cap_about, sizeof(struct incompatibility *));
        p->about[p->n_about++] = i;
        solver_changed(s, p);
    }
}

static void replace(struct package *p, const struct incompatibility *old,
                    struct incompatibility *by)
{
    for (size_t i = 0; i < p->n_about; i++)
        if (p->about[i] == old)
            p->about[i] = by;
}

/* Versions of one package that need the same are told of together: what is learned of one holds for
 * all of them. */
static bool merge(struct solver *s, const struct incompatibility *fresh)
{
    struct package *p = fresh->terms[0].package;

    for (size_t i = 0; i < p->n_about; i++) {
        struct incompatibility *old = p->about[i];
        if (old->reason != fresh->reason || old->n != fresh->n || old->terms[0].package != p)
            continue;
        if (fresh->n == 1 && !str_eq(old->needs->specifiers.text, fresh->needs->specifiers.text))
            continue;
        if (!str_eq(old->needs->project, fresh->needs->project) ||
            !str_eq(old->needs->url, fresh->needs->url))
            continue;
        if (fresh->n == 2 && (old->terms[1].package != fresh->terms[1].package ||
                              !fates_eq(old->terms[1].fates, fresh->terms[1].fates)))
            continue;
        struct incompatibility *both = solver_incompatibility(s, fresh->reason, fresh->n);
        memcpy(both->terms, old->terms, fresh->n * sizeof(*both->terms));
        both->terms[0].fates = fates_or(&s->arena, old->terms[0].fates, fresh->terms[0].fates);
        both->needs = old->needs;
        for (size_t k = 0; k < both->n; k++)
            replace(both->terms[k].package, old, both);
        solver_changed(s, p);
        return true;
    }
    return false;
}

/* `p` in this fate can't be with `other` outside of `set`. */
static void need(struct solver *s, const struct term *of, struct package *other, struct fates set,
                 const struct requirement *r)
{
    bool same = other == of->package;

    if (same && fates_within(of->fates, set))
        return;
    bool never = same || fates_is_empty(set);
    struct incompatibility *no = solver_incompatibility(s, REASON_NEEDS, never ? 1 : 2);
    no->terms[0] = *of;
    if (!never)
        no->terms[1] = (struct term){ other, fates_not(&s->arena, set) };
    no->needs = r;
    if (!merge(s, no))
        solver_add(s, no);
}

static struct str extra_name(struct solver *s, const struct requirement *r, size_t i)
{
    return project_name_normalize(&s->arena, r->extras[i]);
}

static void add_needs(struct solver *s, const struct term *of, size_t fate,
                      const struct requirement *r)
{
    struct project *p = solver_project(s, r->project);
    struct package *base = solver_package(s, p, STR_NONE);
    struct fates set = project_set(s, p, r);

    need(s, of, base, set, r);
    demands_add(&p->known_demands,
                &(struct demand){ .by = of->package, .fate = fate, .wants = r, .fates = set });
    for (size_t i = 0; i < r->n_extras; i++)
        need(s, of, solver_package(s, p, extra_name(s, r, i)), p->versions, r);
}

/* pip: an extra that is not provided asks for nothing, whatever markers say. */
static bool provides(const struct solve_metadata *m, struct str extra)
{
    for (size_t i = 0; i < m->n_extras; i++)
        if (str_eq(m->extras[i], extra))
            return true;
    return !m->extras;
}

bool package_needs(const struct solver *s, const struct package *p, const struct solve_metadata *m,
                   const struct requirement *r)
{
    bool always = marker_eval(r->marker, s->rules.env, STR_NONE);

    if (!p->extra.p)
        return always;
    return !always && provides(m, p->extra) && marker_eval(r->marker, s->rules.env, p->extra);
}

static void exclude(struct solver *s, const struct term *of, enum reason reason,
                    const struct solve_metadata *m)
{
    struct incompatibility *no = solver_incompatibility(s, reason, 1);

    no->terms[0] = *of;
    no->metadata = m;
    solver_add(s, no);
}

static bool python_fits(const struct solver *s, const struct solve_metadata *m)
{
    return !m->requires_python || specifier_set_contains(m->requires_python, s->rules.python);
}

bool solver_expand(struct solver *s, struct package *p, size_t fate)
{
    const struct solve_metadata *m = p->project->metadata[fate - 1];
    struct term of = { p, fates_one(&s->arena, p->all.n, fate) };

    if (fates_has(p->expanded, fate))
        return true;
    if (!m) {
        lack(s, &(struct solve_lack){ p->project->name, (int)fate - 1, STR_NONE });
        return false;
    }
    if (m->unusable.p || !python_fits(s, m)) {
        exclude(s, &of, m->unusable.p ? REASON_UNUSABLE : REASON_PYTHON, m);
    } else {
        for (size_t i = 0; i < m->n; i++)
            if (package_needs(s, p, m, &m->dependencies[i]))
                solver_can_ask(s, &m->dependencies[i]);
        if (s->n_lacks)
            return false;
        for (size_t i = 0; i < m->n; i++)
            if (package_needs(s, p, m, &m->dependencies[i]))
                add_needs(s, &of, fate, &m->dependencies[i]);
    }
    fates_add(&p->expanded, fate);
    p->project->tried += !p->extra.p;
    return true;
}

void solver_ask(struct solver *s, struct package *p, size_t fate)
{
    const struct solve_metadata *m = p->project->metadata[fate - 1];

    for (size_t i = 0; i < m->n; i++) {
        const struct requirement *r = &m->dependencies[i];
        if (!package_needs(s, p, m, r))
            continue;
        struct project *of = solver_project(s, r->project);
        demands_add(
            &of->packages->demands,
            &(struct demand){ .by = p, .fate = fate, .wants = r, .fates = project_set(s, of, r) });
        s->asked = mem_grow(s->asked, s->n_asked, &s->cap_asked, sizeof(*s->asked));
        s->asked[s->n_asked++] = (struct demand_of){ of->packages, s->level };
    }
}

/* A person asks for `p`: nothing but `set` will do. */
static void forbid(struct solver *s, const struct wish *w, struct package *p, struct fates set)
{
    bool never = fates_is_empty(set);
    struct incompatibility *no = solver_incompatibility(s, REASON_ASKED, never ? 0 : 1);

    if (!never)
        no->terms[0] = (struct term){ p, fates_not(&s->arena, set) };
    no->needs = w->wants;
    no->label = w->label;
    solver_add(s, no);
    if (never && !s->failure)
        s->failure = no;
}

static void begin_with(struct solver *s, const struct wish *w, unsigned order)
{
    struct project *p = solver_project(s, w->wants->project);
    struct package *base = solver_package(s, p, STR_NONE);
    struct fates set = project_set(s, p, w->wants);

    if (base->order == UINT_MAX)
        base->order = order;
    demands_add(&base->demands, &(struct demand){ .wants = w->wants, .fates = set });
    forbid(s, w, base, set);
    for (size_t i = 0; i < w->wants->n_extras; i++)
        forbid(s, w, solver_package(s, p, extra_name(s, w->wants, i)), p->versions);
}

bool solver_begin(struct solver *s)
{
    for (size_t i = 0; i < s->n_wishes; i++)
        if (!s->wishes[i].is_constraint)
            solver_can_ask(s, s->wishes[i].wants);
    if (s->n_lacks)
        return false;
    for (size_t i = 0; i < s->n_wishes; i++)
        if (!s->wishes[i].is_constraint)
            begin_with(s, &s->wishes[i], (unsigned)i);
    return true;
}
