/* pipconf_file.h: the text of one pip.conf as Python's RawConfigParser reads it. Pure.
 *
 * Not inih: it cuts lines at 200 bytes and values at " ;" unless built otherwise, which
 * distributions do differently, takes any deeper line as a continuation, and lets doubles pass.
 * What would have to be done to its input leaves it nothing. */
#pragma once

#include <stddef.h>

#include "dray/util/arena.h"
#include "dray/util/err.h"

/* Borrowed from the arena. */
struct pipconf_entry {
    struct str section;
    struct str key;   /* pip's normal form: lower case, "-" for "_", no "--" before it */
    struct str value; /* continuation lines joined by newlines */
    size_t line;      /* from 1 */
};

struct pipconf_entries {
    struct pipconf_entry *items;
    size_t n, cap;
};

/* pip's normal form of a name in a file, or of a variable behind PIP_; in `a`. */
struct str pipconf_file_key(struct arena *a, struct str name);
/* Appends what stands in `text`, in order; [DEFAULT] has been added to each other section already.
 * ERR_INPUT says which line is wrong: outside of a section, without "=" or ":", or a section or key
 * that was there before; or not UTF-8. The caller frees `items`, also after an error. */
int pipconf_file_parse(struct arena *a, struct str text, struct pipconf_entries *out,
                       struct err *e);
