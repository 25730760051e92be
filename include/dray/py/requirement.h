/* requirement.h: one dependency specifier, `name[extra] >=1,<2 ; marker` or `name @ url ;
 * marker` (PEP 508), and the normal form of names (PEP 503). Pure. Accepts exactly what
 * packaging.requirements.Requirement does. */
#pragma once

#include <stddef.h>

#include "dray/py/marker.h"
#include "dray/py/specifier.h"

/* Borrowed from the arena it was parsed into. */
struct requirement {
    struct str name;          /* as written */
    struct str project;       /* normalised (PEP 503) */
    const struct str *extras; /* as written, sorted, without doubles */
    size_t n_extras;
    struct specifier_set specifiers; /* empty with a url */
    struct str url;                  /* STR_NONE without "@ url" */
    const struct marker *marker;     /* NULL: always */
};

/* Parses one requirement; no comment, no options. An error names the column (in bytes, from 1)
 * and what was expected; ERR_LIMIT above LIMIT_REQUIREMENT_BYTES. Nothing of `text` is kept. */
int requirement_parse(struct arena *a, struct str text, struct requirement *out, struct err *e);
/* Lower case (of ASCII), runs of "-", "_", "." become one "-" (PEP 503); in `a`. Accepts any
 * bytes. */
struct str project_name_normalize(struct arena *a, struct str name);
/* Is it a valid name: ASCII letters, digits, "-_.", beginning and ending with a letter or digit
 * (PEP 508)? */
bool project_name_is_valid(struct str name);
