/* file.h: small files, read and written whole, synchronously. For what is large there is
 * store/place. */
#pragma once

#include <stddef.h>

#include "dray/util/buf.h"
#include "dray/util/err.h"

/* Appends the whole file to `out`. ERR_LIMIT when it has more than `max` bytes, ERR_NOT_FOUND when
 * it isn't there, ERR_IO otherwise. Refuses what is not a regular file or a pipe. */
int file_read(const char *path, size_t max, struct buf *out, struct err *e);
/* The same of standard input, whatever that is. */
int file_read_stdin(size_t max, struct buf *out, struct err *e);
/* All of the open file `fd`, from its beginning, into a new file. For what is not large: it is done
 * at once. ERR_IO, ERR_SPACE. */
int file_copy(int fd, const char *path, struct err *e);
/* Opens an existing regular file for reading: its descriptor (the caller's to close) and size in
 * bytes. ERR_NOT_FOUND when it isn't there, ERR_IO when it is something else or can't be read. */
int file_open_regular(const char *path, int *fd, uint64_t *bytes, struct err *e);
/* Writes a temporary name beside `path`, then renames: a reader sees the old content or the new,
 * never half. What is there and is no regular file (/dev/stderr) is written to, not replaced. */
int file_write(const char *path, struct str content, struct err *e);
/* mkdir -p, mode 0777 less the umask. ERR_IO says which component failed. */
int file_make_dir(const char *path, struct err *e);
/* The same, but `path` itself gets mode 0700 when it is made. Whatever has that name already stays
 * as it is. */
int file_make_private_dir(const char *path, struct err *e);
