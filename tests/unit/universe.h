/* universe.h: a small world of projects as a text, and a solver that is told it bit by bit:
 *
 *     python 3.12.1            the target; markers: "env sys_platform win32"
 *     rules pre lowest         or lowest-direct
 *     require flask[async]>=2
 *     constrain click<9
 *     project flask            its versions, in any order; nobody knows one that is not there
 *     3.0 yanked               or "url=URL"; what follows is its metadata
 *     needs click>=8; python_version > "3"
 *     needs-python >=3.8
 *     provides x y             extras; without the line whichever are asked for
 *     unusable no wheel fits
 *     refused 4.0 needs Python >=3.13
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "dray/resolve/explain.h"
#include "dray/resolve/solve.h"
#include "dray/util/buf.h"
#include "dray/util/map.h"
#include "dray/util/mem.h"

enum { UNIVERSE_MAX = 4096 };

struct universe_version {
    struct solve_candidate candidate;
    struct solve_metadata metadata;
    struct requirement *dependencies;
    size_t cap;
    struct specifier_set python;
};

struct universe_project {
    struct str name;
    struct universe_version *versions;
    size_t n, cap;
    struct solve_refused *refused;
    size_t n_refused, cap_refused;
    struct solve_candidate *candidates;
};

struct universe {
    struct arena arena;
    struct marker_env env;
    struct version python;
    struct solve_rules rules;
    struct map projects;
    struct universe_project *project;
    struct requirement *wanted[UNIVERSE_MAX];
    struct str labels[UNIVERSE_MAX];
    bool is_constraint[UNIVERSE_MAX];
    size_t n_requires;
    size_t told; /* facts that the solver asked for */
};

static inline void universe_env(struct universe *u, struct str name, struct str value)
{
#define UNIVERSE_FIELD(field, text)                                                                \
    if (str_is(name, text))                                                                        \
        u->env.field = arena_str(&u->arena, value);
    MARKER_VARIABLES(UNIVERSE_FIELD)
#undef UNIVERSE_FIELD
}

static inline bool universe_python(struct universe *u, struct str text, struct err *e)
{
    struct str rest, major = str_cut(text, '.', &rest), minor = str_cut(rest, '.', &rest);

    universe_env(u, STR("python_full_version"), text);
    universe_env(u, STR("python_version"),
                 arena_f(&u->arena, "%.*s.%.*s", STR_ARG(major), STR_ARG(minor)));
    return !version_parse(&u->arena, text, &u->python, e);
}

static inline void universe_init(struct universe *u)
{
    struct err e = { 0 };

    *u = (struct universe){ 0 };
    universe_env(u, STR("implementation_name"), STR("cpython"));
    universe_env(u, STR("platform_python_implementation"), STR("CPython"));
    universe_env(u, STR("os_name"), STR("posix"));
    universe_env(u, STR("sys_platform"), STR("linux"));
    universe_env(u, STR("platform_system"), STR("Linux"));
    universe_env(u, STR("platform_machine"), STR("x86_64"));
    universe_python(u, STR("3.12.1"), &e);
    err_done(&e);
}

static inline void universe_done(struct universe *u)
{
    for (size_t i = 0; i < u->projects.n; i++) {
        struct universe_project *p = u->projects.entries[i].value;
        for (size_t k = 0; k < p->n; k++)
            free(p->versions[k].dependencies);
        free(p->versions);
        free(p->refused);
    }
    map_done(&u->projects);
    arena_done(&u->arena);
}

static inline void universe_project(struct universe *u, struct str name)
{
    u->project = map_get(&u->projects, name);
    if (u->project)
        return;
    u->project = arena_alloc(&u->arena, 1, sizeof(*u->project));
    u->project->name = arena_str(&u->arena, name);
    map_put(&u->projects, u->project->name, u->project);
}

static inline bool universe_parse(struct universe *u, struct str text, const struct version **out,
                                  struct err *e)
{
    struct version *v = arena_alloc(&u->arena, 1, sizeof(*v));

    *out = v;
    return version_parse(&u->arena, arena_str(&u->arena, text), v, e) == 0;
}

