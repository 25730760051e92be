/* machine.h: one machine from inside. Private to fetch.c, which moves it, and fetch_decide.c, which
 * chooses its file. */
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
    struct reader *reader;          /* PROBE and BODY of local files */
    struct hasher hasher;           /* PROBE */
    struct body *body;              /* BODY to PLACE */
    struct loop_timer *timer;       /* WAIT */
    uint64_t delay_ms;              /* of the WAIT that comes next */
    struct err fault;               /* why it is about to go to FAILED */
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

/* Chooses the file: sets url, promise and what the view tells of it. On failure `f->fault` says
 * why. */
int fetch_decide(struct fetch *f);
