/* line.h: the lines that stay on the screen, one for each thing a person may want to read again.
 * Pure; each function appends one line, or two, with its newline. */
#pragma once

#include <stdbool.h>

#include "dray/fetch/event.h"
#include "dray/util/buf.h"

enum line_tone { LINE_GOOD, LINE_WARNING, LINE_ERROR };

/* A word at the start of a line, in its colour if `colour`. */
void line_tag(struct buf *out, enum line_tone tone, const char *word, bool colour);
/* What a file that is DONE became: "Saved  DIR/a.whl  (1.2 MB)", "Kept   ...", "Replaced ...";
 * "Would save ..." for one that has no path (a dry run). */
void line_ended(struct buf *out, const struct fetch_view *v, bool colour);
/* The same of one that will be gone when the run is over: "Fetched  a.whl  (1.2 MB)", without the
 * path. */
void line_passed(struct buf *out, const struct fetch_view *v, bool colour);
/* "Skipped foo: its marker is false for this target", of an EVENT_SKIPPED. */
void line_skipped(struct buf *out, const struct event *ev);
/* "       from URL", of a file that is DONE; nothing when it has none. */
void line_origin(struct buf *out, const struct fetch_view *v);
/* "retrying a.whl in 0.8 s: the server answered 503" */
void line_retry(struct buf *out, const struct event *ev, bool colour);
/* "warning: ..." */
void line_resumed(struct buf *out, const struct event *ev);
void line_warning(struct buf *out, const struct event *ev, bool colour);
/* "Note   index.example port 443 answered 429: ..." */
void line_note(struct buf *out, const struct event *ev);
/* "Read   URL  (12 kB in 80 ms)" */
void line_page(struct buf *out, const struct event *ev);
/* "[0.123] flask>=3: header -> body" */
void line_state(struct buf *out, const struct event *ev);
/* What a person knows a fetch by: its file once that is chosen, else what they wrote. */
struct str line_name(const struct fetch_view *v);
