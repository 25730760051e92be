/* tally.h: what is known of a run by the events so far: how many are where, how many bytes are
 * to come, which files move. Pure; each event costs the same however many requirements there
 * are. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dray/fetch/event.h"
#include "dray/ui/rate.h"

struct tally_row {
    const struct fetch_view *view; /* NULL until it was added */
    enum fetch_state state;
    size_t active;      /* place in `active` + 1, or 0 */
    uint64_t got, size; /* what it adds to the sums */
    bool unsized;       /* it is to be fetched and its size is unknown */
};

/* A file in HEADER, BODY, HASH or PLACE. */
struct tally_active {
    const struct fetch_view *view;
    enum fetch_state state;
    struct rate rate;
    uint64_t unsaid; /* bytes since whoever keeps this number last set it to 0 */
};

/* `struct tally t = { 0 }` is an empty one. */
struct tally {
    struct tally_row *rows; /* by view.order */
    size_t n, cap;
    size_t added;      /* rows that have a view */
    uint64_t expected; /* what START said */
    size_t states[FETCH_STATE_COUNT];
    struct tally_active *active; /* in no order */
    size_t n_active, cap_active;
    uint64_t got, size; /* of the files that are fetched: bytes here, bytes promised */
    size_t unsized;     /* files whose size is missing from `size` */
    struct rate rate;
};

void tally_done(struct tally *t);
void tally_take(struct tally *t, const struct event *ev);
/* How many requirements there are, so far as is known. */
uint64_t tally_total(const struct tally *t);
/* How many have ended, well or not. */
size_t tally_ended(const struct tally *t);
/* How many have no file chosen yet. */
uint64_t tally_undecided(const struct tally *t);
/* The entry of a file that moves, or NULL. */
struct tally_active *tally_active_of(struct tally *t, const struct fetch_view *view);
