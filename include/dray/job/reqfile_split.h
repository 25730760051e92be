/* reqfile_split.h: one logical line of a requirements file in its parts: what stands before the
 * options, and the options. Pure. */
#pragma once

#include "dray/job/reqfile_line.h"

struct reqfile_option {
    const char *name; /* the long one: "index-url", "hash", "editable" */
    struct str value; /* STR_NONE for a flag; in the arena */
    size_t at;        /* where the word of the option begins in the line */
};

struct reqfile_parts {
    struct str text; /* before the options; borrows the line */
    bool has_text;   /* it is not empty, be it but a blank */
    struct reqfile_option *options;
    size_t n_options, options_cap;
};

/* Splits the present line of `r`. Strings go to `a`; `out` is zeroed by the caller, its arrays are
 * reused and freed by reqfile_parts_done(). ERR_INPUT for an option that may not stand in such a
 * file, a wrong value, an open quote. */
int reqfile_split(const struct reqfile_reader *r, struct arena *a, struct reqfile_parts *out,
                  struct err *e);
void reqfile_parts_done(struct reqfile_parts *p);
