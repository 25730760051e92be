/* target_choice.h: the Pythons that files are chosen for, from the settings: --target and
 * --target-file, or pip's --platform and its like, or an interpreter that is asked. */
#pragma once

#include "dray/job/settings.h"
#include "dray/net/loop.h"
#include "dray/py/target.h"

struct target_choice;

/* In the order in which they were named, each once; zeroed is an empty one. */
struct targets {
    struct target **items;
    size_t n, cap;
};
void targets_done(struct targets *t);

/* Are files chosen for an interpreter as it is, and no words say otherwise? */
bool target_choice_is_own(const struct settings *s);

/* `targets` is handed over (targets_done); empty when `e` is set. Runs once, later, from the loop.
 */
typedef void (*target_choice_fn)(void *ctx, struct targets *targets, struct err *e);

/* `s` is borrowed until `done` runs. */
struct target_choice *target_choice_start(struct loop *l, const struct settings *s,
                                          target_choice_fn done, void *ctx);
/* `done` will not run. Not to be called once it has; NULL is allowed. */
void target_choice_cancel(struct target_choice *c);
