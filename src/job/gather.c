#include "dray/job/gather.h"

#include <stdlib.h>

#include "dray/util/buf.h"
#include "dray/util/map.h"
#include "dray/util/mem.h"

/* All that was said about one project. */
struct demand {
    struct str project; /* STR_NONE: nobody tells it */
    const struct want **wants, **constraints;
    size_t n_wants, wants_cap, n_constraints, constraints_cap;
};

struct work {
    const struct gather_input *in;
    struct gathered *out;
    struct demand *demands;
    size_t n, cap;
    struct map by_key; /* project or URL -> index + 1 in demands, as a pointer */
    struct map named;  /* URL -> a want that tells the project, too */
    bool hash_mode;
};

/* "https://.../foo-1.0.tar.gz" does not tell its project, and means the same as "foo @
 * https://.../foo-1.0.tar.gz". */
static void learn_names(struct work *w, const struct want *wants, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (wants[i].project.p && wants[i].url.p)
            map_put(&w->named, wants[i].url, (void *)(uintptr_t)&wants[i]);
}

static struct demand *demand_of(struct work *w, const struct want *want)
{
    const struct want *named = want->project.p ? want : map_get(&w->named, want->url);
    struct str key = named ? named->project : want->url;
    uintptr_t index = (uintptr_t)map_get(&w->by_key, key);

    if (index)
        return &w->demands[index - 1];
    w->demands = mem_grow(w->demands, w->n, &w->cap, sizeof(*w->demands));
    w->demands[w->n++] = (struct demand){ .project = named ? named->project : STR_NONE };
    map_put(&w->by_key, key, (void *)(uintptr_t)w->n);
    return &w->demands[w->n - 1];
}

static void collect(struct work *w)
{
    const struct gather_input *in = w->in;

    learn_names(w, in->wants, in->n_wants);
    learn_names(w, in->constraints, in->n_constraints);
    for (size_t i = 0; i < in->n_wants; i++) {
        const struct want *want = &in->wants[i];
        w->hash_mode |= want->has_hash_option;
        if (!marker_eval(want->marker, in->env, STR_NONE)) {
            strs_add(&w->out->ignored, want->label);
            continue;
        }
        struct demand *d = demand_of(w, want);
        d->wants = mem_grow(d->wants, d->n_wants, &d->wants_cap, sizeof(*d->wants));
        d->wants[d->n_wants++] = want;
    }
    for (size_t i = 0; i < in->n_constraints; i++) {
        const struct want *c = &in->constraints[i];
        w->hash_mode |= c->has_hash_option;
        if (!map_get(&w->by_key, c->project) || !marker_eval(c->marker, in->env, STR_NONE))
            continue;
        struct demand *d = demand_of(w, c);
        d->constraints = mem_grow(d->constraints, d->n_constraints, &d->constraints_cap,
                                  sizeof(*d->constraints));
        d->constraints[d->n_constraints++] = c;
    }
}

/* pip's Hashes.__and__: no hashes mean no restriction; otherwise only what both allow. False when
 * that is nothing. */
static bool intersect_hashes(struct work *w, struct fetch_wish *wish, const struct want *want)
{
    struct digest *both;
    size_t n = 0;

    if (!want->n_hashes)
        return true;
    if (!wish->n_hashes) {
        wish->hashes = want->hashes;
        wish->n_hashes = want->n_hashes;
        return true;
    }
    both = arena_alloc(&w->out->arena, wish->n_hashes, sizeof(*both));
    for (size_t i = 0; i < wish->n_hashes; i++)
        for (size_t k = 0; k < want->n_hashes; k++)
            if (digest_eq(&wish->hashes[i], &want->hashes[k])) {
                both[n++] = wish->hashes[i];
                break;
            }
    wish->hashes = both;
    wish->n_hashes = n;
    return n > 0;
}

static struct str where(const struct want *want)
{
    return want->origin.p ? want->origin : want->label; /* of the command line */
}

/* A wish while it is put together, and who said what the next one may contradict. */
struct draft {
    struct fetch_wish *wish;
    const struct want *url_from, *hashes_from;
};

static void add_want(struct work *w, struct draft *d, const struct want *want)
{
    struct fetch_wish *wish = d->wish;

    if (d->url_from && want->url.p && !str_eq(want->url, wish->url))
        err_set(&wish->fault, ERR_CONFLICT, "%.*s and %.*s name different files for it",
                STR_ARG(where(d->url_from)), STR_ARG(where(want)));
    if (!intersect_hashes(w, wish, want) && d->hashes_from)
        err_set(&wish->fault, ERR_CONFLICT, "no hash is allowed by both %.*s and %.*s",
                STR_ARG(where(d->hashes_from)), STR_ARG(where(want)));
    if (want->url.p) {
        wish->url = want->url;
        d->url_from = want;
    }
    if (want->n_hashes)
        d->hashes_from = want;
}

static bool is_pinned(const struct want *want)
{
    const struct specifier_set *s = &want->specifiers;

    /* pip's InstallRequirement.is_pinned, which "==1.*" passes. */
    return want->url.p ||
           (s->n == 1 && (s->items[0].op == SPECIFIER_EQ || s->items[0].op == SPECIFIER_ARBITRARY));
}

static void check_pinned(struct fetch_wish *wish, const struct demand *d)
{
    bool pinned = false;

    for (size_t i = 0; i < d->n_wants; i++)
        pinned |= is_pinned(d->wants[i]);
    for (size_t i = 0; i < d->n_constraints; i++)
        pinned |= is_pinned(d->constraints[i]);
    if (!pinned && !wish->fault.code)
        err_set(&wish->fault, ERR_NO_HASH,
                "hashes are required, so its version must be pinned with \"==\"");
}

