/* The descriptors begin at 3. LISTEN_PID tells whether they are for this process: the variables may
 * have come down from a parent that forgot to remove them. */
#include "dray/daemon/activation.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "dray/util/buf.h"

enum { FIRST_FD = 3 };

int activation_count(struct str listen_pid, struct str listen_fds, pid_t pid, unsigned *out,
                     struct err *e)
{
    uint64_t of, n;

    *out = 0;
    if (!listen_pid.p || !listen_fds.p)
        return 0;
    if (!str_to_u64(listen_pid, INT_MAX, &of) || !str_to_u64(listen_fds, INT_MAX, &n))
        return err_set(e, ERR_INPUT,
                       "LISTEN_PID=%.*s and LISTEN_FDS=%.*s are no numbers; the service manager "
                       "sets them, unset them otherwise",
                       STR_ARG(str_sub(listen_pid, 0, 40)), STR_ARG(str_sub(listen_fds, 0, 40)));
    if (of != (uint64_t)pid)
        return 0;
    if (n > LIMIT_DAEMON_SOCKETS)
        return err_set(e, ERR_LIMIT, "LISTEN_FDS gives %llu sockets, more than %d; give it fewer",
                       (unsigned long long)n, LIMIT_DAEMON_SOCKETS);
    *out = (unsigned)n;
    return 0;
}

int activation_take(struct activation *out, struct err *e)
{
    struct str names = str_of(getenv("LISTEN_FDNAMES"));
    unsigned n;

    *out = (struct activation){ 0 };
    if (activation_count(str_of(getenv("LISTEN_PID")), str_of(getenv("LISTEN_FDS")), getpid(), &n,
                         e))
        return e->code;
    for (unsigned i = 0; i < n; i++) {
        struct buf name = { 0 };
        int fd = FIRST_FD + (int)i;
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
            err_errno(e, "LISTEN_FDS gives %u sockets, but descriptor %d", n, fd);
            activation_done(out);
            return e->code;
        }
        buf_add_str(&name, str_cut(names, ':', &names));
        out->sockets[i].fd = fd;
        out->sockets[i].name = buf_take(&name);
        out->n++;
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return 0;
}

void activation_done(struct activation *a)
{
    for (unsigned i = 0; i < a->n; i++)
        free(a->sockets[i].name);
    *a = (struct activation){ 0 };
}
