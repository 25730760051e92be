/* The protocol is stable, and documented for being written by hand. */
#include "dray/daemon/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dray/util/str.h"

/* "@name" is one of Linux's abstract addresses, which begin with NUL. */
static int address_of(const char *text, struct sockaddr_un *out, socklen_t *n, struct err *e)
{
    size_t length = strlen(text);

    *out = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if ((text[0] != '/' && text[0] != '@') || length < 2 || length >= sizeof(out->sun_path))
        return err_set(e, ERR_INPUT,
                       "NOTIFY_SOCKET is neither a path nor an abstract socket: \"%.100s\"; the "
                       "service manager sets it, unset it otherwise",
                       text);
    memcpy(out->sun_path, text, length);
    if (text[0] == '@')
        out->sun_path[0] = '\0';
    /* The length of an abstract one says where its name ends. */
    *n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (text[0] == '/'));
    return 0;
}

int notify_send(const char *state, struct err *e)
{
    const char *text = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    socklen_t n = 0;

    if (!text || !*text)
        return 0;
    if (address_of(text, &address, &n, e))
        return e->code;
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (fd < 0)
        return err_errno(e, "a socket can't be made");
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    ssize_t sent = sendto(fd, state, strlen(state), 0, (const struct sockaddr *)&address, n);
    if (sent < 0)
        err_errno(e, "the service manager can't be told at NOTIFY_SOCKET (%s)", text);
    close(fd);
    return e->code;
}

unsigned notify_watchdog_ms(void)
{
    uint64_t us, pid;
    const char *of = getenv("WATCHDOG_PID");

    if (of && (!str_to_u64(str_of(of), INT_MAX, &pid) || pid != (uint64_t)getpid()))
        return 0;
    if (!str_to_u64(str_of(getenv("WATCHDOG_USEC")), (uint64_t)UINT_MAX * 1000, &us) || us == 0)
        return 0;
    return us < 1000 ? 1 : (unsigned)(us / 1000);
}
