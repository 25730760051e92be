/* The rules of packaging.tags: CPython's own, the generic ones, and what is compatible with any
 * interpreter. Tags are collected in order, doubles included; the set drops those. */
#include "dray/py/target_tags.h"

#include <stdlib.h>

#include "dray/py/platform.h"
#include "dray/util/limits.h"
#include "dray/util/mem.h"

struct tag_list {
    struct arena *arena;
    struct tag *tags;
    size_t n, cap;
    bool full; /* LIMIT_TARGET_TAGS was reached; the rest is not collected */
};

static void tag_list_add(struct tag_list *list, struct str python, struct str abi,
                         struct str platform)
{
    if (list->n == LIMIT_TARGET_TAGS) {
        list->full = true;
        return;
    }
    list->tags = mem_grow(list->tags, list->n, &list->cap, sizeof(*list->tags));
    list->tags[list->n++] = (struct tag){ python, abi, platform };
}

static void tag_list_add_all(struct tag_list *list, struct str python, struct str abi,
                             const struct tag_plan *plan)
{
    for (size_t i = 0; i < plan->n_platforms && !list->full; i++)
        tag_list_add(list, python, abi, plan->platforms[i]);
}

/* "cp312t": an ABI of CPython with a "t" among its flags (PEP 703). */
static bool abi_is_threaded(struct str abi)
{
    size_t digits = 2;

    if (!str_starts(abi, STR("cp")))
        return false;
    while (digits < abi.n && str_isdigit(abi.p[digits]))
        digits++;
    return digits > 2 && str_find(str_sub(abi, digits, abi.n), 't') >= 0;
}

/* The stable ABI of older minor versions, down to 3.2, which had it first (PEP 384). abi3t came
 * with 3.15 (PEP 803), but is taken back as far: its wheels may be made for older limited APIs. */
static void cpython_stable_tags(struct tag_list *list, const struct tag_plan *plan,
                                struct str stable)
{
    for (unsigned minor = plan->minor; minor-- > 2;) {
        struct str python = arena_f(list->arena, "cp%u%u", plan->major, minor);
        tag_list_add_all(list, python, stable, plan);
    }
}

/* Lists that the words gave may name "abi3", "abi3t" and "none": those have their own places. Only
 * the first of each is left out, as packaging does; a second one yields doubles. */
static void cpython_abi_tags(struct tag_list *list, const struct tag_plan *plan, struct str python,
                             bool threaded)
{
    bool abi3 = false, abi3t = !threaded, none = false;

    for (size_t i = 0; i < plan->n_abis; i++) {
        bool *seen = str_is(plan->abis[i], "abi3")    ? &abi3
                     : str_is(plan->abis[i], "abi3t") ? &abi3t
                     : str_is(plan->abis[i], "none")  ? &none
                                                      : NULL;
        if (seen && !*seen)
            *seen = true;
        else
            tag_list_add_all(list, python, plan->abis[i], plan);
    }
}

static void cpython_tags(struct tag_list *list, const struct tag_plan *plan)
{
    bool threaded = plan->n_abis > 0 && abi_is_threaded(plan->abis[0]);
    bool stable_applies =
        plan->has_minor && (plan->major > 3 || (plan->major == 3 && plan->minor >= 2));
    struct str stable = threaded ? STR("abi3t") : STR("abi3");
    struct str python = plan->has_minor ? arena_f(list->arena, "cp%u%u", plan->major, plan->minor)
                                        : arena_f(list->arena, "cp%u", plan->major);

    cpython_abi_tags(list, plan, python, threaded);
    if (stable_applies)
        tag_list_add_all(list, python, stable, plan);
    tag_list_add_all(list, python, STR("none"), plan);
    if (stable_applies)
        cpython_stable_tags(list, plan, stable);
}

static void generic_tags(struct tag_list *list, const struct tag_plan *plan)
{
    bool none = false;

    for (size_t i = 0; i < plan->n_abis; i++) {
        none = none || str_is(plan->abis[i], "none");
        tag_list_add_all(list, plan->interpreter, plan->abis[i], plan);
    }
    if (!none)
        tag_list_add_all(list, plan->interpreter, STR("none"), plan);
}

/* py312, py3, py311, ..., py30; returns how many. */
static size_t py_tags(struct arena *a, const struct tag_plan *plan, struct str **out)
{
    size_t n = 0;
    struct str *tags = arena_alloc(a, (size_t)plan->minor + 2, sizeof(*tags));

    if (plan->has_minor)
        tags[n++] = arena_f(a, "py%u%u", plan->major, plan->minor);
    tags[n++] = arena_f(a, "py%u", plan->major);
    for (unsigned minor = plan->has_minor ? plan->minor : 0; minor-- > 0;)
        tags[n++] = arena_f(a, "py%u%u", plan->major, minor);
    *out = tags;
    return n;
}

static void compatible_tags(struct tag_list *list, const struct tag_plan *plan)
{
    struct str *tags;
    size_t n = py_tags(list->arena, plan, &tags);

    for (size_t i = 0; i < n; i++)
        tag_list_add_all(list, tags[i], STR("none"), plan);
    if (plan->any_interpreter.p)
        tag_list_add(list, plan->any_interpreter, STR("none"), STR("any"));
    for (size_t i = 0; i < n; i++)
        tag_list_add(list, tags[i], STR("none"), STR("any"));
}

struct tag_set *target_tags(struct arena *a, const struct tag_plan *plan, struct err *e)
{
    struct arena scratch = { 0 };
    struct tag_list list = { .arena = &scratch };
    struct tag_set *set = NULL;

