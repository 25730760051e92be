/* want.h: one requirement as a person gave it: a PEP 508 line, a URL, or a path, on the command
 * line or in a file. Looks at the file system to tell a path from a name, as pip does; opens
 * nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dray/py/requirement.h"
#include "dray/util/digest.h"

/* Borrowed from the arena it was parsed into. */
struct want {
    struct str label;   /* as written */
    struct str origin;  /* "requirements.txt, line 3"; STR_NONE: the command line */
    struct str project; /* normalised; STR_NONE: a URL or path that does not tell it */
    struct specifier_set specifiers;
    const struct str *extras; /* as written */
    size_t n_extras;
    struct str url; /* absolute http, https or file URL without fragment; STR_NONE: look it up */
    const struct marker *marker; /* NULL: always */
    const struct digest *hashes; /* --hash and the one in the URL's fragment: any one suffices */
    size_t n_hashes;
    bool has_hash_option; /* --hash was given: it switches pip's hash-checking mode on */
};

/* What to parse; borrowed. */
struct want_text {
    struct str text;
    struct str origin;           /* as above */
    struct str directory;        /* where relative paths begin; STR_NONE: the working directory */
    bool no_local_files;         /* the file system is not looked at, and paths are refused */
    const struct digest *hashes; /* of --hash options */
    size_t n_hashes;
};

/* ERR_INPUT says where (origin, column) and what was expected; ERR_UNSUPPORTED for what dray does
 * not fetch: version control, directories. Keeps `hashes`. */
int want_parse(struct arena *a, const struct want_text *from, struct want *out, struct err *e);

/* A text that may hold URLs as it may be shown: without their passwords. */
struct str want_label(struct arena *a, struct str text);
