/* fetch.h: the machines: one for each requirement (of one target), from its name to its file in the
 * destination.
 *
 * LOOKUP -> METADATA -> DECIDE -> PROBE -> QUEUE -> HEADER -> BODY -> HASH -> PLACE -> DONE, with
 * WAIT between two attempts, BUILD behind PLACE where a source distribution is to become a wheel,
 * and FAILED from anywhere. The table of lawful steps is in fetch.c; what
 * happens in them is told through event.h. A machine that fails does not stop the others. Policy
 * lives here (retries, what counts as the right file); the network does not. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dray/fetch/world.h"
#include "dray/py/specifier.h"

/* What one machine is to get. Everything is borrowed until fetcher_destroy(). */
struct fetch_wish {
    struct str label;   /* as a person wrote it */
    struct str project; /* normalised; STR_NONE with a url whose name does not tell it */
    struct specifier_set specifiers;
    const struct str *extras; /* only a resolution looks at them */
    size_t n_extras;
    struct str url;              /* this very file: http, https or file URL; STR_NONE: choose one */
    const struct digest *hashes; /* the user allows these; see promise.h */
    size_t n_hashes;
    bool need_hash; /* --require-hashes */
    bool allow_wheel, allow_sdist, prefer_binary, pre;
    int64_t before_us; /* only files uploaded before that; 0: whenever */
    struct err fault;  /* set: it can't be had at all; the machine fails with this */
};

struct fetcher;
struct facts;
struct resolution_input;

/* Runs once, from the loop, when every machine is DONE or FAILED. */
typedef void (*fetcher_done_fn)(void *ctx);

/* `w` is copied. */
struct fetcher *fetcher_create(const struct fetch_world *w, fetcher_done_fn done, void *ctx);
/* Machines that are added from now on are for another target than the world's, and go into another
 * place if that is not NULL; `label` names it to people. Machines for several targets share all
 * that is found out, and files that several want are fetched once. */
void fetcher_next_set(struct fetcher *f, const struct target *target, struct place *place,
                      struct str label);
/* In the order of the requirements; before fetcher_start(). Copies the wish, borrows what it points
 * to. */
void fetcher_add(struct fetcher *f, const struct fetch_wish *wish);
/* The set that was added last is to be resolved: what it needs becomes machines, too, behind those
 * of all sets, when each has its solution or has none. `in` and `facts` are borrowed; its wishes
 * are those that were added, in that order. Where all are locked (versions pinned, hashes given)
 * files are fetched first, and this is done when they are there. */
void fetcher_resolve(struct fetcher *f, struct facts *facts, const struct resolution_input *in);
void fetcher_start(struct fetcher *f);
/* Why a set (0: the first) could not be resolved; its machines then are FAILED with ERR_UNSOLVED.
 */
const struct err *fetcher_unsolved(const struct fetcher *f, size_t set);
/* The machines in the order in which they were added, to be asked for anew when one may have been;
 * the array lives until then, the views until fetcher_destroy(). */
const struct fetch_view *const *fetcher_views(const struct fetcher *f, size_t *n);
/* Stops what is under way and removes its temporary files; finished files stay, and so do the
 * views. `done` will not run. */
void fetcher_cancel(struct fetcher *f);
/* Cancels, too. NULL is allowed. */
void fetcher_destroy(struct fetcher *f);
/* May a machine go from one state to the other? For the tests and the diagram. */
bool fetch_step_is_lawful(enum fetch_state from, enum fetch_state to);
