/* marker.h: environment markers, `python_version >= "3.8" and extra == "tls"` (PEP 508, PEP
 * 685). Pure. Accepts and evaluates exactly as packaging.markers does. */
#pragma once

#include <stdbool.h>

#include "dray/util/arena.h"
#include "dray/util/err.h"
#include "dray/util/str.h"

/* field, PEP 508 name */
#define MARKER_VARIABLES(X)                                                                        \
    X(implementation_name, "implementation_name")                                                  \
    X(implementation_version, "implementation_version")                                            \
    X(os_name, "os_name")                                                                          \
    X(platform_machine, "platform_machine")                                                        \
    X(platform_python_implementation, "platform_python_implementation")                            \
    X(platform_release, "platform_release")                                                        \
    X(platform_system, "platform_system")                                                          \
    X(platform_version, "platform_version")                                                        \
    X(python_full_version, "python_full_version")                                                  \
    X(python_version, "python_version")                                                            \
    X(sys_platform, "sys_platform")

/* The values of one Python on one machine; borrowed. */
struct marker_env {
#define MARKER_FIELD(field, name) struct str field;
    MARKER_VARIABLES(MARKER_FIELD)
#undef MARKER_FIELD
};

struct marker; /* a parsed expression, in an arena */

/* Parses a whole marker expression. An error says at which byte (from 1) and what was expected
 * there; ERR_LIMIT above LIMIT_REQUIREMENT_BYTES and LIMIT_MARKER_DEPTH. */
int marker_parse(struct arena *a, struct str text, const struct marker **out, struct err *e);
/* Is the marker true in `env` with the extra `extra` (STR_NONE: no extra, compares as "")? A
 * NULL marker is true. Where packaging raises (`os_name ~= "x"`, `"a" == "b"`), be it for one
 * item of many, the whole marker is false. The sets of PEP 751, `extras` and
 * `dependency_groups`, are empty. */
bool marker_eval(const struct marker *m, const struct marker_env *env, struct str extra);
/* The expression in packaging's normalised text form (str(Marker)), in `a`; "" for NULL. */
struct str marker_text(struct arena *a, const struct marker *m);
