/* resolution.h: what one target gets for what is asked for: drives a solver, finds the facts that
 * it lacks, and fetches ahead what it is likely to ask for next. */
#pragma once

#include "dray/fetch/candidate.h"
#include "dray/fetch/facts.h"
#include "dray/fetch/fetch.h"

/* May files of a project come as wheels, as source distributions? */
struct resolution_formats {
    bool wheel, sdist;
};
typedef struct resolution_formats (*resolution_formats_fn)(void *ctx, struct str project);

/* All borrowed until resolution_destroy(). */
struct resolution_input {
    const struct target *target;
    const struct fetch_wish *wishes; /* what is asked for; those with a fault are left out */
    size_t n_wishes;
    const struct fetch_wish *constraints; /* hold only of what is needed */
    size_t n_constraints;
    bool pre, prefer_binary, need_hash, lowest, lowest_direct;
    int64_t before_us; /* only files uploaded before that; 0: whenever */
    resolution_formats_fn formats;
    void *ctx;
};

/* One file of the solution. Borrowed from the resolution. */
struct resolution_pin {
    struct str project;
    const struct distribution *file;
    struct file_facts *facts;
    bool is_asked;                 /* by one of input.wishes */
    const struct fetch_wish *wish; /* of a constraint on it, when it is not asked for; or NULL */
    struct str label;              /* "click>=8 (of flask)", when it is not asked for */
    const struct str *extras;      /* that are asked for, by whomever */
    size_t n_extras;
    const struct str *via; /* projects of the solution that need it */
    size_t n_via;
};

struct resolution_result {
    struct err err; /* ERR_CONFLICT: there is no solution, and why; or a fact can't be had */
    const struct resolution_pin *pins; /* what was asked for, then what it needs */
    size_t n;
    const struct resolution_pin **of_wish; /* of each of input.wishes; NULL: it has a fault */
};

typedef void (*resolution_done_fn)(void *ctx, const struct resolution_result *result);

struct resolution;
/* `done` runs once, later, from the loop. */
struct resolution *resolution_start(const struct fetch_world *w, struct facts *facts,
                                    const struct resolution_input *in, resolution_done_fn done,
                                    void *ctx);
/* At any time before facts_destroy(), of which it borrows. NULL is allowed. */
void resolution_destroy(struct resolution *r);
