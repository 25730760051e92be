/* What is decided next: which package, and which of its candidates. */
#include <limits.h>

#include "dray/resolve/solver.h"

/* So many conflicts make a package be decided before others (pip and uv have the same number). */
enum { CONFLICTS_PROMOTE = 5 };

/* pip's PipProvider.get_preference(), best first. */
struct preference {
    struct package *package; /* NULL: none */
    bool promoted, direct, pinned, bounded, free;
    unsigned order;
};

static struct preference preference_of(struct package *p)
{
    struct preference pref = {
        .package = p, .promoted = p->conflicts >= CONFLICTS_PROMOTE, .free = true, .order = p->order
    };

    for (size_t i = 0; i < p->demands.n; i++) {
        const struct demand *d = &p->demands.items[i];
        if (d->is_constraint)
            continue;
        pref.direct |= d->wants->url.p != NULL;
        pref.pinned |= d->pinned;
        pref.bounded |= d->bounded;
        pref.free &= !d->wants->specifiers.n;
    }
    return pref;
}

static int compare(const struct preference *a, const struct preference *b)
{
    if (a->promoted != b->promoted)
        return b->promoted - a->promoted;
    if (a->direct != b->direct)
        return b->direct - a->direct;
    if (a->pinned != b->pinned)
        return b->pinned - a->pinned;
    if (a->bounded != b->bounded)
        return b->bounded - a->bounded;
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    if (a->free != b->free)
        return a->free - b->free;
    return str_cmp(a->package->name, b->package->name);
}

struct fates project_admitted(struct solver *s, const struct project *p, const struct demands *d)
{
    struct arena *a = &s->arena;
    struct fates left = fates_and(a, p->versions, p->versions), urls = fates_none(a, left.n);
    bool pre = s->rules.pre, pinned = false, direct = false;

    for (size_t i = 0; i < d->n; i++) {
        const struct demand *one = &d->items[i];
        fates_keep(&left, one->fates);
        pre |= one->pre;
        pinned |= one->pinned;
        if (one->wants->url.p) {
            direct = true;
            urls = fates_or(a, urls, one->fates);
        }
    }
    if (direct) { /* pip: then nothing that is listed will do */
        fates_keep(&left, urls);
        return left;
    }
    fates_cut(&left, p->urls);
    if (!pre && fates_meet(left, p->finals))
        fates_keep(&left, p->finals);
    if (!pinned || !fates_within(left, p->yanked))
        fates_cut(&left, p->yanked);
    return left;
}

static struct fates admitted_now(struct solver *s, struct package *p)
{
    struct package *base = p->project->packages;

    if (p != base)
        return package_now(base, s);
    return project_admitted(s, p->project, &p->demands);
}

struct fates solver_choice(struct solver *s, struct package *p)
{
    struct fates choice = fates_and(&s->arena, package_now(p, s), admitted_now(s, p));

    fates_drop(&choice, FATE_ABSENT);
    return choice;
}

size_t solver_pick(const struct solver *s, const struct package *p, struct fates choice)
{
    bool direct = p->project->packages->order != UINT_MAX;
    bool lowest = s->rules.lowest || (s->rules.lowest_direct && direct);

    if (fates_is_empty(choice))
        return FATE_ABSENT;
    return lowest ? fates_last(choice) : fates_next(choice, 0);
}

size_t solver_best_fate(struct solver *s, struct package *p)
{
    return solver_pick(s, p, solver_choice(s, p));
}

static bool can_be_decided(const struct solver *s, const struct package *p)
{
    const struct package *base = p->project->packages;

    return !p->decided && package_is_required(p, s) && (p == base || base->decided);
}

/* The most preferred one behind `after` (NULL: of all). */
static struct preference most_preferred(const struct solver *s, const struct preference *after)
{
    struct preference best = { .package = NULL };

    for (size_t i = 0; i < s->n_packages; i++) {
        if (!can_be_decided(s, s->packages[i]))
            continue;
        struct preference pref = preference_of(s->packages[i]);
        if (after && compare(&pref, after) <= 0)
            continue;
        if (pref.package->extra.p) /* no choice is left */
            return pref;
        if (!best.package || compare(&pref, &best) < 0)
            best = pref;
    }
    return best;
}

/* One of which nothing is admitted waits for others that may ask for what it has. */
struct package *solver_next_package(struct solver *s)
{
    struct preference first = most_preferred(s, NULL), next = first;

    while (next.package && solver_best_fate(s, next.package) == FATE_ABSENT)
        next = most_preferred(s, &next);
    return next.package ? next.package : first.package;
}

void solver_put_term(struct solver *s, struct incompatibility *no, struct package *p,
                     struct fates set)
{
    for (size_t i = 0; i < no->n; i++)
        if (no->terms[i].package == p) {
            no->terms[i].fates = fates_and(&s->arena, no->terms[i].fates, set);
            return;
        }
    no->terms[no->n++] = (struct term){ p, set };
}

static bool is_active(const struct demands *d, const struct demand *known)
{
    for (size_t i = 0; i < d->n; i++)
        if (d->items[i].by == known->by && d->items[i].fate == known->fate &&
            d->items[i].wants == known->wants)
            return true;
    return false;
}

/* Might it change what is admitted? */
static bool matters(const struct demand *known, struct fates admitted)
{
    return known->wants->url.p || known->pre || known->pinned ||
           !fates_within(admitted, known->fates);
}

/* With these that ask for it, and without those others that are known to ask otherwise. One that is
 * not decided either way is decided to be absent: nobody needs it. */
void solver_refuse_unasked(struct solver *s, struct package *p)
{
    const struct demands *known = &p->project->known_demands;
    struct fates admitted = project_admitted(s, p->project, &p->demands);
    struct incompatibility *no =
        solver_incompatibility(s, REASON_UNASKED, 1 + p->demands.n + known->n);
    struct package *undecided = NULL;

    no->n = 0;
    solver_put_term(s, no, p, fates_but(&s->arena, p->project->versions, admitted));
    for (size_t i = 0; i < p->demands.n; i++) {
        const struct demand *d = &p->demands.items[i];
        if (d->by)
            solver_put_term(s, no, d->by, fates_one(&s->arena, d->by->all.n, d->fate));
    }
    for (size_t i = 0; i < known->n; i++) {
        const struct demand *d = &known->items[i];
        struct fates now = package_now(d->by, s);
        if (is_active(&p->demands, d) || !matters(d, admitted))
            continue;
        if (fates_has(now, d->fate) && package_is_required(d->by, s))
            continue; /* it waits as this one does */
        if (fates_has(now, d->fate))
            undecided = d->by;
        solver_put_term(s, no, d->by,
                        fates_not(&s->arena, fates_one(&s->arena, d->by->all.n, d->fate)));
    }
    if (undecided)
        solver_decide(s, undecided, FATE_ABSENT);
    else
        solver_add(s, no);
}
