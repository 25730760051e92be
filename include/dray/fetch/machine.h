/* machine.h: one machine from inside. Private to fetch.c, which moves it, and to those that do the
 * work of its states: fetch_resolve.c has the set resolved, fetch_decide.c chooses its file,
 * fetch_probe.c looks whether that is here, fetch_transfer.c gets it, fetch_resume.c lets a cut one
 * go on, fetch_place.c puts it into its place, fetch_build.c makes a wheel of it. */
#pragma once

#include "dray/fetch/body.h"
#include "dray/fetch/build.h"
#include "dray/fetch/existing.h"
#include "dray/fetch/fetch.h"
#include "dray/fetch/fetch_resume.h"
#include "dray/fetch/flight.h"
#include "dray/fetch/ladder.h"
#include "dray/fetch/promise.h"
#include "dray/fetch/reader.h"
#include "dray/fetch/resolution.h"
#include "dray/fetch/source.h"
#include "dray/util/map.h"

/* Machines for one target. */
struct fetch_set {
    struct fetcher *fetcher;
    const struct target *target;
    struct place *place;
    struct str label;
    bool is_default;   /* of the world's target, until there is a first one of its own */
    struct map *names; /* file name -> the machine that places it there */
    struct map own_names;
    size_t first, end;                         /* of those that were asked for, in fetcher.items */
    const struct resolution_input *to_resolve; /* NULL: each is looked up by itself */
    struct resolution *resolution;
    const struct resolution_result *result; /* NULL: not yet */
    struct err unsolved;
};

struct fetch {
    struct fetch_view view; /* what others see; first, so that a view's machine is itself */
    struct fetch_wish wish;
    struct fetcher *fetcher;
    struct fetch_set *set;
    struct promise promise;           /* from METADATA on */
    struct str url;                   /* of the file, with credentials if it has any: never shown */
    const struct resolution_pin *pin; /* of a set that was resolved: what it is to be */
    struct source_query *query;       /* LOOKUP */
    const struct source_answer *answer;
    struct ladder *ladder; /* METADATA */
    bool came_whole;       /* METADATA: the whole file had to be fetched for it, in this run */
    bool has_sidecar, has_sidecar_digest;
    struct digest sidecar_digest;
    struct existing *existing;    /* PROBE */
    struct hasher hasher;         /* PROBE */
    struct reader *reader;        /* PROBE; QUEUE and BODY of local files; BUILD */
    struct existing_answer found; /* the file is on this machine; from METADATA or PROBE to PLACE */
    struct buf found_path;
    bool has_found;
    struct http_exchange *exchange; /* QUEUE, HEADER, BODY */
    struct cache_note note;         /* of the answer's head */
    bool past_store;                /* the store could not take it: straight into the destination */
    struct body *body;              /* BODY to PLACE */
    struct digest digests[DIGEST_COUNT]; /* of it, from HASH on */
    struct place_file *copy;             /* PLACE, where no link will do */
    struct digest built_sha256;
    struct str built_name; /* PROBE: of a wheel that an earlier run built, while it is looked for */
    struct str archive_name; /* of a wheel that was built: what it was built of */
    struct promise archive_promise;
    struct build *build;      /* BUILD */
    const char *wheel;        /* BUILD: that it made; goes with it */
    struct resume resume;     /* QUEUE to BODY; PROBE, while what an earlier run got is hashed */
    unsigned failures;        /* attempts that brought nothing forward, in a row */
    struct loop_timer *timer; /* WAIT */
    uint64_t delay_ms;        /* of the WAIT that comes next */
    struct err fault;         /* why it is about to go to FAILED */
    struct fetch *followers;  /* in PROBE: want the file that this one fetches */
    struct fetch *next_follower;
    struct loop_task look; /* of a follower: once the other has ended */
    struct flight flight;  /* PROBE: another job fetches that file; to PLACE: this one does */
};

struct fetcher {
    struct fetch_world world;
    fetcher_done_fn done;
    void *ctx;
    struct arena arena; /* texts of all machines */
    struct fetch **items;
    const struct fetch_view **views;
    size_t n, cap, running;
    struct map claims; /* file name -> the first machine that gets it */
    struct fetch_set **sets;
    size_t n_sets, cap_sets;
    size_t unresolved; /* sets */
    bool is_locked;    /* they are resolved when all files are there */
    struct body_pool pool;
    size_t n_held; /* bodies of machines that wait */
    struct loop_task begin, end;
    struct facts *facts;
};

