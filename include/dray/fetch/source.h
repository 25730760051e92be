/* source.h: all files of a project, from every index and every --find-links place, in pip's order.
 * One page is asked for once a run, however many ask for its project. */
#pragma once

#include "dray/fetch/distribution.h"
#include "dray/fetch/page.h"
#include "dray/fetch/source_index.h"
#include "dray/util/strs.h"

struct source; /* all places of a run */
struct source_query;

/* Borrowed, valid until source_query_destroy(). */
struct source_answer {
    struct err err; /* a page that can't be had or makes no sense; ERR_NOT_FOUND when no place knows
                       the project */
    const struct distribution *const *items;
    size_t n;
};

typedef void (*source_done_fn)(void *ctx, const struct source_answer *answer);

/* Where files come from; all borrowed. A project that indexes are named for is asked for there and
 * nowhere else, but for files in directories of `find_links`; any other one everywhere but there.
 */
struct source_places {
    const struct source_index *indexes; /* in order; none with --no-index */
    size_t n_indexes;
    const struct strs *find_links; /* see flat.h */
    bool first_index; /* a project is taken from the first index that has it, and the others are not
                         asked for it: nobody can slip in a newer one there */
};
/* Copies `places`. */
struct source *source_create(const struct page_world *w, const struct source_places *places);
/* Every query must have been destroyed. */
void source_destroy(struct source *s);
/* `project` is a normalised name. `done` runs once, later, from the loop. */
struct source_query *source_start(struct source *s, struct str project, source_done_fn done,
                                  void *ctx);
/* At any time; cancels, and frees the listings when nobody else needs them. NULL is allowed. */
void source_query_destroy(struct source_query *q);