    if (str_is(plan->implementation, "cp"))
        cpython_tags(&list, plan);
    else
        generic_tags(&list, plan);
    compatible_tags(&list, plan);
    if (list.full)
        err_set(e, ERR_LIMIT, "a target has more than %d tags: name fewer platforms or ABIs",
                LIMIT_TARGET_TAGS);
    else
        set = tag_set_create(a, list.tags, list.n);
    free(list.tags);
    arena_done(&scratch);
    return set;
}

size_t target_cpython_abis(struct arena *a, const struct target_base *base, unsigned major,
                           unsigned minor, struct str out[static TARGET_ABIS_MAX])
{
    bool older_38 = major < 3 || (major == 3 && minor < 8);
    bool older_33 = major < 3 || (major == 3 && minor < 3);
    bool has_t = base->free_threaded && (major > 3 || (major == 3 && minor >= 13));
    const char *t = has_t ? "t" : "", *d = base->debug_build ? "d" : "";
    const char *m = older_38 && !base->no_pymalloc ? "m" : "";
    size_t n = 0;

    /* Before PEP 393 strings had a width: 4 bytes where the interpreter that is asked has no choice
     * anymore. */
    out[n++] = arena_f(a, "cp%u%u%s%s%s%s", major, minor, t, d, m, older_33 ? "u" : "");
    /* Debug builds since 3.8 load the extension modules of others too. */
    if (base->debug_build && !older_38)
        out[n++] = arena_f(a, "cp%u%u%s", major, minor, t);
    return n;
}

/* The first `n` parts between dashes. */
static struct str dashed_parts(struct str s, unsigned n)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '-' && --n == 0)
            return str_sub(s, 0, i);
    return s;
}

static int ext_suffix_bad(struct str suffix, struct err *e)
{
    return err_set(e, ERR_INPUT,
                   "the interpreter's EXT_SUFFIX is \"%.*s\": expected one like "
                   ".pypy310-pp73-x86_64-linux-gnu.so",
                   STR_ARG(suffix));
}

/* EXT_SUFFIX's second part without what says the platform. Empty when there is none. */
static int soabi_tag(struct arena *a, struct str soabi, struct str suffix, struct str *out,
                     struct err *e)
{
    if (str_starts(soabi, STR("cpython"))) {
        struct str flags = STR_NONE;
        str_cut(dashed_parts(soabi, 2), '-', &flags);
        if (!flags.n)
            return ext_suffix_bad(suffix, e);
        *out = platform_normalise(a, arena_f(a, "cp%.*s", STR_ARG(flags)));
        return 0;
    }
    unsigned parts = str_starts(soabi, STR("cp"))        ? 1
                     : str_starts(soabi, STR("pypy"))    ? 2
                     : str_starts(soabi, STR("graalpy")) ? 3
                                                         : 0;
    *out = platform_normalise(a, parts ? dashed_parts(soabi, parts) : soabi);
    return 0;
}

int target_generic_abis(struct arena *a, const struct target_base *base,
                        struct str out[static TARGET_ABIS_MAX], size_t *n, struct err *e)
{
    struct str suffix = base->ext_suffix, tag = STR_NONE, rest, soabi;

    if (!str_starts(suffix, STR(".")))
        return ext_suffix_bad(suffix, e);
    soabi = str_cut(str_sub(suffix, 1, suffix.n), '.', &rest);
    if (!rest.p) { /* ".pyd": CPython up to 3.7 on Windows, and what imitates it */
        *n = target_cpython_abis(a, base, base->python_major, base->python_minor, out);
        return 0;
    }
    int code = soabi_tag(a, soabi, suffix, &tag, e);
    if (code)
        return code;
    out[0] = tag;
    *n = tag.n ? 1 : 0;
    return 0;
}

struct str target_implementation_tag(struct str name)
{
    static const char *const known[][2] = { { "python", "py" },
                                            { "cpython", "cp" },
                                            { "pypy", "pp" },
                                            { "ironpython", "ip" },
                                            { "jython", "jy" } };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (str_is(name, known[i][0]))
            return str_of(known[i][1]);
    return name;
}

int target_set_python(struct target *t, struct err *e)
{
    struct str full = t->env.python_full_version;
    size_t n = 0;

    /* "3.14.0rc1", "3.13.0+": the numbers alone. */
    while (n < full.n && (str_isdigit(full.p[n]) ||
                          (full.p[n] == '.' && n + 1 < full.n && str_isdigit(full.p[n + 1]))))
        n++;
    int code = version_parse(&t->arena, str_sub(full, 0, n), &t->python, e);
    return code ? err_wrap(e, "python_full_version \"%.*s\"", STR_ARG(full)) : 0;
}

int target_sys_tags(struct target *t, struct err *e)
{
    const struct target_base *b = &t->base;
    bool cp = str_is(b->implementation, "cp"), pp = str_is(b->implementation, "pp");
    struct str abis[TARGET_ABIS_MAX];
    struct tag_plan plan = { .implementation = b->implementation,
                             .major = b->python_major,
                             .minor = b->python_minor,
                             .has_minor = true,
                             .abis = abis,
                             .platforms = b->platforms,
                             .n_platforms = b->n_platforms };
    int code = 0;

    /* PyPy's X-none-any is for any PyPy 3, and other implementations have none. */
    if (cp)
        plan.n_abis = target_cpython_abis(&t->arena, b, b->python_major, b->python_minor, abis);
    else
        code = target_generic_abis(&t->arena, b, abis, &plan.n_abis, e);
    if (code)
        return code;
    plan.interpreter = arena_f(&t->arena, "%.*s%u%u", STR_ARG(b->implementation), b->python_major,
                               b->python_minor);
    plan.any_interpreter = cp ? plan.interpreter : pp ? STR("pp3") : STR_NONE;
    t->tags = target_tags(&t->arena, &plan, e);
    return t->tags ? 0 : e->code;
}
