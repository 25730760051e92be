/* trace.h: all that happens in a run but bytes and ticks, as JSON lines in a file
 * (event_json.h). */
#pragma once

#include "dray/fetch/event.h"
#include "dray/util/err.h"

struct trace;

/* Opens `path` ("-" is standard output) for writing, emptied, and listens to `events` from now
 * on. NULL and `e` when it can't be written. What was emitted is in the file at most a second
 * after the next event or tick. */
struct trace *trace_open(const char *path, struct events *events, struct err *e);
/* Writes what is left. To be called after the last event, since it stays a listener. Returns the
 * first write error of its life (nothing was written after that), 0 if there was none. NULL is
 * fine. */
int trace_close(struct trace *t, struct err *e);
