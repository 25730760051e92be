/* recorder.h: writes what happens in a job into the queue: its events, and what is known of its
 * files. */
#pragma once

#include "dray/daemon/queue.h"
#include "dray/fetch/event.h"
#include "dray/job/job.h"

struct recorder {
    struct queue *queue;
    int64_t job;
    bool moved;     /* bytes came since this was set to false */
    struct err err; /* the queue could not take something */
};

/* Listens to `events` from now on. */
void recorder_init(struct recorder *r, struct queue *q, int64_t job, struct events *events);
/* An event of the job as a whole, "job": its state, and, of one that has ended, what became of it.
 * `result` may be NULL. */
void recorder_state(struct recorder *r, enum job_state state, unsigned attempt,
                    const struct job_result *result, const struct err *e);
void recorder_done(struct recorder *r);
