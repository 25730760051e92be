/* Three levels, each over the one before: [global] of all files, [COMMAND] of all files, PIP_*
 * variables. Within a level a later file replaces a key of an earlier one and the key keeps its
 * place, which is the order in which --no-binary and
 * --only-binary act on each other. An empty value in a later file hides the earlier one and then
 * counts as none. */
#include "dray/job/pipconf.h"

#include <stdlib.h>
#include <unistd.h>

#include "dray/job/blank.h"
#include "dray/job/pipconf_file.h"
#include "dray/job/variables.h"
#include "dray/util/file.h"
#include "dray/util/limits.h"
#include "dray/util/map.h"

enum level { LEVEL_GLOBAL, LEVEL_COMMAND, LEVEL_ENV, LEVELS };

/* A key of one level; in the arena. */
struct said {
    struct str key, value;
    struct str origin; /* for errors: "/etc/pip.conf, line 3", "PIP_TIMEOUT" */
};

struct conf {
    struct arena arena;
    struct map levels[LEVELS]; /* key -> struct said */
    const char *command;
};

static void conf_done(struct conf *c)
{
    for (int i = 0; i < LEVELS; i++)
        map_done(&c->levels[i]);
    arena_done(&c->arena);
}

static void conf_put(struct conf *c, enum level level, struct said said)
{
    struct said *kept = arena_copy(&c->arena, &said, 1, sizeof(said));

    map_put(&c->levels[level], kept->key, kept);
}

static int conf_parse(struct conf *c, const char *path, struct str text, struct err *e)
{
    struct pipconf_entries entries = { 0 };
    int code = pipconf_file_parse(&c->arena, text, &entries, e);

    if (code)
        err_wrap(e, "%s", path);
    for (size_t i = 0; i < entries.n && !code; i++) {
        const struct pipconf_entry *x = &entries.items[i];
        struct str origin =
            arena_f(&c->arena, "%s, line %zu, %.*s", path, x->line, STR_ARG(x->key));
        if (str_is(x->section, "global"))
            conf_put(c, LEVEL_GLOBAL, (struct said){ x->key, x->value, origin });
        else if (str_is(x->section, c->command))
            conf_put(c, LEVEL_COMMAND, (struct said){ x->key, x->value, origin });
    }
    free(entries.items);
    return code;
}

/* As pip, whose configparser passes over what can't be opened: not there, a directory, another
 * user's. */
static int conf_read(struct conf *c, const char *path, struct err *e)
{
    struct buf text = { 0 };
    int code = file_read(path, LIMIT_CONFIG_BYTES, &text, e);

    if (code == ERR_NOT_FOUND || code == ERR_IO) {
        err_done(e);
        code = 0;
    } else if (!code) {
        code = conf_parse(c, path, buf_str(&text), e);
    }
    buf_done(&text);
    return code;
}

/* pip's cache is not dray's: what pip says of its own goes by another name here. */
static const struct setting *find_setting(struct str key)
{
    if (str_is(key, "cache-dir") || str_is(key, "cache_dir"))
        key = STR("pip-cache-dir");
    else if (str_is(key, "pip-cache-dir") || str_is(key, "pip_cache_dir"))
        return NULL;
    return settings_find(key);
}

/* As pip: in the order in which they stand there, which is also the one in which --no-binary and
 * --only-binary act on each other; behind PIP_ any case will do. */
static void conf_read_variables(struct conf *c, const char *const *env)
{
    for (; *env; env++) {
        struct str value;
        struct str name = str_cut(str_of(*env), '=', &value);
        if (!value.p || !str_starts(name, STR("PIP_")))
            continue;
        struct str key = pipconf_file_key(&c->arena, str_sub(name, 4, name.n));
        conf_put(c, LEVEL_ENV,
                 (struct said){ key, arena_str(&c->arena, value), arena_str(&c->arena, name) });
    }
}

static int apply_list(struct settings *s, const struct setting *which, const struct said *said,
                      struct err *e)
{
    struct str rest = blank_trim(said->value);
    int code = 0;

    settings_clear(s, which);
    while (rest.n && !code) {
        size_t n = 0;
        while (n < rest.n && !blank_first(str_sub(rest, n, rest.n)))
            n++;
        code = settings_set(s, which, str_sub(rest, 0, n), said->origin.p, e);
        rest = blank_trim(str_sub(rest, n, rest.n));
    }
    return code;
}

