/* inputs.h: all that was asked for: the command line's requirements, requirements files and
 * constraints files with those that they name, from disk or over http. What the files say about
 * indexes and the like goes into the settings. */
#pragma once

#include "dray/fetch/event.h"
#include "dray/job/settings.h"
#include "dray/job/want.h"
#include "dray/net/http.h"

struct inputs;

/* Runs once, later, from the loop. */
typedef void (*inputs_done_fn)(void *ctx, struct err *e);

/* `s` is read and added to; all are borrowed. `done` gets the first error: a file that can't be
 * had, a malformed line. */
struct inputs *inputs_start(struct loop *l, struct http *http, struct settings *s,
                            struct events *events, inputs_done_fn done, void *ctx);
/* `done` will not run any more; what inputs_wants() gives stays. NULL is allowed. */
void inputs_cancel(struct inputs *in);
/* Cancels, too; what inputs_wants() gave is gone. NULL is allowed. */
void inputs_destroy(struct inputs *in);
/* The same of all that is on this machine, without the network; local files become contents of `s`,
 * so that the job can be done elsewhere. */
int inputs_carry(struct settings *s, struct events *events, struct err *e);
/* In order; after `done` came without an error. */
const struct want *inputs_wants(const struct inputs *in, size_t *n);
const struct want *inputs_constraints(const struct inputs *in, size_t *n);
/* Reads what is on this machine, and passes over what is elsewhere: the first error of all that. */
int inputs_check(struct settings *s, struct events *events, struct err *e);
