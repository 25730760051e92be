#include "dray/job/target_choice.h"

#include <stdlib.h>

#include "dray/job/interpreter.h"
#include "dray/job/rooms.h"
#include "dray/util/buf.h"
#include "dray/util/file.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

struct target_choice {
    struct loop *loop;
    const struct settings *settings;
    target_choice_fn done;
    void *ctx;
    struct loop_task task;
    struct interpreter *interpreter;
    struct targets targets;
};

void targets_done(struct targets *t)
{
    for (size_t i = 0; i < t->n; i++)
        target_destroy(t->items[i]);
    free(t->items);
    *t = (struct targets){ 0 };
}

static void targets_add(struct targets *t, struct target *target)
{
    t->items = mem_grow(t->items, t->n, &t->cap, sizeof(struct target *));
    t->items[t->n++] = target;
}

static void choice_end(struct target_choice *c, struct err *e)
{
    target_choice_fn done = c->done;
    struct targets targets = c->targets;
    void *ctx = c->ctx;

    if (e->code)
        targets_done(&targets);
    free(c);
    done(ctx, &targets, e);
    err_done(e);
}

static bool has_words(const struct settings *s)
{
    return s->platforms.n || s->abis.n || s->python_version.n || s->implementation.n;
}

bool target_choice_is_own(const struct settings *s)
{
    return !s->targets.n && !s->target_files.n && !has_words(s);
}

static int from_words(const struct settings *s, const struct target *base, struct target **out,
                      struct err *e)
{
    struct target_words words = { .platforms = s->platforms.items,
                                  .n_platforms = s->platforms.n,
                                  .python_version = s->python_version,
                                  .implementation = s->implementation,
                                  .abis = s->abis.items,
                                  .n_abis = s->abis.n };

    return target_from_words(&words, base, out, e);
}

static void interpreter_said(void *ctx, struct target *base, struct err *e)
{
    struct target_choice *c = ctx;
    struct target *target = base;
    struct err own = { 0 };

    err_move(&own, e);
    if (base && has_words(c->settings)) {
        target = NULL;
        from_words(c->settings, base, &target, &own);
        target_destroy(base);
    }
    if (target)
        targets_add(&c->targets, target);
    choice_end(c, &own);
}

static void ask_interpreter(struct target_choice *c)
{
    struct buf dir = { 0 };
    bool keep = rooms_cache_dir(c->settings, &dir);
    const char *python = c->settings->python.n ? c->settings->python.p : "python3";

    c->interpreter =
        interpreter_start(c->loop, python, keep ? buf_z(&dir) : NULL, interpreter_said, c);
    buf_done(&dir);
}

static int add_spec(struct target_choice *c, struct str spec, struct err *e)
{
    struct target *target;

    for (size_t i = 0; i < c->targets.n; i++)
        if (str_eq(c->targets.items[i]->label, spec))
            return 0;
    if (c->targets.n == LIMIT_TARGETS)
        return err_set(e, ERR_LIMIT, "there are more than %d targets", LIMIT_TARGETS);
    if (target_from_spec(spec, &target, e))
        return e->code;
    targets_add(&c->targets, target);
    return 0;
}

/* One a line; "#" begins a comment. */
static int add_file(struct target_choice *c, struct str path, struct err *e)
{
    struct buf text = { 0 };
    size_t number = 0;

    file_read(path.p, LIMIT_CONFIG_BYTES, &text, e);
    for (struct str rest = buf_str(&text); rest.p && !e->code;) {
        struct str comment, line = str_cut(str_cut(rest, '\n', &rest), '#', &comment);
        number++;
        line = str_trim(line);
        if (line.n && add_spec(c, line, e))
            err_wrap(e, "%.*s, line %zu", STR_ARG(path), number);
    }
    buf_done(&text);
    return e->code;
}

/* What is built or printed is for one. */
static bool takes_several(const struct settings *s)
{
    return s->command == COMMAND_DOWNLOAD || s->command == COMMAND_LOCK;
}

static void add_specs(struct target_choice *c, struct err *e)
{
    const struct settings *s = c->settings;

    for (size_t i = 0; i < s->targets.n && !e->code; i++)
        add_spec(c, s->targets.items[i], e);
    for (size_t i = 0; i < s->target_files.n && !e->code; i++)
        add_file(c, s->target_files.items[i], e);
    if (!c->targets.n && !e->code)
        err_set(e, ERR_USAGE, "%.*s names no target: expected PYTHON:PLATFORM, one a line",
                STR_ARG(s->target_files.items[0]));
    else if (c->targets.n > 1 && !takes_several(s) && !e->code)
        err_set(e, ERR_USAGE, "dray %s is for one target at a time",
                settings_command_name(s->command));
}

static void choose(void *ctx)
{
    struct target_choice *c = ctx;
    const struct settings *s = c->settings;
    struct target *target = NULL;
    struct err e = { 0 };

    if (s->targets.n || s->target_files.n)
        add_specs(c, &e);
    else if (has_words(s) && from_words(s, NULL, &target, &e))
        err_done(&e); /* something is left open that the interpreter knows */
    if (target)
        targets_add(&c->targets, target);
    if (c->targets.n || e.code)
        choice_end(c, &e);
    else
        ask_interpreter(c);
}

struct target_choice *target_choice_start(struct loop *l, const struct settings *s,
                                          target_choice_fn done, void *ctx)
{
    struct target_choice *c = mem_new(1, sizeof(*c));

    c->loop = l;
    c->settings = s;
    c->done = done;
    c->ctx = ctx;
    c->task = (struct loop_task){ .fn = choose, .ctx = c };
    loop_post(l, &c->task);
    return c;
}

void target_choice_cancel(struct target_choice *c)
{
    if (!c)
        return;
    if (c->interpreter)
        interpreter_cancel(c->interpreter);
    loop_unpost(c->loop, &c->task);
    targets_done(&c->targets);
    free(c);
}
