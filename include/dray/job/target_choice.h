/* target_choice.h: the Python that files are chosen for, from the settings: --target, or pip's
 * --platform and its like, or an interpreter that is asked. */
#pragma once

#include "dray/job/settings.h"
#include "dray/net/loop.h"
#include "dray/py/target.h"

struct target_choice;

/* `target` is handed over (target_destroy); NULL when `e` is set. Runs once, later, from the loop.
 */
typedef void (*target_choice_fn)(void *ctx, struct target *target, struct err *e);

/* `s` is borrowed until `done` runs. */
struct target_choice *target_choice_start(struct loop *l, const struct settings *s,
                                          target_choice_fn done, void *ctx);
/* `done` will not run. Not to be called once it has; NULL is allowed. */
void target_choice_cancel(struct target_choice *c);
