/* child.h: another program as a child process of the loop, its output collected. Never a shell. */
#pragma once

#include <stddef.h>

#include "dray/net/loop.h"
#include "dray/util/str.h"

struct child;

/* Borrowed, valid during the callback. */
struct child_result {
    struct err err;    /* ERR_CHILD: could not be started, was killed, wrote more than
                          LIMIT_CHILD_OUTPUT_BYTES, timed out */
    int exit_status;   /* valid when err.code is 0 */
    struct str output; /* standard output */
    struct str errors; /* standard error */
};

typedef void (*child_done_fn)(void *ctx, struct child_result *result);

/* Starts argv[0] (looked up on PATH unless it has a "/"), argv ends in NULL; standard input is
 * empty. `done` runs once, later, from the loop, also when the program could not be started. It is
 * killed after `timeout_ms` (0: never). */
struct child *child_start(struct loop *l, const char *const *argv, unsigned timeout_ms,
                          child_done_fn done, void *ctx);
/* Kills it; `done` will not run. Not to be called once it has. */
void child_cancel(struct child *c);
