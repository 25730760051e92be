/* world.h: what the parts of fetch/ need of the run. */
#pragma once

#include <stdbool.h>

#include "dray/fetch/body.h"
#include "dray/fetch/cache.h"
#include "dray/fetch/event.h"
#include "dray/fetch/reader.h"
#include "dray/net/http.h"
#include "dray/net/loop.h"
#include "dray/py/target.h"
#include "dray/store/place.h"

struct builds;
struct flights;
struct hosts;
struct source;

/* How far a machine goes. */
enum fetch_goal {
    GOAL_FILES,    /* every file in the destination */
    GOAL_WHEELS,   /* the same, and source distributions are built first */
    GOAL_METADATA, /* no file, but the metadata of each */
    GOAL_LOCK,     /* no file, but what a lock has to tell of each */
    GOAL_CHOICE    /* which files it would be; looks whether they are here, fetches none */
};

/* Borrowed, and all of it outlives whoever was given it. */
struct fetch_world {
    struct loop *loop;
    struct http *http;
    struct events *events;
    struct source *source;
    struct readers *readers;
    struct cache cache; /* with the store, if there is one */
    struct hosts *hosts;
    struct flights *flights;   /* of the store; NULL: no other job uses it */
    const char *pip_cache_dir; /* NULL: none is looked at */
    struct place *place;       /* the destination; NULL when there is none (yet) */
    struct place *temp;        /* bodies are written here: the store's, else the destination */
    struct place *archives;    /* GOAL_WHEELS: source distributions, to be built from here */
    struct builds *builds;     /* the machine's pip; NULL: none is asked */
    bool asks_pip;             /* also for metadata: it is the only target's */
    enum place_mode mode;
    const struct target *target;
    unsigned retries;
    bool no_local_files; /* of whatever a requirement or page names */
    enum fetch_goal goal;
    bool want_metadata; /* of every file, for the report */
};
