/* service_check.h: what the daemon's own settings must say, and which of them hold for as long as
 * it runs. Pure. */
#pragma once

#include "dray/job/settings.h"

/* ERR_USAGE: it could do nothing with these. */
int service_check(const struct settings *s, struct err *e);
/* Whether a reload changes what is only read at the start. */
bool service_needs_restart(const struct settings *before, const struct settings *after);
