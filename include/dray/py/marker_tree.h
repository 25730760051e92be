/* marker_tree.h: what a parsed marker looks like inside; shared by the marker's reader and its
 * evaluator, and by the reader of requirements. Everything is in the arena it was parsed into. */
#pragma once

#include "dray/py/marker.h"
#include "dray/py/specifier.h"

/* operator, spelling; one that is the beginning of another comes after it */
#define MARKER_OPS(X)                                                                              \
    X(ARBITRARY, "===")                                                                            \
    X(EQ, "==")                                                                                    \
    X(COMPATIBLE, "~=")                                                                            \
    X(NE, "!=")                                                                                    \
    X(LE, "<=")                                                                                    \
    X(GE, ">=")                                                                                    \
    X(LT, "<")                                                                                     \
    X(GT, ">")                                                                                     \
    X(IN, "in")                                                                                    \
    X(NOT_IN, "not in")

enum marker_op {
#define MARKER_OP_ENUM(op, text) MARKER_##op,
    MARKER_OPS(MARKER_OP_ENUM)
#undef MARKER_OP_ENUM
};

/* The variables that are not facts about one Python: `extra` (PEP 508), `extras` and
 * `dependency_groups` (PEP 751) */
#define MARKER_CONTEXT_VARIABLES(X)                                                                \
    X(extra, "extra")                                                                              \
    X(extras, "extras")                                                                            \
    X(dependency_groups, "dependency_groups")

enum marker_key {
#define MARKER_KEY_ENUM(field, name) MARKER_KEY_##field,
    MARKER_VARIABLES(MARKER_KEY_ENUM) MARKER_CONTEXT_VARIABLES(MARKER_KEY_ENUM)
#undef MARKER_KEY_ENUM
        MARKER_KEY_NONE /* no variable has this name */
};

struct marker_operand {
    bool variable;
    struct str text; /* the variable's canonical name, or the literal's value */
};

/* An operator and its right side read together as one version specifier. */
struct marker_range {
    bool arbitrary;           /* `===`: compared as text, without regard to case */
    struct str text;          /* of `===` */
    struct specifier_set set; /* of all others */
};

struct marker_item {
    struct marker_operand left, right;
    enum marker_op op;
    enum marker_key key;              /* whose value stands in for the left side, else the right */
    const struct marker_range *range; /* of a version on the left; NULL: compare as text */
};

struct marker_term {
    bool starts_or; /* "or" stands before it; otherwise "and", or nothing before the first */
    const struct marker *group; /* what stands in parentheses: two terms or more; NULL: `item` */
    struct marker_item item;
};

/* "and" binds closer than "or". */
struct marker {
    const struct marker_term *terms;
    size_t n; /* at least 1 */
};

/* Parses text[from, end) as a whole expression; columns in errors count from the beginning of
 * `text`. */
int marker_parse_from(struct arena *a, struct str text, size_t from, const struct marker **out,
                      struct err *e);
/* The specifier that `op` and `right` spell together, in `a`; NULL when it is none. */
const struct marker_range *marker_range_make(struct arena *a, enum marker_op op, struct str right);
/* Are values of this variable compared as versions where possible? */
bool marker_key_is_version(enum marker_key key);
/* "==", "not in", ... */
const char *marker_op_text(enum marker_op op);
