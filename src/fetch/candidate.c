/* Each file gets a verdict, rule by rule in pip's order; among those that are left the greatest
 * sort key wins. */
#include "dray/fetch/candidate.h"

#include <stdlib.h>

#include "dray/fetch/refusal.h"
#include "dray/py/instant.h"
#include "dray/util/map.h"
#include "dray/util/mem.h"

struct choice {
    const struct candidate_rules *rules;
    const struct distribution *const *items;
    enum refusal *why;
    size_t n;
    /* Of the file before: most files of a project say the same. */
    struct str python, tags;
    bool python_fits, tags_fit;
};

static bool parse_python(const struct candidate_rules *rules, struct str requires_python)
{
    struct arena a = { 0 };
    struct err e = { 0 };
    struct specifier_set wanted;
    bool fits = true;

    /* pip: a Requires-Python that can't be parsed does not exclude a file. */
    if (!specifier_set_parse(&a, requires_python, &wanted, &e))
        fits = specifier_set_contains(&wanted, &rules->target->python);
    err_done(&e);
    arena_done(&a);
    return fits;
}

static bool python_fits(struct choice *c, struct str requires_python)
{
    if (!requires_python.p)
        return true;
    if (!c->python.p || !str_eq(c->python, requires_python)) {
        c->python = requires_python;
        c->python_fits = parse_python(c->rules, requires_python);
    }
    return c->python_fits;
}

static bool tags_fit(struct choice *c, const struct wheel_name *w)
{
    const char *end = w->platform_tags.p + w->platform_tags.n;
    struct str tags = { w->python_tags.p, (size_t)(end - w->python_tags.p) };

    if (!c->tags.p || !str_eq(c->tags, tags)) {
        c->tags = tags;
        c->tags_fit = tag_set_rank(c->rules->target->tags, w) != TAG_NONE;
    }
    return c->tags_fit;
}

static enum refusal judge_time(const struct candidate_rules *rules, const struct simple_file *file)
{
    int64_t at;

    if (!rules->before_us)
        return REFUSAL_NONE;
    if (!instant_parse(file->upload_time, &at))
        return REFUSAL_UNDATED;
    return at < rules->before_us ? REFUSAL_NONE : REFUSAL_NEWER;
}

static enum refusal judge_alone(struct choice *c, const struct distribution *d)
{
    const struct candidate_rules *rules = c->rules;

    if (!specifier_set_contains(rules->specifiers, &d->version))
        return REFUSAL_VERSION;
    if (d->is_wheel && !rules->allow_wheel)
        return REFUSAL_WHEEL;
    if (!d->is_wheel && !rules->allow_sdist)
        return REFUSAL_SDIST;
    if (d->is_wheel && !tags_fit(c, &d->wheel))
        return REFUSAL_TAGS;
    if (d->sdist_python.p && !str_eq(d->sdist_python, rules->target->env.python_version))
        return REFUSAL_TAGS; /* as pip: "foo-1.0-py3.8.tar.gz" is for Python 3.8 alone */
    return python_fits(c, d->file->requires_python) ? judge_time(rules, d->file) : REFUSAL_PYTHON;
}

/* packaging's SpecifierSet.filter: pre-releases only if asked for, or if nothing else is left. */
static void judge_pre_releases(struct choice *c)
{
    bool final_left = false;

    if (c->rules->pre || specifier_set_wants_pre(c->rules->specifiers))
        return;
    for (size_t i = 0; i < c->n; i++)
        final_left |= c->why[i] == REFUSAL_NONE && !c->items[i]->version.pre;
    for (size_t i = 0; i < c->n; i++)
        if (final_left && c->why[i] == REFUSAL_NONE && c->items[i]->version.pre)
            c->why[i] = REFUSAL_PRE;
}

static bool hash_allowed(const struct candidate_rules *rules, const struct simple_file *file)
{
    for (size_t i = 0; i < file->n_digests; i++)
        for (size_t k = 0; k < rules->n_hashes; k++)
            if (digest_eq(&file->digests[i], &rules->hashes[k]))
                return true;
    return false;
}

/* pip's filter_unallowed_hashes: once a file with an allowed hash is there, those with others go;
 * if there is none all stay, so that the difference is what is reported. */
static void judge_hashes(struct choice *c)
{
    bool match = false;

    for (size_t i = 0; i < c->n; i++)
        match |= c->why[i] == REFUSAL_NONE && hash_allowed(c->rules, c->items[i]->file);
    for (size_t i = 0; i < c->n && match; i++)
        if (c->why[i] == REFUSAL_NONE && c->items[i]->file->n_digests > 0 &&
            !hash_allowed(c->rules, c->items[i]->file))
            c->why[i] = REFUSAL_HASH;
}

/* PEP 592: a yanked file only for a requirement that names the version, and when no other one fits.
 */