static inline bool universe_version(struct universe *u, struct str text, struct err *e)
{
    struct universe_project *p = u->project;
    struct str rest, word = str_cut(text, ' ', &rest);

    p->versions = mem_grow(p->versions, p->n, &p->cap, sizeof(*p->versions));
    struct universe_version *v = &p->versions[p->n];
    memset(v, 0, sizeof(*v));
    if (!universe_parse(u, word, &v->candidate.version, e))
        return false;
    p->n++;
    while (rest.p) {
        word = str_cut(rest, ' ', &rest);
        v->candidate.yanked |= str_is(word, "yanked");
        if (str_starts(word, STR("url=")))
            v->candidate.url = arena_str(&u->arena, str_sub(word, 4, word.n));
    }
    return true;
}

static inline bool universe_require(struct universe *u, struct str text, bool is_constraint,
                                    struct err *e)
{
    struct requirement *r = arena_alloc(&u->arena, 1, sizeof(*r));

    if (u->n_requires == UNIVERSE_MAX || requirement_parse(&u->arena, text, r, e))
        return false;
    if (!marker_eval(r->marker, &u->env, STR_NONE))
        return true;
    u->labels[u->n_requires] = arena_str(&u->arena, text);
    u->is_constraint[u->n_requires] = is_constraint;
    u->wanted[u->n_requires++] = r;
    return true;
}

static inline void universe_provides(struct universe *u, struct solve_metadata *m, struct str rest)
{
    struct str *extras = arena_alloc(&u->arena, rest.n + 1, sizeof(*extras));

    for (m->n_extras = 0; rest.p; m->n_extras++)
        extras[m->n_extras] = arena_str(&u->arena, str_cut(rest, ' ', &rest));
    m->extras = extras;
}

static inline bool universe_metadata(struct universe *u, struct str word, struct str rest,
                                     struct err *e)
{
    struct universe_version *v = &u->project->versions[u->project->n - 1];

    if (str_is(word, "unusable")) {
        v->metadata.unusable = arena_str(&u->arena, rest);
        return true;
    }
    if (str_is(word, "provides")) {
        universe_provides(u, &v->metadata, rest);
        return true;
    }
    if (str_is(word, "needs-python")) {
        if (specifier_set_parse(&u->arena, arena_str(&u->arena, rest), &v->python, e))
            return false;
        v->metadata.requires_python = &v->python; /* set anew when all are known */
        return true;
    }
    if (!str_is(word, "needs"))
        return false;
    v->dependencies = mem_grow(v->dependencies, v->metadata.n, &v->cap, sizeof(*v->dependencies));
    if (requirement_parse(&u->arena, rest, &v->dependencies[v->metadata.n], e))
        return false;
    v->metadata.n++;
    return true;
}

static inline bool universe_refused(struct universe *u, struct str text, struct err *e)
{
    struct universe_project *p = u->project;
    struct str rest, word = str_cut(text, ' ', &rest);

    p->refused = mem_grow(p->refused, p->n_refused, &p->cap_refused, sizeof(*p->refused));
    struct solve_refused *r = &p->refused[p->n_refused];
    r->why = arena_str(&u->arena, rest);
    if (!universe_parse(u, word, &r->version, e))
        return false;
    p->n_refused++;
    return true;
}

static inline void universe_rule(struct universe *u, struct str rest)
{
    while (rest.p) {
        struct str word = str_cut(rest, ' ', &rest);
        u->rules.pre |= str_is(word, "pre");
        u->rules.lowest |= str_is(word, "lowest");
        u->rules.lowest_direct |= str_is(word, "lowest-direct");
    }
}

