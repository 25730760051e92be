/* source_index.h: one package index: where it is, what it is called, which projects are held to it.
 * Pure. */
#pragma once

#include <stdbool.h>

#include "dray/util/buf.h"

/* All borrowed. */
struct source_index {
    struct str url;             /* root of its simple API */
    struct str name;            /* STR_NONE: it has none */
    const struct str *packages; /* normalised names, or beginnings followed by "*": "corp-*", "*" */
    size_t n_packages;          /* 0: it serves what is held to no other */
};

/* How closely one of its packages fits the normalised name `project`: 0 not at all; then the longer
 * what agrees the more; SIZE_MAX the very name. The closest of all indexes has the project, and no
 * other: "corp-gui" before "corp-*" before "*". */
size_t source_index_match(const struct source_index *ix, struct str project);
/* "https://pkg.example.org/simple/ (index corp)", without secrets. Appended to `out`. */
void source_index_show(const struct source_index *ix, struct buf *out);
