/* ahead.h: a resolution from inside, and the fetching of what its solver is likely to ask for next:
 * it changes when an answer is there, never what it is. Private to resolution.c and ahead.c. */
#pragma once

#include "dray/fetch/resolution.h"
#include "dray/util/map.h"

/* A project's candidates for this target. */
struct choice {
    struct str project;
    struct candidate_list list; /* of what is listed */
    struct solve_listing told;
    const struct distribution **items; /* of each candidate */
    struct file_facts **facts;         /* of each, once they are known; NULL before */
    const struct fetch_wish *wish;     /* that gives it by URL; or NULL */
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
    bool ended; /* `done` has run */
    struct loop_task ahead;
    unsigned ahead_turns;  /* until the solver is taken to wait for the network */
    bool is_waiting;       /* it does */
    struct ahead *put_off; /* to be followed when it does */
    struct resolution_wait *waits;
    struct resolution_result result;
};

/* A wait for a fact, of a resolution: taken back when that goes. */
struct resolution_wait {
    struct fact_wait wait;
    struct resolution_wait *next;
};
/* Of `size` bytes, which begin with a resolution_wait; in the resolution's arena. */
void *resolution_wait_new(struct resolution *r, size_t size, void (*fn)(void *ctx));

/* The candidates of a project, told to the solver; NULL: its listing is on its way, and `w` is
 * called when it is there, or it can't be had: then `e` is set. */
const struct choice *resolution_choice(struct resolution *r, struct str project,
                                       struct fact_wait *w, struct err *e);
/* What a candidate needs, likewise. */
const struct solve_metadata *resolution_metadata(struct resolution *r, const struct choice *c,
                                                 size_t candidate, struct fact_wait *w,
                                                 struct err *e);

struct ahead;

/* The solver lacks something. If that is here it is told soon, and nothing need be fetched ahead:
 * what is follows only when it did not come within a few turns of the loop. */
void ahead_soon(struct resolution *r);
/* Asks for all pages at once that the same set needed in an earlier run. */
void ahead_recall(struct resolution *r);
/* Notes them for the next one. */
void ahead_remember(const struct resolution *r);
/* It goes on. */
void ahead_stop(struct resolution *r);
/* Follows what was put off, if the solver waits. */
void ahead_catch_up(struct resolution *r);
/* Fetches the listing of what `wants` is about, the metadata of the candidate that it would get
 * alone, and so on from there. */
void ahead_follow(struct resolution *r, const struct requirement *wants);
