/* A daemon that was killed leaves its socket's file. Whether somebody still answers there is found
 * by connecting; that two daemons which start at once both find the same dead file and take turns
 * in replacing it is what the lock is for. */
#include "dray/daemon/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dray/util/buf.h"
#include "dray/util/mem.h"
#include "dray/util/str.h"

static int prepare_fd(int fd, struct err *e)
{
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
        return 0;
    return err_errno(e, "a socket can't be set up");
}

static int new_socket(int family, int *out, struct err *e)
{
    int fd = socket(family, SOCK_STREAM, 0);

    if (fd < 0)
        return err_errno(e, "a socket can't be made");
    if (prepare_fd(fd, e)) {
        close(fd);
        return e->code;
    }
    *out = fd;
    return 0;
}

static int already_listening(const char *path, struct err *e)
{
    return err_set(e, ERR_CONFLICT,
                   "a daemon is already listening on %s; use that one, or stop it first", path);
}

/* Whoever may write there could put another socket in this one's place and be taken for it. */
static int check_directory(const char *path, struct err *e)
{
    struct str name = str_of(path);
    ptrdiff_t slash = str_rfind(name, '/');
    struct buf dir = { 0 };
    struct stat st;
    int code = 0;

    if (slash != 0)
        buf_add_str(&dir, slash < 0 ? STR(".") : str_sub(name, 0, (size_t)slash));
    else
        buf_add_c(&dir, '/');
    if (stat(buf_z(&dir), &st) != 0)
        code = err_errno(e, "the directory %s of the daemon's socket", buf_z(&dir));
    else if (!S_ISDIR(st.st_mode))
        code = err_set(e, ERR_IO, "%s is no directory; the daemon's socket needs one", buf_z(&dir));
    else if (st.st_uid != geteuid() && st.st_uid != 0)
        code = err_set(e, ERR_IO,
                       "the directory %s is user %lu's, who could replace the daemon's socket; "
                       "choose one of your own",
                       buf_z(&dir), (unsigned long)st.st_uid);
    else if (st.st_mode & (S_IWGRP | S_IWOTH))
        code = err_set(e, ERR_IO,
                       "others may write to the directory %s and replace the daemon's socket; run "
                       "`chmod go-w %s`, or choose another one",
                       buf_z(&dir), buf_z(&dir));
    buf_done(&dir);
    return code;
}

