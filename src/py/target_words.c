/* pip's --platform, --python-version, --implementation and --abi, with the meaning that pip's
 * get_supported() gives them: what was not said is taken from the interpreter at hand. */
#include <stdlib.h>

#include "dray/py/platform.h"
#include "dray/py/target.h"
#include "dray/py/target_tags.h"
#include "dray/util/buf.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

/* The words, read. */
struct words {
    const struct target_words *given;
    const struct target *base; /* may be NULL */
    unsigned version[3];       /* as given, the rest 0: markers and Requires-Python */
    struct str nodot;          /* "312": of interpreter tags */
    unsigned tag_major, tag_minor;
    bool has_tag_minor;
    struct str implementation;
};

static int words_missing(const char *option, const char *example, struct err *e)
{
    return err_set(e, ERR_USAGE, "no Python is at hand to tell what %s would be: give %s %s too",
                   option, option, example);
}

static int words_version_bad(struct str text, struct err *e)
{
    return err_set(e, ERR_USAGE,
                   "--python-version \"%.*s\": expected one to three numbers up to %d, for example "
                   "3, 3.12, 312 or 3.12.1",
                   STR_ARG(text), LIMIT_TARGET_NUMBER);
}

/* "312" is 3.12 and "3" is 3.0: pip splits what has no dot behind its first digit. */
static bool words_version_numbers(struct str text, unsigned out[static 3], size_t *n)
{
    struct str parts[3], rest = text;
    uint64_t number;

    *n = 0;
    while (rest.p && *n < 3)
        parts[(*n)++] = str_cut(rest, '.', &rest);
    if (rest.p)
        return false;
    if (*n == 1 && text.n > 1) {
        parts[0] = str_sub(text, 0, 1);
        parts[1] = str_sub(text, 1, text.n);
        *n = 2;
    }
    for (size_t i = 0; i < *n; i++) {
        if (!str_to_u64(parts[i], LIMIT_TARGET_NUMBER, &number))
            return false;
        out[i] = (unsigned)number;
    }
    return true;
}

static int words_read_version(struct words *w, struct arena *a, struct err *e)
{
    struct str text = w->given->python_version;
    size_t n = 0;

    if (text.n == 0 && !w->base)
        return words_missing("--python-version", "3.12", e);
    if (text.n == 0) {
        w->tag_major = w->base->base.python_major;
        w->tag_minor = w->base->base.python_minor;
        w->has_tag_minor = true;
        w->nodot = arena_f(a, "%u%u", w->tag_major, w->tag_minor);
        return 0;
    }
    if (!words_version_numbers(text, w->version, &n))
        return words_version_bad(text, e);
    /* pip writes the first two numbers without the dot and splits that again: 10.2 becomes 1.02 in
     * tags. */
    w->nodot =
        n > 1 ? arena_f(a, "%u%u", w->version[0], w->version[1]) : arena_f(a, "%u", w->version[0]);
    struct str minor = str_sub(w->nodot, 1, w->nodot.n);
    uint64_t number = 0;
    w->tag_major = (unsigned)(w->nodot.p[0] - '0');
    w->has_tag_minor = minor.n > 0;
    if (minor.n > 0 && !str_to_u64(minor, LIMIT_TARGET_NUMBER, &number))
        return words_version_bad(text, e);
    w->tag_minor = (unsigned)number;
    return 0;
}

static int words_read_implementation(struct words *w, struct err *e)
{
    if (w->given->implementation.n > 0)
        w->implementation = w->given->implementation;
    else if (w->base)
        w->implementation = w->base->base.implementation;
    else
        return words_missing("--implementation", "cp", e);
    return 0;
}

static int words_platforms(const struct words *w, struct platforms *out, struct err *e)
{
    int code = 0;

    for (size_t i = 0; i < w->given->n_platforms && !code; i++)
        code = platform_expand_pip(w->given->platforms[i], out, e);
    if (code || out->n > 0)
        return code;
    /* Also when all that was given came to nothing ("macosx_9_0_x86_64"): pip then takes this
     * machine's. */
    if (!w->base)
        return words_missing("--platform", "manylinux2014_x86_64", e);
    for (size_t i = 0; i < w->base->base.n_platforms; i++)
        platforms_add(out, w->base->base.platforms[i]);
    return 0;
}

/* An ABI that was not given: CPython's of that version, built as the base was or else as usual; any
 * other implementation's is what the base itself has, whatever was asked for (pip does so). */
static int words_abis(const struct words *w, struct arena *a,
                      struct str out[static TARGET_ABIS_MAX], size_t *n, struct err *e)
{
    static const struct target_base usual = { 0 };

    *n = 0;
    if (str_is(w->implementation, "cp")) {
        if (w->has_tag_minor)
            *n = target_cpython_abis(a, w->base ? &w->base->base : &usual, w->tag_major,
                                     w->tag_minor, out);
        return 0;
    }
    if (!w->base)
        return words_missing("--abi", "none", e);
    return target_generic_abis(a, &w->base->base, out, n, e);
}

