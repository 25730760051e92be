/* ahead.h: a resolution from inside, and the fetching of what its solver is likely to ask for next:
 * it changes when an answer is there, never what it is. Private to resolution.c and ahead.c. */
#pragma once

#include "dray/fetch/resolution.h"
#include "dray/util/map.h"

/* A project's candidates for this target. */
struct choice {
    struct str project;
    struct candidate_list list; /* of what is listed, behind the URLs */
    struct solve_listing told;
    const struct distribution **items; /* of each candidate */
};

struct resolution {
    const struct fetch_world *world;
    struct facts *facts;
    struct resolution_input in;
    resolution_done_fn done;
    void *ctx;
    struct arena arena;
    struct solver *solver;
    struct requirement *asked; /* of each wish, then of each constraint */
    struct map choices;
    struct map followed; /* what was fetched ahead: a requirement's text */
    size_t pending;      /* facts that the solver waits for */
    struct loop_task step;
    struct resolution_result result;
};

/* The candidates of a project, told to the solver; NULL: its listing is on its way, and `w` is
 * called when it is there, or it failed, which is in r->result.err then. */
const struct choice *resolution_choice(struct resolution *r, struct str project,
                                       struct fact_wait *w);
/* What a candidate needs, likewise. */
const struct solve_metadata *resolution_metadata(struct resolution *r, const struct choice *c,
                                                 size_t candidate, struct fact_wait *w);

/* Fetches the listing of what `wants` is about, the metadata of the candidate that it would get
 * alone, and so on from there. */
void ahead_follow(struct resolution *r, const struct requirement *wants);
/* The solver goes from version to version of a project: the next ones, more of them each time. */
void ahead_of_tries(struct resolution *r, const struct choice *c, size_t candidate);
