/* The partial solution: what was decided and derived, in order. */
#include <assert.h>

#include "dray/resolve/solver.h"
#include "dray/util/mem.h"

struct fates package_now(const struct package *p, const struct solver *s)
{
    return p->n_steps ? s->trail[p->steps[p->n_steps - 1]].now : p->all;
}

bool package_is_required(const struct package *p, const struct solver *s)
{
    return !fates_has(package_now(p, s), FATE_ABSENT);
}

void solver_changed(struct solver *s, struct package *p)
{
    if (p->changed)
        return;
    p->changed = true;
    s->queue = mem_grow(s->queue, s->n_queue, &s->cap_queue, sizeof(struct package *));
    s->queue[s->n_queue++] = p;
}

static void push(struct solver *s, struct package *p, struct fates own,
                 const struct incompatibility *cause)
{
    struct step step = { .package = p,
                         .own = own,
                         .now = fates_and(&s->arena, package_now(p, s), own),
                         .level = s->level,
                         .cause = cause };

    assert(!fates_is_empty(step.now));
    p->steps = mem_grow(p->steps, p->n_steps, &p->cap_steps, sizeof(*p->steps));
    p->steps[p->n_steps++] = s->n_trail;
    s->trail = mem_grow(s->trail, s->n_trail, &s->cap_trail, sizeof(*s->trail));
    s->trail[s->n_trail++] = step;
    solver_changed(s, p);
}

void solver_decide(struct solver *s, struct package *p, size_t fate)
{
    s->level++;
    p->decided = true;
    push(s, p, fates_one(&s->arena, p->all.n, fate), NULL);
    if (fate == FATE_ABSENT)
        return;
    solver_ask(s, p, fate);
    if (!p->extra.p)
        solver_link(s, p->project);
}

void solver_derive(struct solver *s, const struct term *t, const struct incompatibility *cause)
{
    push(s, t->package, fates_not(&s->arena, t->fates), cause);
}

void solver_back_to(struct solver *s, size_t level)
{
    while (s->n_trail && s->trail[s->n_trail - 1].level > level) {
        const struct step *last = &s->trail[--s->n_trail];
        last->package->n_steps--;
        if (!last->cause)
            last->package->decided = false;
    }
    while (s->n_asked && s->asked[s->n_asked - 1].level > level)
        s->asked[--s->n_asked].of->demands.n--;
    s->level = level;
}
