/* listener.h: sockets that listen: opening them, and leaving nothing behind. Synchronous; accepts
 * nothing itself. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "dray/util/err.h"

/* `struct listener l = LISTENER_NONE` is a closed one. */
struct listener {
    int fd;        /* does not block, is not inherited */
    bool is_local; /* a socket in the file system (or an abstract one that was inherited) */
    char *where;   /* the path, or "127.0.0.1:8137" */
    int lock_fd;   /* of the file beside the path that tells two starting daemons apart, or -1 */
    dev_t device;  /* of the socket's file, if it is ours to remove */
    ino_t inode;
};

#define LISTENER_NONE                                                                              \
    {                                                                                              \
        .fd = -1, .lock_fd = -1                                                                    \
    }

/* See server_listen_unix(), server_listen_tcp(), server_listen_inherited(). `mode` is the
 * socket's. */
int listener_open_unix(struct listener *l, const char *path, mode_t mode, struct err *e);
int listener_open_tcp(struct listener *l, const char *address, struct err *e);
int listener_take(struct listener *l, int fd, struct err *e);
void listener_close(struct listener *l);

struct sockaddr;
enum { LISTENER_TEXT_SIZE = 64 };
/* "127.0.0.1:8137", "[::1]:8137", or "" of what is neither. */
void listener_address_text(const struct sockaddr *address, char out[static LISTENER_TEXT_SIZE]);
