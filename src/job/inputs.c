/* A stack of open files: an item that names another file pushes it, so that everything comes in the
 * order in which a reader would meet it. A file that comes over the network stops the walk until it
 * is there. */
#include "dray/job/inputs.h"

#include <stdlib.h>
#include <unistd.h>

#include "dray/fetch/retry.h"
#include "dray/job/reqfile.h"
#include "dray/net/url.h"
#include "dray/util/file.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

struct open_file {
    struct reqfile file;
    size_t next;      /* item */
    struct str name;  /* path or URL, for what it names */
    struct str shown; /* the same for messages: without a password */
    bool is_constraint;
};

struct want_list {
    struct want *items;
    size_t n, cap;
};

struct inputs {
    struct loop *loop;
    struct http *http;
    struct settings *settings;
    struct events *events;
    inputs_done_fn done;
    void *ctx;
    struct arena arena;
    struct want_list wants, constraints;
    struct open_file stack[LIMIT_REQFILE_DEPTH];
    size_t depth, next_constraint_file, next_file;
    struct loop_task walk;
    struct http_exchange *exchange;
    struct retry retry;
    struct buf body;     /* of the file that is being fetched */
    struct str fetching; /* its URL */
    bool fetching_constraint;
    struct err err;
};

static const char *env_get(void *ctx, const char *name)
{
    (void)ctx;
    return getenv(name);
}

static bool is_remote(struct str name)
{
    return str_starts(name, STR("http:")) || str_starts(name, STR("https:"));
}

static int inputs_add(struct inputs *in, struct str text, struct str origin, bool is_constraint,
                      const struct reqfile_item *item)
{
    struct want_list *list = is_constraint ? &in->constraints : &in->wants;
    const struct digest *hashes = NULL;
    size_t n_hashes = item ? item->n_hashes : 0;

    if (list->n == LIMIT_REQUIREMENTS)
        return err_set(&in->err, ERR_LIMIT, "%.*s: there are more than %d requirements",
                       STR_ARG(origin), LIMIT_REQUIREMENTS);
    if (n_hashes)
        hashes = arena_copy(&in->arena, item->hashes, n_hashes, sizeof(*hashes));
    list->items = mem_grow(list->items, list->n, &list->cap, sizeof(*list->items));
    struct want *want = &list->items[list->n];
    if (want_parse(&in->arena, text, origin, hashes, n_hashes, want, &in->err))
        return in->err.code;
    list->n++;
    if (is_constraint && (!want->project.p || want->n_extras))
        return err_set(&in->err, ERR_INPUT, "%.*s: a constraint must %s: \"%.*s\"", STR_ARG(origin),
                       want->project.p ? "not have extras" : "name a project",
                       STR_ARG(want->label));
    return 0;
}

/* To build without them would make another wheel than was asked for. */
static int check_config_settings(struct inputs *in, const struct open_file *f)
{
    enum settings_command command = in->settings->command;

    if (!f->file.has_config_settings)
        return 0;
    if (command == COMMAND_WHEEL || command == COMMAND_INSTALL)
        return err_set(&in->err, ERR_USAGE,
                       "%.*s: --config-settings is not built in dray yet; build that requirement "
                       "with pip",
                       STR_ARG(f->shown));
    events_warn(in->events, NULL, "%.*s: --config-settings is for building and has no effect here",
                STR_ARG(f->shown));
    return 0;
}

static int inputs_push(struct inputs *in, struct str bytes, struct str name, bool is_constraint)
{
    struct open_file *top = &in->stack[in->depth];

    *top = (struct open_file){ .name = name,
                               .shown = want_label(&in->arena, name),
                               .is_constraint = is_constraint };
    in->depth++;
    if (reqfile_parse(bytes, top->shown.p, env_get, NULL, &top->file, &in->err))
        return in->err.code;
    if (top->file.warning.p)
        events_warn(in->events, NULL, "%.*s", STR_ARG(top->file.warning));
    return check_config_settings(in, top);
}

