/* roots_parts.h: what open roots are made of. Private to roots.c and to its test. */
#pragma once

#include "dray/daemon/roots.h"

/* How one name is opened below a directory that is open. */
enum roots_way {
    ROOTS_OPENAT2, /* the kernel sees to it that no link of any kind is gone over */
    ROOTS_NOFOLLOW /* before Linux 5.6, in sandboxes that don't know it, elsewhere */
};

struct root {
    char *path; /* without a slash at its end: "" is the root of all */
    int fd;
};

struct roots {
    struct root *items;
    size_t n;
    enum roots_way way;
};
