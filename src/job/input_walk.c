/* A stack of open files: an item that names another file pushes it, so that everything comes in the
 * order in which a reader would meet it. */
#include "dray/job/input_walk.h"

#include <stdlib.h>
#include <unistd.h>

#include "dray/fetch/reader.h"
#include "dray/net/url.h"
#include "dray/util/file.h"
#include "dray/util/mem.h"
#include "dray/util/path.h"

static const char *env_get(void *ctx, const char *name)
{
    struct input_walk *w = ctx;

    w->asked_variable = true;
    return w->settings->no_variables ? NULL : getenv(name);
}

static bool is_remote(struct str name)
{
    return str_starts(name, STR("http:")) || str_starts(name, STR("https:"));
}

static int walk_add(struct input_walk *w, struct str text, struct str origin, bool is_constraint,
                    const struct reqfile_item *item)
{
    struct input_wants *list = is_constraint ? &w->constraints : &w->wants;
    const struct digest *hashes = NULL;
    size_t n_hashes = item ? item->n_hashes : 0;

    if (list->n == LIMIT_REQUIREMENTS)
        return err_set(&w->err, ERR_LIMIT, "%.*s: there are more than %d requirements",
                       STR_ARG(origin), LIMIT_REQUIREMENTS);
    if (n_hashes)
        hashes = arena_copy(&w->arena, item->hashes, n_hashes, sizeof(*hashes));
    list->items = mem_grow(list->items, list->n, &list->cap, sizeof(*list->items));
    struct want *want = &list->items[list->n];
    struct want_text from = { .text = text,
                              .origin = origin,
                              .directory = w->settings->directory,
                              .no_local_files = w->settings->no_local_files,
                              .hashes = hashes,
                              .n_hashes = n_hashes };
    if (want_parse(&w->arena, &from, want, &w->err))
        return w->err.code;
    if (w->settings->no_local_files && str_starts(want->url, STR("file:")))
        return reader_refuse(want->label, &w->err);
    list->n++;
    if (is_constraint && (!want->project.p || want->n_extras))
        return err_set(&w->err, ERR_INPUT, "%.*s: a constraint must %s: \"%.*s\"", STR_ARG(origin),
                       want->project.p ? "not have extras" : "name a project",
                       STR_ARG(want->label));
    return 0;
}

/* To build without them would make another wheel than was asked for. */
static int check_config_settings(struct input_walk *w, const struct input_file *f)
{
    enum settings_command command = w->settings->command;

    if (!f->file.has_config_settings)
        return 0;
    if (command == COMMAND_WHEEL || command == COMMAND_INSTALL)
        return err_set(&w->err, ERR_USAGE,
                       "%.*s: --config-settings is not built in dray yet; build that requirement "
                       "with pip",
                       STR_ARG(f->shown));
    events_warn(w->events, NULL, "%.*s: --config-settings is for building and has no effect here",
                STR_ARG(f->shown));
    return 0;
}

/* Who may not see this machine's variables is told so; as it stands it would be asked for in vain.
 */
static int check_variables(struct input_walk *w, const struct input_file *f)
{
    if (!w->settings->no_variables || !w->asked_variable)
        return 0;
    return err_set(&w->err, ERR_USAGE,
                   "%.*s: variables (${NAME}) are not expanded here; write what they stand for",
                   STR_ARG(f->shown));
}

static int walk_push(struct input_walk *w, struct str bytes, struct str name, bool is_constraint)
{
    struct input_file *top = &w->stack[w->depth];

    *top = (struct input_file){ .name = name,
                                .shown = want_label(&w->arena, name),
                                .is_constraint = is_constraint };
    w->depth++;
    w->asked_variable = false;
    if (reqfile_parse(bytes, top->shown.p, env_get, w, &top->file, &w->err) ||
        check_variables(w, top))
        return w->err.code;
    if (top->file.warning.p)
        events_warn(w->events, NULL, "%.*s", STR_ARG(top->file.warning));
    return check_config_settings(w, top);
}

/* A job expands its variables where it is read. */
static const char *env_none(void *ctx, const char *name)
{
    (void)ctx;
    (void)name;
    return NULL;
}

/* The lines of a job, as a file in its directory. */
static int walk_push_lines(struct input_walk *w, const struct settings_lines *lines,
                           bool is_constraint)
{
    struct input_file *top = &w->stack[w->depth];
    struct buf all = { 0 }, name = { 0 };

    for (size_t i = 0; i < lines->n; i++)
        buf_add_f(&all, "%.*s\n", STR_ARG(lines->items[i].text));
    path_join(w->settings->directory, STR(""), &name);
    *top = (struct input_file){ .name = arena_str(&w->arena, buf_str(&name)),
                                .shown = STR("requirements"),
                                .lines = lines,
                                .is_constraint = is_constraint };
    w->depth++;
    if (!reqfile_parse(buf_str(&all), top->shown.p, env_none, NULL, &top->file, &w->err))
        check_config_settings(w, top);
    buf_done(&all);
    buf_done(&name);
    return w->err.code;
}

