#include "dray/daemon/job_state.h"

static const struct {
    const char *name;
    unsigned next;
} states[] = {
#define TO(state)                        (1u << JOB_##state)
#define JOB_STATE_ROW(state, text, next) { text, next },
    JOB_STATES(JOB_STATE_ROW)
#undef JOB_STATE_ROW
#undef TO
};

const char *job_state_name(enum job_state s)
{
    return states[s].name;
}

bool job_state_may_become(enum job_state from, enum job_state to)
{
    return states[from].next & (1u << to);
}

bool job_state_is_end(enum job_state s)
{
    return states[s].next == 0;
}
