/* service.h: the daemon as a whole: its loop, sockets, queue, engine, and the signals that end it
 * or make it read its configuration again. */
#pragma once

#include "dray/daemon/terms.h"
#include "dray/job/settings.h"

struct service_options {
    /* Reads the daemon's own settings, which are initialised; again after SIGHUP. */
    int (*read)(void *ctx, struct settings *out, struct err *e);
    void *ctx;
    struct terms terms;
};

/* Runs until SIGTERM or SIGINT. Says what happens on standard error. ERR_USAGE, ERR_CONFLICT and
 * others: it could not begin. */
int service_run(const struct service_options *o, struct err *e);

/* Of a daemon of the whole machine. */
#define SERVICE_SYSTEM_SOCKET "/run/dray/dray.sock"

/* Where its socket is, if settings do not say: $RUNTIME_DIRECTORY, which systemd gives it,
 * $XDG_RUNTIME_DIR/dray, or /run/dray for root. Appended to `out`; false: there is no such place.
 */
bool service_socket(const struct settings *s, struct buf *out);
/* Where its queue is, likewise: $STATE_DIRECTORY,
 * $XDG_STATE_HOME/dray, ~/.local/state/dray. */
bool service_state_dir(const struct settings *s, struct buf *out);
