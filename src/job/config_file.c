/* The tree is walked three times: what is said of all commands, the indexes, the parts for single
 * commands. What does not concern the command at hand is applied to settings that nobody
 * looks at, which finds what is wrong with it. */
#include "dray/job/config_file.h"

#include "dray/job/config_reading.h"
#include "dray/job/variables.h"
#include "dray/util/file.h"
#include "dray/util/limits.h"

#define FILE_NAME "dray.yaml"

static const enum settings_command sections[] = { COMMAND_DOWNLOAD, COMMAND_WHEEL, COMMAND_INSTALL,
                                                  COMMAND_METADATA, COMMAND_LOCK,  COMMAND_DAEMON };
enum { SECTIONS = sizeof(sections) / sizeof(*sections) };

static int refuse_key(struct config_reading *r, const struct yaml_node *key)
{
    const struct setting *known = settings_find(key->text);
    const char *near = settings_suggest(key->text);
    const struct setting *meant = near ? settings_find(str_of(near)) : NULL;

    if (str_is(key->text, "index"))
        return config_refuse(r, key,
                             "\"index\" is an option; in a file, indexes that have names stand "
                             "below \"indexes\"");
    if (known)
        return config_refuse(r, key, "\"%s\" can't be set in a file: it belongs to one run",
                             key->text.p);
    if (str_is(key->text, "indices"))
        return config_refuse(r, key, "unknown key \"indices\"; did you mean \"indexes\"?");
    if (meant && (meant->where & SETTING_IN_FILE))
        return config_refuse(r, key, "unknown key \"%s\"; did you mean \"%s\"?",
                             config_shown_key(r, key), near);
    return config_refuse(r, key,
                         "unknown key \"%s\"; man dray lists the options, which are the keys",
                         config_shown_key(r, key));
}

static bool is_section(const struct yaml_node *key, enum settings_command *out)
{
    for (size_t i = 0; i < SECTIONS; i++)
        if (str_is(key->text, settings_command_name(sections[i]))) {
            *out = sections[i];
            return true;
        }
    return false;
}

/* One that no command but `only` has to take, when that is not 0. */
static int find_setting(struct config_reading *r, const struct yaml_node *key, unsigned only,
                        const struct setting **out)
{
    const struct setting *which = settings_find(key->text);

    if (!which || !(which->where & SETTING_IN_FILE))
        return refuse_key(r, key);
    if (only && !(which->commands & only))
        return config_refuse(r, key, "\"%s\" is no setting of %s", key->text.p,
                             settings_command_name(only));
    *out = which;
    return 0;
}

/* The settings of one map, and where each was seen in it. */
struct map_reading {
    struct config_reading *r;
    const struct yaml_node **seen;
    unsigned section;        /* 0: what counts for all commands */
    struct settings *unused; /* serve to check what does not concern this command */
};

static int apply_pair(struct map_reading *m, const struct yaml_node *key,
                      const struct yaml_node *value)
{
    unsigned command = m->r->settings->command;
    const struct setting *which = NULL;

    if (find_setting(m->r, key, m->section, &which) || config_check_seen(m->r, m->seen, which, key))
        return m->r->e->code;
    bool counts = (which->commands & command) && (!m->section || (m->section & command));
    return config_apply(m->r, counts ? m->r->settings : m->unused, which, key, value);
}

static int apply_map(struct config_reading *r, const struct yaml_node *map, unsigned section)
{
    struct settings unused;
    struct map_reading m = { .r = r,
                             .seen = arena_alloc(&r->arena, settings_rows(), sizeof(*m.seen)),
                             .section = section,
                             .unused = &unused };
    enum settings_command command;
    int code = 0;

    settings_init(&unused);
    for (size_t i = 0; i < map->n && !code; i++) {
        const struct yaml_node *key = &map->keys[i];
        bool general = !section && (is_section(key, &command) || str_is(key->text, "indexes"));
        if (!general)
            code = apply_pair(&m, key, &map->values[i]);
    }
    settings_done(&unused);
    return code;
}

static int apply_section(struct config_reading *r, const struct yaml_node *key,
                         const struct yaml_node *value, enum settings_command command)
{
    if (value->kind != YAML_MAP && !value->is_null)
        return config_refuse(r, value, "%s: expected a map of settings", key->text.p);
    return value->is_null ? 0 : apply_map(r, value, command);
}

static int apply_root(struct config_reading *r, const struct yaml_node *root)
{
    enum settings_command command;
    int code;

    if (root->kind != YAML_MAP)
        return config_refuse(r, root, "expected settings, such as \"timeout: 30\"");
    code = apply_map(r, root, 0);
    for (size_t i = 0; i < root->n && !code; i++)
        if (str_is(root->keys[i].text, "indexes"))
            code = config_index_apply(r, &root->values[i]);
    for (size_t i = 0; i < root->n && !code; i++)
        if (is_section(&root->keys[i], &command))
            code = apply_section(r, &root->keys[i], &root->values[i], command);
    return code;
}

int config_file_apply_text(struct settings *s, struct str text, const char *path, struct err *e)
{
    struct config_reading r = { .settings = s, .path = path, .e = e };
    const struct yaml_node *root = NULL;
    int code = yaml_read(&r.arena, text, &root, e);

    if (code)
        err_wrap(e, "%s", path);
    else if (root)
        code = apply_root(&r, root);
    arena_done(&r.arena);
    return code;
}

int config_file_apply(struct settings *s, const char *path, struct err *e)
{
    struct buf text = { 0 };
    int code = file_read(path, LIMIT_CONFIG_BYTES, &text, e);

    if (!code)
        code = config_file_apply_text(s, buf_str(&text), path, e);
    buf_done(&text);
    return code;
}

/* XDG base directories: one that is not absolute does not count. */
static void add_path(struct arena *a, struct strs *out, struct str directory, const char *below)
{
    const char *between = str_ends(directory, STR("/")) ? "" : "/";

    if (str_starts(directory, STR("/")))
        strs_add(out, arena_f(a, "%.*s%s%s" FILE_NAME, STR_ARG(directory), between, below));
}

/* The first of XDG_CONFIG_DIRS is the one that counts most. */
static void add_system_paths(struct arena *a, struct strs *out, struct str dirs)
{
    add_path(a, out, STR("/etc"), "dray/");
    if (!dirs.n)
        dirs = STR("/etc/xdg");
    while (dirs.n) {
        ptrdiff_t colon = str_rfind(dirs, ':');
        add_path(a, out, str_sub(dirs, (size_t)(colon + 1), dirs.n), "dray/");
        dirs = str_sub(dirs, 0, colon < 0 ? 0 : (size_t)colon);
    }
}

static void add_user_path(struct arena *a, struct strs *out, const char *const *env)
{
    struct str config = str_of(variables_get(env, "XDG_CONFIG_HOME"));

    if (str_starts(config, STR("/")))
        add_path(a, out, config, "dray/");
    else
        add_path(a, out, variables_home(a, env), ".config/dray/");
}

void config_file_paths(struct arena *a, const struct config_site *site, struct strs *out,
                       bool *must_exist)
{
    const char *named = site->named;

    if (!named && !site->isolated)
        named = variables_get(site->env, "DRAY_CONFIG");
    *must_exist = named && named[0];
    if (*must_exist) {
        if (!str_is(str_of(named), "/dev/null"))
            strs_add(out, arena_str(a, str_of(named)));
        return;
    }
    add_system_paths(a, out, str_of(variables_get(site->env, "XDG_CONFIG_DIRS")));
    if (!site->isolated)
        add_user_path(a, out, site->env);
}
