/* Unit propagation, and what is learned from a conflict: PubGrub's, with sets of fates in place of
 * its positive and negative terms. */
#include "dray/resolve/solver.h"

enum relation {
    SATISFIED,    /* all terms hold: a conflict */
    ALMOST,       /* all but one, which may yet hold */
    CONTRADICTED, /* one can't hold any more */
    OPEN
};

/* ALMOST: `left` is the one that is open. */
static enum relation relate(const struct solver *s, const struct incompatibility *i,
                            const struct term **left)
{
    enum relation is = SATISFIED;

    for (size_t k = 0; k < i->n; k++) {
        struct fates now = package_now(i->terms[k].package, s);
        if (!fates_meet(now, i->terms[k].fates))
            return CONTRADICTED;
        if (fates_within(now, i->terms[k].fates))
            continue;
        if (is == ALMOST)
            return OPEN; /* or contradicted, which comes to the same */
        is = ALMOST;
        *left = &i->terms[k];
    }
    return is;
}

/* The first step after which a term holds, seen with what `with` leaves (or NULL); before `before`.
 */
static size_t first_step(const struct solver *s, const struct term *t, const struct step *with,
                         size_t before)
{
    const struct package *p = t->package;

    for (size_t i = 0; i < p->n_steps && p->steps[i] < before; i++) {
        const struct step *step = &s->trail[p->steps[i]];
        bool holds = true;
        for (size_t f = fates_next(step->now, 0); f < step->now.n && holds;
             f = fates_next(step->now, f + 1))
            holds = fates_has(t->fates, f) || (with && !fates_has(with->own, f));
        if (holds)
            return p->steps[i];
    }
    return before;
}

struct satisfier {
    size_t at;             /* the step with which the conflict was there */
    const struct term *of; /* the term that it made hold */
    size_t level_before;   /* at which all else held already */
};

static struct satisfier find_satisfier(const struct solver *s, const struct incompatibility *i)
{
    struct satisfier found = { .of = &i->terms[0],
                               .at = first_step(s, &i->terms[0], NULL, s->n_trail) };

    for (size_t k = 1; k < i->n; k++) {
        size_t at = first_step(s, &i->terms[k], NULL, s->n_trail);
        if (at > found.at) {
            if (s->trail[found.at].level > found.level_before)
                found.level_before = s->trail[found.at].level;
            found.at = at;
            found.of = &i->terms[k];
        } else if (s->trail[at].level > found.level_before) {
            found.level_before = s->trail[at].level;
        }
    }
    const struct step *step = &s->trail[found.at];
    if (!fates_within(step->own, found.of->fates)) {
        size_t at = first_step(s, found.of, step, found.at);
        if (at < found.at && s->trail[at].level > found.level_before)
            found.level_before = s->trail[at].level;
    }
    return found;
}

static void put_term(struct solver *s, struct incompatibility *out, const struct term *t,
                     const struct package *about)
{
    for (size_t i = 0; i < out->n; i++) {
        if (out->terms[i].package != t->package)
            continue;
        /* Of the package that is resolved about either side will do, of others both must hold. */
        out->terms[i].fates = t->package == about
                                  ? fates_or(&s->arena, out->terms[i].fates, t->fates)
                                  : fates_and(&s->arena, out->terms[i].fates, t->fates);
        return;
    }
    out->terms[out->n++] = *t;
}

/* What follows from both, whatever becomes of `about`, which is in both. */
static struct incompatibility *resolve(struct solver *s, const struct incompatibility *left,
                                       const struct incompatibility *right,
                                       const struct package *about)
{
    struct incompatibility *out = solver_incompatibility(s, REASON_LEARNED, left->n + right->n);
    size_t kept = 0;

    out->n = 0;
    for (size_t i = 0; i < left->n; i++)
        put_term(s, out, &left->terms[i], about);
    for (size_t i = 0; i < right->n; i++)
        put_term(s, out, &right->terms[i], about);
    for (size_t i = 0; i < out->n; i++)
        if (!fates_is_all(out->terms[i].fates))
            out->terms[kept++] = out->terms[i];
    out->n = kept;
    out->left = left;
    out->right = right;
    return out;
}

static void blame(const struct incompatibility *i)
{
    for (size_t k = 0; k < i->n; k++)
        i->terms[k].package->conflicts++;
}

/* From a conflict to the decision that is to be taken back, and to what is learned from it; NULL:
 * there is none to take back. */
static const struct incompatibility *settle(struct solver *s,
                                            const struct incompatibility *conflict)
{
    struct incompatibility *learned = NULL;
    const struct incompatibility *i = conflict;

    while (i->n) {
        struct satisfier by = find_satisfier(s, i);
        const struct step *step = &s->trail[by.at];
        if (!step->cause || by.level_before < step->level) {
            blame(i);
            solver_back_to(s, by.level_before);
            if (learned)
                solver_add(s, learned);
            return i;
        }
        i = learned = resolve(s, i, step->cause, by.of->package);
    }
    s->failure = i;
    return NULL;
}

/* One package's; false: a conflict that can't be settled. */
static bool propagate_one(struct solver *s, struct package *p)
{
    const struct term *left = NULL;

    for (size_t i = p->n_about; i-- > 0;) {
        const struct incompatibility *no = p->about[i];
        enum relation is = relate(s, no, &left);
        if (is == ALMOST) {
            solver_derive(s, left, no);
        } else if (is == SATISFIED) {
            s->at_replay = s->n_replays; /* what was to be decided again led here */
            no = settle(s, no);
            if (!no)
                return false;
            if (relate(s, no, &left) == ALMOST)
                solver_derive(s, left, no);
            return true;
        }
    }
    return true;
}

bool solver_propagate(struct solver *s)
{
    while (s->n_queue) {
        struct package *p = s->queue[--s->n_queue];
        p->changed = false;
        if (!propagate_one(s, p))
            return false;
    }
    return true;
}