static int inputs_read(struct inputs *in, struct str name, bool is_constraint)
{
    struct buf path = { 0 }, bytes = { 0 };
    int code = 0;

    if (str_starts(name, STR("file:")))
        code = url_to_path(name, &path, &in->err);
    else
        buf_add_str(&path, name);
    if (!code)
        code = file_read(buf_z(&path), LIMIT_REQFILE_BYTES, &bytes, &in->err);
    if (code)
        err_wrap(&in->err, "%s file", is_constraint ? "constraints" : "requirements");
    else
        code = inputs_push(in, buf_str(&bytes), name, is_constraint);
    buf_done(&path);
    buf_done(&bytes);
    return code;
}

static void inputs_request(void *ctx);

static int take_bytes(void *ctx, const void *bytes, size_t n, struct err *e)
{
    struct inputs *in = ctx;

    (void)e;
    buf_add(&in->body, bytes, n); /* capped by max_bytes */
    return 0;
}

static void fetched(void *ctx, struct http_result *result)
{
    struct inputs *in = ctx;

    in->exchange = NULL;
    if (retry_later(&in->retry, result))
        return;
    if (result->err.code) {
        err_move(&in->err, &result->err);
        err_wrap(&in->err, "%s file", in->fetching_constraint ? "constraints" : "requirements");
    } else {
        inputs_push(in, buf_str(&in->body), in->fetching, in->fetching_constraint);
    }
    in->fetching = STR_NONE;
    loop_post(in->loop, &in->walk);
}

static void inputs_request(void *ctx)
{
    struct inputs *in = ctx;
    struct http_request rq = { .url = in->fetching.p,
                               .is_page = true,
                               .max_bytes = LIMIT_REQFILE_BYTES };
    struct http_sink sink = { .data = take_bytes, .done = fetched, .ctx = in };

    buf_reset(&in->body);
    in->retry.attempt++;
    in->exchange = http_start(in->http, &rq, &sink);
}

/* Opens a file, or starts to fetch it. */
static int inputs_open(struct inputs *in, struct str name, bool is_constraint)
{
    name = arena_str(&in->arena, name);
    for (size_t i = 0; i < in->depth; i++)
        if (str_eq(in->stack[i].name, name))
            return err_set(&in->err, ERR_INPUT, "%.*s includes itself, by way of %.*s",
                           STR_ARG(in->stack[i].shown), STR_ARG(in->stack[in->depth - 1].shown));
    if (in->depth == LIMIT_REQFILE_DEPTH)
        return err_set(&in->err, ERR_LIMIT, "%.*s: requirements files are nested deeper than %d",
                       STR_ARG(want_label(&in->arena, name)), LIMIT_REQFILE_DEPTH);
    if (!is_remote(name))
        return inputs_read(in, name, is_constraint);
    in->fetching = name;
    in->fetching_constraint = is_constraint;
    in->retry.attempt = 0;
    inputs_request(in);
    return 0;
}

/* pip: what a file names is relative to the file. */
static int inputs_open_from(struct inputs *in, const struct open_file *from, struct str name,
                            bool is_constraint)
{
    struct buf full = { 0 };
    ptrdiff_t slash = str_rfind(from->name, '/');
    int code = 0;

    if (is_remote(name) || str_starts(name, STR("file:")) || str_starts(name, STR("/")))
        buf_add_str(&full, name);
    else if (is_remote(from->name))
        code = url_join(from->name, name, &full, &in->err);
    else
        buf_add_f(&full, "%.*s%.*s", STR_ARG(str_sub(from->name, 0, (size_t)(slash + 1))),
                  STR_ARG(name));
    if (!code)
        code = inputs_open(in, buf_str(&full), is_constraint);
    buf_done(&full);
    return code;
}

/* pip: a relative --find-links in a file is relative to the file if there is such a thing there. */
static void find_links_from(const struct open_file *from, struct str value, struct buf *out)
{
    ptrdiff_t slash = str_rfind(from->name, '/');

    if (!is_remote(from->name) && !url_has_scheme(value) && slash >= 0 &&
        !str_starts(value, STR("/"))) {
        buf_add_f(out, "%.*s%.*s", STR_ARG(str_sub(from->name, 0, (size_t)slash + 1)),
                  STR_ARG(value));
        if (access(buf_z(out), F_OK) == 0)
            return;
        buf_reset(out);
    }
    buf_add_str(out, value);
}

