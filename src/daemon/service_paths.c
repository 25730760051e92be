/* Where a daemon and its clients meet. */
#include <stdlib.h>
#include <unistd.h>

#include "dray/daemon/service.h"

#define SOCKET_NAME "/dray.sock"

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value && value[0] == '/' ? value : NULL;
}

bool service_socket(const struct settings *s, struct buf *out)
{
    const char *given = variable("RUNTIME_DIRECTORY"), *user = variable("XDG_RUNTIME_DIR");

    if (s->socket.n)
        buf_add_str(out, s->socket);
    else if (given)
        buf_add_f(out, "%s" SOCKET_NAME, given);
    else if (user)
        buf_add_f(out, "%s/dray" SOCKET_NAME, user);
    else if (geteuid() == 0)
        buf_add_z(out, SERVICE_SYSTEM_SOCKET);
    return out->n > 0;
}

bool service_state_dir(const struct settings *s, struct buf *out)
{
    const char *given = variable("STATE_DIRECTORY"), *user = variable("XDG_STATE_HOME");
    const char *home = variable("HOME");

    if (s->state_dir.n)
        buf_add_str(out, s->state_dir);
    else if (given)
        buf_add_z(out, given);
    else if (user)
        buf_add_f(out, "%s/dray", user);
    else if (home)
        buf_add_f(out, "%s/.local/state/dray", home);
    return out->n > 0;
}
