/* listeners.h: sockets for tests of connecting, all on one port: some that answer, some that refuse
 * and some that are black holes, whose backlog is full so that the kernel drops whoever comes.
 * Static functions, for one test. */
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { FILLERS = 4, LISTENERS_MAX = 4 };

struct listeners {
    unsigned port;
    size_t n_fds;
    int fds[LISTENERS_MAX * (FILLERS + 1)];
};

static socklen_t listener_address(const char *text, unsigned port, struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)out;

    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        return sizeof *v4;
    }
    assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)port);
    return sizeof *v6;
}

/* On the port of those before it; skips the test where this machine does not have the address. */
static int listener_add(struct listeners *l, const char *text, int backlog)
{
    struct sockaddr_storage at;
    socklen_t n = listener_address(text, l->port, &at);
    int fd = socket(at.ss_family, SOCK_STREAM, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&at, n) < 0)
        skip();
    assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &n), 0);
    l->port = ntohs(at.ss_family == AF_INET ? ((struct sockaddr_in *)(void *)&at)->sin_port
                                            : ((struct sockaddr_in6 *)(void *)&at)->sin6_port);
    l->fds[l->n_fds++] = fd;
    return fd;
}

static int listener_good(struct listeners *l, const char *text)
{
    return listener_add(l, text, 16);
}

static void listener_full(struct listeners *l, const char *text)
{
    struct sockaddr_storage at;

    listener_add(l, text, 0);
    socklen_t n = listener_address(text, l->port, &at);
    for (int i = 0; i < FILLERS; i++) {
        int fd = socket(at.ss_family, SOCK_STREAM, 0);
        fcntl(fd, F_SETFL, O_NONBLOCK);
        (void)connect(fd, (struct sockaddr *)&at, n);
        l->fds[l->n_fds++] = fd;
    }
}

static void listeners_close(struct listeners *l)
{
    for (size_t i = 0; i < l->n_fds; i++)
        close(l->fds[i]);
}
