/* The solution: what is reached from what was asked for. */
#include "dray/resolve/solver.h"

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
