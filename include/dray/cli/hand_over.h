/* hand_over.h: jobs that a daemon does, shown as if they were done here. */
#pragma once

#include "dray/daemon/remote.h"
#include "dray/job/settings.h"

/* As what the daemon gets: with the files that are named, absolute paths, and nothing that is the
 * daemon's own affair. `s` is changed; `name` is that of a job of a file, STR_NONE of a command
 * line. ERR_USAGE. */
int hand_over_text(struct settings *s, struct str name, struct buf *out, struct err *e);
/* Shows a job until it has ended; its exit status. `cancels`: a signal ends the job, not only the
 * showing. */
int hand_over_watch(struct remote *r, int64_t id, const struct settings *s, bool cancels);
/* download --daemon: the whole of it. */
int hand_over_run(struct settings *s);
