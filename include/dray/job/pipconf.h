/* pipconf.h: what pip on this machine is configured with: pip.conf in all its places, then PIP_*
 * variables (pip._internal.configuration). Only settings marked SETTING_IN_PIP are taken; what else
 * stands there is pip's own. */
#pragma once

#include "dray/job/settings.h"

/* What it depends on; borrowed. */
struct pipconf_site {
    const char *command;    /* "download": the section beside [global] */
    const char *prefix;     /* a sys.prefix, whose pip.conf counts too; or NULL */
    const char *const *env; /* as environ */
    bool isolated;          /* pip's --isolated: no variables, none of the user's files */
};

/* The files that pip would look for, lowest first; strings in `a` or borrowed from `site`. None
 * with PIP_CONFIG_FILE=/dev/null. */
void pipconf_paths(struct arena *a, const struct pipconf_site *site, struct strs *out);
/* What stands in them: [global] of all, [COMMAND] of all, then the variables. What can't be opened
 * is passed over, as by pip; a file that is malformed is an error that names it and the line. */
int pipconf_apply(struct settings *s, const struct pipconf_site *site, const struct strs *paths,
                  struct err *e);