/* It goes along with the job. One that names variables would mean something else elsewhere. */
static void carry(struct input_walk *w, struct str path, struct str bytes)
{
    struct buf plain = { 0 };

    path_normalize(path, &plain);
    if (w->asked_variable)
        err_set(&w->err, ERR_UNSUPPORTED,
                "%.*s names environment variables, which a daemon does not have: write the values "
                "into it",
                STR_ARG(path));
    else
        settings_put_content(w->settings, buf_str(&plain), bytes);
    buf_done(&plain);
}

static int walk_read(struct input_walk *w, struct str name, bool is_constraint)
{
    struct buf path = { 0 }, bytes = { 0 };
    int code = 0;

    if (w->settings->no_local_files)
        return reader_refuse(want_label(&w->arena, name), &w->err);
    if (str_starts(name, STR("file:")))
        code = url_to_path(name, &path, &w->err);
    else
        buf_add_str(&path, name);
    if (!code)
        code = file_read(buf_z(&path), LIMIT_REQFILE_BYTES, &bytes, &w->err);
    if (code)
        err_wrap(&w->err, "%s file", is_constraint ? "constraints" : "requirements");
    else
        code = walk_push(w, buf_str(&bytes), name, is_constraint);
    if (!code && w->carries)
        carry(w, buf_str(&path), buf_str(&bytes));
    buf_done(&path);
    buf_done(&bytes);
    return code;
}

/* What a job brings along under that name. */
static const struct settings_content *find_content(struct input_walk *w, struct str name)
{
    const struct settings_contents *all = &w->settings->contents;
    const struct settings_content *found = NULL;
    struct buf plain = { 0 };

    if (is_remote(name))
        buf_add_str(&plain, name);
    else
        path_normalize(name, &plain);
    for (size_t i = 0; i < all->n && !found; i++)
        if (str_eq(all->items[i].name, buf_str(&plain)))
            found = &all->items[i];
    buf_done(&plain);
    return found;
}

/* Opens a file, or says that it is to be fetched. */
static int walk_open(struct input_walk *w, struct str name, bool is_constraint)
{
    name = arena_str(&w->arena, name);
    for (size_t i = 0; i < w->depth; i++)
        if (str_eq(w->stack[i].name, name))
            return err_set(&w->err, ERR_INPUT, "%.*s includes itself, by way of %.*s",
                           STR_ARG(w->stack[i].shown), STR_ARG(w->stack[w->depth - 1].shown));
    if (w->depth == LIMIT_REQFILE_DEPTH)
        return err_set(&w->err, ERR_LIMIT, "%.*s: requirements files are nested deeper than %d",
                       STR_ARG(want_label(&w->arena, name)), LIMIT_REQFILE_DEPTH);
    const struct settings_content *content = find_content(w, name);
    if (content && !walk_push(w, content->text, name, is_constraint))
        w->stack[w->depth - 1].is_content = true;
    if (content)
        return w->err.code;
    if (!is_remote(name))
        return walk_read(w, name, is_constraint);
    w->remote = name;
    w->remote_is_constraint = is_constraint;
    return 0;
}

/* pip: what a file names is relative to the file. The directory of one that a job brings along need
 * not be there. */
static int walk_open_from(struct input_walk *w, const struct input_file *from, struct str name,
                          bool is_constraint)
{
    struct buf full = { 0 }, plain = { 0 };
    bool is_path = !is_remote(name) && !str_starts(name, STR("file:"));
    int code = 0;

    if (!is_path || str_starts(name, STR("/")))
        buf_add_str(&full, name);
    else if (is_remote(from->name))
        code = url_join(from->name, name, &full, &w->err);
    else
        buf_add_f(&full, "%.*s%.*s",
                  STR_ARG(str_sub(from->name, 0, (size_t)(str_rfind(from->name, '/') + 1))),
                  STR_ARG(name));
    if (is_path && from->is_content && !is_remote(from->name))
        path_normalize(buf_str(&full), &plain);
    if (!code)
        code = walk_open(w, buf_str(plain.n ? &plain : &full), is_constraint);
    buf_done(&full);
    buf_done(&plain);
    return code;
}

/* pip: a relative --find-links in a file is relative to the file if there is such a thing there. */
static void find_links_from(const struct input_walk *w, const struct input_file *from,
                            struct str value, struct buf *out)
{
    ptrdiff_t slash = str_rfind(from->name, '/');

