/* event_json.h: an event as one JSON object on a line of its own, for traces and for programs
 * that watch. */
#pragma once

#include "dray/fetch/event.h"
#include "dray/util/buf.h"

/* Appends the object and a newline. Keys that say nothing of this event are absent:
 * t       seconds since the run began, microseconds exactly
 * took    seconds (page)
 * event   name of its kind
 * order, requirement, file, got, size
 *         of the fetch; file and size once they are known; got and size in state and bytes
 * from, to  names of states (state)
 * path    where the file is (state to "done")
 * text    URL of a page, why a request is tried again, a warning, why it failed
 * n       requirements (start), bytes (bytes, page), milliseconds until the next attempt (retry)
 * code    "ok" or an error's name (page, end, state to "failed") */
void event_json_add(struct buf *out, const struct event *ev);
