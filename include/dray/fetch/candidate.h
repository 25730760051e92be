/* candidate.h: which file of a project is the best for a requirement, by pip's rules (PEP 440, 425,
 * 592, Requires-Python, pip's CandidateEvaluator), and if there is none, why not. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dray/fetch/distribution.h"
#include "dray/py/specifier.h"
#include "dray/py/target.h"
#include "dray/resolve/solve.h"
#include "dray/util/digest.h"

/* What is asked for. All borrowed. */
struct candidate_rules {
    struct str label; /* the requirement, for the explanation */
    const struct specifier_set *specifiers;
    const struct target *target;
    const struct digest *hashes; /* allowed by the user (--hash); any one suffices */
    size_t n_hashes;
    bool allow_wheel, allow_sdist; /* --only-binary, --no-binary */
    bool prefer_binary, pre;
    int64_t before_us; /* only files uploaded before that, in microseconds since 1970; 0: any */
};

/* The best of `items`, given in the order of their pages (among equals the later wins, as in pip);
 * NULL when none fits: ERR_NOT_FOUND if there are none at all, else ERR_NO_MATCH with the nearest
 * versions and why each was refused. */
const struct distribution *candidate_choose(const struct candidate_rules *rules,
                                            const struct distribution *const *items, size_t n,
                                            struct err *e);

/* All that may be chosen of a project, whatever is asked of its version: the best file of each,
 * best first, as pip goes through them. */
struct candidate_list {
    const struct distribution **items;
    size_t n;
    struct solve_refused *refused; /* versions of which no file will do, newest first */
    size_t n_refused;
};

/* In `a`. Of `rules` neither label nor specifiers nor `pre` count. */
void candidate_list(const struct candidate_rules *rules, const struct distribution *const *items,
                    size_t n, struct arena *a, struct candidate_list *out);