static int apply_said(struct settings *s, const struct said *said, struct err *e)
{
    const struct setting *which = find_setting(said->key);
    bool ignored;

    if (!said->value.n || !which || !(which->where & SETTING_IN_PIP) ||
        !(which->commands & s->command))
        return 0;
    if (which->kind == SETTING_LIST)
        return apply_list(s, which, said, e);
    /* pip converts them by Python's int() and float(). */
    if (which->kind == SETTING_NUMBER || which->kind == SETTING_SECONDS)
        return settings_set(s, which, blank_trim(said->value), said->origin.p, e);
    /* pip: any boolean word there switches the cache off, "no" too. */
    if (str_is(str_of(which->name), "no-cache-dir") && settings_bool(said->value, &ignored))
        return settings_set(s, which, STR_NONE, said->origin.p, e);
    return settings_set(s, which, said->value, said->origin.p, e);
}

int pipconf_apply(struct settings *s, const struct pipconf_site *site, const struct strs *paths,
                  struct err *e)
{
    struct conf c = { .command = site->command };
    int code = 0;

    for (size_t i = 0; i < paths->n && !code; i++)
        code = conf_read(&c, paths->items[i].p, e);
    if (!site->isolated)
        conf_read_variables(&c, site->env);
    for (int level = 0; level < LEVELS && !code; level++)
        for (size_t i = 0; i < c.levels[level].n && !code; i++)
            code = apply_said(s, c.levels[level].entries[i].value, e);
    conf_done(&c);
    return code;
}

/* pip's own places; a variable of the XDG base directories counts if it is absolute. */
static struct str xdg(struct str value)
{
    struct str path = blank_trim(value);

    return path.n && path.p[0] == '/' ? path : STR_NONE;
}

/* A file that is named again keeps its first place, as with pip. */
static void add_file(struct strs *out, struct str path)
{
    for (size_t i = 0; i < out->n; i++)
        if (str_eq(out->items[i], path))
            return;
    strs_add(out, path);
}

static void add_path(struct arena *a, struct strs *out, struct str directory, const char *name)
{
    const char *between = str_ends(directory, STR("/")) ? "" : "/";

    add_file(out, arena_f(a, "%.*s%s%s", STR_ARG(directory), between, name));
}

static void add_global_paths(struct arena *a, struct strs *out, struct str xdg_dirs)
{
#ifdef __APPLE__
    (void)xdg_dirs;
    add_path(a, out, STR("/Library/Application Support/pip"), "pip.conf");
#else
    size_t before = out->n;

    while (xdg_dirs.p) {
        struct str directory = xdg(str_cut(xdg_dirs, ':', &xdg_dirs));
        if (directory.p)
            add_path(a, out, directory, "pip/pip.conf");
    }
    if (out->n == before)
        add_path(a, out, STR("/etc/xdg"), "pip/pip.conf");
    add_path(a, out, STR("/etc"), "pip.conf");
#endif
}

static void add_user_paths(struct arena *a, struct strs *out, struct str home, struct str xdg_home)
{
    if (!home.n)
        return;
    add_path(a, out, home, ".pip/pip.conf");
#ifdef __APPLE__
    struct str support = arena_f(a, "%.*s/Library/Application Support/pip", STR_ARG(home));
    (void)xdg_home;
    if (access(support.p, F_OK) == 0)
        add_path(a, out, support, "pip.conf");
    else
        add_path(a, out, home, ".config/pip/pip.conf");
#else
    if (xdg(xdg_home).p)
        add_path(a, out, xdg(xdg_home), "pip/pip.conf");
    else
        add_path(a, out, home, ".config/pip/pip.conf");
#endif
}

void pipconf_paths(struct arena *a, const struct pipconf_site *site, struct strs *out)
{
    const char *const *env = site->env;
    const char *own = variables_get(env, "PIP_CONFIG_FILE");

    if (own && str_is(str_of(own), "/dev/null"))
        return; /* pip: then no file at all is read */
    add_global_paths(a, out, str_of(variables_get(env, "XDG_CONFIG_DIRS")));
    if (!site->isolated && (!own || !own[0] || access(own, F_OK) != 0))
        add_user_paths(a, out, variables_home(a, env),
                       str_of(variables_get(env, "XDG_CONFIG_HOME")));
    if (site->prefix)
        add_path(a, out, str_of(site->prefix), "pip.conf");
    if (own && own[0])
        add_file(out, arena_str(a, str_of(own)));
}
