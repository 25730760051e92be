/* progress.h: shows a run while it goes: bars that move on a terminal, lines that stay, or JSON
 * for a program. Listens to the events and knows nothing else of the run. Says nothing of failed
 * files: summary.h does, at the end. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "dray/fetch/event.h"
#include "dray/job/settings.h"

struct progress;

/* Streams are borrowed. */
struct progress_options {
    FILE *out;                   /* for people: standard error */
    FILE *json_out;              /* PROGRESS_JSON: standard output */
    enum settings_progress mode; /* AUTO: bars on a terminal unless quiet; ON: always; OFF: never */
    unsigned quiet;              /* 1: only warnings; 2: nothing */
    unsigned verbose;            /* 1: also pages read and where files come from; 2: every state */
    bool passing;                /* the files are gone when the run is over: no paths are told */
    bool is_terminal;            /* screen_is_terminal(out) */
    bool colour;                 /* screen_may_colour(out, ...) */
    /* The window of `out`, asked for at each draw; NULL: screen_size(). */
    void (*size)(void *ctx, unsigned *columns, unsigned *rows);
    void *size_ctx;
};

/* Listens to `events` from now on. Bars are drawn at EVENT_TICK only. */
struct progress *progress_create(const struct progress_options *o, struct events *events);
/* Somebody else has the terminal: the bars are cleared, and nothing is written until it is given
 * back; what there is to say is kept. */
void progress_pause(struct progress *p, bool paused);
/* Says what is still unsaid and clears the bars. To be called after the last event, since it
 * stays a listener. */
void progress_destroy(struct progress *p);
