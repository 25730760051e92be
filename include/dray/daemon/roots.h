/* roots.h: the directories below which jobs may read and write, fixed by the daemon's
 * configuration. Each is open from start to end, and every path of a job is walked from it name by
 * name, so that no "..", no symbolic link and no link that is put there meanwhile leads out. Owns
 * the open roots; what it hands out is the caller's. Synchronous. */
#pragma once

#include <stdbool.h>

#include "dray/util/err.h"
#include "dray/util/str.h"

struct roots;

/* Opens each. They are configuration, so a link above or at a root is followed; a slash at its end
 * is allowed, otherwise it is written as it is meant: ERR_USAGE for one that is not absolute or has
 * "." or ".." or nothing between two slashes, ERR_IO for one that is no directory, ERR_LIMIT for
 * more than LIMIT_ROOTS. */
struct roots *roots_open(const struct str *paths, size_t n, struct err *e);
/* NULL is allowed. */
void roots_close(struct roots *r);

/* What was opened. */
struct rooted {
    int fd;     /* close-on-exec; the caller's to close */
    char *path; /* absolute, the root as it is configured: for people and reports; free() */
};

/* The directory `path`, open for reading. Absolute: below the longest root that is above it, or a
 * root itself. Relative: below the first root. One slash at its end is allowed. With `create` what
 * is missing of it is made, mode 0777 less the umask. ERR_USAGE when it is outside of all roots,
 * written with "." or "..", an empty name or NUL, or leads over a symbolic link, and says which
 * name is the reason; ERR_NOT_FOUND, ERR_IO, ERR_SPACE otherwise. */
int roots_dir(struct roots *r, struct str path, bool create, struct rooted *out, struct err *e);

enum roots_use {
    ROOTS_READ, /* a regular file that is there */
    /* A new and empty one, mode 0666 less the umask, for writing. A file of that name is removed
     * first, never emptied: it may have a second name elsewhere, in the store for one. */
    ROOTS_WRITE
};
/* The file `path` in a directory that is there: as roots_dir() otherwise. */
int roots_file(struct roots *r, struct str path, enum roots_use use, struct rooted *out,
               struct err *e);
