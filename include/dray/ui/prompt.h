/* prompt.h: asks the person at the terminal, on the loop, as net/prompter.h wants it. Talks to
 * /dev/tty, so it works with redirected input and output. A terminal whose echo it switched off is
 * set right at every way out: an answer, prompt_destroy(), being stopped (SIGTSTP), SIGQUIT. */
#pragma once

#include "dray/net/prompter.h"

struct prompt;

/* While the terminal is wanted, `quiet(ctx, true)`: who draws on it should not. Opens nothing yet.
 */
struct prompt *prompt_create(void (*quiet)(void *ctx, bool wanted), void *ctx);
/* What net/auth asks through; lives as long as `p`. */
const struct prompter *prompt_prompter(const struct prompt *p);
/* Before the loop is closed, or when nothing is being asked. */
void prompt_destroy(struct prompt *p);
