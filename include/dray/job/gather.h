/* gather.h: from what was asked for, line by line, to one wish a project: markers evaluated,
 * constraints applied, hashes intersected, by pip's rules. Pure. */
#pragma once

#include "dray/fetch/fetch.h"
#include "dray/job/settings.h"
#include "dray/job/want.h"

/* What was asked for; borrowed, and the wishes borrow from it. */
struct gather_input {
    const struct settings *settings;
    const struct marker_env *env;
    const struct want *wants; /* requirements, in order */
    size_t n_wants;
    const struct want *constraints;
    size_t n_constraints;
};

struct gathered {
    struct arena arena;
    struct fetch_wish *wishes; /* in the order in which projects were first named */
    size_t n;
    struct fetch_wish *constraints; /* to be resolved with; empty without dependencies, */
    size_t n_constraints;           /* where they are in the wishes */
    bool need_hash;                 /* pip's hash-checking mode is on */
    struct strs ignored; /* labels of requirements whose markers are false for the target */
};

/* Contradictions do not fail here: they become the fault of their wish, so that the others go on.
 */
void gather(const struct gather_input *in, struct gathered *out);
void gathered_done(struct gathered *g);
