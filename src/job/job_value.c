/* Variables first, as in a requirements file; then, of what is a path, where it begins. */
#include "dray/job/job_value.h"

#include <stdlib.h>

#include "dray/job/jobfile.h"
#include "dray/job/reqfile.h"
#include "dray/job/reqfile_line.h"
#include "dray/net/url.h"
#include "dray/util/limits.h"
#include "dray/util/path.h"

/* Lists and texts that are paths, unless they are URLs. */
static bool may_be_path(const struct setting *w)
{
    return w->offset == offsetof(struct settings, requirement_files) ||
           w->offset == offsetof(struct settings, constraint_files) ||
           w->offset == offsetof(struct settings, find_links) ||
           w->offset == offsetof(struct settings, target_files) ||
           w->offset == offsetof(struct settings, python);
}

bool job_value_is_path(const struct setting *which)
{
    return which->kind == SETTING_PATH || may_be_path(which);
}

/* python: a name is looked up on PATH. "-" is standard output. */
static bool is_elsewhere(const struct setting *w, struct str text)
{
    bool is_python = w->offset == offsetof(struct settings, python);

    return !text.n || str_is(text, "-") || (is_python && str_find(text, '/') < 0) ||
           (may_be_path(w) && url_has_scheme(text));
}

struct str job_value_directory(struct config_reading *r, struct str text)
{
    const struct job_place *from = r->ctx;
    const char *home = getenv("HOME");
    struct buf path = { 0 };

    if (home && (str_is(text, "~") || str_starts(text, STR("~/"))))
        buf_add_f(&path, "%s%.*s", home, (int)text.n - 1, text.p + 1);
    else
        path_join(from->directory, text, &path);
    struct str out = arena_str(&r->arena, buf_str(&path));
    buf_done(&path);
    return out;
}

static int refuse_variable(struct config_reading *r, const struct yaml_node *key,
                           const struct yaml_node *value, struct str name)
{
    const struct jobfile_source *source = ((const struct job_place *)r->ctx)->source;

    if (!source->variable)
        return config_refuse(r, value,
                             "%s: variables are not expanded here; write what ${%.*s} stands for",
                             config_shown_key(r, key), STR_ARG(name));
    return config_refuse(r, value, "%s: the variable %.*s is not set", config_shown_key(r, key),
                         STR_ARG(name));
}

static int expand(struct config_reading *r, const struct yaml_node *key,
                  const struct yaml_node *value, struct buf *out)
{
    const struct jobfile_source *source = ((const struct job_place *)r->ctx)->source;
    struct str text = value->text;

    for (size_t i = 0, n; i < text.n; i += n ? n : 1) {
        n = reqfile_variable(str_sub(text, i, text.n));
        if (!n) {
            buf_add_c(out, text.p[i]);
            continue;
        }
        struct str name = arena_str(&r->arena, str_sub(text, i + 2, i + n - 1));
        const char *means = source->variable ? source->variable(source->ctx, name.p) : NULL;
        if (!means)
            return refuse_variable(r, key, value, name);
        buf_add_z(out, means);
        if (out->n > LIMIT_REQUIREMENT_BYTES)
            return config_refuse(r, value, "%s: with its variables this has more than %d bytes",
                                 config_shown_key(r, key), LIMIT_REQUIREMENT_BYTES);
    }
    if (str_find(buf_str(out), '\n') >= 0 || str_find(buf_str(out), '\r') >= 0)
        return config_refuse(r, value, "%s: a variable in it has more than one line",
                             config_shown_key(r, key));
    return 0;
}

int job_value(struct config_reading *r, const struct setting *which, const struct yaml_node *key,
              const struct yaml_node *value, struct str *out)
{
    struct buf text = { 0 };
    int code = 0;

    *out = value->text;
    if (str_search(value->text, STR("${")) >= 0) {
        code = expand(r, key, value, &text);
        *out = arena_str(&r->arena, text.n ? buf_str(&text) : STR(""));
        buf_done(&text);
    }
    if (!code && which && job_value_is_path(which))
        *out = is_elsewhere(which, *out) ? *out : job_value_directory(r, *out);
    return code;
}

