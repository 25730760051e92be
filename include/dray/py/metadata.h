/* metadata.h: core metadata of a distribution (PEP 241 to 639, 753; "METADATA" in a wheel, the
 * ".metadata" file of PEP 658), as pip reads it: RFC 822 headers by the rules of Python's
 * email.parser, then perhaps a description. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dray/util/arena.h"
#include "dray/util/err.h"
#include "dray/util/json.h"

/* One header as email.parser has it: no blanks before the value, no line end behind it; where it is
 * folded, line ends and indents are still in it. */
struct metadata_field {
    struct str name, value;
};

/* In the arena. Absent: STR_NONE. Of a field that stands several times where it should not, the
 * first counts. */
struct metadata {
    struct str name, version, requires_python, metadata_version;
    struct str *requires_dist; /* as written, without white space around it, in order */
    size_t n_requires_dist;
    struct str *provides_extra;
    size_t n_provides_extra;
    struct metadata_field *fields; /* all, in order */
    size_t n_fields;
    struct str description; /* what follows the headers; "" when nothing does */
};

/* `text` is copied. ERR_INPUT when it has no Name or no Version or is not headers at all; ERR_LIMIT
 * above LIMIT_METADATA_FIELDS and LIMIT_METADATA_BYTES. Bytes that are not UTF-8 are kept. */
int metadata_parse(struct arena *a, struct str text, struct metadata *out, struct err *e);
/* The value of the first field of this name, whatever its case; STR_NONE without one. */
struct str metadata_get(const struct metadata *m, const char *name);
/* Is it of this project (normalised) and version? Either may be STR_NONE: not checked. ERR_CONFLICT
 * names both; ERR_INPUT when a version is none. Versions are compared by PEP 440. */
int metadata_check(const struct metadata *m, struct str project, struct str version, struct err *e);
/* What pip compares after a download (#13983): Name, Version, Requires-Dist (as a set, canonical),
 * Requires-Python, Provides-Extra. ERR_CONFLICT names the first field that differs and both values;
 * ERR_INPUT when a version or a requirement in one of them is none.
 * `what_a`, `what_b`: what to call them in that sentence ("the index's metadata file"). */
int metadata_compare(const struct metadata *a, const char *what_a, const struct metadata *b,
                     const char *what_b, struct err *e);
/* The JSON form of PEP 566 (the one in pip's installation report): keys in lower case with "_",
 * lists for those fields that may stand several times, description. One map. */
void metadata_json(const struct metadata *m, struct json *out);
