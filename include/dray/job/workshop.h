/* workshop.h: everything that the machines of a job work with: its directories, readers, indexes,
 * what is kept of servers, builders. */
#pragma once

#include "dray/fetch/build.h"
#include "dray/fetch/page.h"
#include "dray/fetch/world.h"
#include "dray/job/rooms.h"

/* What it is set up with; borrowed until workshop_done(). */
struct workshop_site {
    struct loop *loop;
    struct http *http;
    struct events *events;
    const struct settings *settings;
    struct store *store; /* NULL: none is wanted, or none can be had */
    struct rooms_door door;
    struct flights *flights; /* of the store of its rooms; NULL: no other job uses it */
    const char *const *trusted_hosts;
    size_t n_trusted_hosts;
};

/* Zeroed is an empty one; all of it is owned. */
struct workshop {
    struct workshop_site site;
    struct rooms rooms;
    struct arena arena;
    struct cache cache;
    struct hosts *hosts;
    struct readers *readers;
    struct page_world pages;
    struct source_index *indexes; /* in `arena` */
    size_t n_indexes;
    struct source *source;
    struct buf python; /* the interpreter whose pip is run; empty where none is */
    struct builds *builds;
    struct strs isolation; /* what takes away all that pip would heed; empty without --isolated */
    struct strs build_env;
};

/* ERR_IO, ERR_SPACE: the destination can't be used. ERR_NOT_FOUND: nor can the interpreter. */
int workshop_open(struct workshop *w, const struct workshop_site *site, struct err *e);
/* What fetcher_create() wants of it. */
struct fetch_world workshop_world(const struct workshop *w, const struct target *target);
/* Every machine must have ended or been destroyed; removes the temporary directories. */
void workshop_done(struct workshop *w);
