/* Names are few, so they are looked for one by one. */
#include "dray/job/settings_index.h"

#include <stdint.h>

#include "dray/job/settings_origin.h"
#include "dray/net/url.h"
#include "dray/py/requirement.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

static bool is_name(struct str text)
{
    return text.n <= LIMIT_INDEX_NAME_BYTES && project_name_is_valid(text);
}

bool settings_index_split(struct str text, struct str *name, struct str *url)
{
    *name = str_cut(text, '=', url);
    return url->p && is_name(*name);
}

/* Also not "corp-*-x" or "*corp": what stands behind a "*" would be passed over. */
static bool is_pattern(struct str text)
{
    bool open = str_ends(text, STR("*"));
    struct str start = open ? str_sub(text, 0, text.n - 1) : text;

    if (!open)
        return project_name_is_valid(text);
    if (!start.n)
        return true;
    while (start.n > 1 && strchr("-_.", start.p[start.n - 1]))
        start.n--;
    return project_name_is_valid(start);
}

static int check_said(const struct settings_index_said *said, struct err *e)
{
    struct buf shown = { 0 };
    struct url u;

    if (!is_name(said->name))
        return err_set(e, ERR_USAGE,
                       "%s: the name of an index has letters, digits, \"-\", \"_\" and \".\", at "
                       "most %d, not \"%.*s\"",
                       said->origin, LIMIT_INDEX_NAME_BYTES, STR_ARG(said->name));
    if (said->url.p && !str_starts(said->url, STR("file:"))) {
        if (url_parse(said->url, &u, e)) {
            url_redact(said->url, &shown);
            err_set(e, ERR_USAGE,
                    "%s: expected the URL of index %.*s, https://..., http://... or file:///..., "
                    "not \"%.200s\"",
                    said->origin, STR_ARG(said->name), buf_z(&shown));
            buf_done(&shown);
            return e->code;
        }
        url_done(&u);
    }
    for (size_t i = 0; i < said->packages.n; i++)
        if (!is_pattern(said->packages.items[i]))
            return err_set(e, ERR_USAGE,
                           "%s: index %.*s: expected the name of a package, a beginning with \"*\" "
                           "behind it, or \"*\", not \"%.*s\"",
                           said->origin, STR_ARG(said->name), STR_ARG(said->packages.items[i]));
    return 0;
}

static size_t count_packages(const struct settings *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n_indexes; i++)
        n += s->indexes[i].is.n_packages;
    return n;
}

static struct settings_index *find(const struct settings *s, struct str name)
{
    for (size_t i = 0; i < s->n_indexes; i++)
        if (str_eq(s->indexes[i].is.name, name))
            return &s->indexes[i];
    return NULL;
}

static int check_room(const struct settings *s, const struct settings_index_said *said,
                      struct err *e)
{
    const struct settings_index *known = find(s, said->name);

    if (!known && s->n_indexes >= LIMIT_INDEXES)
        return err_set(e, ERR_USAGE, "%s: more than %d indexes have names", said->origin,
                       LIMIT_INDEXES);
    if (count_packages(s) + said->packages.n > LIMIT_INDEX_PACKAGES)
        return err_set(e, ERR_USAGE, "%s: more than %d packages are held to indexes", said->origin,
                       LIMIT_INDEX_PACKAGES);
    if (!known && !said->url.p)
        return err_set(e, ERR_USAGE, "%s: index %.*s has no URL", said->origin,
                       STR_ARG(said->name));
    return 0;
}

static void copy_packages(struct settings *s, const struct strs *from, struct source_index *to)
{
    struct str *packages = arena_alloc(&s->arena, from->n, sizeof(*packages));

    for (size_t i = 0; i < from->n; i++)
        packages[i] = project_name_normalize(&s->arena, from->items[i]);
    to->packages = packages;
    to->n_packages = from->n;
}

int settings_index_put(struct settings *s, const struct settings_index_said *said, struct err *e)
{
    struct settings_index *at = find(s, said->name);

    if (check_said(said, e) || check_room(s, said, e))
        return e->code;
    if (!at) {
        s->indexes = mem_grow(s->indexes, s->n_indexes, &s->indexes_cap, sizeof(*s->indexes));
        at = &s->indexes[s->n_indexes++];
        *at = (struct settings_index){ .is.name = arena_str(&s->arena, said->name) };
    }
    if (said->url.p)
        at->is.url = arena_str(&s->arena, said->url);
    if (said->has_packages)
        copy_packages(s, &said->packages, &at->is);
    settings_origin_add(&s->arena, &at->origin, said->origin);
    settings_origin_note(s, settings_find(STR("index")), said->origin);
    return 0;
}

int settings_index_set(struct settings *s, struct str value, const char *origin, struct err *e)
{
    struct settings_index_said said = { .origin = origin };
    struct buf shown = { 0 };

    if (settings_index_split(value, &said.name, &said.url))
        return settings_index_put(s, &said, e);
    url_redact(value, &shown);
    err_set(e, ERR_USAGE,
            "%s: expected NAME=URL, such as corp=https://pkg.example.org/simple/, not \"%.200s\"",
            origin, buf_z(&shown));
    buf_done(&shown);
    return e->code;
}
