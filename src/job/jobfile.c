/* The tree stays, and a job is applied to settings from it: once to some that nobody looks at,
 * which finds what is wrong, then to those that count. */
#include "dray/job/jobfile.h"

#include "dray/job/job_key.h"
#include "dray/job/job_value.h"
#include "dray/util/json_tree.h"
#include "dray/util/limits.h"
#include "dray/util/map.h"

static const enum settings_command commands[] = { COMMAND_DOWNLOAD, COMMAND_WHEEL, COMMAND_INSTALL,
                                                  COMMAND_METADATA, COMMAND_LOCK };
enum { COMMANDS = sizeof(commands) / sizeof(*commands) };

/* One map of a job: what is said of it, or the defaults. */
struct map_reading {
    struct config_reading *r;
    const struct yaml_node **seen;
    bool is_defaults;        /* what the command does not take is for other jobs */
    struct settings *unused; /* serve to check that */
};

static int refuse_elsewhere(struct config_reading *r, const struct yaml_node *key,
                            const struct setting *which)
{
    unsigned has = COMMAND_DOWNLOAD;

    while (!(which->commands & has))
        has <<= 1;
    return config_refuse(r, key, "\"%s\" is no setting of %s, but of %s", key->text.p,
                         settings_command_name(r->settings->command), settings_command_name(has));
}

static int apply_own(struct map_reading *m, enum own_key own, const struct yaml_node *key,
                     const struct yaml_node *value)
{
    struct config_reading *r = m->r;
    bool installs = r->settings->command == COMMAND_INSTALL;

    switch (own) {
    case OWN_REQUIREMENTS:
        return job_value_lines(r, &r->settings->requirement_lines, key, value);
    case OWN_CONSTRAINTS:
        return job_value_lines(r, &r->settings->constraint_lines, key, value);
    case OWN_FILES:
        return job_value_contents(r, key, value);
    case OWN_INDEXES:
        return config_index_apply(r, value);
    case OWN_PIP_OPTIONS:
        if (!installs && !m->is_defaults)
            return config_refuse(r, key, "\"%s\" is no setting of %s", key->text.p,
                                 settings_command_name(r->settings->command));
        return job_value_options(r, key, value);
    case OWN_NAME:
        if (m->is_defaults)
            return config_refuse(r, key, "each job has its own name");
        return 0;
    case OWN_COMMAND:
    case OWN_DIRECTORY:
    case OWN_COUNT:
        break;
    }
    return 0;
}

static int apply_pair(struct map_reading *m, const struct yaml_node *key,
                      const struct yaml_node *value)
{
    struct config_reading *r = m->r;
    const struct setting *which = job_key_setting(key->text);
    enum own_key own = job_key_own(key->text);

    if (own < OWN_COUNT)
        return apply_own(m, own, key, value);
    if (!which || !(which->where & SETTING_IN_JOB))
        return job_key_refuse(r, key);
    bool taken = which->commands & r->settings->command;
    if (!taken && !m->is_defaults)
        return refuse_elsewhere(r, key, which);
    if (config_check_seen(r, m->seen, which, key))
        return r->e->code;
    return config_apply(r, taken ? r->settings : m->unused, which, key, value);
}

static int apply_map(struct config_reading *r, const struct yaml_node *map, bool is_defaults)
{
    struct settings unused;
    struct map_reading m = { .r = r,
                             .seen = arena_alloc(&r->arena, settings_rows(), sizeof(*m.seen)),
                             .is_defaults = is_defaults,
                             .unused = &unused };
    int code = 0;

    settings_init(&unused);
    for (size_t i = 0; i < map->n && !code; i++)
        code = apply_pair(&m, &map->keys[i], &map->values[i]);
    settings_done(&unused);
    return code;
}

static const struct yaml_node *find_key(const struct yaml_node *map, const char *name)
{
    for (size_t i = 0; map && map->kind == YAML_MAP && i < map->n; i++)
        if (str_is(map->keys[i].text, name))
            return &map->keys[i];
    return NULL;
}

static const struct yaml_node *value_of(const struct yaml_node *map, const struct yaml_node *key)
{
    return &map->values[key - map->keys];
}

static struct config_reading reading_of(struct job_place *place, struct settings *s, struct err *e)
{
    return (struct config_reading){
        .settings = s, .path = place->source->name, .meaning = job_value, .ctx = place, .e = e
    };
}

