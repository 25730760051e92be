/* What settings mean together: what contradicts itself, and pip's --only-binary and --no-binary for
 * one project. */
#include "dray/job/settings.h"

#include "dray/job/credentials.h"
#include "dray/net/url.h"
#include "dray/py/instant.h"
#include "dray/py/requirement.h"

/* Two that both write to standard output would be mixed up there. */
static int check_output(const struct settings *s, struct err *e)
{
    const char *users[4];
    size_t n = 0;

    if (s->command == COMMAND_METADATA || (s->command == COMMAND_LOCK && !s->output.n))
        users[n++] = s->command == COMMAND_LOCK ? "the lock" : "the metadata";
    if (str_is(s->report, "-"))
        users[n++] = "--report -";
    if (str_is(s->trace, "-"))
        users[n++] = "--trace -";
    if (s->progress == PROGRESS_JSON)
        users[n++] = "--progress json";
    if (n > 1)
        return err_set(e, ERR_USAGE, "%s and %s both write to standard output: give one a file",
                       users[0], users[1]);
    return 0;
}

/* Without a store there is nothing to link to. Who places no file is not asked how, whatever a
 * variable says. */
static int check_link_mode(const struct settings *s, struct err *e)
{
    bool places = s->command == COMMAND_DOWNLOAD || s->command == COMMAND_WHEEL;
    bool links = s->link_mode == LINK_HARDLINK || s->link_mode == LINK_REFLINK;

    if (places && links && s->no_cache_dir)
        return err_set(e, ERR_USAGE,
                       "--link-mode %s needs the store, which --no-cache-dir switches off: leave "
                       "one of them out",
                       s->link_mode == LINK_HARDLINK ? "hardlink" : "reflink");
    return 0;
}

/* Where it was said: "--timeout", or a line of some file. */
static struct str origin_of(const struct settings *s, const char *name)
{
    return settings_origin(s, settings_find(str_of(name)));
}

static int refuse_zero(const struct settings *s, const char *name, const char *least, struct err *e)
{
    return err_set(e, ERR_USAGE, "%.*s: expected at least %s", STR_ARG(origin_of(s, name)), least);
}

static int check_tokens(const struct settings *s, struct err *e)
{
    struct credentials_token t;
    struct str origin = origin_of(s, "bearer-token");

    for (size_t i = 0; i < s->bearer_tokens.n; i++)
        if (credentials_parse_token(s->bearer_tokens.items[i], &t, e))
            return str_is(origin, "--bearer-token") ? e->code
                                                    : err_wrap(e, "%.*s", STR_ARG(origin));
    return 0;
}

int settings_check(const struct settings *s, struct err *e)
{
    const char *word = s->platforms.n        ? "--platform"
                       : s->abis.n           ? "--abi"
                       : s->python_version.p ? "--python-version"
                       : s->implementation.p ? "--implementation"
                                             : NULL;

    if ((s->targets.n || s->target_files.n) && word)
        return err_set(e, ERR_USAGE, "--target and %s both say what to fetch for: use one of them",
                       word);
    if (s->require_hashes && s->no_require_hashes)
        return err_set(e, ERR_USAGE,
                       "--require-hashes and --no-require-hashes contradict each other");
    if (!s->connections)
        return refuse_zero(s, "connections", "1", e);
    if (!s->connections_per_host)
        return refuse_zero(s, "connections-per-host", "1", e);
    if (!s->timeout_s)
        return refuse_zero(s, "timeout", "one second", e);
    if (check_tokens(s, e))
        return e->code;
    if (s->report.n && !str_is(s->report, "-") && str_eq(s->report, s->trace))
        return err_set(e, ERR_USAGE, "--report and --trace name the same file");
    return check_link_mode(s, e) ? e->code : check_output(s, e);
}

bool settings_has_wish(const struct settings *s)
{
    return s->requirements.n || s->requirement_lines.n || s->requirement_files.n;
}

int64_t settings_before_us(const struct settings *s)
{
    int64_t end = 0;

    (void)instant_parse_end(s->exclude_newer, &end);
    return end;
}

/* Once, and not for each requirement. */
static int check_index_url(struct str text, struct err *e)
{
    struct buf shown = { 0 };
    struct url u;
    int code = 0;

    if (str_starts(text, STR("file:")))
        return 0;
    if (url_parse(text, &u, e)) {
        url_redact(text, &shown);
        code = err_set(e, ERR_USAGE,
                       "the index URL \"%s\" can't be used: expected https://..., http://... or "
                       "file:///...",
                       buf_z(&shown));
        buf_done(&shown);
    } else {
        url_done(&u);
    }
    return code;
}

int settings_check_index(const struct settings *s, struct err *e)
{
    if (s->no_index && !s->find_links.n)
        return err_set(e, ERR_USAGE, "--no-index leaves nothing to look in: add -f DIR or -f URL");
    if (!s->no_index && !s->index_url.p && !s->n_indexes)
        return err_set(e, ERR_USAGE,
                       "no package index is configured: use -i URL, --no-index with -f, or pip "
                       "config set global.index-url");
    int code = s->no_index || !s->index_url.p ? 0 : check_index_url(s->index_url, e);
    for (size_t i = 0; i < s->extra_index_urls.n && !code && !s->no_index; i++)
        code = check_index_url(s->extra_index_urls.items[i], e);
    return code;
}

/* One of pip's two sets, as far as one project can tell: does it hold its name, does it hold
 * ":all:"? */
struct format_set {
    bool name, all;
};

static struct str format_item(struct str *list)
{
    struct str rest;
    struct str item = str_cut(*list, ',', &rest);

    *list = rest;
    return item;
}

static bool list_has(struct str list, const char *what)
{
    while (list.p)
        if (str_is(format_item(&list), what))
            return true;
    return false;
}

/* pip.models.format_control: ":all:" empties both sets and drops what stood before it in the list;
 * what stands behind the last one counts only if there is a ":none:" among it, which empties the
 * set again. */
static void format_apply(struct format_set *target, struct format_set *other, struct str list,
                         struct str project)
{
    struct arena a = { 0 };

    while (list.p && list_has(list, ":all:")) {
        *other = (struct format_set){ 0 };
        *target = (struct format_set){ .all = true };
        while (!str_is(format_item(&list), ":all:"))
            continue;
        if (!list_has(list, ":none:"))
            return;
    }
    while (list.p) {
        struct str item = format_item(&list);
        if (str_is(item, ":none:")) {
            *target = (struct format_set){ 0 };
            continue;
        }
        struct str name = project_name_normalize(&a, item);
        if (str_eq(name, project)) {
            target->name = true;
            other->name = false;
        } else if (str_is(
                       name,
                       ":all:")) { /* pip: ":ALL:" isn't the word, but in lower case acts as it */
            target->all = true;
            other->all = false;
        }
    }
    arena_done(&a);
}

struct settings_formats settings_formats_of(const struct settings *s, struct str project)
{
    struct format_set only = { 0 }, no = { 0 };
    struct arena a = { 0 };
    struct str name = project_name_normalize(&a, project);

    for (size_t i = 0; i < s->format_control.n; i++) {
        struct str list;
        struct str option = str_cut(s->format_control.items[i], '=', &list);
        if (str_is(option, "only-binary"))
            format_apply(&only, &no, list, name);
        else
            format_apply(&no, &only, list, name);
    }
    arena_done(&a);
    bool wheels_only = only.name || (!no.name && only.all);
    bool no_wheels = !only.name && (no.name || (!only.all && no.all));
    return (struct settings_formats){ .wheel = !no_wheels, .sdist = !wheels_only };
}
