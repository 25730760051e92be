/* replay.h: the events of a job that ran elsewhere, from the lines that the daemon tells it by
 * (ui/event_json.h), so that whatever shows a run shows that one, too. Owns the views. */
#pragma once

#include "dray/fetch/event.h"
#include "dray/ui/trace_line.h"

/* Zeroed but for `events`, which is borrowed. */
struct replay {
    struct events *events;
    struct arena arena;
    struct fetch_view **views; /* by order; NULL where none was heard of */
    size_t n, cap;
    const struct fetch_view **heard; /* those that were, in order */
    size_t n_heard;
};

/* Emits what the line tells. What it does not understand, since a later version may have written
 * it, it passes over. ERR_INPUT, ERR_LIMIT: no line of a daemon. */
int replay_line(struct replay *r, const struct trace_line *line, struct err *e);
/* The error that a line tells of something that failed; ERR_UNSUPPORTED when its code is not known
 * here, or none. */
void replay_error(const struct trace_line *line, struct err *out);
/* The run begins anew. */
void replay_reset(struct replay *r);
void replay_done(struct replay *r);
