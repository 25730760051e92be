/* version.h: versions of distributions and their order (PEP 440, "Version specifiers" of the
 * packaging specifications). Pure: bytes in, values out. Accepts and orders exactly what the
 * `packaging` library does. */
#pragma once

#include <stdbool.h>

#include "dray/util/arena.h"
#include "dray/util/err.h"
#include "dray/util/str.h"

/* Everything is borrowed from the arena it was parsed into. Two versions are equal exactly when
 * their keys are the same bytes, and are ordered as their keys are by str_cmp(): so a key also
 * serves in a map. */
struct version {
    struct str text;        /* normalised, as PEP 440 has it: "1.0rc1", "2!1.0.post2+local.1" */
    struct str release;     /* within text: "1.0" of "2!1.0.post2+local.1" */
    struct str key;         /* order-preserving bytes; numbers of any length */
    struct str public_key;  /* the key without the local part */
    struct str release_key; /* epoch and release, trailing zeros dropped */
    bool pre;               /* a pre-release: has a pre or a dev segment */
    bool post;
    bool dev;
    bool local;
};

/* Parses `text` (surrounding white space is allowed, as PEP 440 has it). Returns 0 or ERR_INPUT;
 * ERR_LIMIT above LIMIT_VERSION_BYTES. */
int version_parse(struct arena *a, struct str text, struct version *out, struct err *e);
/* <0, 0, >0 by PEP 440, local part included. */
int version_cmp(const struct version *a, const struct version *b);
/* PEP 440's exclusive comparisons, "<" and ">", with a version without local part: below leaves out
 * the pre-releases of `than` unless it is one itself; above its local versions, and also its
 * post-releases unless it is one itself. */
bool version_below(const struct version *v, const struct version *than);
bool version_above(const struct version *v, const struct version *than);
/* The release_key of the first release above all those that begin with the release of `v` less its
 * last `drop` numbers: that of 1.3 for 1.2.5 and 1, of 1.2.6 for 1.2.5 and 0. `drop` is less than
 * there are numbers. */
struct str version_series_end(struct arena *a, const struct version *v, size_t drop);