static int words_tags(const struct words *w, struct target *t, struct err *e)
{
    struct str abis[TARGET_ABIS_MAX];
    struct tag_plan plan = { .implementation = w->implementation,
                             .major = w->tag_major,
                             .minor = w->tag_minor,
                             .has_minor = w->has_tag_minor,
                             .abis = w->given->n_abis ? w->given->abis : abis,
                             .n_abis = w->given->n_abis,
                             .platforms = t->base.platforms,
                             .n_platforms = t->base.n_platforms };
    int code = w->given->n_abis ? 0 : words_abis(w, &t->arena, abis, &plan.n_abis, e);
    if (code)
        return code;
    plan.interpreter =
        arena_f(&t->arena, "%.*s%.*s", STR_ARG(w->implementation), STR_ARG(w->nodot));
    plan.any_interpreter = plan.interpreter;
    t->tags = target_tags(&t->arena, &plan, e);
    return t->tags ? 0 : e->code;
}

/* What an implementation's short name says to markers; of "py" and unknown ones nothing. */
static const struct words_implementation {
    const char *tag, *name, *platform_name;
} implementations[] = {
    { "cp", "cpython", "CPython" },
    { "pp", "pypy", "PyPy" },
    { "ip", "ironpython", "IronPython" },
    { "jy", "jython", "Jython" },
};

static void words_python_markers(const struct words *w, struct target *t)
{
    struct marker_env *env = &t->env;

    if (w->given->python_version.n > 0) {
        env->python_version = arena_f(&t->arena, "%u.%u", w->version[0], w->version[1]);
        env->python_full_version =
            arena_f(&t->arena, "%u.%u.%u", w->version[0], w->version[1], w->version[2]);
    }
    for (size_t i = 0; i < sizeof(implementations) / sizeof(implementations[0]); i++) {
        if (!str_is(w->implementation, implementations[i].tag))
            continue;
        env->implementation_name = str_of(implementations[i].name);
        env->platform_python_implementation = str_of(implementations[i].platform_name);
    }
    /* CPython's is the version of the language; of others it can't be known but from a base of the
     * same kind. */
    bool same = w->base && str_eq(w->base->env.implementation_name, env->implementation_name);
    if (str_is(env->implementation_name, "cpython"))
        env->implementation_version = env->python_full_version;
    else if (!same)
        env->implementation_version =
            str_is(env->implementation_name, "pypy") ? STR("7.3.0") : STR("");
}

static void words_markers(const struct words *w, struct target *t)
{
    struct marker_env env = { 0 };

#define ENV_START(field, name) env.field = w->base ? w->base->env.field : STR("");
    MARKER_VARIABLES(ENV_START)
#undef ENV_START
    for (size_t i = 0; i < w->given->n_platforms; i++)
        if (platform_markers(w->given->platforms[i], &env))
            break;
#define ENV_COPY(field, name) t->env.field = arena_str(&t->arena, env.field);
    MARKER_VARIABLES(ENV_COPY)
#undef ENV_COPY
    words_python_markers(w, t);
}

static void words_label(const struct words *w, struct target *t)
{
    struct buf label = { 0 };

    buf_add_f(&label, "%.*s %.*s on", STR_ARG(w->implementation), STR_ARG(t->env.python_version));
    for (size_t i = 0; i < w->given->n_platforms; i++)
        buf_add_f(&label, "%c%.*s", i ? '+' : ' ', STR_ARG(w->given->platforms[i]));
    if (w->given->n_platforms == 0)
        buf_add_f(&label, " %.*s %.*s", STR_ARG(t->env.sys_platform),
                  STR_ARG(t->env.platform_machine));
    t->label = arena_str(&t->arena, buf_str(&label));
    buf_done(&label);
}

static void words_base(const struct words *w, struct target *t, const struct platforms *platforms)
{
    if (w->base)
        t->base = w->base->base;
    t->base.implementation = arena_str(&t->arena, w->implementation);
    t->base.ext_suffix = arena_str(&t->arena, t->base.ext_suffix);
    t->base.python_major = w->tag_major;
    t->base.python_minor = w->tag_minor;
    t->base.platforms = platforms->tags;
    t->base.n_platforms = platforms->n;
}

static int target_of_words(struct words *w, struct target *t, struct err *e)
{
    struct platforms platforms = { .arena = &t->arena };

    int code = words_read_version(w, &t->arena, e);
    if (!code)
        code = words_read_implementation(w, e);
    if (!code)
        code = words_platforms(w, &platforms, e);
    if (code)
        return code;
    words_base(w, t, &platforms);
    words_markers(w, t);
    words_label(w, t);
    code = words_tags(w, t, e);
    return code ? code : target_set_python(t, e);
}

int target_from_words(const struct target_words *words, const struct target *base,
                      struct target **out, struct err *e)
{
    struct words w = { .given = words, .base = base };
    struct target *t = mem_new(1, sizeof(*t));

    int code = target_of_words(&w, t, e);
    if (code)
        target_destroy(t);
    else
        *out = t;
    return code;
}
