/* pip's operations/prepare.py, _check_sidecar_matches_wheel. What is compared is brought into a
 * form that is the same bytes exactly when `packaging` calls two values equal; sets are sorted
 * lists of such keys. */
#include <stdlib.h>

#include "dray/py/metadata.h"
#include "dray/py/requirement.h"
#include "dray/py/version.h"
#include "dray/util/buf.h"
#include "dray/util/map.h"
#include "dray/util/mem.h"

/* The two sides of a comparison. */
struct pair {
    const struct metadata *m[2];
    const char *what[2];
    struct arena a;
    struct err *e;
};

struct keyed {
    struct str key;
    struct str text; /* as written */
};

struct set {
    struct keyed *items; /* sorted by key */
    size_t n;
};

static struct str shown(struct str value)
{
    return str_sub(value, 0, 200);
}

static int differs(struct pair *p, const char *field, struct str a, struct str b)
{
    return err_set(p->e, ERR_CONFLICT, "%s differs: %s has \"%.*s\", %s has \"%.*s\"", field,
                   p->what[0], STR_ARG(shown(a)), p->what[1], STR_ARG(shown(b)));
}

static void key_add(struct buf *key, struct str part)
{
    buf_add_f(key, "%zu:", part.n); /* whatever is in it, two keys can't run together */
    buf_add_str(key, part);
}

static struct str key_keep(struct pair *p, struct buf *key)
{
    struct str kept = arena_str(&p->a, buf_str(key));

    buf_done(key);
    return kept;
}

static int keyed_order(const void *a, const void *b)
{
    return str_cmp(((const struct keyed *)a)->key, ((const struct keyed *)b)->key);
}

static int text_order(const void *a, const void *b)
{
    return str_cmp(((const struct keyed *)a)->text, ((const struct keyed *)b)->text);
}

/* packaging, Specifier._canonical_spec: `~=` sees trailing zeros, wildcards and `===` are text. */
static struct str specifier_key(struct pair *p, const struct specifier *s)
{
    struct buf key = { 0 };

    buf_add_z(&key, specifier_op_text(s->op));
    if (s->op == SPECIFIER_ARBITRARY || s->wildcard)
        key_add(&key, s->text);
    else
        key_add(&key, s->op == SPECIFIER_COMPATIBLE ? s->version.text : s->version.key);
    return key_keep(p, &key);
}

/* packaging, SpecifierSet._canonical_specs: in the order of their texts, then without doubles. So
 * "==1.0,==1" and "==1" are the same, and so are all orders. */
static struct str specifiers_key(struct pair *p, const struct specifier_set *set)
{
    struct keyed *items = mem_new(set->n + 1, sizeof(*items));
    struct map seen = { 0 };
    struct buf key = { 0 };

    for (size_t i = 0; i < set->n; i++) {
        const struct specifier *s = &set->items[i];
        items[i].key = specifier_key(p, s);
        struct buf text = { 0 };
        buf_add_z(&text, specifier_op_text(s->op));
        buf_add_str(&text, s->text);
        items[i].text = key_keep(p, &text);
    }
    qsort(items, set->n, sizeof(*items), text_order);
    for (size_t i = 0; i < set->n; i++) {
        if (map_get(&seen, items[i].key))
            continue;
        map_put(&seen, items[i].key, items);
        key_add(&key, items[i].key);
    }
    map_done(&seen);
    free(items);
    return key_keep(p, &key);
}

/* Extras as a set, normalised (PEP 685). */
static struct set extras_set(struct pair *p, const struct str *extras, size_t n)
{
    struct set s = { arena_alloc(&p->a, n + 1, sizeof(*s.items)), n };

    for (size_t i = 0; i < n; i++)
        s.items[i] = (struct keyed){ project_name_normalize(&p->a, extras[i]), extras[i] };
    qsort(s.items, n, sizeof(*s.items), keyed_order);
    return s;
}

/* packaging, Requirement.__eq__. */
static struct str requirement_key(struct pair *p, const struct requirement *r)
{
    struct set extras = extras_set(p, r->extras, r->n_extras);
    struct buf key = { 0 };

    key_add(&key, r->project);
    for (size_t i = 0; i < extras.n; i++)
        if (i == 0 || !str_eq(extras.items[i - 1].key, extras.items[i].key))
            key_add(&key, extras.items[i].key);
    buf_add_z(&key, r->url.p ? "@" : ";");
    key_add(&key, r->url.p ? r->url : specifiers_key(p, &r->specifiers));
    key_add(&key, marker_text(&p->a, r->marker));
    return key_keep(p, &key);
}

