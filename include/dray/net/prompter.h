/* prompter.h: somebody who can ask the person at the terminal. net/auth is given one and knows
 * nothing else of terminals; ui/prompt is one. */
#pragma once

#include <stdbool.h>

#include "dray/net/loop.h"
#include "dray/util/str.h"

/* `answer`: the line without its end, borrowed; STR_NONE when there is none: end of file, too long.
 */
typedef void (*prompter_done_fn)(void *ctx, struct str answer);

struct prompter {
    /* The terminal is wanted (or no longer): nobody else is to write on it, and a program that was
     * started may use it. False when there is none, and then nobody can be asked. */
    bool (*hold)(void *ctx, bool wanted);
    /* While it is held. Shows `text`, reads one line, a secret without echo. `done` runs once,
     * later, from the loop. One at a time. */
    void (*ask)(void *ctx, struct loop *l, const char *text, bool is_secret, prompter_done_fn done,
                void *done_ctx);
    /* `done` will not run. Does nothing when nothing is being asked. */
    void (*cancel)(void *ctx);
    void *ctx;
};
