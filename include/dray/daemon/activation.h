/* activation.h: sockets that the service manager opened before it started this process
 * (sd_listen_fds(3)). */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "dray/util/err.h"
#include "dray/util/limits.h"
#include "dray/util/str.h"

struct activation {
    unsigned n;
    struct {
        int fd;
        char *name; /* FileDescriptorName= of its unit; "" when it has none */
    } sockets[LIMIT_DAEMON_SOCKETS];
};

/* Those that are meant for this process, none when it was started otherwise; children don't inherit
 * them, nor the variables that tell of them. Whether they are of use is server_listen_inherited()'s
 * to say. On failure (ERR_INPUT, ERR_LIMIT) none is taken. */
int activation_take(struct activation *out, struct err *e);
/* Frees the names; the descriptors are whose they were given to. */
void activation_done(struct activation *a);

/* How many descriptors LISTEN_PID and LISTEN_FDS promise to the process `pid`; 0: none. Pure. */
int activation_count(struct str listen_pid, struct str listen_fds, pid_t pid, unsigned *out,
                     struct err *e);
