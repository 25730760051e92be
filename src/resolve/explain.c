/* The leaves of the derivation are facts that can't all hold. Those that are alike are told
 * together, each behind what leads to it. */
#include "dray/resolve/explain.h"

#include <assert.h>
#include <stdlib.h>

#include "dray/resolve/solver.h"
#include "dray/util/mem.h"

enum {
    SPELLED_MAX = 4, /* versions, or demands, that are told one by one */
    REFUSED_MAX = 3
};

/* Facts of one reason about one package, and of REASON_NEEDS about one that it needs. */
struct fact {
    const struct incompatibility *first;
    const struct incompatibility **all; /* that differ in what they ask for */
    size_t n, cap;
    struct package *package; /* NULL: what a person asks for */
    struct fates fates;      /* of the package: all of them together */
    struct str of;           /* project that it asks for, or is about */
    bool told;
};

struct story {
    const struct solver *s;
    struct arena arena;
    struct map seen; /* nodes of the derivation, by address */
    struct fact *facts;
    size_t n, cap;
    struct buf *out;
};

static struct str project_of(const struct incompatibility *i)
{
    if (i->needs)
        return i->needs->project;
    return i->terms[0].package->project->name;
}

static struct package *package_of(const struct incompatibility *i)
{
    bool asked = i->reason == REASON_ASKED || i->reason == REASON_CONSTRAINED;

    return asked ? NULL : i->terms[0].package;
}

static bool asks_the_same(const struct incompatibility *x, const struct incompatibility *y)
{
    return !x->needs || (str_eq(x->needs->specifiers.text, y->needs->specifiers.text) &&
                         str_eq(x->needs->url, y->needs->url) && str_eq(x->label, y->label));
}

static struct fact *find_fact(struct story *st, const struct incompatibility *i)
{
    for (size_t k = 0; k < st->n; k++) {
        struct fact *f = &st->facts[k];
        if (f->first->reason == i->reason && f->package == package_of(i) &&
            str_eq(f->of, project_of(i)) && (f->package || asks_the_same(f->first, i)))
            return f;
    }
    st->facts = mem_grow(st->facts, st->n, &st->cap, sizeof(*st->facts));
    struct fact *f = &st->facts[st->n++];
    *f = (struct fact){ .first = i, .package = package_of(i), .of = project_of(i) };
    return f;
}

static void add_fact(struct story *st, const struct incompatibility *i)
{
    struct fact *f = find_fact(st, i);

    if (f->package)
        f->fates = f->n ? fates_or(&st->arena, f->fates, i->terms[0].fates) : i->terms[0].fates;
    for (size_t k = 0; k < f->n; k++)
        if (asks_the_same(f->all[k], i))
            return;
    f->all = mem_grow(f->all, f->n, &f->cap, sizeof(struct incompatibility *));
    f->all[f->n++] = i;
}

/* Without recursion: a derivation may be as deep as there were conflicts. */
static void collect(struct story *st, const struct incompatibility *failure)
{
    const struct incompatibility **open = NULL;
    size_t n = 0, cap = 0;

    open = mem_grow(open, n, &cap, sizeof(struct incompatibility *));
    open[n++] = failure;
    while (n) {
        const struct incompatibility *i = open[--n];
        struct str key = arena_f(&st->arena, "%p", (const void *)i);
        if (map_get(&st->seen, key))
            continue;
        map_put(&st->seen, key, st);
        if (i->reason != REASON_LEARNED) {
            if (i->reason != REASON_SAME)
                add_fact(st, i);
            continue;
        }
        open = mem_grow(open, n, &cap, sizeof(struct incompatibility *));
        open[n++] = i->right;
        open = mem_grow(open, n, &cap, sizeof(struct incompatibility *));
        open[n++] = i->left;
    }
    free(open);
}

/* -- sentences -- */

static struct str version_text(const struct package *p, size_t fate)
{
    return p->project->listing.candidates[fate - 1].version->text;
}

static struct fates without_absent(struct story *st, struct fates s)
{
    return fates_but(&st->arena, s, fates_one(&st->arena, s.n, FATE_ABSENT));
}

