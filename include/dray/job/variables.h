/* variables.h: looking into an `environ`-like list. Borrows all. Pure, but for variables_home(). */
#pragma once

#include "dray/util/arena.h"

/* The value of `name`; NULL when unset. */
const char *variables_get(const char *const *env, const char *name);
/* $HOME, else what the system says of this user, which goes into `a`; STR_NONE if neither does. */
struct str variables_home(struct arena *a, const char *const *env);
