/* rooms.h: the directories that a job works in: the store, the destination, and temporary ones,
 * which go with it however it ends. */
#pragma once

#include "dray/fetch/event.h"
#include "dray/job/settings.h"
#include "dray/store/place.h"
#include "dray/store/store.h"

/* Who opens the directories that files are put into, where not every one will do: as place_open().
 * Zeroed: that. */
struct rooms_door {
    struct place *(*open)(void *ctx, const char *dir, struct err *e);
    void *ctx;
};
struct place *rooms_door_open(const struct rooms_door *door, const char *dir, struct err *e);

/* Zeroed is an empty one; all of it is owned but the store. */
struct rooms {
    struct store *store; /* set by the owner before rooms_open(); NULL: there is none */
    struct place *place; /* the destination; NULL: there is none */
    struct place *temp;  /* where bodies are written; the store's, the destination, or own_temp */
    struct place *archives; /* source distributions that are to be built */
    struct place *own_temp;
    char *temp_dir; /* of own_temp */
    char *archive_dir;
    char *wheelhouse;         /* of install: the destination */
    struct buf pip_cache_dir; /* empty: not looked at */
};

/* $XDG_CACHE_HOME/dray, or what the system has in its place, or --cache-dir; false when nothing is
 * to be kept or there is no home. Appended to `out`. */
bool rooms_cache_dir(const struct settings *s, struct buf *out);
/* Opens what the command needs. ERR_IO, ERR_SPACE: the destination can't be used. */
int rooms_open(struct rooms *r, const struct settings *s, const struct rooms_door *door,
               struct err *e);
/* Removes the temporary ones. Nothing may be under way in them. What can't be removed is a
 * warning. */
void rooms_done(struct rooms *r, struct events *events);
