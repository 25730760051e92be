/* job_state.h: the life of a job of the daemon, as one table. */
#pragma once

#include <stdbool.h>

/* in order of life; name, what answers call it, lawful successors */
#define JOB_STATES(X)                                                                              \
    X(QUEUED, "queued", TO(RUNNING) | TO(CANCELLED))                                               \
    X(RUNNING, "running", TO(QUEUED) | TO(DONE) | TO(FAILED) | TO(CANCELLED))                      \
    X(DONE, "done", 0)                                                                             \
    X(FAILED, "failed", 0)                                                                         \
    X(CANCELLED, "cancelled", 0)

enum job_state {
#define JOB_STATE_ENUM(name, text, next) JOB_##name,
    JOB_STATES(JOB_STATE_ENUM)
#undef JOB_STATE_ENUM
        JOB_STATE_COUNT
};

const char *job_state_name(enum job_state s);
bool job_state_may_become(enum job_state from, enum job_state to);
/* Nothing comes after it. */
bool job_state_is_end(enum job_state s);
