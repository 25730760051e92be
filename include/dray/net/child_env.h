/* child_env.h: the environment that a child gets: dray's own, changed. */
#pragma once

#include "dray/util/arena.h"
#include "dray/util/strs.h"

/* The process's environment with `changes` made: "NAME=value" sets, "NAME" unsets, the later ones
 * win. Ends in NULL; lives as long as `a` and the variables that were taken over. */
char **child_env(struct arena *a, const struct strs *changes);
