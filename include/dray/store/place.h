/* place.h: finished files into a destination directory. A file is written without a name (where the
 * file system can: a killed process then leaves nothing behind) or under a temporary one in that
 * directory, and gets its own when it is whole and verified, so a reader never sees half of one.
 * Owns the open directory and the temporary files; never removes what it did not create.
 * Synchronous: callers write in slices. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dray/util/err.h"

struct place;      /* a directory to put files into */
struct place_file; /* one file on its way there */

/* Creates the directory where it is missing and proves that files can be created in it. ERR_IO or
 * ERR_SPACE otherwise, naming the path. */
struct place *place_open(const char *dir, struct err *e);
/* The same of a directory that is open already: takes over `dir_fd`, even on failure. `shown` is
 * its path for messages and place_dir(); nothing is opened by it. */
struct place *place_open_at(int dir_fd, const char *shown, struct err *e);
/* The directory as it is, for place_size() and place_find() alone: nothing is created. NULL when it
 * is not there or can't be read. */
struct place *place_look(const char *dir);
/* Every place_file must have been destroyed. NULL is allowed. */
void place_close(struct place *p);
/* As given to place_open(), or as shown. */
const char *place_dir(const struct place *p);

/* A new empty temporary file, mode 0666 less the umask. */
struct place_file *place_file_create(struct place *p, struct err *e);
int place_file_write(struct place_file *f, const void *bytes, size_t n, struct err *e);
/* Forgets what was written. */
int place_file_clear(struct place_file *f, struct err *e);
/* Gives it the name `name`, replacing a file of that name. Only place_file_destroy() is allowed
 * afterwards. */
int place_file_commit(struct place_file *f, const char *name, struct err *e);
/* The same into another place on the same file system. */
int place_file_commit_in(struct place_file *f, struct place *into, const char *name, struct err *e);
/* Removes the temporary file unless it was committed or moved. NULL is allowed. */
void place_file_destroy(struct place_file *f);

/* How a file that is kept elsewhere gets under its name. */
enum place_mode {
    PLACE_AUTO,          /* the first of the next three that works */
    PLACE_ONLY_REFLINK,  /* a copy whose blocks are shared until one of both is changed */
    PLACE_ONLY_HARDLINK, /* the same file: only of what nobody may write to (no w in its mode) */
    PLACE_ONLY_COPY
};

/* Puts the open file `fd`, whose path is `path`, under `name` at once, replacing a file of that
 * name, where the file systems can do it without copying. ERR_UNSUPPORTED: they can't (or `mode` is
 * PLACE_ONLY_COPY). What did not work once between this directory and that device is not tried
 * again. Other errors are final. */
int place_link(struct place *p, enum place_mode mode, int fd, const char *path, const char *name,
               struct err *e);
/* The descriptor, for reading what was written; borrowed. */
int place_file_fd(const struct place_file *f);
/* For the store: renames it (or links it, when it has no name yet) to `name` below the directory
 * `dir_fd`, as a file that nobody may write to. ERR_CONFLICT when there is one already: it stays.
 * Otherwise as place_file_commit(). */
int place_file_move(struct place_file *f, int dir_fd, const char *name, struct err *e);

/* The size of the regular file `name`, as place_find() would tell it, without opening it. */
int place_size(struct place *p, const char *name, uint64_t *bytes, struct err *e);
/* Opens the regular file `name` for reading: its descriptor and size. ERR_NOT_FOUND when there is
 * none, ERR_IO when it is something else or can't be read. */
int place_find(struct place *p, const char *name, int *fd, uint64_t *bytes, struct err *e);
