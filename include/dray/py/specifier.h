/* specifier.h: sets of version specifiers, ">=1.2,!=1.3.*,~=2.0" (PEP 440). Pure. Accepts and
 * matches exactly what packaging.specifiers.SpecifierSet does. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dray/py/version.h"

enum specifier_op {
    SPECIFIER_COMPATIBLE, /* ~=  */
    SPECIFIER_EQ,         /* ==  */
    SPECIFIER_NE,         /* !=  */
    SPECIFIER_LE,         /* <=  */
    SPECIFIER_GE,         /* >=  */
    SPECIFIER_LT,         /* <   */
    SPECIFIER_GT,         /* >   */
    SPECIFIER_ARBITRARY   /* === : compared as text, without regard to case */
};

struct specifier {
    enum specifier_op op;
    bool wildcard;          /* "== 1.2.*", "!= 1.2.*": version is the part before ".*" */
    struct str text;        /* the version as written, trimmed: "1.2.*" */
    struct version version; /* zero for SPECIFIER_ARBITRARY where the text is no version */
    struct str series_end;  /* ~= and wildcards: the first release_key that is too high */
};

/* Borrowed from the arena it was parsed into. No specifiers: every version is in it. */
struct specifier_set {
    const struct specifier *items;
    size_t n;
    struct str text; /* canonical: operators and texts, joined by ",", in their order */
};

/* Parses a comma-separated list; blanks around every part are allowed, an empty list is valid, and
 * so are empty parts. Returns 0 or ERR_INPUT with the column; ERR_LIMIT above
 * LIMIT_REQUIREMENT_BYTES. */
int specifier_set_parse(struct arena *a, struct str text, struct specifier_set *out, struct err *e);
/* Both at once; the result lives in `a` and keeps what x and y point to alive only as long as they
 * do. */
struct specifier_set specifier_set_and(struct arena *a, const struct specifier_set *x,
                                       const struct specifier_set *y);
/* Is `v` in the set, pre-releases allowed: packaging's contains(v, prereleases=True). Whether a
 * pre-release is wanted at all is for the caller to decide, who sees all candidates
 * (specifier_set_wants_pre). */
bool specifier_set_contains(const struct specifier_set *s, const struct version *v);
/* Does a specifier ask for pre-releases by naming one: packaging's SpecifierSet.prereleases being
 * True. */
bool specifier_set_wants_pre(const struct specifier_set *s);
/* Any of the specifiers is `==` without wildcard, or `===`: then pip takes yanked files. */
bool specifier_set_is_pinned(const struct specifier_set *s);
/* "==", "~=", ... */
const char *specifier_op_text(enum specifier_op op);
