/* target_tags.h: which tags follow from a Python, its ABIs and its platforms: the interpreter's
 * half of packaging.tags. Used by the ways to make a target. Pure. */
#pragma once

#include "dray/py/target.h"

enum { TARGET_ABIS_MAX = 2 }; /* that one interpreter has without being told */

struct tag_plan {
    struct str implementation;  /* "cp" gets CPython's rules, all others the generic ones */
    struct str interpreter;     /* "pp310": of the generic tags */
    struct str any_interpreter; /* of the X-none-any that stands before py3-none-any; STR_NONE:
                                   there is none */
    unsigned major, minor;
    bool has_minor; /* pip's --python-version 3 has none */
    const struct str *abis;
    size_t n_abis;
    const struct str *platforms;
    size_t n_platforms;
};

/* Into `a`. NULL and ERR_LIMIT above LIMIT_TARGET_TAGS. */
struct tag_set *target_tags(struct arena *a, const struct tag_plan *plan, struct err *e);
/* The ABIs of a CPython `major`.`minor` that was built as the base was; returns how many. */
size_t target_cpython_abis(struct arena *a, const struct target_base *base, unsigned major,
                           unsigned minor, struct str out[static TARGET_ABIS_MAX]);
/* The ABIs that the base's EXT_SUFFIX tells. ERR_INPUT when it tells none. */
int target_generic_abis(struct arena *a, const struct target_base *base,
                        struct str out[static TARGET_ABIS_MAX], size_t *n, struct err *e);
/* The short name that tags have for sys.implementation.name: "cpython" is "cp"; others stay. */
struct str target_implementation_tag(struct str name);
/* Sets t->tags as packaging.tags.sys_tags() has them in an interpreter that is as t->base says. */
int target_sys_tags(struct target *t, struct err *e);
/* Sets t->python from t->env.python_full_version. ERR_INPUT when it doesn't begin with a version
 * number. */
int target_set_python(struct target *t, struct err *e);