/* "flask 2.0", "flask 1.0 to 2.0", "flask 1.0, 1.1 and 2.0": oldest first. */
static void tell_versions(struct story *st, const struct package *p, struct fates fates)
{
    struct fates s = without_absent(st, fates);
    size_t n = fates_count(s), best = fates_next(s, 0), worst = fates_last(s);
    bool in_a_row = n && worst - best + 1 == n;

    buf_add_f(st->out, "%.*s ", STR_ARG(p->name));
    if (n > 2 && n == p->project->listing.n) {
        buf_add_f(st->out, "in each of its %zu versions", n);
    } else if (n > 2 && (in_a_row || n > SPELLED_MAX)) {
        buf_add_f(st->out, "%.*s to %.*s", STR_ARG(version_text(p, worst)),
                  STR_ARG(version_text(p, best)));
        if (!in_a_row)
            buf_add_f(st->out, " (%zu versions)", n);
    } else {
        for (size_t left = n, fate = worst; left; left--) {
            buf_add_f(st->out, "%s%.*s",
                      left == n   ? ""
                      : left == 1 ? " and "
                                  : ", ",
                      STR_ARG(version_text(p, fate)));
            for (fate--; fate && !fates_has(s, fate); fate--)
                continue;
        }
    }
}

static void tell_wanted(struct story *st, const struct requirement *r)
{
    buf_add_f(st->out, "%.*s", STR_ARG(r->project));
    if (r->url.p)
        buf_add_z(st->out, " from a URL");
    else
        buf_add_str(st->out, r->specifiers.text);
}

static int compare_newest(const void *x, const void *y)
{
    const struct incompatibility *const *a = x, *const *b = y;
    size_t i = fates_next((*a)->terms[0].fates, 0), k = fates_next((*b)->terms[0].fates, 0);

    return i < k ? -1 : i > k;
}

static void tell_needs(struct story *st, const struct fact *f)
{
    assert(f->package);
    size_t n = fates_count(without_absent(st, f->fates));
    bool one = n == 1 || (n > 2 && n == f->package->project->listing.n);

    tell_versions(st, f->package, f->fates);
    buf_add_z(st->out, one ? " needs " : " need ");
    qsort(f->all, f->n, sizeof(struct incompatibility *), compare_newest);
    for (size_t i = 0; i < f->n; i++) {
        bool last = i + 1 == f->n;
        if (f->n > SPELLED_MAX && i > 1 && !last)
            continue;
        if (i)
            buf_add_z(st->out, !last ? ", " : f->n > SPELLED_MAX ? ", ... or " : " or ");
        tell_wanted(st, f->all[i]->needs);
    }
}

/* Of what is needed there is nothing at all. */
static void tell_nothing(struct story *st, const struct requirement *r)
{
    const struct project *p = map_get(&st->s->projects, r->project);

    if (p->listing.missing.p)
        buf_add_f(st->out, ", but %.*s", STR_ARG(p->listing.missing));
    else if (!p->listing.n)
        buf_add_z(st->out, ", of which no version can be used here");
    else if (r->specifiers.n > 1)
        buf_add_f(st->out, ", but no version that can be used here is in all of \"%.*s\"",
                  STR_ARG(r->specifiers.text));
    else
        buf_add_z(st->out, ", but no such version can be used here");
    if (!p->listing.missing.p && p->listing.n)
        buf_add_f(st->out, "; the newest that can is %.*s",
                  STR_ARG(p->listing.candidates[0].version->text));
}

/* Does it meet all that the story asks of its project? */
static bool is_wanted(const struct story *st, struct str project, const struct version *v)
{
    bool asked = false;

    for (size_t k = 0; k < st->n; k++) {
        const struct fact *f = &st->facts[k];
        bool fits = false;
        if (!f->first->needs || !str_eq(f->of, project))
            continue;
        for (size_t i = 0; i < f->n; i++)
            fits |= specifier_set_contains(&f->all[i]->needs->specifiers, v);
        if (!fits)
            return false;
        asked = true;
    }
    return asked;
}

/* Of the versions that nobody asked for those that would meet the story; if none does, all. */
static struct fates only_wanted(struct story *st, const struct project *p, struct fates of)
{
    struct fates s = fates_none(&st->arena, of.n);

    for (size_t fate = fates_next(of, 1); fate < of.n; fate = fates_next(of, fate + 1))
        if (is_wanted(st, p->name, p->listing.candidates[fate - 1].version))
            fates_add(&s, fate);
    return fates_is_empty(s) ? of : s;
}

/* Neither yanked nor final: only for who asks for pre-releases. */
static struct fates unasked_pre(struct story *st, const struct fact *f)
{
    assert(f->package);
    const struct project *p = f->package->project;
    struct fates versions = fates_and(&st->arena, f->fates, p->versions);
    struct fates others = fates_or(&st->arena, fates_or(&st->arena, p->yanked, p->finals), p->urls);

    return only_wanted(st, p, fates_but(&st->arena, versions, others));
}

static struct fates unasked_yanked(struct story *st, const struct fact *f)
{
    assert(f->package);
    const struct project *p = f->package->project;