/* What stands at a text, or at each item of a list. */
typedef int (*each_fn)(struct config_reading *r, void *to, const struct yaml_node *key,
                       const struct yaml_node *value);

static int each(struct config_reading *r, void *to, const struct yaml_node *key,
                const struct yaml_node *value, each_fn add)
{
    int code = 0;

    if (value->kind == YAML_MAP)
        return config_refuse(r, value, "%s: expected one value or a list of them, not a map",
                             key->text.p);
    if (value->kind == YAML_TEXT)
        return add(r, to, key, value);
    for (size_t i = 0; i < value->n && !code; i++)
        code = add(r, to, key, &value->values[i]);
    return code;
}

static int add_line(struct config_reading *r, void *to, const struct yaml_node *key,
                    const struct yaml_node *value)
{
    struct reqfile parsed = { 0 };
    struct str line = STR_NONE;

    if (config_text(r, NULL, key, value, &line))
        return r->e->code;
    if (value->is_null || !str_trim(line).n)
        return config_refuse(r, value, "%s: expected a requirement, got nothing", key->text.p);
    struct str at = arena_f(&r->arena, "%s, %s", config_place(r, value).p, key->text.p);
    int code = reqfile_parse_line(line, at.p, &parsed, r->e);
    reqfile_done(&parsed);
    if (!code)
        settings_add_line(r->settings, to, line,
                          arena_f(&r->arena, "%s, line %zu", r->path, value->line));
    return code;
}

int job_value_lines(struct config_reading *r, struct settings_lines *to,
                    const struct yaml_node *key, const struct yaml_node *value)
{
    to->n = 0;
    return each(r, to, key, value, add_line);
}

static int add_option(struct config_reading *r, void *to, const struct yaml_node *key,
                      const struct yaml_node *value)
{
    struct str option = STR_NONE;

    if (config_text(r, NULL, key, value, &option))
        return r->e->code;
    if (value->is_null)
        return config_refuse(r, value, "%s: expected an option of pip install, got nothing",
                             key->text.p);
    strs_add(to, arena_str(&r->settings->arena, option));
    return 0;
}

int job_value_options(struct config_reading *r, const struct yaml_node *key,
                      const struct yaml_node *value)
{
    r->settings->pip_options.n = 0;
    return each(r, &r->settings->pip_options, key, value, add_option);
}

/* The name as the walk over requirements files will have it. */
static struct str content_name(struct config_reading *r, struct str name)
{
    const struct job_place *from = r->ctx;
    struct buf full = { 0 }, plain = { 0 };

    if (url_has_scheme(name))
        return name;
    path_join(from->directory, name, &full);
    path_normalize(buf_str(&full), &plain);
    struct str out = arena_str(&r->arena, buf_str(&plain));
    buf_done(&full);
    buf_done(&plain);
    return out;
}

int job_value_contents(struct config_reading *r, const struct yaml_node *key,
                       const struct yaml_node *value)
{
    if (value->kind != YAML_MAP)
        return config_refuse(r, value, "%s: expected a map of names and texts", key->text.p);
    if (value->n > LIMIT_JOB_CONTENTS)
        return config_refuse(r, value, "%s: more than %d files", key->text.p, LIMIT_JOB_CONTENTS);
    for (size_t i = 0; i < value->n; i++) {
        const struct yaml_node *name = &value->keys[i], *text = &value->values[i];
        if (!name->text.n)
            return config_refuse(r, name, "%s: a file needs a name", key->text.p);
        if (text->kind != YAML_TEXT || text->is_null)
            return config_refuse(r, text, "%s: expected what %s holds, a text", key->text.p,
                                 config_shown_key(r, name));
        settings_put_content(r->settings, content_name(r, name->text), text->text);
    }
    return 0;
}
