/* refusal.h: why a file of a project does not fit a requirement, and the sentence that a person
 * gets when none does. */
#pragma once

#include "dray/fetch/candidate.h"
#include "dray/util/buf.h"

enum refusal {
    REFUSAL_NONE,
    REFUSAL_VERSION, /* not in the specifiers */
    REFUSAL_WHEEL,   /* wheels are not allowed */
    REFUSAL_SDIST,   /* source distributions are not allowed */
    REFUSAL_TAGS,    /* for another Python or platform */
    REFUSAL_PYTHON,  /* Requires-Python */
    REFUSAL_NEWER,   /* it was uploaded too late */
    REFUSAL_UNDATED, /* nobody says when it was uploaded, and it matters */
    REFUSAL_PRE,     /* a pre-release, while final ones fit */
    REFUSAL_YANKED,
    REFUSAL_HASH /* promised digests differ from the allowed ones */
};

/* Puts the explanation into `e` and returns ERR_NO_MATCH. `why` has one entry for each of the `n`
 * items, none of them REFUSAL_NONE; n > 0. */
int refusal_explain(const struct candidate_rules *rules, const struct distribution *const *items,
                    const enum refusal *why, size_t n, struct err *e);
/* "it ...": why one file does not fit; "" for REFUSAL_NONE. Appended to `out`. */
void refusal_say(const struct candidate_rules *rules, const struct distribution *d,
                 enum refusal why, struct buf *out);
