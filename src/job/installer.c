/* One child; what takes thought is its environment. */
#include "dray/job/installer.h"

#include <stdlib.h>

#include "dray/net/child.h"
#include "dray/util/arena.h"
#include "dray/util/buf.h"
#include "dray/util/file.h"
#include "dray/util/mem.h"

#define REQUIREMENTS "requirements.txt"

/* So many pins are arguments, more are a file: the length of all arguments has a limit. */
enum { ARGUMENT_PINS = 100 };

struct installer {
    struct child *child;
    installer_done_fn done;
    void *ctx;
};

/* pip reads every option from the environment too, and lets it win over pip.conf; lists that stand
 * there are added to those of the command line. So each variable is set to what changes nothing,
 * rather than unset: a list of one blank is empty (an empty value would count as none), and hides
 * the one of pip.conf. A pip that does not know an option passes over its variable. */
static const char *const pip_changes[] = {
    /* Other files of the same version. */
    "PIP_FIND_LINKS= ",
    /* More to install, or something else. */
    "PIP_REQUIREMENT= ",
    "PIP_EDITABLE= ",
    "PIP_REQUIREMENTS_FROM_SCRIPT= ",
    "PIP_GROUP",
    "PIP_ONLY_DEPS=0",
    /* dray has heeded them when it chose, and a wheel that it had built of a source distribution is
     * none that --no-binary lets pip see. */
    "PIP_CONSTRAINT= ",
    "PIP_BUILD_CONSTRAINT= ",
    "PIP_NO_BINARY=:none:",
    "PIP_ONLY_FINAL=:none:",
    /* dray has compared them; the pins have none. */
    "PIP_REQUIRE_HASHES=0",
    /* Which Python is in the order. */
    "PIP_PYTHON",
};

static void on_child(void *ctx, struct child_result *r)
{
    struct installer *i = ctx;
    struct err e = { 0 };

    if (r->err.code) {
        err_move(&e, &r->err);
        err_wrap(&e, "pip install");
    } else if (r->exit_status != 0) {
        err_set(&e, ERR_CHILD, "pip install ended with status %d", r->exit_status);
    }
    installer_done_fn done = i->done;
    void *done_ctx = i->ctx;
    free(i);
    done(done_ctx, &e);
    err_done(&e);
}

static int write_requirements(const char *path, const struct strs *pins, struct err *e)
{
    struct buf text = { 0 };

    for (size_t i = 0; i < pins->n; i++) {
        buf_add_str(&text, pins->items[i]);
        buf_add_c(&text, '\n');
    }
    int code = file_write(path, buf_str(&text), e);
    buf_done(&text);
    return code;
}

/* All of `from`, each followed by a NUL. */
static size_t add_arguments(const char **argv, size_t n, struct arena *a, const struct strs *from)
{
    for (size_t i = 0; from && i < from->n; i++)
        argv[n++] = arena_str(a, from->items[i]).p;
    return n;
}

/* NULL when the requirements can't be written. */
static const char **build_argv(struct arena *a, const struct installer_order *o, struct err *e)
{
    const char *const fixed[] = { o->python,    "-m",           "pip",         "install",
                                  "--no-index", "--find-links", o->wheelhouse, "--no-deps" };
    size_t n = sizeof(fixed) / sizeof(*fixed), n_options = o->options ? o->options->n : 0;
    const char **argv = arena_alloc(a, n + n_options + o->pins->n + 3, sizeof(*argv));

    memcpy(argv, fixed, sizeof(fixed));
    n = add_arguments(argv, n, a, o->options);
    if (o->pins->n <= ARGUMENT_PINS) {
        add_arguments(argv, n, a, o->pins);
        return argv;
    }
    argv[n] = "-r";
    argv[n + 1] = arena_f(a, "%s/" REQUIREMENTS, o->wheelhouse).p;
    return write_requirements(argv[n + 1], o->pins, e) == 0 ? argv : NULL;
}

struct installer *installer_start(struct loop *l, const struct installer_order *order,
                                  installer_done_fn done, void *ctx, struct err *e)
{
    struct arena a = { 0 };
    struct strs env = { 0 };
    struct child_options options = { .output = CHILD_INHERIT, .env = &env };
    struct installer *i = NULL;

    const char **argv = build_argv(&a, order, e);
    if (!argv)
        goto out;
    for (size_t n = 0; order->env && n < order->env->n; n++)
        strs_add(&env, order->env->items[n]);
    for (size_t n = 0; n < sizeof(pip_changes) / sizeof(*pip_changes); n++)
        strs_add(&env, str_of(pip_changes[n]));
    i = mem_new(1, sizeof(*i));
    *i = (struct installer){ .done = done, .ctx = ctx };
    i->child = child_start_with(l, argv, &options, on_child, i);
out:
    strs_done(&env);
    arena_done(&a);
    return i;
}

void installer_cancel(struct installer *i)
{
    if (!i)
        return;
    child_cancel(i->child);
    free(i);
}