static void judge_yanked(struct choice *c)
{
    bool all_yanked = true;

    for (size_t i = 0; i < c->n; i++)
        all_yanked &= c->why[i] != REFUSAL_NONE || c->items[i]->file->yanked;
    if (all_yanked && specifier_set_is_pinned(c->rules->specifiers))
        return;
    for (size_t i = 0; i < c->n; i++)
        if (c->why[i] == REFUSAL_NONE && c->items[i]->file->yanked)
            c->why[i] = REFUSAL_YANKED;
}

/* pip's sort key, most important part first; >0 when x is better. */
static int compare(const struct candidate_rules *rules, const struct distribution *x,
                   const struct distribution *y)
{
    int order = hash_allowed(rules, x->file) - hash_allowed(rules, y->file);

    if (!order)
        order = y->file->yanked - x->file->yanked;
    if (!order && rules->prefer_binary)
        order = x->is_wheel - y->is_wheel;
    if (!order)
        order = version_cmp(&x->version, &y->version);
    if (!order)
        order = x->is_wheel - y->is_wheel;
    if (!order && x->is_wheel)
        order = tag_set_rank(rules->target->tags, &y->wheel) -
                tag_set_rank(rules->target->tags, &x->wheel);
    if (!order && x->is_wheel)
        order = wheel_build_cmp(&x->wheel, &y->wheel);
    return order;
}

const struct distribution *candidate_choose(const struct candidate_rules *rules,
                                            const struct distribution *const *items, size_t n,
                                            struct err *e)
{
    struct choice c = { .rules = rules, .items = items, .n = n };
    const struct distribution *best = NULL;

    if (!n) {
        err_set(e, ERR_NOT_FOUND, "no file of %.*s was found", STR_ARG(rules->label));
        return NULL;
    }
    c.why = mem_new(n, sizeof(*c.why));
    for (size_t i = 0; i < n; i++)
        c.why[i] = judge_alone(&c, items[i]);
    judge_pre_releases(&c);
    judge_hashes(&c);
    judge_yanked(&c);
    for (size_t i = 0; i < n; i++)
        if (c.why[i] == REFUSAL_NONE && (!best || compare(rules, items[i], best) >= 0))
            best = items[i];
    if (!best)
        refusal_explain(rules, items, c.why, n, e);
    free(c.why);
    return best;
}

/* -- all of them -- */

/* A file that is ranked among others; qsort() knows no context. */
struct ranked {
    const struct candidate_rules *rules;
    const struct distribution *item;
    size_t place; /* among equals the later wins, as in pip */
    enum refusal why;
};

static int compare_ranked(const void *x, const void *y)
{
    const struct ranked *a = x, *b = y;
    int order = (a->why != REFUSAL_NONE) - (b->why != REFUSAL_NONE);

    if (!order)
        order = a->why == REFUSAL_NONE ? compare(a->rules, b->item, a->item)
                                       : version_cmp(&b->item->version, &a->item->version);
    return order ? order : a->place < b->place ? 1 : -1;
}

/* Most pages are in order already, the oldest first: which was looked at from its end here. */
static void rank(struct ranked *ranked, size_t n)
{
    size_t i = 1;

    while (i < n && compare_ranked(&ranked[i - 1], &ranked[i]) < 0)
        i++;
    if (i < n)
        qsort(ranked, n, sizeof(*ranked), compare_ranked);
}

static void list_refused(const struct ranked *r, struct arena *a, struct candidate_list *out)
{
    struct buf why = { 0 };

    refusal_say(r->rules, r->item, r->why, &why);
    out->refused[out->n_refused++] =
        (struct solve_refused){ &r->item->version, arena_str(a, buf_str(&why)) };
    buf_done(&why);
}

void candidate_list(const struct candidate_rules *rules, const struct distribution *const *items,
                    size_t n, struct arena *a, struct candidate_list *out)
{
    static const struct specifier_set any;
    struct candidate_rules of_all = *rules;
    struct choice c = { .rules = &of_all, .items = items, .n = n };
    struct ranked *ranked = mem_new(n, sizeof(*ranked));
    struct map seen = { 0 };
    size_t n_good = 0;

    of_all.specifiers = &any;
    c.why = mem_new(n, sizeof(*c.why));
    for (size_t i = 0; i < n; i++)
        c.why[i] = judge_alone(&c, items[i]);
    judge_hashes(&c);
    for (size_t i = 0; i < n; i++) {
        ranked[n - 1 - i] = (struct ranked){ &of_all, items[i], i, c.why[i] };
        n_good += c.why[i] == REFUSAL_NONE;
    }
    rank(ranked, n);
    *out = (struct candidate_list){ 0 };
    out->items = arena_alloc(a, n_good, sizeof(*out->items));
    out->refused = arena_alloc(a, n - n_good, sizeof(*out->refused));
    for (size_t i = 0; i < n; i++) {
        struct str key = ranked[i].item->version.key;
        if (map_get(&seen, key))
            continue;
        map_put(&seen, key, ranked);
        if (ranked[i].why == REFUSAL_NONE)
            out->items[out->n++] = ranked[i].item;
        else
            list_refused(&ranked[i], a, out);
    }
    map_done(&seen);
    free(c.why);
    free(ranked);
}
