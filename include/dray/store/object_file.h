/* object_file.h: the files <root>/objects/ab/abcdef..., named by their sha256; what the index says
 * of them is not its business. Owns nothing: `objects` is the open directory. For the files of this
 * layer alone. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dray/util/digest.h"
#include "dray/util/err.h"

enum { OBJECT_NAME_SIZE = 3 + 64 + 1, OBJECT_SHA256_BYTES = 32 };

struct object_stat {
    uint64_t bytes;
    int64_t written_ns; /* since 1970 */
};

/* "ab/abcdef..." */
const char *object_file_name(const struct digest *sha256, char out[static OBJECT_NAME_SIZE]);
/* Opens a regular file for reading; the descriptor is the caller's. */
bool object_file_open(int objects, const struct digest *sha256, int *fd, struct object_stat *out);
/* Is it there? NULL: nothing more is asked. When not, errno is ENOENT if nothing has its name, and
 * left alone if something else has. */
bool object_file_look(int objects, const struct digest *sha256, struct object_stat *out);
/* Whether it is gone now and was there before. */
bool object_file_remove(int objects, const struct digest *sha256);
/* Whatever else has its name goes, if it can: a link, an empty directory. */
void object_file_clear(int objects, const struct digest *sha256);
/* The directory that it belongs into, made where it is missing; the caller's to close. */
int object_file_dir(int objects, const struct digest *sha256, int *fd, struct err *e);
/* Does the content of the open file have this digest? From its beginning to its end. */
bool object_file_is(int fd, const struct digest *sha256);

/* `name` is "ab/abcdef..." or whatever else is there; `sha256` is NULL of what is no object by its
 * name and kind. The file may be removed meanwhile. */
typedef void (*object_file_fn)(void *ctx, const char *name, const struct digest *sha256);
void object_file_each(int objects, object_file_fn fn, void *ctx);