/* Before all else: what is relative begins there. */
static int take_directory(struct config_reading *r, const struct yaml_node *map,
                          struct job_place *place)
{
    const struct yaml_node *key = find_key(map, job_own_keys[OWN_DIRECTORY]);
    struct str text = STR_NONE;

    if (!key)
        return 0;
    if (config_text(r, NULL, key, value_of(map, key), &text))
        return r->e->code;
    if (!text.n)
        return config_refuse(r, value_of(map, key), "directory: expected DIR, got nothing");
    place->directory = job_value_directory(r, text);
    return 0;
}

int jobfile_apply(const struct jobfile_job *job, struct settings *s, struct err *e)
{
    struct job_place place = { .source = job->source, .directory = job->source->directory };
    struct config_reading r = reading_of(&place, s, e);
    const struct yaml_node *of =
        find_key(job->said, job_own_keys[OWN_DIRECTORY]) ? job->said : job->defaults;
    int code = take_directory(&r, of, &place);

    s->directory = arena_str(&s->arena, place.directory);
    s->no_variables = !job->source->variable;
    if (!code && job->defaults)
        code = apply_map(&r, job->defaults, true);
    if (!code)
        code = apply_map(&r, job->said, false);
    arena_done(&r.arena);
    if (code)
        e->code = ERR_USAGE; /* nothing was begun */
    return e->code;
}

static int take_command(struct config_reading *r, const struct yaml_node *map,
                        enum settings_command *out)
{
    const struct yaml_node *key = find_key(map, job_own_keys[OWN_COMMAND]);
    struct suggestion g;
    struct str word = STR_NONE;

    if (!key)
        return 0;
    if (config_text(r, NULL, key, value_of(map, key), &word))
        return r->e->code;
    suggestion_init(&g, word);
    for (size_t i = 0; i < COMMANDS; i++) {
        suggestion_offer(&g, settings_command_name(commands[i]));
        if (str_is(word, settings_command_name(commands[i]))) {
            *out = commands[i];
            return 0;
        }
    }
    if (g.found)
        return config_refuse(r, value_of(map, key), "command: \"%.40s\" is none; did you mean %s?",
                             word.p, g.found);
    return config_refuse(r, value_of(map, key),
                         "command: expected download, wheel, install, metadata or lock, not "
                         "\"%.40s\"",
                         word.p);
}

static int check_name(struct config_reading *r, const struct yaml_node *value, struct str name)
{
    if (!str_trim(name).n)
        return config_refuse(r, value, "name: expected a name, got nothing");
    if (name.n > LIMIT_JOB_NAME_BYTES)
        return config_refuse(r, value, "name: expected at most %d bytes", LIMIT_JOB_NAME_BYTES);
    if (str_find(name, '\t') >= 0)
        return config_refuse(r, value, "name: expected no tabs");
    return 0;
}

/* "jobs/wheels.yaml" -> "wheels"; of several the second is "wheels-2". */
static struct str default_name(struct jobfile *f, const struct jobfile_source *from, size_t i)
{
    struct str file = str_of(from->name);
    struct str base = str_sub(file, (size_t)(str_rfind(file, '/') + 1), file.n);
    ptrdiff_t dot = str_rfind(base, '.');

    if (dot > 0)
        base = str_sub(base, 0, (size_t)dot);
    base = str_sub(base, 0, LIMIT_JOB_NAME_BYTES - 10);
    return f->n == 1 ? arena_str(&f->arena, base)
                     : arena_f(&f->arena, "%.*s-%zu", STR_ARG(base), i + 1);
}

static int take_name(struct config_reading *r, struct jobfile *f, size_t i)
{
    struct jobfile_job *job = &f->jobs[i];
    const struct yaml_node *key = find_key(job->said, job_own_keys[OWN_NAME]);
    struct str name = STR_NONE;

    if (!key) {
        job->name = default_name(f, job->source, i);
        return 0;
    }
    if (config_text(r, NULL, key, value_of(job->said, key), &name) ||
        check_name(r, value_of(job->said, key), name))
        return r->e->code;
    job->name = arena_str(&f->arena, name);
    return 0;
}

/* Applied to settings of its own, which nobody needs. */
static int try_job(struct config_reading *r, const struct jobfile_job *job)
{
    struct settings s;

    settings_init(&s);
    s.command = job->command;
    int code = jobfile_apply(job, &s, r->e);
    if (!code && !s.requirement_lines.n && !s.requirement_files.n)
        code = config_refuse(r, job->said,
                             "a job needs \"requirements\", or \"requirement\", files of them");
    settings_done(&s);
    return code;
}

