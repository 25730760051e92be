/* machine.h: one machine from inside. Private to fetch.c, which moves it, fetch_decide.c, which
 * chooses its file, and fetch_probe.c, which looks whether that is here. */
#pragma once

#include "dray/fetch/body.h"
#include "dray/fetch/fetch.h"
#include "dray/fetch/promise.h"
#include "dray/fetch/reader.h"
#include "dray/util/map.h"

struct fetch {
    struct fetch_view view; /* what others see; first, so that a view's machine is itself */
    struct fetch_wish wish;
    struct fetcher *fetcher;
    struct promise promise;     /* from DECIDE on */
    struct str url;             /* of the file, with credentials if it has any: never shown */
    struct source_query *query; /* LOOKUP, until DECIDE is over */
    const struct source_answer *answer;
    struct http_exchange *exchange; /* QUEUE, HEADER, BODY */
    struct reader *reader;          /* PROBE; QUEUE and BODY of local files */
    struct hasher hasher;           /* PROBE */
    struct body *body;              /* BODY to PLACE */
    struct loop_timer *timer;       /* WAIT */
    uint64_t delay_ms;              /* of the WAIT that comes next */
    struct err fault;               /* why it is about to go to FAILED */
    struct fetch *followers;        /* in PROBE: want the file that this one fetches */
    struct fetch *next_follower;
    struct loop_task look; /* of a follower: once the other has ended */
};

struct fetcher {
    struct fetch_world world;
    fetcher_done_fn done;
    void *ctx;
    struct arena arena; /* texts of all machines */
    struct fetch **items;
    const struct fetch_view **views;
    size_t n, cap, running;
    struct map claims; /* file name -> the machine that places it */
    struct body_pool pool;
    struct loop_task begin, end;
};

/* Enters LOOKUP. From a task of the loop. */
void fetch_begin(struct fetch *f);
/* Stops what is under way and removes the temporary file; the state stays. */
void fetch_cancel(struct fetch *f);

/* The one place that writes the state; enters it. Only steps of the table. */
void fetch_go(struct fetch *f, enum fetch_state to);

/* Entering PROBE. */
void fetch_probe(struct fetch *f);
/* `f` has ended: those that wait for its file look again. */
void fetch_wake_followers(struct fetch *f);
/* The file is under its name. */
void fetch_set_path(struct fetch *f);

/* Chooses the file: sets url, promise and what the view tells of it. On failure `f->fault` says
 * why. */
int fetch_decide(struct fetch *f);
