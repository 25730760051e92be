/* api.h: what is asked of the daemon, by paths: jobs, their files and events, metadata, health. The
 * description for programs is config/openapi.yaml. Answers from the queue and the crew; does
 * nothing itself. */
#pragma once

#include "dray/daemon/crew.h"
#include "dray/daemon/queue.h"
#include "dray/daemon/server.h"

struct api;

/* Borrowed. */
struct api_options {
    struct engine *engine;
    struct queue *queue;
    struct crew *crew;
    /* Whether a job could be begun as it is; ERR_USAGE and its like: it is refused. Sets its name,
     * which lives in `a`, and its priority. */
    int (*check)(void *ctx, struct arena *a, struct queue_new *job, struct err *e);
    /* Settings, which are initialised, for the metadata of what is at a URL. */
    int (*metadata)(void *ctx, struct str url, bool is_own, struct settings *out, struct err *e);
    void *ctx;
};

struct api *api_create(const struct api_options *o);
/* No call may be under way. NULL is allowed. */
void api_destroy(struct api *a);
/* A server_handle_fn; `ctx` is the api. */
void api_handle(void *ctx, struct server_call *call);
/* There is news of a job: whoever listens is told. */
void api_news(struct api *a, int64_t job);
/* It is about to end: new jobs are refused. */
void api_drain(struct api *a);