static int take_job(struct config_reading *r, struct jobfile *f, size_t i, struct map *names)
{
    struct jobfile_job *job = &f->jobs[i];

    if (job->said->kind != YAML_MAP)
        return config_refuse(r, job->said, "expected a job, such as \"requirements: [flask]\"");
    job->command = COMMAND_DOWNLOAD;
    if (take_command(r, job->defaults, &job->command) ||
        take_command(r, job->said, &job->command) || take_name(r, f, i))
        return r->e->code;
    const struct yaml_node *other = map_get(names, job->name);
    if (other)
        return config_refuse(r, job->said, "a job named \"%s\" is in line %zu already", job->name.p,
                             other->line);
    map_put(names, job->name, (void *)(uintptr_t)job->said);
    return try_job(r, job);
}

static const struct jobfile_source *source_of(const struct config_reading *r)
{
    const struct job_place *place = r->ctx;

    return place->source;
}

static void add_job(struct jobfile *f, const struct jobfile_source *from,
                    const struct yaml_node *defaults, const struct yaml_node *said)
{
    f->jobs[f->n++] = (struct jobfile_job){ .source = from, .defaults = defaults, .said = said };
}

/* `defaults` and `jobs`, and nothing else. */
static int split_list(struct config_reading *r, struct jobfile *f, const struct yaml_node *root)
{
    const struct yaml_node *defaults = NULL, *list = NULL;

    for (size_t i = 0; i < root->n; i++) {
        const struct yaml_node *key = &root->keys[i], *value = &root->values[i];
        bool is_list = str_is(key->text, "jobs");
        if (!is_list && !str_is(key->text, "defaults"))
            return config_refuse(r, key,
                                 "\"%s\" can't stand beside \"jobs\"; put what counts for all of "
                                 "them below \"defaults\"",
                                 config_shown_key(r, key));
        *(is_list ? &list : &defaults) = value->is_null ? NULL : value;
    }
    if (!list || list->kind != YAML_LIST || !list->n)
        return config_refuse(r, list ? list : root, "jobs: expected a list of jobs");
    if (list->n > LIMIT_JOBS)
        return config_refuse(r, list, "jobs: more than %d", LIMIT_JOBS);
    if (defaults && defaults->kind != YAML_MAP)
        return config_refuse(r, defaults, "defaults: expected a map of settings");
    f->jobs = arena_alloc(&f->arena, list->n, sizeof(*f->jobs));
    for (size_t i = 0; i < list->n; i++)
        add_job(f, source_of(r), defaults, &list->values[i]);
    return 0;
}

static int take_root(struct config_reading *r, struct jobfile *f, const struct yaml_node *root)
{
    struct map names = { 0 };
    int code = 0;

    if (find_key(root, "jobs") || find_key(root, "defaults")) {
        code = split_list(r, f, root);
    } else {
        f->jobs = arena_alloc(&f->arena, 1, sizeof(*f->jobs));
        add_job(f, source_of(r), NULL, root);
    }
    for (size_t i = 0; i < f->n && !code; i++)
        code = take_job(r, f, i, &names);
    map_done(&names);
    return code;
}

int jobfile_read(const struct jobfile_source *from, struct jobfile *out, struct err *e)
{
    struct job_place place = { .source = from, .directory = from->directory };
    struct config_reading r = reading_of(&place, NULL, e);
    const struct yaml_node *root = NULL;
    int code;

    if (from->text.n > LIMIT_JOB_BYTES)
        code = err_set(e, ERR_USAGE, "%s has more than %d bytes", from->name, LIMIT_JOB_BYTES);
    else if ((code = (from->is_json ? json_tree_read : yaml_read)(&out->arena, from->text, &root,
                                                                  e)) != 0)
        err_wrap(e, "%s", from->name);
    else if (!root)
        code = err_set(e, ERR_USAGE, "%s: there is no job in it", from->name);
    else
        code = take_root(&r, out, root);
    arena_done(&r.arena);
    if (code)
        e->code = ERR_USAGE; /* nothing was begun */
    return e->code;
}

void jobfile_done(struct jobfile *f)
{
    if (!f)
        return;
    arena_done(&f->arena);
    *f = (struct jobfile){ 0 };
}
