/* config_file.h: dray.yaml. Its keys are the names of settings marked SETTING_IN_FILE; `indexes`
 * holds indexes that have names; the name of a command holds what counts for that alone, over the
 * rest. Everything that is not understood is an error with line and column, also in a part for
 * another command. Nothing is expanded in values but "~/" before a path. */
#pragma once

#include "dray/job/settings.h"

struct config_site {
    const char *named;      /* by --config: the only one, which must be there; or NULL */
    const char *const *env; /* as environ: DRAY_CONFIG, XDG_CONFIG_HOME, XDG_CONFIG_DIRS, HOME */
    bool isolated;          /* no variable names one, and none of the user's counts */
};

/* The files to look for, lowest first; strings in `a` or borrowed. `*must_exist`: it is one that
 * was named. */
void config_file_paths(struct arena *a, const struct config_site *site, struct strs *out,
                       bool *must_exist);
/* Applies a file, over what `s` holds; lists take the place of what was said below. ERR_NOT_FOUND
 * when it isn't there. */
int config_file_apply(struct settings *s, const char *path, struct err *e);
/* The same of its content; `path` is for errors and origins. */
int config_file_apply_text(struct settings *s, struct str text, const char *path, struct err *e);
