/* DRAY_* variables: the layer between configuration files and the command line. */
#include <stdbool.h>

#include "dray/job/settings.h"
#include "dray/util/buf.h"

#define PREFIX "DRAY_"

/* "DRAY_INDEX_URL=x" -> "index-url" in `name` and "x"; false for the variables of others. */
static bool env_split(const char *entry, struct buf *name, struct str *value)
{
    struct str variable = str_cut(str_of(entry), '=', value);

    if (!value->p || !str_starts(variable, STR(PREFIX)))
        return false;
    buf_reset(name);
    for (size_t i = sizeof(PREFIX) - 1; i < variable.n; i++)
        buf_add_c(name, variable.p[i] == '_' ? '-' : str_lower(variable.p[i]));
    return true;
}

static int env_check_name(const char *entry, struct str name, struct err *e)
{
    const struct setting *which = settings_find(name);
    struct str value;
    struct str variable = str_cut(str_of(entry), '=', &value);

    if (which && (which->where & SETTING_IN_ENV))
        return 0;
    const char *near = settings_suggest(name);
    if (!near)
        return err_set(e, ERR_USAGE, "the environment variable %.*s is none that dray knows",
                       STR_ARG(variable));
    struct buf upper = { 0 };
    for (const char *p = near; *p; p++)
        buf_add_c(&upper, *p == '-' ? '_' : *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p);
    int code =
        err_set(e, ERR_USAGE,
                "the environment variable %.*s is none that dray knows; did you mean " PREFIX "%s?",
                STR_ARG(variable), buf_z(&upper));
    buf_done(&upper);
    return code;
}

static int env_set_list(struct settings *s, const struct setting *which, struct str value,
                        const char *origin, struct err *e)
{
    size_t at = 0;

    settings_clear(s, which);
    while (at < value.n) {
        size_t from = at;
        while (at < value.n && !str_isspace(value.p[at]))
            at++;
        if (at > from) {
            int code = settings_set(s, which, str_sub(value, from, at), origin, e);
            if (code)
                return code;
        }
        at++;
    }
    return 0;
}

/* Sets one of the table from the variable that names it, if there is one. */
static int env_apply(struct settings *s, const struct setting *which, const char *const *env,
                     struct err *e)
{
    struct buf name = { 0 }, origin = { 0 };
    struct str value;
    int code = 0;

    for (; *env && !code; env++) {
        if (!env_split(*env, &name, &value) || settings_find(buf_str(&name)) != which || !value.n)
            continue;
        buf_reset(&origin);
        buf_add(&origin, *env, strlen(*env) - value.n - 1);
        bool is_list = which->kind == SETTING_LIST || which->kind == SETTING_INDEX;
        code = is_list ? env_set_list(s, which, value, buf_z(&origin), e)
                       : settings_set(s, which, value, buf_z(&origin), e);
    }
    buf_done(&name);
    buf_done(&origin);
    return code;
}

int settings_from_env(struct settings *s, const char *const *env, struct err *e)
{
    struct buf name = { 0 };
    struct str value;
    int code = 0;

    for (const char *const *v = env; *v && !code; v++)
        if (env_split(*v, &name, &value))
            code = env_check_name(*v, buf_str(&name), e);
    buf_done(&name);
    /* In the order of the table: that of the environment means nothing, but --no-binary and
     * --only-binary need one. */
    for (const struct setting *w = settings_table; w->name && !code; w++)
        if (w->commands & s->command)
            code = env_apply(s, w, env, e);
    return code;
}
