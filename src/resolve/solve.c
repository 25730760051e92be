/* The loop of a solver: all that follows, then one more decision. */
#include "dray/resolve/solve.h"

#include <assert.h>
#include <stdlib.h>

#include "dray/resolve/solver.h"
#include "dray/util/mem.h"

/* So often one decision may give way to another: against going round in circles. */
enum { YIELDS_MAX = 8 };
/* Rounds of one step: each looks at all packages that are known. */
enum { ROUNDS_A_STEP = 256 };
/* So many versions of one project are told to be likely at most. */
enum { LIKELY_MAX = 50 };

struct solver *solver_create(const struct solve_rules *rules)
{
    struct solver *s = mem_new(1, sizeof(*s));

    s->rules = *rules;
    return s;
}

static void package_done(struct package *p)
{
    free(p->about);
    free(p->steps);
    free(p->demands.items);
}

void solver_destroy(struct solver *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_packages; i++)
        package_done(s->packages[i]);
    for (size_t i = 0; i < s->projects.n; i++) {
        struct project *p = s->projects.entries[i].value;
        map_done(&p->sets);
        free(p->known_demands.items);
    }
    map_done(&s->projects);
    free(s->wishes);
    free(s->packages);
    free(s->trail);
    free(s->asked);
    free(s->queue);
    free(s->replays);
    free(s->lacks);
    free(s->likely);
    arena_done(&s->arena);
    free(s);
}

static void add_wish(struct solver *s, const struct wish *w)
{
    s->wishes = mem_grow(s->wishes, s->n_wishes, &s->cap_wishes, sizeof(*s->wishes));
    s->wishes[s->n_wishes++] = *w;
}

void solver_require(struct solver *s, const struct requirement *r, struct str label)
{
    add_wish(s, &(struct wish){ .wants = r, .label = label });
}

void solver_constrain(struct solver *s, const struct requirement *r, struct str label)
{
    add_wish(s, &(struct wish){ .wants = r, .label = label, .is_constraint = true });
}

const struct solve_lack *solver_lacks(const struct solver *s, size_t *n)
{
    *n = s->n_lacks;
    return s->lacks;
}

static void sort_candidates(struct solver *s, struct project *p)
{
    size_t n = p->listing.n + 1;

    p->finals = fates_none(&s->arena, n);
    p->yanked = fates_none(&s->arena, n);
    p->urls = fates_none(&s->arena, n);
    p->versions = fates_all(&s->arena, n);
    fates_drop(&p->versions, FATE_ABSENT);
    p->guessed = p->versions;
    for (size_t i = 0; i < p->listing.n; i++) {
        const struct solve_candidate *c = &p->listing.candidates[i];
        if (c->url.p)
            fates_add(&p->urls, i + 1);
        else if (!c->version->pre)
            fates_add(&p->finals, i + 1);
        if (c->yanked)
            fates_add(&p->yanked, i + 1);
    }
}

void solver_tell_listing(struct solver *s, struct str project, const struct solve_listing *l)
{
    struct project *p = solver_project(s, project);

    assert(!p->known);
    p->known = true;
    p->listing = *l;
    p->metadata = arena_alloc(&s->arena, l->n, sizeof(struct solve_metadata *));
    sort_candidates(s, p);
}

void solver_tell_metadata(struct solver *s, struct str project, size_t candidate,
                          const struct solve_metadata *m)
{
    solver_project(s, project)->metadata[candidate] = m;
}

/* -- one more decision -- */

/* What stands against this fate, given all others as they are now; NULL: nothing. */
static const struct incompatibility *against(const struct solver *s, const struct package *p,
                                             size_t fate, const struct incompatibility *after)
{
    bool reached = !after;

    for (size_t i = 0; i < p->n_about; i++) {
        const struct incompatibility *no = p->about[i];
        bool holds = true;
        for (size_t k = 0; k < no->n && holds; k++)
            holds = no->terms[k].package == p
                        ? fates_has(no->terms[k].fates, fate)
                        : fates_within(package_now(no->terms[k].package, s), no->terms[k].fates);
        if (holds && reached)
            return no;
        reached |= no == after;
    }
    return NULL;
}

/* May the other one simply be decided otherwise? It was free to be, until it was. */
static bool can_yield(const struct solver *s, const struct package *p,
                      const struct incompatibility *no)
{
    if (no->reason != REASON_NEEDS || no->n != 2 || no->terms[0].package != p)
        return false;
    const struct package *other = no->terms[1].package;
    if (!other->decided || other->yielded >= YIELDS_MAX)
        return false;
    size_t last = other->steps[other->n_steps - 1];
    if (s->trail[last].cause)
        return false;
    struct fates before =
        other->n_steps > 1 ? s->trail[other->steps[other->n_steps - 2]].now : other->all;
    return !fates_within(before, no->terms[1].fates);
}

/* As pip, which then pins the other one anew: its decision goes, those behind it are made again
 * without it, and then that of `p`. */
