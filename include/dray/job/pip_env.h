/* pip_env.h: what a pip that builds has to know of this run's settings, as environment variables:
 * other users of the machine can read a command line, and index URLs may hold passwords. Pure. */
#pragma once

#include "dray/job/settings.h"

/* Adds "PIP_NAME=value" (and "PIP_NAME" alone: to be unset) to `out`; in `a`. What dray was told
 * counts, wherever that came from, so pip needs no configuration file for it. */
void pip_env_of(const struct settings *s, struct arena *a, struct strs *out);