static int requires_set(struct pair *p, int side, struct set *out)
{
    const struct metadata *m = p->m[side];
    struct set s = { arena_alloc(&p->a, m->n_requires_dist + 1, sizeof(*s.items)),
                     m->n_requires_dist };

    for (size_t i = 0; i < s.n; i++) {
        struct requirement r;
        if (requirement_parse(&p->a, m->requires_dist[i], &r, p->e))
            return err_wrap(p->e, "Requires-Dist \"%.*s\" in %s",
                            STR_ARG(shown(m->requires_dist[i])), p->what[side]);
        s.items[i] = (struct keyed){ requirement_key(p, &r), m->requires_dist[i] };
    }
    qsort(s.items, s.n, sizeof(*s.items), keyed_order);
    *out = s;
    return 0;
}

/* The first item that is in `a` only; NULL without one. */
static const struct keyed *set_only(const struct set *a, const struct set *b)
{
    for (size_t i = 0; i < a->n; i++)
        if (!bsearch(&a->items[i], b->items, b->n, sizeof(*b->items), keyed_order))
            return &a->items[i];
    return NULL;
}

/* Says one item of either side, which is what there is to say about the others too. */
static int sets_compare(struct pair *p, const char *field, const struct set *a, const struct set *b)
{
    const struct keyed *only_a = set_only(a, b), *only_b = set_only(b, a);

    if (!only_a && !only_b)
        return 0;
    return differs(p, field, only_a ? only_a->text : STR(""), only_b ? only_b->text : STR(""));
}

static int compare_names(struct pair *p)
{
    struct str a = project_name_normalize(&p->a, p->m[0]->name);
    struct str b = project_name_normalize(&p->a, p->m[1]->name);

    return str_eq(a, b) ? 0 : differs(p, "Name", p->m[0]->name, p->m[1]->name);
}

static int compare_versions(struct pair *p)
{
    struct version v[2];

    for (int side = 0; side < 2; side++)
        if (version_parse(&p->a, p->m[side]->version, &v[side], p->e))
            return err_wrap(p->e, "Version \"%.*s\" in %s", STR_ARG(shown(p->m[side]->version)),
                            p->what[side]);
    return version_cmp(&v[0], &v[1]) ? differs(p, "Version", p->m[0]->version, p->m[1]->version)
                                     : 0;
}

static int compare_requires(struct pair *p)
{
    struct set a = { 0 }, b = { 0 };
    int code = requires_set(p, 0, &a);

    if (!code)
        code = requires_set(p, 1, &b);
    return code ? code : sets_compare(p, "Requires-Dist", &a, &b);
}

/* pip: an invalid Requires-Python is as good as none. */
static struct str python_key(struct pair *p, int side)
{
    struct specifier_set set = { 0 };
    struct err none = { 0 };

    if (specifier_set_parse(&p->a, p->m[side]->requires_python, &set, &none))
        set = (struct specifier_set){ 0 };
    err_done(&none);
    return specifiers_key(p, &set);
}

static int compare_pythons(struct pair *p)
{
    if (str_eq(python_key(p, 0), python_key(p, 1)))
        return 0;
    return differs(p, "Requires-Python", p->m[0]->requires_python, p->m[1]->requires_python);
}

static int compare_extras(struct pair *p)
{
    struct set a = extras_set(p, p->m[0]->provides_extra, p->m[0]->n_provides_extra);
    struct set b = extras_set(p, p->m[1]->provides_extra, p->m[1]->n_provides_extra);

    return sets_compare(p, "Provides-Extra", &a, &b);
}

int metadata_compare(const struct metadata *a, const char *what_a, const struct metadata *b,
                     const char *what_b, struct err *e)
{
    static int (*const compares[])(struct pair *) = {
        compare_names, compare_versions, compare_requires, compare_pythons, compare_extras,
    };
    struct pair p = { .m = { a, b }, .what = { what_a, what_b }, .e = e };
    int code = 0;

    for (size_t i = 0; !code && i < sizeof(compares) / sizeof(*compares); i++)
        code = compares[i](&p);
    arena_done(&p.a);
    return code;
}