    if (!is_remote(from->name) && !url_has_scheme(value) && slash >= 0 &&
        !str_starts(value, STR("/"))) {
        buf_add_f(out, "%.*s%.*s", STR_ARG(str_sub(from->name, 0, (size_t)slash + 1)),
                  STR_ARG(value));
        if (w->settings->no_local_files || access(buf_z(out), F_OK) == 0)
            return;
        buf_reset(out);
    }
    path_join(url_has_scheme(value) ? STR_NONE : w->settings->directory, value, out);
}

static int walk_option(struct input_walk *w, const struct input_file *from,
                       const struct reqfile_item *item, struct str origin)
{
    const struct setting *which = settings_find(item->text);
    struct buf value = { 0 };
    int code;

    if (str_is(item->text, "requirement"))
        return walk_open_from(w, from, item->value, false); /* also from within -c, as in pip */
    if (str_is(item->text, "constraint"))
        return walk_open_from(w, from, item->value, true);
    if (!which || !(which->where & SETTING_IN_REQFILE))
        return err_set(&w->err, ERR_UNSUPPORTED, "%.*s: --%.*s is not built in dray yet",
                       STR_ARG(origin), STR_ARG(item->text));
    if (str_is(item->text, "find-links")) {
        find_links_from(w, from, item->value, &value);
        code = settings_set(w->settings, which, buf_str(&value), origin.p, &w->err);
    } else {
        code = settings_set(w->settings, which, item->value, origin.p, &w->err);
    }
    buf_done(&value);
    return code;
}

static int walk_item(struct input_walk *w, struct input_file *from, const struct reqfile_item *item)
{
    struct str origin =
        from->lines ? from->lines->items[item->line - 1].origin
                    : arena_f(&w->arena, "%.*s, line %zu", STR_ARG(from->shown), item->line);

    switch (item->kind) {
    case REQFILE_REQUIREMENT:
        return walk_add(w, item->text, origin, from->is_constraint, item);
    case REQFILE_EDITABLE:
        return err_set(&w->err, ERR_UNSUPPORTED,
                       "%.*s: \"-e %.*s\" is a source tree: dray fetches finished distributions; "
                       "build a wheel of it first",
                       STR_ARG(origin), STR_ARG(want_label(&w->arena, item->text)));
    case REQFILE_OPTION:
        break;
    }
    return walk_option(w, from, item, origin);
}

/* The next item of the innermost file. */
static void walk_step_file(struct input_walk *w)
{
    struct input_file *top = &w->stack[w->depth - 1];

    if (top->next < top->file.n) {
        walk_item(w, top, &top->file.items[top->next++]);
    } else {
        reqfile_done(&top->file);
        w->depth--;
    }
}

/* An error says who asked for the file, unless that was the command line. */
static void walk_open_named(struct input_walk *w, const char *setting, struct str name)
{
    struct str origin = settings_origin(w->settings, settings_find(str_of(setting)));

    walk_open(w, name, str_is(STR("constraint"), setting));
    if (w->err.code && !str_starts(origin, STR("-")))
        err_wrap(&w->err, "%.*s", STR_ARG(origin));
}

/* The next thing to read. False when there is none. */
static bool walk_step(struct input_walk *w)
{
    struct settings *s = w->settings;

    if (w->depth) {
        walk_step_file(w);
    } else if (w->next_argument < s->requirements.n) {
        walk_add(w, s->requirements.items[w->next_argument++], STR_NONE, false, NULL);
    } else if (w->next_lines < 2) {
        bool is_constraint = w->next_lines++ == 1;
        walk_push_lines(w, is_constraint ? &s->constraint_lines : &s->requirement_lines,
                        is_constraint);
    } else if (w->next_constraint_file < s->constraint_files.n) {
        walk_open_named(w, "constraint", s->constraint_files.items[w->next_constraint_file++]);
    } else if (w->next_file < s->requirement_files.n) {
        walk_open_named(w, "requirement", s->requirement_files.items[w->next_file++]);
    } else {
        return false;
    }
    return true;
}

void input_walk_go(struct input_walk *w)
{
    while (!w->err.code && !w->remote.p && walk_step(w))
        continue;
}

void input_walk_take(struct input_walk *w, struct str bytes)
{
    struct str name = w->remote;

    w->remote = STR_NONE;
    if (bytes.p)
        walk_push(w, bytes, name, w->remote_is_constraint);
}

void input_walk_done(struct input_walk *w)
{
    if (!w)
        return;
    while (w->depth)
        reqfile_done(&w->stack[--w->depth].file);
    free(w->wants.items);
    free(w->constraints.items);
    err_done(&w->err);
    arena_done(&w->arena);
    *w = (struct input_walk){ 0 };
}