static void yield(struct solver *s, struct package *p, size_t fate, struct package *other)
{
    size_t at = other->steps[other->n_steps - 1];

    s->n_replays = s->at_replay = 0;
    other->yielded++;
    for (size_t i = at + 1; i <= s->n_trail; i++) {
        const struct step *step = i < s->n_trail ? &s->trail[i] : NULL;
        if (step && (step->cause || step->package->extra.p || fates_has(step->now, FATE_ABSENT)))
            continue;
        s->replays = mem_grow(s->replays, s->n_replays, &s->cap_replays, sizeof(*s->replays));
        s->replays[s->n_replays++] =
            step ? (struct replay){ step->package, fates_next(step->now, 0) }
                 : (struct replay){ p, fate };
    }
    solver_back_to(s, s->trail[at].level - 1);
}

/* `p` gets this fate, or what stands against it does its work. */
static void try_fate(struct solver *s, struct package *p, size_t fate)
{
    const struct incompatibility *no = against(s, p, fate, NULL), *first = no;

    if (!no) {
        solver_decide(s, p, fate);
        return;
    }
    while (no && can_yield(s, p, no))
        no = against(s, p, fate, no);
    if (no)
        solver_changed(s, p);
    else
        yield(s, p, fate, first->terms[1].package);
}

/* The next of those that are to be decided again, if it still can be. */
static struct package *next_replay(struct solver *s, size_t *fate)
{
    while (s->at_replay < s->n_replays) {
        const struct replay *r = &s->replays[s->at_replay++];
        struct package *p = r->package;
        *fate = r->fate;
        if (!p->decided && package_is_required(p, s) && fates_has(package_now(p, s), r->fate) &&
            fates_has(project_admitted(s, p->project, &p->demands), r->fate))
            return p;
    }
    return NULL;
}

enum solve_state solver_step(struct solver *s)
{
    size_t fate, until = s->rounds + ROUNDS_A_STEP;
    struct package *p;

    s->n_lacks = 0;
    s->begun = s->begun || solver_begin(s);
    if (!s->begun)
        return SOLVE_LACKS;
    while (!s->failure && solver_propagate(s)) {
        if (s->rounds == until)
            return SOLVE_PAUSED;
        p = next_replay(s, &fate);
        if (!p) {
            p = solver_next_package(s);
            fate = p ? solver_best_fate(s, p) : FATE_ABSENT;
        }
        if (!p && solver_is_supported(s))
            return SOLVE_FOUND;
        if (!p)
            continue;
        if (fate == FATE_ABSENT)
            solver_refuse_unasked(s, p);
        else if (solver_expand(s, p, fate))
            try_fate(s, p, fate);
        else
            return SOLVE_LACKS;
        s->rounds++;
    }
    return SOLVE_NOTHING;
}

size_t solver_rounds(const struct solver *s)
{
    return s->rounds;
}

/* -- for those who fetch ahead -- */

int solver_guess(struct solver *s, const struct requirement *r)
{
    struct project *p = solver_project(s, r->project);
    struct demand one = { .wants = r,
                          .pre = specifier_set_wants_pre(&r->specifiers),
                          .pinned = specifier_set_is_pinned(&r->specifiers) };
    struct demands alone = { &one, 1, 1 };

    if (!p->known)
        return SOLVE_LISTING;
    struct fates set = project_set(s, p, r);
    one.fates = fates_and(&s->arena, set, p->guessed);
    if (fates_is_empty(one.fates))
        one.fates = set;
    else
        p->guessed = one.fates;
    struct fates admitted = project_admitted(s, p, &alone);
    size_t fate = s->rules.lowest ? fates_last(admitted) : fates_next(admitted, 0);
    return fate < admitted.n ? (int)fate - 1 : SOLVE_LISTING;
}

/* Where versions were tried already the next ones, twice as many as those. */
static void add_likely(struct solver *s, struct package *p)
{
    struct project *of = p->project;
    size_t most = 1 + (of->tried < LIKELY_MAX / 2 ? 2 * of->tried : LIKELY_MAX);
    struct fates choice = solver_choice(s, p);

    for (size_t i = 0; i < most && !fates_is_empty(choice); i++) {
        size_t fate = solver_pick(s, p, choice);
        fates_drop(&choice, fate);
        if (of->metadata[fate - 1])
            continue;
        s->likely = mem_grow(s->likely, s->n_likely, &s->cap_likely, sizeof(*s->likely));
        s->likely[s->n_likely++] = (struct solve_lack){ of->name, (int)fate - 1, STR_NONE };
    }
}

const struct solve_lack *solver_likely(struct solver *s, size_t *n)
{
    s->n_likely = 0;
    for (size_t i = 0; i < s->n_packages; i++) {
        struct package *p = s->packages[i];
        if (!p->extra.p && !p->decided && package_is_required(p, s))
            add_likely(s, p);
    }
    *n = s->n_likely;
    return s->likely;
}
