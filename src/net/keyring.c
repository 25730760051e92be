/* A call is a child. What a call says can't be told from what the program says about itself but by
 * its status: 2 and "unrecognized arguments" is one that is too old, any other but 0 "not there".
 */
#include "dray/net/keyring.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dray/net/child.h"
#include "dray/util/buf.h"
#include "dray/util/mem.h"

/* A person may have to unlock something; after that nobody is there. */
enum { TIMEOUT_MS = 5 * 60 * 1000 };

struct keyring {
    struct loop *loop;
    struct keyring_options options;
    struct strs env;
    char *program; /* NULL: there is none */
    bool failed;
};

struct keyring_call {
    struct keyring *keyring;
    struct child *child;
    keyring_got_fn got; /* of a get */
    keyring_done_fn done;
    void *ctx;
};

static bool is_program(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* As execvp() looks; an empty part is the working directory. */
static char *find_program(void)
{
    struct str rest = str_of(getenv("PATH"));
    struct buf path = { 0 };

    while (rest.p) {
        struct str dir = str_cut(rest, ':', &rest);
        buf_reset(&path);
        buf_add_f(&path, "%.*s/keyring", STR_ARG(dir.n ? dir : STR(".")));
        if (is_program(buf_z(&path)))
            return buf_take(&path);
    }
    buf_done(&path);
    return NULL;
}

struct keyring *keyring_open(struct loop *l, const struct keyring_options *o)
{
    struct keyring *k = mem_new(1, sizeof(*k));

    k->loop = l;
    k->options = *o;
    k->program = find_program();
    strs_add(&k->env, STR("PYTHONIOENCODING=utf-8"));
    for (size_t i = 0; o->env && i < o->env->n; i++)
        strs_add(&k->env, o->env->items[i]);
    return k;
}

void keyring_close(struct keyring *k)
{
    if (!k)
        return;
    strs_done(&k->env);
    free(k->program);
    free(k);
}

bool keyring_is_usable(const struct keyring *k)
{
    return k && k->program && !k->failed;
}

__attribute__((format(printf, 2, 3))) static void warn(struct keyring *k, const char *format, ...)
{
    struct buf text = { 0 };
    va_list ap;

    va_start(ap, format);
    buf_add_v(&text, format, ap);
    va_end(ap);
    k->options.warn(k->options.ctx, buf_z(&text));
    buf_done(&text);
}

/* As pip: said once, and that was it. */
static void give_up(struct keyring *k, const char *why)
{
    if (!k->failed)
        warn(k, "the keyring is not asked any more: %s", why);
    k->failed = true;
}

static bool is_outdated(const struct child_result *r)
{
    return r->exit_status == 2 && str_search(r->errors, STR("unrecognized arguments")) >= 0 &&
           str_search(r->errors, STR("--mode=creds")) >= 0;
}

/* False when it has nothing to give. */
static bool read_answer(struct keyring *k, struct child_result *r, struct arena *a,
                        struct keyring_login *out)
{
    struct err e = { 0 };
    bool found = false;

    if (r->err.code)
        give_up(k, err_text(&r->err));
    else if (is_outdated(r))
        give_up(k, "the program keyring is too old; 25.2.1 or later is needed");
    else if (r->exit_status == 0 && keyring_parse(r->output, a, out, &e) != 0)
        give_up(k, err_text(&e));
    else
        found = r->exit_status == 0;
    err_done(&e);
    return found;
}

static void on_got(void *ctx, struct child_result *r)
{
    struct keyring_call call = *(struct keyring_call *)ctx;
    struct keyring_login login;
    struct arena a = { 0 };

    free(ctx);
    bool found = read_answer(call.keyring, r, &a, &login);
    call.got(call.ctx, found ? &login : NULL);
    arena_done(&a);
}

static void on_set(void *ctx, struct child_result *r)
{
    struct keyring_call call = *(struct keyring_call *)ctx;

    free(ctx);
    if (r->err.code)
        warn(call.keyring, "the credentials could not be saved: %s", err_text(&r->err));
    else if (r->exit_status != 0)
        warn(call.keyring, "the credentials could not be saved: keyring ended with status %d",
             r->exit_status);
    call.done(call.ctx);
}

static void call_start(struct keyring_call *c, const char *const *argv, struct str input,
                       child_done_fn done)
{
    struct keyring *k = c->keyring;
    struct child_options o = { .output = CHILD_COLLECT,
                               .timeout_ms = TIMEOUT_MS,
                               .env = &k->env,
                               .input = input,
                               .keeps_terminal = k->options.keeps_terminal };

    c->child = child_start_with(k->loop, argv, &o, done, c);
}

struct keyring_call *keyring_get(struct keyring *k, const char *service, const char *user,
                                 keyring_got_fn done, void *ctx)
{
    struct keyring_call *c = mem_new(1, sizeof(*c));
    const char *const argv[] = { k->program, "--mode=creds", "--output=json", "get", service, user,
                                 NULL };

    *c = (struct keyring_call){ .keyring = k, .got = done, .ctx = ctx };
    call_start(c, argv, STR_NONE, on_got);
    return c;
}

struct keyring_call *keyring_set(struct keyring *k, const char *service,
                                 const struct keyring_login *login, keyring_done_fn done, void *ctx)
{
    struct keyring_call *c = mem_new(1, sizeof(*c));
    struct buf user = { 0 }, input = { 0 };

    buf_add_str(&user, login->user);
    buf_add_str(&input, login->password);
    buf_add_c(&input, '\n');
    const char *const argv[] = { k->program, "set", service, buf_z(&user), NULL };
    *c = (struct keyring_call){ .keyring = k, .done = done, .ctx = ctx };
    call_start(c, argv, buf_str(&input), on_set);
    buf_done(&user);
    buf_done(&input);
    return c;
}

void keyring_cancel(struct keyring_call *c)
{
    if (!c)
        return;
    child_cancel(c->child);
    free(c);
}