static int inputs_option(struct inputs *in, const struct open_file *from,
                         const struct reqfile_item *item, struct str origin)
{
    const struct setting *which = settings_find(item->text);
    struct buf value = { 0 };
    int code;

    if (str_is(item->text, "requirement"))
        return inputs_open_from(in, from, item->value, false); /* also from within -c, as in pip */
    if (str_is(item->text, "constraint"))
        return inputs_open_from(in, from, item->value, true);
    if (!which || !(which->where & SETTING_IN_REQFILE))
        return err_set(&in->err, ERR_UNSUPPORTED, "%.*s: --%.*s is not built in dray yet",
                       STR_ARG(origin), STR_ARG(item->text));
    if (str_is(item->text, "find-links")) {
        find_links_from(from, item->value, &value);
        code = settings_set(in->settings, which, buf_str(&value), origin.p, &in->err);
    } else {
        code = settings_set(in->settings, which, item->value, origin.p, &in->err);
    }
    buf_done(&value);
    return code;
}

static int inputs_item(struct inputs *in, struct open_file *from, const struct reqfile_item *item)
{
    struct str origin = arena_f(&in->arena, "%.*s, line %zu", STR_ARG(from->shown), item->line);

    switch (item->kind) {
    case REQFILE_REQUIREMENT:
        return inputs_add(in, item->text, origin, from->is_constraint, item);
    case REQFILE_EDITABLE:
        return err_set(&in->err, ERR_UNSUPPORTED,
                       "%.*s: \"-e %.*s\" is a source tree: dray fetches finished distributions; "
                       "build a wheel of it first",
                       STR_ARG(origin), STR_ARG(want_label(&in->arena, item->text)));
    case REQFILE_OPTION:
        break;
    }
    return inputs_option(in, from, item, origin);
}

/* The next thing to read: an item of the innermost file, or the next file. False when there is
 * none. */
static bool inputs_step(struct inputs *in)
{
    struct settings *s = in->settings;

    if (in->depth) {
        struct open_file *top = &in->stack[in->depth - 1];
        if (top->next < top->file.n) {
            inputs_item(in, top, &top->file.items[top->next++]);
        } else {
            reqfile_done(&top->file);
            in->depth--;
        }
        return true;
    }
    if (in->next_constraint_file < s->constraint_files.n)
        inputs_open(in, s->constraint_files.items[in->next_constraint_file++], true);
    else if (in->next_file < s->requirement_files.n)
        inputs_open(in, s->requirement_files.items[in->next_file++], false);
    else
        return false;
    return true;
}

static void inputs_walk(void *ctx)
{
    struct inputs *in = ctx;

    while (!in->err.code && !in->fetching.p && inputs_step(in))
        continue;
    if (!in->fetching.p)
        in->done(in->ctx, &in->err);
}

struct inputs *inputs_start(struct loop *l, struct http *http, struct settings *s,
                            struct events *events, inputs_done_fn done, void *ctx)
{
    struct inputs *in = mem_new(1, sizeof(*in));

    in->loop = l;
    in->http = http;
    in->settings = s;
    in->events = events;
    in->retry = (struct retry){
        .loop = l, .events = events, .retries = s->retries, .again = inputs_request, .ctx = in
    };
    in->done = done;
    in->ctx = ctx;
    in->walk = (struct loop_task){ .fn = inputs_walk, .ctx = in };
    for (size_t i = 0; i < s->requirements.n && !in->err.code; i++)
        inputs_add(in, s->requirements.items[i], STR_NONE, false, NULL);
    loop_post(l, &in->walk);
    return in;
}

void inputs_destroy(struct inputs *in)
{
    if (!in)
        return;
    if (in->exchange)
        http_cancel(in->exchange);
    retry_done(&in->retry);
    loop_unpost(in->loop, &in->walk);
    while (in->depth)
        reqfile_done(&in->stack[--in->depth].file);
    free(in->wants.items);
    free(in->constraints.items);
    buf_done(&in->body);
    err_done(&in->err);
    arena_done(&in->arena);
    free(in);
}

const struct want *inputs_wants(const struct inputs *in, size_t *n)
{
    *n = in->wants.n;
    return in->wants.items;
}

const struct want *inputs_constraints(const struct inputs *in, size_t *n)
{
    *n = in->constraints.n;
    return in->constraints.items;
}
