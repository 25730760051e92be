/* The solution: what is reached from what was asked for. */
#include <stdlib.h>

#include "dray/resolve/solver.h"
#include "dray/util/mem.h"

struct reach {
    struct solver *s;
    struct map seen; /* project -> its pin */
    struct solve_pin *pins;
    size_t n;
};

/* Those that need it for several reasons come one after the other. */
static void add_via(struct solver *s, struct solve_pin *pin, struct str by)
{
    bool full = (pin->n_via & (pin->n_via - 1)) == 0; /* at each power of two */
    struct str *more;

    if (!by.p || str_eq(by, pin->project) || (pin->n_via && str_eq(pin->via[pin->n_via - 1], by)))
        return;
    if (full) {
        more = arena_alloc(&s->arena, pin->n_via ? 2 * pin->n_via : 1, sizeof(*more));
        if (pin->n_via)
            memcpy(more, pin->via, pin->n_via * sizeof(*more));
        pin->via = more;
    }
    pin->via[pin->n_via++] = by;
}

static void reach(struct reach *r, const struct requirement *wants, struct str wanted_by)
{
    struct project *p = map_get(&r->s->projects, wants->project);
    struct solve_pin *pin = map_get(&r->seen, p->name);

    if (!pin) {
        size_t fate = fates_next(package_now(p->packages, r->s), 0);
        pin = &r->pins[r->n++];
        *pin = (struct solve_pin){ .project = p->name, .candidate = fate - 1, .wants = wants };
        map_put(&r->seen, p->name, pin);
    }
    add_via(r->s, pin, wanted_by);
}

static void reach_from(struct reach *r, struct solve_pin *pin)
{
    struct project *p = map_get(&r->s->projects, pin->project);
    const struct solve_metadata *m = p->metadata[pin->candidate];
    size_t n = 0;

    for (const struct package *one = p->packages; one; one = one->next)
        n++;
    struct str *extras = arena_alloc(&r->s->arena, n, sizeof(*extras));
    for (const struct package *one = p->packages; one; one = one->next) {
        if (!one->decided)
            continue;
        if (one->extra.p)
            extras[pin->n_extras++] = one->extra;
        for (size_t i = 0; i < m->n; i++)
            if (package_needs(r->s, one, m, &m->dependencies[i]))
                reach(r, &m->dependencies[i], p->name);
    }
    pin->extras = extras;
}

const struct solve_pin *solver_pins(struct solver *s, size_t *n)
{
    struct reach r = { .s = s };

    if (!s->pins) {
        r.pins = arena_alloc(&s->arena, s->projects.n, sizeof(*r.pins));
        for (size_t i = 0; i < s->n_wishes; i++)
            if (!s->wishes[i].is_constraint)
                reach(&r, s->wishes[i].wants, STR_NONE);
        for (size_t i = 0; i < r.n; i++)
            reach_from(&r, &r.pins[i]);
        map_done(&r.seen);
        s->pins = r.pins;
        s->n_pins = r.n;
    }
    *n = s->n_pins;
    return s->pins;
}

static bool has_pin(const struct solver *s, const struct project *p)
{
    for (size_t i = 0; i < s->n_pins; i++)
        if (str_eq(s->pins[i].project, p->name))
            return true;
    return false;
}

/* Those demands of `p` that are made within the solution. */
static void collect_demands(const struct solver *s, const struct package *p, struct demands *out)
{
    out->n = 0;
    for (size_t i = 0; i < p->demands.n; i++) {
        const struct demand *d = &p->demands.items[i];
        if (d->by && !has_pin(s, d->by->project))
            continue;
        out->items = mem_grow(out->items, out->n, &out->cap, sizeof(*out->items));
        out->items[out->n++] = *d;
    }
}

static void refuse(struct solver *s, struct package *p, size_t fate, const struct demands *d)
{
    struct incompatibility *no = solver_incompatibility(s, REASON_UNASKED, 1 + d->n);

    no->n = 0;
    solver_put_term(s, no, p, fates_one(&s->arena, p->all.n, fate));
    for (size_t i = 0; i < d->n; i++)
        if (d->items[i].by)
            solver_put_term(s, no, d->items[i].by,
                            fates_one(&s->arena, d->items[i].by->all.n, d->items[i].fate));
    solver_add(s, no);
}

bool solver_is_supported(struct solver *s)
{
    struct demands d = { 0 };
    bool supported = true;
    size_t n;

    solver_pins(s, &n);
    for (size_t i = 0; i < n && supported; i++) {
        const struct project *p = map_get(&s->projects, s->pins[i].project);
        size_t fate = s->pins[i].candidate + 1;
        if (!fates_has(p->yanked, fate) && (fates_has(p->finals, fate) || fates_has(p->urls, fate)))
            continue;
        collect_demands(s, p->packages, &d);
        supported = fates_has(project_admitted(s, p, &d), fate);
        if (!supported)
            refuse(s, p->packages, fate, &d);
    }
    free(d.items);
    if (!supported)
        s->pins = NULL;
    return supported;
}