static int take_lock(struct listener *l, const char *path, struct err *e)
{
    struct buf name = { 0 };

    buf_add_f(&name, "%s.lock", path);
    l->lock_fd = open(buf_z(&name), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (l->lock_fd < 0)
        err_errno(e, "%s can't be opened", buf_z(&name));
    else if (flock(l->lock_fd, LOCK_EX | LOCK_NB) != 0)
        already_listening(path, e);
    buf_done(&name);
    return e->code;
}

static int unix_address(const char *path, struct sockaddr_un *out, struct err *e)
{
    size_t n = strlen(path);

    *out = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (n == 0 || n >= sizeof(out->sun_path))
        return err_set(e, ERR_LIMIT,
                       "the path of the daemon's socket has %zu bytes, the system allows 1 to %zu; "
                       "choose a shorter one: %s",
                       n, sizeof(out->sun_path) - 1, path);
    memcpy(out->sun_path, path, n);
    return 0;
}

static int remove_dead(const char *path, const struct sockaddr_un *address, struct err *e)
{
    struct stat st;
    int fd = -1;

    if (lstat(path, &st) != 0)
        return errno == ENOENT ? 0 : err_errno(e, "%s can't be looked at", path);
    if (!S_ISSOCK(st.st_mode))
        return err_set(e, ERR_IO,
                       "%s is there and is no socket; remove it, or choose another path for the "
                       "daemon's",
                       path);
    if (new_socket(AF_UNIX, &fd, e))
        return e->code;
    int rc = connect(fd, (const struct sockaddr *)address, sizeof(*address));
    int number = errno;
    close(fd);
    if (rc == 0 || number == EAGAIN) /* EAGAIN: its queue is full */
        return already_listening(path, e);
    errno = number;
    if (number != ECONNREFUSED && number != ENOENT)
        return err_errno(e, "whether a daemon listens on %s can't be found out", path);
    if (unlink(path) != 0 && errno != ENOENT)
        return err_errno(e, "%s, which a daemon left behind, can't be removed", path);
    return 0;
}

/* The mask gives the file its mode at once: by chmod() it would be open to all for a moment. */
static int bind_unix(struct listener *l, const char *path, mode_t mode,
                     const struct sockaddr_un *address, struct err *e)
{
    struct stat st;
    mode_t mask = umask(~mode & 0777);
    int rc = bind(l->fd, (const struct sockaddr *)address, sizeof(*address));

    umask(mask);
    if (rc != 0)
        return err_errno(e, "the daemon's socket %s can't be made", path);
    if (lstat(path, &st) == 0) {
        l->device = st.st_dev;
        l->inode = st.st_ino;
    }
    return listen(l->fd, SOMAXCONN) == 0 ? 0 : err_errno(e, "%s can't be listened on", path);
}

int listener_open_unix(struct listener *l, const char *path, mode_t mode, struct err *e)
{
    struct sockaddr_un address;

    *l = (struct listener)LISTENER_NONE;
    l->is_local = true;
    l->where = mem_dup(path);
    if (unix_address(path, &address, e) || check_directory(path, e) || take_lock(l, path, e) ||
        remove_dead(path, &address, e) || new_socket(AF_UNIX, &l->fd, e) ||
        bind_unix(l, path, mode, &address, e))
        listener_close(l);
    return e->code;
}

static int refuse_address(const char *text, struct err *e)
{
    return err_set(e, ERR_INPUT,
                   "\"%s\" is no address to listen on; write it like 127.0.0.1:8137 or [::1]:8137",
                   text);
}

static int parse_address(const char *text, struct sockaddr_storage *out, socklen_t *n,
                         struct err *e)
{
    struct str whole = str_of(text);
    ptrdiff_t colon = str_rfind(whole, ':');
    struct str host = str_sub(whole, 0, colon < 0 ? 0 : (size_t)colon);
    bool is_v6 = str_starts(host, STR("[")) && str_ends(host, STR("]"));
    char name[LISTENER_TEXT_SIZE] = "";
    uint64_t port;

    if (is_v6)
        host = str_sub(host, 1, host.n - 1);
    if (colon < 0 || host.n >= sizeof(name) ||
        !str_to_u64(str_sub(whole, (size_t)colon + 1, whole.n), 65535, &port))
        return refuse_address(text, e);
    memcpy(name, host.p, host.n);
    memset(out, 0, sizeof(*out));
    struct sockaddr_in *v4 = (void *)out;
    struct sockaddr_in6 *v6 = (void *)out;
    if (!is_v6 && inet_pton(AF_INET, name, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        *n = sizeof(*v4);
        return 0;
    }
    if (!is_v6 || inet_pton(AF_INET6, name, &v6->sin6_addr) != 1)
        return refuse_address(text, e);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons((uint16_t)port);
    *n = sizeof(*v6);
    return 0;
}

void listener_address_text(const struct sockaddr *address, char out[static LISTENER_TEXT_SIZE])
{
    const struct sockaddr_in *v4 = (const void *)address;
    const struct sockaddr_in6 *v6 = (const void *)address;
    char name[INET6_ADDRSTRLEN] = "";

    out[0] = '\0';
    if (address->sa_family == AF_INET) {
        inet_ntop(AF_INET, &v4->sin_addr, name, sizeof(name));
        snprintf(out, LISTENER_TEXT_SIZE, "%s:%d", name, ntohs(v4->sin_port));
    } else if (address->sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &v6->sin6_addr, name, sizeof(name));
        snprintf(out, LISTENER_TEXT_SIZE, "[%s]:%d", name, ntohs(v6->sin6_port));
    }
}

static int name_socket(struct listener *l, struct err *e)
{
    struct sockaddr_storage address = { 0 };
    const struct sockaddr_un *un = (const void *)&address;
    socklen_t n = sizeof(address);
    char text[LISTENER_TEXT_SIZE];

    if (getsockname(l->fd, (struct sockaddr *)&address, &n) != 0)
        return err_errno(e, "a socket to listen on has no address");
    l->is_local = address.ss_family == AF_UNIX;
    if (!l->is_local && address.ss_family != AF_INET && address.ss_family != AF_INET6)
        return err_set(e, ERR_UNSUPPORTED,
                       "the inherited socket %d is neither of this machine nor of TCP", l->fd);
    listener_address_text((struct sockaddr *)&address, text);
    free(l->where);
    l->where = mem_dup(!l->is_local               ? text
                       : n <= sizeof(sa_family_t) ? "an unnamed socket"
                       : un->sun_path[0] == '\0'  ? "an abstract socket"
                                                  : un->sun_path);
    return 0;
}

static int bind_tcp(struct listener *l, const char *text, struct err *e)
{
    struct sockaddr_storage address = { 0 };
    socklen_t n = 0;
    int on = 1;

    if (parse_address(text, &address, &n, e) || new_socket(address.ss_family, &l->fd, e))
        return e->code;
    setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (address.ss_family == AF_INET6)
        setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(l->fd, (struct sockaddr *)&address, n) != 0)
        return errno == EADDRINUSE
                   ? err_set(e, ERR_CONFLICT,
                             "%s is in use by another program; stop it, or choose another port",
                             text)
                   : err_errno(e, "%s can't be listened on", text);
    if (listen(l->fd, SOMAXCONN) != 0)
        return err_errno(e, "%s can't be listened on", text);
    return name_socket(l, e); /* with the port that was given */
}

int listener_open_tcp(struct listener *l, const char *address, struct err *e)
{
    *l = (struct listener)LISTENER_NONE;
    if (bind_tcp(l, address, e))
        listener_close(l);
    return e->code;
}

static int option_of(int fd, int name)
{
    int value = 0;
    socklen_t n = sizeof(value);

    return getsockopt(fd, SOL_SOCKET, name, &value, &n) == 0 ? value : -1;
}

int listener_take(struct listener *l, int fd, struct err *e)
{
    *l = (struct listener)LISTENER_NONE;
    l->fd = fd;
    if (option_of(fd, SO_TYPE) != SOCK_STREAM || option_of(fd, SO_ACCEPTCONN) != 1)
        err_set(e, ERR_INPUT,
                "the inherited descriptor %d is no stream socket that listens; have the service "
                "manager open it with ListenStream=",
                fd);
    else if (prepare_fd(fd, e) == 0)
        name_socket(l, e);
    if (e->code)
        listener_close(l);
    return e->code;
}

void listener_close(struct listener *l)
{
    struct stat st;

    if (l->fd >= 0)
        close(l->fd);
    /* Another daemon's, once ours was removed by hand, is not ours to remove. */
    if (l->inode && lstat(l->where, &st) == 0 && st.st_ino == l->inode && st.st_dev == l->device)
        unlink(l->where);
    if (l->lock_fd >= 0)
        close(l->lock_fd);
    free(l->where);
    *l = (struct listener)LISTENER_NONE;
}
