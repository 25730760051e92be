/* The solution: what is reached from what was asked for. */
#include "dray/resolve/solver.h"

struct reach {
    struct solver *s;
    struct map seen; /* project -> its pin */
    struct solve_pin *pins;
    size_t n;
};

static void reach(struct reach *r, const struct requirement *wants, struct str wanted_by)
{
    struct project *p = map_get(&r->s->projects, wants->project);

    if (map_get(&r->seen, p->name))
        return;
    size_t fate = fates_next(package_now(p->packages, r->s), 0);
    r->pins[r->n] = (struct solve_pin){
        .project = p->name, .candidate = fate - 1, .wanted_by = wanted_by, .wants = wants
    };
    map_put(&r->seen, p->name, &r->pins[r->n++]);
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
            if (package_needs(r->s, one, &m->requires[i]))
                reach(r, &m->requires[i], p -> name);
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
