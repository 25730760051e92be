/* depot.h: stores, each opened once in a process however many of its jobs keep their files in it,
 * with what is on its way into them. */
#pragma once

#include "dray/fetch/flight.h"
#include "dray/job/settings.h"
#include "dray/store/store.h"

struct depots; /* those of a process */

struct depot {
    struct store *store;
    struct flights *flights;
};

struct depots *depots_create(struct loop *l);
/* All must have been released. NULL is allowed. */
void depots_destroy(struct depots *ds);

/* That of the settings. NULL and no error: none is wanted, or there is no home to keep it in. NULL
 * and an error: it can't be used. */
struct depot *depot_get(struct depots *ds, const struct settings *s, struct err *e);
/* It is closed when the last one lets go of it. NULL is allowed. */
void depot_release(struct depots *ds, struct depot *d);
/* Writes what waits to be written, so that other processes see it. */
void depots_flush(const struct depots *ds);
