/* sets.h: what is asked for, for each target: gathered by its markers, resolved, and put where its
 * files go. */
#pragma once

#include "dray/fetch/event.h"
#include "dray/fetch/resolution.h"
#include "dray/job/gather.h"
#include "dray/job/inputs.h"
#include "dray/job/rooms.h"
#include "dray/job/target_choice.h"

struct set {
    const struct target *target;
    struct gathered gathered;
    struct resolution_input to_resolve;
    struct place *place; /* of its own: --layout target; else NULL */
};

/* Zeroed is an empty one. */
struct sets {
    const struct settings *settings;
    struct set *items; /* one for each target */
    size_t n;
    struct facts *facts; /* NULL with --no-deps */
};

/* `targets` and `settings` are borrowed. Says of each requirement that no target's markers want
 * that it is skipped. ERR_USAGE: there is nowhere to look. */
int sets_gather(struct sets *s, const struct settings *settings, const struct inputs *in,
                const struct targets *targets, struct events *events, struct err *e);
/* Opens the directories of their own below `dest`, if that is the layout. ERR_IO, ERR_SPACE. */
int sets_open(struct sets *s, const struct rooms_door *door, struct err *e);
/* All machines, to be started; `w` is copied. */
struct fetcher *sets_fetcher(struct sets *s, const struct fetch_world *w, fetcher_done_fn done,
                             void *ctx);
/* Nothing may be under way in their directories any more; what was found out stays. */
void sets_close(struct sets *s);
void sets_done(struct sets *s);
