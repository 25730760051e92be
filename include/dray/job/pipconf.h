/* pipconf.h: what pip on this machine is configured with: pip.conf in all its places, then PIP_*
 * variables (pip._internal.configuration). Only settings marked SETTING_IN_PIP are taken; what else
 * stands there is pip's own. */
#pragma once

#include "dray/job/settings.h"

/* Looks up an environment variable, NULL when unset. */
typedef const char *(*pipconf_env_fn)(void *ctx, const char *name);

/* Applies pip's files and variables to `s`, lowest first: global, user, site (only if `prefix`, a
 * sys.prefix, is not NULL), $PIP_CONFIG_FILE, PIP_*. Sections [global] and [COMMAND], with
 * `command` "download". A malformed or unreadable file is an error that names it and the line; a
 * file that isn't there is none. */
int pipconf_apply(struct settings *s, const char *command, const char *prefix, pipconf_env_fn env,
                  void *env_ctx, struct err *e);

/* Its two halves. The files, lowest first, whether they exist or not; strings in `a`. */
void pipconf_paths(struct arena *a, const char *prefix, pipconf_env_fn env, void *env_ctx,
                   struct strs *out);
/* What stands in those, then the variables. */
int pipconf_apply_files(struct settings *s, const char *command, const struct strs *paths,
                        pipconf_env_fn env, void *env_ctx, struct err *e);
