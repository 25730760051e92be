/* --target PYTHON:PLATFORM[+PLATFORM...]. The text is turned into the base that an interpreter of
 * that kind would have, so that words may add to such a target as to any other. */
#include <stdlib.h>

#include "dray/py/platform.h"
#include "dray/py/target.h"
#include "dray/py/target_tags.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

struct spec_python {
    bool pypy, threaded, debug;
    unsigned major, minor, micro;
};

static int spec_python_bad(struct str text, struct err *e)
{
    return err_set(e, ERR_USAGE,
                   "\"%.*s\" is no Python: expected 3.12, 3.12.4, 312, cp312, cp313t "
                   "(free-threaded, 3.13 or newer) or "
                   "pp310",
                   STR_ARG(text));
}

static bool spec_number(struct str text, unsigned *out)
{
    uint64_t n;

    if (!str_to_u64(text, LIMIT_TARGET_NUMBER, &n))
        return false;
    *out = (unsigned)n;
    return true;
}

/* "3.12", "3.12.4" or "312". */
static bool spec_version(struct str text, struct spec_python *out)
{
    struct str rest, major = str_cut(text, '.', &rest);

    if (!rest.p)
        return spec_number(str_sub(text, 0, 1), &out->major) &&
               spec_number(str_sub(text, 1, text.n), &out->minor);
    struct str minor = str_cut(rest, '.', &rest);
    return spec_number(major, &out->major) && spec_number(minor, &out->minor) &&
           (!rest.p || spec_number(rest, &out->micro));
}

static int spec_python_parse(struct str text, struct spec_python *out, struct err *e)
{
    struct spec_python p = { .pypy = str_starts(text, STR("pp")) };
    struct str version = p.pypy || str_starts(text, STR("cp")) ? str_sub(text, 2, text.n) : text;

    p.debug = str_ends(version, STR("d"));
    version.n -= p.debug;
    p.threaded = str_ends(version, STR("t"));
    version.n -= p.threaded;
    if (!spec_version(version, &p) || p.major != 3)
        return spec_python_bad(text, e);
    if ((p.pypy && (p.debug || p.threaded)) || (p.threaded && p.minor < 13))
        return spec_python_bad(text, e);
    *out = p;
    return 0;
}

static int spec_platforms(struct str text, struct platforms *out, struct err *e)
{
    int code = 0;

    for (struct str rest = text; rest.p && !code;)
        code = platform_expand(str_cut(rest, '+', &rest), out, e);
    return code;
}

/* The first platform that names a machine; else the first that names a system. */
static void spec_markers(struct str text, struct marker_env *env)
{
    for (struct str rest = text; rest.p && env->platform_machine.n == 0;) {
        struct marker_env found = *env;
        if (platform_markers(str_cut(rest, '+', &rest), &found) &&
            (env->os_name.n == 0 || str_eq(found.sys_platform, env->sys_platform)))
            *env = found;
    }
}

/* Nobody says which PyPy it is; all that serve Python 3.6 to 3.11 are 7.3 (their ABI is "pp73"). */
static void spec_python_markers(struct target *t, const struct spec_python *p)
{
    struct arena *a = &t->arena;

    t->env.python_version = arena_f(a, "%u.%u", p->major, p->minor);
    t->env.python_full_version = arena_f(a, "%u.%u.%u", p->major, p->minor, p->micro);
    t->env.implementation_name = p->pypy ? STR("pypy") : STR("cpython");
    t->env.platform_python_implementation = p->pypy ? STR("PyPy") : STR("CPython");
    t->env.implementation_version = p->pypy ? STR("7.3.0") : t->env.python_full_version;
}

static void spec_base(struct target *t, const struct spec_python *p)
{
    t->base.implementation = p->pypy ? STR("pp") : STR("cp");
    t->base.python_major = p->major;
    t->base.python_minor = p->minor;
    t->base.debug_build = p->debug;
    t->base.free_threaded = p->threaded;
    t->base.ext_suffix = p->pypy ? arena_f(&t->arena, ".pypy%u%u-pp73.so", p->major, p->minor)
                                 : arena_f(&t->arena, ".cpython-%u%u%s%s.so", p->major, p->minor,
                                           p->threaded ? "t" : "", p->debug ? "d" : "");
}

static int target_of_spec(struct target *t, struct str python, struct str platform, struct err *e)
{
    struct platforms platforms = { .arena = &t->arena };
    struct spec_python p = { 0 };

    int code = spec_python_parse(python, &p, e);
    if (!code)
        code = spec_platforms(platform, &platforms, e);
    if (code)
        return code;
    t->env.platform_release = t->env.platform_version = STR("");
    t->env.os_name = t->env.sys_platform = t->env.platform_system = t->env.platform_machine =
        STR("");
    spec_markers(platform, &t->env);
    spec_python_markers(t, &p);
    spec_base(t, &p);
    t->base.platforms = platforms.tags;
    t->base.n_platforms = platforms.n;
    code = target_set_python(t, e);
    return code ? code : target_sys_tags(t, e);
}

int target_from_spec(struct str spec, struct target **out, struct err *e)
{
    struct str platform, python = str_cut(spec, ':', &platform);

    if (!platform.p)
        return err_set(
            e, ERR_USAGE,
            "target \"%.*s\" has no \":\": expected PYTHON:PLATFORM, for example 3.12:win_amd64",
            STR_ARG(spec));
    struct target *t = mem_new(1, sizeof(*t));
    t->label = arena_str(&t->arena, spec);
    int code = target_of_spec(t, python, platform, e);
    if (code) {
        err_wrap(e, "target \"%.*s\"", STR_ARG(spec));
        target_destroy(t);
    } else {
        *out = t;
    }
    return code;
}
