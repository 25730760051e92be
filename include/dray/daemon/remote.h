/* remote.h: a daemon as a command sees it: jobs are handed to it, looked at, watched, cancelled.
 * Prints nothing. */
#pragma once

#include "dray/daemon/queue.h"
#include "dray/fetch/event.h"
#include "dray/job/job.h"
#include "dray/job/settings.h"

struct remote;

/* That of --socket, or the one of this user, or of this machine. ERR_CONNECT comes with the first
 * question. */
struct remote *remote_open(const struct settings *s, struct err *e);
/* NULL is allowed. */
void remote_close(struct remote *r);

/* Hands over a job (job_text.h). `key`: the same job twice under one key is one job. */
int remote_submit(struct remote *r, struct str text, const char *key, int64_t *id, struct err *e);
/* Asks for a document; appends it to `out`. */
int remote_get(struct remote *r, const char *path, struct buf *out, struct err *e);
/* ERR_NOT_FOUND. The state that it has then. */
int remote_cancel(struct remote *r, int64_t id, struct buf *out, struct err *e);

struct remote_watch {
    struct events *events; /* the job's, as if it ran here */
    /* It begins, or begins anew after the daemon was started again: what was told before is void,
     * and the events may be given other listeners. */
    void (*begins)(void *ctx);
    /* There is something to say of the daemon: one sentence. */
    void (*note)(void *ctx, const char *text);
    void *ctx;
    bool cancels; /* a signal cancels the job; else it goes on without being watched */
};

/* What became of it; ended by remote_outcome_done(). */
struct remote_outcome {
    enum job_state state;
    struct job_result result; /* of its views what events tell */
    struct err err;           /* of the job */
    int signal;               /* that ended the watching, or the job */
    struct replay *replay;
};
/* Tells of all that happened to a job and happens until it has ended. A daemon that is started anew
 * is asked again for half a minute. */
int remote_watch(struct remote *r, int64_t id, const struct remote_watch *watch,
                 struct remote_outcome *out, struct err *e);
void remote_outcome_done(struct remote_outcome *o);