/* One line; false: it is none, and `e` may say why; then it has left nothing behind. */
static inline bool universe_line(struct universe *u, struct str line, struct err *e)
{
    struct str rest, word;

    line = str_trim(line);
    word = str_cut(line, ' ', &rest);
    if (!line.n || line.p[0] == '#')
        return true;
    if (str_is(word, "python"))
        return universe_python(u, rest, e);
    if (str_is(word, "env"))
        return word = str_cut(rest, ' ', &rest), universe_env(u, word, rest), true;
    if (str_is(word, "rules"))
        return universe_rule(u, rest), true;
    if (str_is(word, "require") || str_is(word, "constrain"))
        return universe_require(u, rest, str_is(word, "constrain"), e);
    if (str_is(word, "project"))
        return universe_project(u, rest), true;
    if (!u->project)
        return false;
    if (str_is(word, "refused"))
        return universe_refused(u, rest, e);
    if (str_isdigit(line.p[0]))
        return universe_version(u, line, e);
    return u->project->n && rest.p && universe_metadata(u, word, rest, e);
}

static inline int universe_newer(const void *x, const void *y)
{
    const struct universe_version *a = x, *b = y;

    return version_cmp(b->candidate.version, a->candidate.version);
}

/* All lines have been read. */
static inline void universe_finish(struct universe *u)
{
    for (size_t i = 0; i < u->projects.n; i++) {
        struct universe_project *p = u->projects.entries[i].value;
        if (p->n)
            qsort(p->versions, p->n, sizeof(*p->versions), universe_newer);
        p->candidates = arena_alloc(&u->arena, p->n, sizeof(*p->candidates));
        for (size_t k = 0; k < p->n; k++) {
            struct universe_version *v = &p->versions[k];
            p->candidates[k] = v->candidate;
            v->metadata.dependencies = v->dependencies;
            v->metadata.requires_python = v->metadata.requires_python ? &v->python : NULL;
        }
    }
    u->rules.env = &u->env;
    u->rules.python = &u->python;
}

static inline void universe_tell(struct universe *u, struct solver *s, const struct solve_lack *l)
{
    struct universe_project *p = map_get(&u->projects, l->project);
    struct solve_listing listing = { .missing = STR("there is no such project") };

    u->told++;
    if (l->candidate != SOLVE_LISTING) {
        solver_tell_metadata(s, l->project, (size_t)l->candidate,
                             &p->versions[l->candidate].metadata);
        return;
    }
    if (p)
        listing = (struct solve_listing){
            .candidates = p->candidates, .n = p->n, .refused = p->refused, .n_refused = p->n_refused
        };
    solver_tell_listing(s, l->project, &listing);
}

/* That is asked for all of it, and knows nothing yet. The caller's to destroy. */
static inline struct solver *universe_solver(const struct universe *u)
{
    struct solver *s = solver_create(&u->rules);

    for (size_t i = 0; i < u->n_requires; i++)
        if (u->is_constraint[i])
            solver_constrain(s, u->wanted[i], u->labels[i]);
        else
            solver_require(s, u->wanted[i], u->labels[i]);
    return s;
}

/* Up to where it lacks something or has ended. */
static inline enum solve_state universe_step(struct solver *s)
{
    enum solve_state state;

    do
        state = solver_step(s);
    while (state == SOLVE_PAUSED);
    return state;
}

/* Steps it to its end. The caller's to destroy. */
static inline struct solver *universe_solve(struct universe *u, enum solve_state *out)
{
    struct solver *s = universe_solver(u);

    while ((*out = universe_step(s)) == SOLVE_LACKS) {
        size_t n;
        const struct solve_lack *lacks = solver_lacks(s, &n);
        for (size_t i = 0; i < n; i++)
            universe_tell(u, s, &lacks[i]);
    }
    return s;
}

/* "foo 1.0, bar[x] 2.0", in the order of the pins. */
static inline void universe_pins(const struct universe *u, struct solver *s, struct buf *out)
{
    size_t n;
    const struct solve_pin *pins = solver_pins(s, &n);

    for (size_t i = 0; i < n; i++) {
        const struct universe_project *p = map_get(&u->projects, pins[i].project);
        buf_add_f(out, "%s%.*s", i ? ", " : "", STR_ARG(pins[i].project));
        for (size_t k = 0; k < pins[i].n_extras; k++)
            buf_add_f(out, "%s%.*s%s", k ? "," : "[", STR_ARG(pins[i].extras[k]),
                      k + 1 == pins[i].n_extras ? "]" : "");
        buf_add_f(out, " %.*s", STR_ARG(p->candidates[pins[i].candidate].version->text));
    }
}
