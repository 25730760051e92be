/* trace_line.h: one line of a trace (event_json.h) as it was read. Pure. Keys and kinds of events
 * that are not known are passed over, so that traces of later versions can be read. */
#pragma once

#include <stdbool.h>

#include "dray/util/arena.h"
#include "dray/util/err.h"

#define TRACE_NUMBER_NONE UINT64_MAX

/* What is absent, or of another type than it should be, is STR_NONE or TRACE_NUMBER_NONE. Borrowed
 * from the arena. */
struct trace_line {
    struct str event, requirement, file, from, to, text, code, origin, rung, path, state;
    uint64_t t_us; /* always there */
    uint64_t took_us, order, got, size, n;
};

/* Reads one JSON object, without its newline. ERR_INPUT says what is wrong with it: no JSON, no
 * object, not UTF-8, nested too deeply, without "t" or "event". `out` is only changed on success;
 * `a` is not cleared. */
int trace_line_parse(struct str line, struct arena *a, struct trace_line *out, struct err *e);
