/* child.h: another program as a child process of the loop. Never a shell.
 *
 * What a child prints is collected, or only its end is kept, or it goes where dray's own output
 * goes. A child whose output dray keeps leads a session and process group of its own: killing it
 * kills all that it started (compilers below a build) but for what left that group by itself. A
 * child that inherits stays in dray's group, since a terminal stops the others that read from it
 * (SIGTTIN); what the terminal sends (Ctrl-C) reaches it by itself, and dray ends that child
 * alone: SIGTERM, and half a second later SIGKILL. The same holds for one that keeps the terminal.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "dray/net/loop.h"
#include "dray/util/str.h"
#include "dray/util/strs.h"

struct child;

enum child_output {
    CHILD_COLLECT, /* all of it; above LIMIT_CHILD_OUTPUT_BYTES the child is killed */
    CHILD_TAIL,    /* both streams in one, in order; whole lines of the last LIMIT_CHILD_TAIL_BYTES
                    */
    CHILD_INHERIT, /* dray's own standard input, output and error; nothing is kept */
};

/* Zeroed: as child_start(). Borrowed during the start only. */
struct child_options {
    enum child_output output;
    unsigned timeout_ms; /* killed after that; 0: never */
    /* Changes to dray's own environment, the later ones win: "NAME=value" sets, "NAME" unsets. NULL
     * is allowed. Also what argv[0] is looked up with. */
    const struct strs *env;
    const char *directory; /* to run in; NULL: dray's own */
    struct str input;      /* its standard input, at most LIMIT_CHILD_INPUT_BYTES */
    bool keeps_terminal;   /* its output is kept, but it may talk to a person by /dev/tty */
    bool kill_rest;        /* what it leaves behind in its group is killed when it ends */
};

/* Borrowed, valid during the callback. */
struct child_result {
    struct err err;    /* ERR_CHILD: could not be started, was killed, wrote more than
                          LIMIT_CHILD_OUTPUT_BYTES, timed out; ERR_INTERRUPTED: by child_kill() */
    int exit_status;   /* valid when err.code is 0 */
    struct str output; /* standard output; of CHILD_TAIL both */
    struct str errors; /* standard error */
};

typedef void (*child_done_fn)(void *ctx, struct child_result *result);

/* Starts argv[0] (looked up on PATH unless it has a "/"), argv ends in NULL; standard input is
 * empty unless inherited or given. `done` runs once, later, from the loop, also when the program
 * could not be started. */
struct child *child_start_with(struct loop *l, const char *const *argv,
                               const struct child_options *options, child_done_fn done, void *ctx);
/* The same with all its output collected. It is killed after `timeout_ms` (0: never). */
struct child *child_start(struct loop *l, const char *const *argv, unsigned timeout_ms,
                          child_done_fn done, void *ctx);
/* Kills it and forgets it; `done` will not run. Not to be called once it has. loop_close() waits
 * for its end. */
void child_cancel(struct child *c);
/* Kills it, and `done` runs soon, when it is gone: for who has to clear up behind it. */
void child_kill(struct child *c);
