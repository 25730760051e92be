#include "dray/job/target_choice.h"

#include <stdlib.h>

#include "dray/job/interpreter.h"
#include "dray/job/rooms.h"
#include "dray/util/buf.h"
#include "dray/util/mem.h"

struct target_choice {
    struct loop *loop;
    const struct settings *settings;
    target_choice_fn done;
    void *ctx;
    struct loop_task task;
    struct interpreter *interpreter;
};

static void choice_end(struct target_choice *c, struct target *target, struct err *e)
{
    target_choice_fn done = c->done;
    void *ctx = c->ctx;

    free(c);
    done(ctx, target, e);
    err_done(e);
}

static bool has_words(const struct settings *s)
{
    return s->platforms.n || s->abis.n || s->python_version.n || s->implementation.n;
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
    choice_end(c, target, &own);
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

static void choose(void *ctx)
{
    struct target_choice *c = ctx;
    const struct settings *s = c->settings;
    struct target *target = NULL;
    struct err e = { 0 };

    if (s->targets.n > 1)
        err_set(&e, ERR_USAGE,
                "several --target in one run are not built in dray yet: run it once for each");
    else if (s->targets.n)
        target_from_spec(s->targets.items[0], &target, &e);
    else if (has_words(s) && from_words(s, NULL, &target, &e))
        err_done(&e); /* something is left open that the interpreter knows */
    if (target || e.code)
        choice_end(c, target, &e);
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
    free(c);
}