/* One more machine. */
struct fetch *fetcher_put(struct fetcher *f, struct fetch_set *set, const struct fetch_wish *wish);
/* For its view: in an order of their own, not in that of who asked first. */
struct str *fetch_copy_names(struct fetch *f, const struct str *names, size_t n);
/* Enters LOOKUP. From a task of the loop. */
void fetch_begin(struct fetch *f);
/* Stops what is under way and removes the temporary file; the state stays. */
void fetch_cancel(struct fetch *f);

/* The one place that writes the state; enters it. Only steps of the table. */
void fetch_go(struct fetch *f, enum fetch_state to);
/* To the next state, or to FAILED when a step before has left a fault. */
void fetch_go_unless_fault(struct fetch *f, enum fetch_state to);

/* Begins to resolve the sets; their machines wait in LOOKUP. */
void fetcher_resolve_now(struct fetcher *f);
/* Is each version pinned, and are hashes given for all: may files be fetched before that? */
bool fetcher_is_locked(const struct fetcher *f);
/* All machines have ended: true when it has to be seen whether a lock was complete, and that has
 * begun. */
bool fetcher_check_lock(struct fetcher *f);
/* The metadata that was read to resolve the set. */
void fetch_take_facts(struct fetch *f);

/* All files of the version that was chosen, for a lock. `listed`: of the project; NULL: it was
 * given by URL. */
void fetch_tell_files(struct fetch *f, const struct distribution *chosen,
                      const struct source_answer *listed);

/* Chooses the file: sets url, promise and what the view tells of it. On failure `f->fault` says
 * why. */
int fetch_decide(struct fetch *f);

/* Entering PROBE. */
void fetch_probe(struct fetch *f);
/* `f` has ended: those that wait for its file look again. */
void fetch_wake_followers(struct fetch *f);
/* Copies what was found. */
void fetch_set_found(struct fetch *f, const struct existing_answer *x);

/* Entering QUEUE, HEADER, BODY, WAIT. */
void fetch_await_turn(struct fetch *f);
void fetch_await_head(struct fetch *f);
void fetch_receive(struct fetch *f);
void fetch_await_retry(struct fetch *f);

/* Entering HASH, PLACE. */
void fetch_verify(struct fetch *f);
void fetch_place(struct fetch *f);
/* The directory it goes into: the destination, but for what is to be built. */
struct place *fetch_dest(const struct fetch *f);
/* The file is under its name. */
void fetch_set_path(struct fetch *f);
/* For the report, from the wheel itself, unless it is known. */
void fetch_read_metadata(struct fetch *f, int fd, uint64_t bytes);
/* Is its body written where the store can keep it? */
bool fetch_is_in_store(const struct fetch *f);
/* Hands the finished body to the store, if there is one that takes it, to be found there. */
void fetch_keep_body(struct fetch *f);
/* Did the store's disk fail, where another may do? */
bool fetch_lost_store(const struct fetch *f);
/* What was to be placed is not there or not right after all: from BODY, HASH or PLACE to another
 * attempt, over the network, which `f->fault` is the reason for. --offline: it fails with that. */
void fetch_begin_again(struct fetch *f);

/* Does the wheel that was built say what the set was resolved with? Else `f->fault` is set. */
void fetch_check_built(struct fetch *f, int fd, uint64_t bytes);
/* Is it a source distribution that is still to become a wheel? */
bool fetch_needs_build(const struct fetch *f);
/* Entering BUILD. */
void fetch_build(struct fetch *f);
/* Has an earlier run built it? Which wheel that was: its sha256, and `f->built_name`. */
bool fetch_recall_built(struct fetch *f, struct digest *wheel);
/* It is the wheel that was built of it, from now on. ERR_CONFLICT into `f->fault` when another
 * machine places a wheel of that name. */
int fetch_set_built(struct fetch *f, struct str filename);
/* It is the wheel that `owner`, which wanted the same archive, has placed. Into `f->fault` when
 * that won't do. */
int fetch_share_built(struct fetch *f, const struct fetch *owner);
/* It is the source distribution again. */
void fetch_unset_built(struct fetch *f);
/* Has pip built it? Then it is found, under the wheel's name; or `f->fault` says why not. */
bool fetch_find_built_by_pip(struct fetch *f);
