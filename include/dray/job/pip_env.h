/* pip_env.h: what a pip that builds has to know of this run's settings, as environment variables:
 * other users of the machine can read a command line, and index URLs may hold passwords. Pure. */
#pragma once

#include "dray/job/settings.h"

/* Takes away what pip would heed besides: PIP_* variables of `env` and all of its files, as
 * --isolated has it. To be added before what is said. */
void pip_env_isolate(const char *const *env, struct arena *a, struct strs *out);
/* Are packages held to indexes that pip, which asks all of them, would take from another one? */
bool pip_env_lets_go(const struct settings *s);
/* Adds "PIP_NAME=value" (and "PIP_NAME" alone: to be unset) to `out`; in `a`. What dray was told
 * counts, wherever that came from, so pip needs no configuration file for it. */
void pip_env_of(const struct settings *s, struct arena *a, struct strs *out);
/* The part of it that is about proxies, for a pip that installs what is there. */
void pip_env_of_proxy(const struct settings *s, struct arena *a, struct strs *out);