/* Halves first: from the left to the right, thousands of sets would be copied thousands of times.
 */
static struct specifier_set and_all(struct arena *a, const struct specifier_set *sets, size_t n)
{
    size_t half = n / 2;

    if (n < 2)
        return n ? sets[0] : (struct specifier_set){ 0 };
    struct specifier_set left = and_all(a, sets, half), right = and_all(a, sets + half, n - half);
    return specifier_set_and(a, &left, &right);
}

static struct specifier_set specifiers_of(struct work *w, const struct demand *d)
{
    size_t n = 0, n_all = d->n_wants + d->n_constraints;
    struct specifier_set *sets = mem_new(n_all, sizeof(*sets));
    struct map seen = { 0 };

    if (!w->in->settings->no_deps) /* then they are for the resolution */
        n_all = d->n_wants;
    for (size_t i = 0; i < n_all; i++) {
        const struct want *want = i < d->n_wants ? d->wants[i] : d->constraints[i - d->n_wants];
        if (!want->specifiers.n || map_get(&seen, want->specifiers.text))
            continue;
        map_put(&seen, want->specifiers.text, d->wants);
        sets[n++] = want->specifiers;
    }
    struct specifier_set all = and_all(&w->out->arena, sets, n);
    map_done(&seen);
    free(sets);
    return all;
}

static struct str label_of(struct work *w, const struct demand *d)
{
    struct map seen = { 0 };
    struct buf text = { 0 };

    for (size_t i = 0; i < d->n_wants; i++) {
        struct str label = d->wants[i]->label;
        if (map_get(&seen, label))
            continue;
        map_put(&seen, label, d->wants);
        buf_add_f(&text, "%s%.*s", text.n ? " and " : "", STR_ARG(label));
    }
    struct str label = arena_str(&w->out->arena, buf_str(&text));
    buf_done(&text);
    map_done(&seen);
    return label;
}

/* Of all that ask for it; doubles do no harm. */
static const struct str *extras_of(struct work *w, const struct demand *d, size_t *n)
{
    struct str *all;

    *n = 0;
    for (size_t i = 0; i < d->n_wants; i++)
        *n += d->wants[i]->n_extras;
    all = arena_alloc(&w->out->arena, *n, sizeof(*all));
    for (size_t i = 0, k = 0; i < d->n_wants; i++)
        for (size_t x = 0; x < d->wants[i]->n_extras; x++)
            all[k++] = d->wants[i]->extras[x];
    return all;
}

static void make_wish(struct work *w, const struct demand *d, struct fetch_wish *wish)
{
    const struct settings *s = w->in->settings;
    struct draft draft = { .wish = wish };

    *wish = (struct fetch_wish){ .label = label_of(w, d), .project = d->project };
    wish->specifiers = specifiers_of(w, d);
    wish->extras = extras_of(w, d, &wish->n_extras);
    for (size_t i = 0; i < d->n_wants; i++)
        add_want(w, &draft, d->wants[i]);
    for (size_t i = 0; i < d->n_constraints; i++)
        add_want(w, &draft, d->constraints[i]);
    struct settings_formats formats = settings_formats_of(s, wish->project);
    wish->allow_wheel = formats.wheel;
    wish->allow_sdist = formats.sdist;
    wish->prefer_binary = s->prefer_binary;
    wish->pre = s->pre;
    wish->before_us = settings_before_us(s);
    wish->need_hash = w->hash_mode;
    if (w->hash_mode)
        check_pinned(wish, d);
}

/* Also of what nobody asks for so far: something may need it. */
static void gather_constraints(struct work *w)
{
    const struct gather_input *in = w->in;
    struct fetch_wish *all = mem_new(in->n_constraints, sizeof(*all));

    for (size_t i = 0; i < in->n_constraints; i++) {
        const struct want *c = &in->constraints[i];
        if (!marker_eval(c->marker, in->env, STR_NONE))
            continue;
        all[w->out->n_constraints++] = (struct fetch_wish){ .label = c->label,
                                                            .project = c->project,
                                                            .specifiers = c->specifiers,
                                                            .url = c->url,
                                                            .hashes = c->hashes,
                                                            .n_hashes = c->n_hashes };
    }
    w->out->constraints = all;
}

void gather(const struct gather_input *in, struct gathered *out)
{
    struct work w = { .in = in, .out = out, .hash_mode = in->settings->require_hashes };

    *out = (struct gathered){ 0 };
    collect(&w);
    if (in->settings->no_require_hashes)
        w.hash_mode = false;
    out->wishes = mem_new(w.n, sizeof(*out->wishes));
    for (size_t i = 0; i < w.n; i++) {
        make_wish(&w, &w.demands[i], &out->wishes[i]);
        free(w.demands[i].wants);
        free(w.demands[i].constraints);
    }
    out->n = w.n;
    out->need_hash = w.hash_mode;
    if (!in->settings->no_deps)
        gather_constraints(&w);
    free(w.demands);
    map_done(&w.by_key);
    map_done(&w.named);
}

void gathered_done(struct gathered *g)
{
    if (!g)
        return;
    for (size_t i = 0; i < g->n; i++)
        err_done(&g->wishes[i].fault);
    free(g->wishes);
    free(g->constraints);
    strs_done(&g->ignored);
    arena_done(&g->arena);
    *g = (struct gathered){ 0 };
}