    return only_wanted(st, p, fates_and(&st->arena, f->fates, p->yanked));
}

static void tell_unasked_of(struct story *st, const struct fact *f, struct fates s, const char *why)
{
    bool one = fates_count(s) == 1;

    tell_versions(st, f->package, s);
    buf_add_f(st->out, " %s %s", one ? "is" : "are", why);
}

/* Pre-releases, and what is yanked. */
static void tell_unasked(struct story *st, const struct fact *f)
{
    struct fates pre = unasked_pre(st, f), yanked = unasked_yanked(st, f);

    if (!fates_is_empty(pre))
        tell_unasked_of(st, f, pre, "only for who asks for pre-releases");
    if (!fates_is_empty(pre) && !fates_is_empty(yanked))
        buf_add_z(st->out, "\n  ");
    if (!fates_is_empty(yanked))
        tell_unasked_of(st, f, yanked, "yanked; \"==\" would take it all the same");
}

static void tell_fact(struct story *st, const struct fact *f)
{
    const struct incompatibility *i = f->first;
    bool one = f->package && fates_count(without_absent(st, f->fates)) == 1;

    buf_add_z(st->out, "\n  ");
    switch (i->reason) {
    case REASON_ASKED:
        buf_add_f(st->out, "you ask for %.*s", STR_ARG(i->label));
        if (!i->n)
            tell_nothing(st, i->needs);
        break;
    case REASON_CONSTRAINED:
        buf_add_f(st->out, "a constraint of yours is %.*s", STR_ARG(i->label));
        break;
    case REASON_NEEDS:
        tell_needs(st, f);
        if (i->n == 1 && i->terms[0].package->project != map_get(&st->s->projects, f->of))
            tell_nothing(st, i->needs);
        break;
    case REASON_PYTHON:
        tell_versions(st, f->package, f->fates);
        buf_add_f(st->out, " %s Python %.*s, and this is for %.*s", one ? "needs" : "need",
                  STR_ARG(i->metadata->requires_python->text),
                  STR_ARG(st->s->rules.env->python_full_version));
        break;
    case REASON_UNUSABLE:
        tell_versions(st, f->package, f->fates);
        buf_add_f(st->out, " can't be used: %.*s", STR_ARG(i->metadata->unusable));
        break;
    case REASON_UNASKED:
        tell_unasked(st, f);
        break;
    case REASON_SAME:
    case REASON_LEARNED:
        break;
    }
}

/* What a fact leads to comes behind it. */
static void tell_from(struct story *st, struct str project)
{
    for (size_t k = 0; k < st->n; k++) {
        struct fact *f = &st->facts[k];
        struct str about = f->package ? f->package->project->name : f->of;
        if (f->told || !str_eq(about, project) || f->first->reason == REASON_ASKED)
            continue;
        f->told = true;
        tell_fact(st, f);
        if (f->first->reason == REASON_NEEDS)
            tell_from(st, f->of);
    }
}

static void tell_all(struct story *st)
{
    for (size_t k = 0; k < st->n; k++) {
        struct fact *f = &st->facts[k];
        if (f->told || f->first->reason != REASON_ASKED)
            continue;
        f->told = true;
        tell_fact(st, f);
        tell_from(st, f->of);
    }
}

/* -- what would help -- */

static void tell_refused(struct story *st, const struct project *p)
{
    size_t told = 0;

    for (size_t i = 0; i < p->listing.n_refused && told < REFUSED_MAX; i++) {
        const struct solve_refused *r = &p->listing.refused[i];
        if (!is_wanted(st, p->name, r->version))
            continue;
        buf_add_f(st->out, "\n%.*s %.*s would do, but it %.*s", STR_ARG(p->name),
                  STR_ARG(r->version->text), STR_ARG(r->why));
        told++;
    }
}

static void tell_help(struct story *st)
{
    bool pre = false;

    for (size_t i = 0; i < st->s->projects.n; i++)
        tell_refused(st, st->s->projects.entries[i].value);
    for (size_t k = 0; k < st->n; k++)
        pre |= st->facts[k].first->reason == REASON_UNASKED &&
               !fates_is_empty(unasked_pre(st, &st->facts[k]));
    if (pre)
        buf_add_z(st->out, "\n--pre allows pre-releases");
}

void solver_explain(const struct solver *s, struct buf *out)
{
    struct story st = { .s = s, .out = out };

    buf_add_z(out, "this can't all be had together:");
    collect(&st, s->failure);
    tell_all(&st);
    tell_help(&st);
    for (size_t k = 0; k < st.n; k++)
        free(st.facts[k].all);
    free(st.facts);
    map_done(&st.seen);
    arena_done(&st.arena);
}
